"""`eventsourcing`: applications of aggregates, threads, a table lock, ProjectionRunner."""

import json
import random
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import PersistenceError, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import ApplicationSubscription, Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from benchmarks.delivery import delivery
from benchmarks.peers.disturbance import disturb

PATIENCE = 30.0


class Show(Aggregate):
    @event("Announced")
    def __init__(self, title: str, starts_at: str, timezone: str, zones: list[Any]) -> None:
        self.title = title
        self.starts_at = starts_at
        self.timezone = timezone
        self.zones = zones

    @event("Rescheduled")
    def reschedule(self, starts_at: str) -> None:
        self.starts_at = starts_at


class Shows(Application[UUID]):
    def announce(self, title: str, starts_at: str, timezone: str) -> UUID:
        show = Show(title, starts_at, timezone, [])
        self.save(show)
        return show.id

    def reschedule(self, id: UUID, starts_at: str) -> None:
        show: Show = self.repository.get(id)
        show.reschedule(starts_at)
        self.save(show)


class Catalogue(PostgresTrackingRecorder):
    """A row for each show, with the indexes that ours has on the same columns."""

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        self.table = Identifier("bench_catalogue")
        self.sql_create_statements.append(
            SQL(
                "create table if not exists {} (id uuid primary key, title text, starts_at"
                " timestamptz, timezone text, min_price numeric, max_price numeric, places bigint)"
            ).format(self.table)
        )
        self.sql_create_statements.append(
            SQL("create index if not exists bench_by_start on {} (starts_at, id)").format(
                self.table
            )
        )

    def announce(self, announced: Any, tracking: Tracking) -> None:
        prices = [zone["price"] for zone in announced.zones]
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                SQL(
                    "insert into {} values (%s, %s, %s, %s, %s, %s, %s) on conflict (id) do update"
                    " set title = excluded.title, starts_at = excluded.starts_at,"
                    " timezone = excluded.timezone, min_price = excluded.min_price,"
                    " max_price = excluded.max_price, places = excluded.places"
                ).format(self.table),
                (
                    announced.originator_id,
                    announced.title,
                    announced.starts_at,
                    announced.timezone,
                    min(prices, default=None),
                    max(prices, default=None),
                    sum(zone["capacity"] for zone in announced.zones),
                ),
                prepare=True,
            )


class Listing(Projection[Catalogue]):
    name = "listing"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise NotImplementedError(type(domain_event))

    @process_event.register
    def _(self, domain_event: Show.Announced, tracking: Tracking) -> None:
        self.view.announce(domain_event, tracking)


def append(url: str, writers: int, seconds: float) -> dict[str, Any]:
    with Shows(environment(url, writers)) as shows:
        _together(writers, lambda: shows.announce("Benchmark", "2100-01-01T20:00:00", "UTC"))
        started = perf_counter()
        until = started + seconds
        counts: list[int] = []

        def write() -> None:
            count = 0
            while perf_counter() < until:
                shows.announce("Benchmark", "2100-01-01T20:00:00", "UTC")
                count += 1
            counts.append(count)

        _together(writers, write)
        return {"rate": sum(counts) / (perf_counter() - started)}


def lose(url: str, writers: int, seconds: float, functions: bool) -> dict[str, Any]:
    """`functions` is its own choice to insert by a function in the database, without the lock."""
    options = {"POSTGRES_ENABLE_DB_FUNCTIONS": "y"} if functions else {}
    with Shows(environment(url, writers + 2, **options)) as shows:
        disturb(url, f"public.{shows.recorder.events_table_name}")
        delivered: list[tuple[str, int]] = []
        reached = [0]
        subscription = ApplicationSubscription(shows, gt=0)

        def follow() -> None:
            for recorded, tracking in subscription:
                delivered.append((str(recorded.originator_id), recorded.originator_version))
                reached[0] = tracking.notification_id

        started = perf_counter()
        until = started + seconds

        def write() -> None:
            while perf_counter() < until:
                try:
                    id = shows.announce("Benchmark", "2100-01-01T20:00:00", "UTC")
                except PersistenceError:
                    continue
                for hour in range(3):
                    try:
                        shows.reschedule(id, f"2100-01-01T{20 + hour}:00:00")
                    except PersistenceError:
                        continue

        with subscription:
            follower = threading.Thread(target=follow)
            follower.start()
            _together(writers, write)
            elapsed = perf_counter() - started
            deadline = monotonic() + PATIENCE
            last = shows.recorder.max_notification_id() or 0
            while reached[0] < last and monotonic() < deadline:
                threading.Event().wait(0.01)
            subscription.stop()
            follower.join(PATIENCE)
        with psycopg.connect(url) as connection:
            committed = [
                (str(stream), version)
                for stream, version in connection.execute(
                    "select originator_id, originator_version from shows_events"
                )
            ]
        return {
            "rate": len(committed) / elapsed,
            "delivery": delivery(committed, delivered)._asdict(),
        }


def fill(url: str, count: int) -> dict[str, Any]:
    zones = [{"zone": str(n), "price": 20 + n, "capacity": 100} for n in range(3)]
    first = datetime(2027, 1, 1, 20)
    with Shows(environment(url, 2)) as shows:
        for start in range(0, count, 500):
            starts = [
                (first + timedelta(hours=n % 5_000)).isoformat() for n in range(start, start + 500)
            ]
            shows.save(*(Show("Show number", each, "UTC", zones) for each in starts))
    return {"filled": count}


def project(url: str, count: int) -> dict[str, Any]:
    started = perf_counter()
    with ProjectionRunner(
        application_class=Shows,
        projection_class=Listing,
        view_class=Catalogue,
        env=environment(url, 4),
    ) as runner:
        last = runner.app.recorder.max_notification_id()
        runner.wait(last, timeout=PATIENCE * 4)
        elapsed = perf_counter() - started
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from bench_catalogue").fetchone()
    assert row == (count,), row
    return {"rate": count / elapsed}


def environment(url: str, connections: int, **options: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path[1:],
        "POSTGRES_HOST": str(parts.hostname),
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": str(parts.username),
        "POSTGRES_PASSWORD": unquote(str(parts.password)),
        "POSTGRES_POOL_SIZE": str(connections),
        "POSTGRES_MAX_OVERFLOW": "4",
        **options,
    }


def _together(count: int, work: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


TASKS = {"append": append, "lose": lose, "fill": fill, "project": project}

if __name__ == "__main__":
    random.seed()
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))

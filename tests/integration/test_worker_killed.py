"""kill -9 a worker in the middle of a batch, many times, while events are appended.

In the end each read model equals one built afresh. That alone would not show a batch that was taken
in twice, for the read models overwrite; so the workers, which are real processes, are given two
more projections that count. This file, run as a program, is the mother of such workers.
"""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import msgspec
import psycopg
from dependency_injector import providers
from psycopg.rows import class_row
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

import bootstrap
from bootstrap import KINDS, Application
from contexts.events.application.commands import (
    AnnounceEvent,
    CancelEvent,
    ChangePrices,
    RescheduleEvent,
)
from contexts.events.application.ports import Plan
from contexts.events.application.taking_in import DelistEvents, TakeInPlans
from contexts.events.domain.event import PlanRef
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import ProviderRun, RunReport
from settings import Settings, load
from shared.infrastructure.broker import FEEDS, PROJECTIONS
from shared.infrastructure.projections import (
    Batch,
    Connection,
    PostgresProjection,
    RedisProjection,
)
from workers.main import run

KILLS = 40
EVENTS = 5_000
"""So many at least: kills, and events that are appended meanwhile."""

PATIENCE = 180
"""Seconds that all the kills together may take; on an idle machine it is a tenth of that."""

READ_MODELS = ("events.catalogue", "events.cards", "events.provider_runs")
TALLIES = ("test.tally", "test.redis_tally")
FOLLOWING = {*READ_MODELS, *TALLIES, "reactions"}

JULY = datetime(2100, 7, 1, 21)


class Tally(PostgresProjection):
    """How many events of each stream were taken in."""

    name = TALLIES[0]
    handles = tuple(KINDS)

    async def project(self, batch: Batch, connection: Connection) -> None:
        await connection.execute(
            "insert into tally as t select stream, count(*) from unnest(%s::text[]) as s(stream)"
            " group by stream on conflict (stream) do update"
            " set events = t.events + excluded.events",
            ([recorded.stream for recorded in batch],),
        )


class RedisTally(RedisProjection):
    name = TALLIES[1]
    handles = tuple(KINDS)

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline) -> None:
        for stream, events in Counter(recorded.stream for recorded in batch).items():
            writes.hincrby(f"{self.prefix}:events", stream, events)


def be_the_mother_of_workers() -> None:
    """Fork a worker for each name read, and tell its pid; in the end all go together.

    A worker comes from a process that has imported all there is, for that takes longer than the
    rest of this test. It has two projections more, that count, and PostgreSQL knows its name.
    """
    known = Application.runner.kwargs["subscriptions"].args
    tallies = (
        providers.Singleton(Tally),
        providers.Singleton(RedisTally, Application.redis, Application.log),
    )
    Application.runner.add_kwargs(subscriptions=providers.List(*known, *tallies))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        Application.pool.add_kwargs(name=line.strip())
        sys.exit(run(load(), [PROJECTIONS]))
    os.killpg(0, signal.SIGKILL)


async def test_workers_killed_in_the_middle_of_batches_lose_and_double_nothing(
    application: Application, settings: Settings, tmp_path: Path
) -> None:
    async with application.pool().connection() as connection:
        await connection.execute("create table tally (stream text primary key, events bigint)")
    async with _workers(settings, tmp_path) as workers:
        async with _writing(application) as requested:
            kills = 0
            async with asyncio.timeout(PATIENCE):
                while kills < KILLS or await _last_position(application) < EVENTS:
                    await workers.kill_one_in_a_batch(written=kills % 2 == 1)
                    kills += 1
                    assert await _errors(application) == []
        await _all_at_the_end(application)

    in_the_log = await _pairs(
        application, "select stream, count(*) from event_store.events group by stream"
    )
    assert await _pairs(application, "select stream, events from tally") == in_the_log
    assert await _redis_tally(application) == in_the_log
    assert _queued_runs(application) >= requested, "each run that was asked for is queued"

    kept = await _read_models(application)
    await _build_afresh(application)
    afresh = await _read_models(application)
    assert {name: len(rows) for name, rows in kept.items()} == {
        name: len(rows) for name, rows in afresh.items()
    }
    assert kept == afresh


class Workers:
    """Two at a time; whoever is killed gets a successor."""

    def __init__(self, mother: Process, connection: Connection) -> None:
        self._mother = mother
        self._connection = connection
        self._count = 0
        self._pids: dict[str, int] = {}

    async def start_one(self) -> None:
        assert self._mother.stdin
        assert self._mother.stdout
        self._count += 1
        name = f"worker-{self._count}"
        self._mother.stdin.write(f"{name}\n".encode())
        self._pids[name] = int(await self._mother.stdout.readline())

    async def kill_one_in_a_batch(self, *, written: bool) -> None:
        """Kill one between the begin and the commit of a batch.

        `written`: when the data, or the checkpoint too, have been written and not committed.
        """
        name = random.choice(list(self._pids))
        while not await self._stops_in_a_batch(name, written=written):
            os.kill(self._pids[name], signal.SIGCONT)
            await asyncio.sleep(random.uniform(0.001, 0.02))
        os.kill(self._pids.pop(name), signal.SIGKILL)
        await self.start_one()

    async def end(self) -> None:
        os.killpg(self._mother.pid, signal.SIGKILL)
        await self._mother.wait()
        async with asyncio.timeout(20):
            while True:
                if not await self._sessions("worker-%"):
                    return
                await asyncio.sleep(0.01)

    async def _stops_in_a_batch(self, name: str, *, written: bool) -> bool:
        """Stop the process where it is; whether that is where it was wanted.

        Its transactions stay as they are once the server has done all that it had been sent.
        """
        if not await self._sessions(name):
            return False
        os.kill(self._pids[name], signal.SIGSTOP)
        before: list[Session] | None = None
        while (sessions := await self._sessions(name)) != before or any(
            session.is_busy for session in sessions
        ):
            before = sessions
        return any(
            session.in_batch and (session.has_written or not written) for session in sessions
        )

    async def _sessions(self, name: str) -> list["Session"]:
        async with self._connection.cursor(row_factory=class_row(Session)) as sessions:
            await sessions.execute(
                "select pid, state, wait_event_type, query, backend_xid is not null as in_batch"
                " from pg_stat_activity where application_name like %s order by pid",
                (name,),
            )
            return await sessions.fetchall()


class Session(msgspec.Struct, frozen=True):
    """`in_batch`: in a transaction that changes or locks something; `query` is the last one."""

    pid: int
    state: str | None
    wait_event_type: str | None
    query: str
    in_batch: bool

    @property
    def is_busy(self) -> bool:
        """Whether the server has still to do something that its client does not hold up."""
        return self.state == "active" and self.wait_event_type != "Client"

    @property
    def has_written(self) -> bool:
        return self.state == "idle in transaction" and self.query.startswith(("insert", "update"))


@asynccontextmanager
async def _workers(settings: Settings, folder: Path) -> AsyncIterator[Workers]:
    assert settings.database_url
    assert settings.redis_url
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    with (folder / "workers.log").open("wb") as log:
        mother = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__),
            cwd=folder,
            env={
                **environment,
                "PYTHONPATH": str(Path(bootstrap.__file__).parent),
                "DATABASE_URL": settings.database_url,
                "REDIS_URL": settings.redis_url,
                "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
                "MARQUEE_TICK_SECONDS": "0.05",
                "MARQUEE_LOG_LEVEL": "warning",
            },
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
        )
    async with await psycopg.AsyncConnection.connect(
        settings.database_url, autocommit=True
    ) as connection:
        workers = Workers(mother, connection)
        try:
            await workers.start_one()
            await workers.start_one()
            yield workers
        finally:
            await workers.end()


# What is appended meanwhile


@asynccontextmanager
async def _writing(application: Application) -> AsyncIterator[set[str]]:
    """Append all kinds of events; the runs that were asked for, by their ids."""
    requested: set[str] = set()
    writers = [
        asyncio.create_task(_provider(application, "acme", seed=1)),
        asyncio.create_task(_provider(application, "bravo", seed=2)),
        asyncio.create_task(_own_events(application, seed=3)),
        asyncio.create_task(_runs(application, requested)),
    ]
    try:
        yield requested
        assert not any(writer.done() for writer in writers), "a writer broke off"
    finally:
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)


async def _provider(application: Application, provider: str, *, seed: int) -> None:
    """Plans come, change, leave and come back."""
    chance = random.Random(seed)
    while True:
        plans = [_plan(chance, str(n)) for n in chance.sample(range(3_000), 20)]
        await application.bus()(TakeInPlans(provider, "Europe/Madrid", tuple(plans)))
        gone = [PlanRef(provider, plan.base_id, plan.plan_id).event_id for plan in plans[:3]]
        await application.bus()(DelistEvents(tuple(gone), uuid4()))
        await asyncio.sleep(chance.uniform(0, 0.1))


async def _own_events(application: Application, *, seed: int) -> None:
    chance = random.Random(seed)
    while True:
        announced = await application.bus()(AnnounceEvent("Own", JULY, "UTC", zones=_zones(chance)))
        starts_at = JULY + timedelta(days=chance.randrange(300))
        await application.bus()(RescheduleEvent(announced.id, starts_at))
        await application.bus()(ChangePrices(announced.id, _zones(chance)))
        if chance.random() < 0.3:
            await application.bus()(CancelEvent(announced.id, "storm"))
        await asyncio.sleep(chance.uniform(0, 0.05))


async def _runs(application: Application, requested: set[str]) -> None:
    runs, now = application.events.runs(), JULY.astimezone()
    while True:
        run = ProviderRun.request(uuid4(), "acme", now=now)
        await runs.save(run)
        requested.add(str(run.id))
        report = RunReport(source="-", started_at=now, finished_at=now, plans=len(requested))
        if len(requested) % 3:
            run.complete("acme", report)
        else:
            run.fail("acme", "gone", report)
        await runs.save(run)
        await asyncio.sleep(0.02)


def _plan(chance: random.Random, id: str) -> Plan:
    return Plan(
        base_id=id,
        plan_id=id,
        title=chance.choice(["Jazz", "Rock", "Été"]),
        starts_at=JULY + timedelta(days=chance.randrange(3)),
        ends_at=None,
        sell_mode=chance.choice(["online", "offline"]),
        sell_from=None,
        sell_to=None,
        sold_out=chance.random() < 0.1,
        organizer=chance.choice([None, "Blue Note"]),
        zones=_zones(chance),
    )


def _zones(chance: random.Random) -> tuple[Zone, ...]:
    return tuple(
        Zone(str(n), f"Zone {n}", Decimal(chance.randrange(9_999)) / 100, chance.randrange(3))
        for n in range(chance.randrange(6))
    )


# What came of it


async def _all_at_the_end(application: Application) -> None:
    """Wait until everything that follows the log has come to its end, without an error."""
    last = await _last_position(application)
    async with asyncio.timeout(60):
        while True:
            assert await _errors(application) == []
            if await _checkpoints(application) == dict.fromkeys(FOLLOWING, last):
                return
            await asyncio.sleep(0.05)


async def _checkpoints(application: Application) -> dict[str, int]:
    return await _pairs(application, "select projection, position from event_store.checkpoints")


async def _errors(application: Application) -> list[str]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select projection || ': ' || error from event_store.checkpoints"
            " where error is not null"
        )
        return [error for (error,) in await cursor.fetchall()]


async def _last_position(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select last_value from event_store.position")
        row = await cursor.fetchone()
    assert row is not None
    position: int = row[0]
    return position


async def _pairs(application: Application, query: str) -> dict[str, int]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(query.encode())
        return dict(await cursor.fetchall())


async def _redis_tally(application: Application) -> dict[str, int]:
    prefix = RedisTally(application.redis(), application.log()).prefix
    found: Any = await application.redis().hgetall(f"{prefix}:events")
    return {stream.decode(): int(events) for stream, events in found.items()}


def _queued_runs(application: Application) -> set[str]:
    queue = f"{application.settings().broker_namespace}:{FEEDS}.msgs"
    messages = map(dramatiq.Message.decode, application.broker().client.hvals(queue))
    return {run_id for _, run_id in (message.args for message in messages)}


async def _read_models(application: Application) -> dict[str, dict[Any, Any]]:
    """All that the read models hold: each row, and each card, by its key."""
    held: dict[str, dict[Any, Any]] = {}
    async with application.pool().connection() as connection:
        for table in ("catalogue", "provider_runs"):
            cursor = await connection.execute(
                f"select tenant, id, to_jsonb(t) from events.{table} t"  # noqa: S608 (constants)
            )
            held[table] = {(tenant, id): row for tenant, id, row in await cursor.fetchall()}
    cards: Any = await application.redis().hgetall(f"{application.events.cards().prefix}:default")
    held["cards"] = {UUID(bytes=id): msgspec.msgpack.decode(card) for id, card in cards.items()}
    return held


async def _build_afresh(application: Application) -> None:
    async with application.pool().connection() as connection:
        await connection.execute("truncate events.catalogue, events.provider_runs")
        await connection.execute(
            "delete from event_store.checkpoints where projection = any(%s)", (list(READ_MODELS),)
        )
    prefix = application.events.cards().prefix
    assert await application.redis().delete(f"{prefix}:checkpoint", f"{prefix}:default") == 2
    for name in READ_MODELS:
        await application.runner().catch_up(name)


if __name__ == "__main__":
    be_the_mother_of_workers()

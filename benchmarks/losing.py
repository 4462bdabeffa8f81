"""What a follower misses while 16 writers pause before they commit and roll a quarter back."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from time import perf_counter

import psycopg

from benchmarks.contest import Entry, Figure, Measure, Row
from benchmarks.delivery import Delivery, delivery
from benchmarks.delivery import Place as Delivered
from benchmarks.peers.disturbance import disturb
from benchmarks.place import Place
from benchmarks.projecting import CATALOGUE
from bootstrap import Application, running
from contexts.events.application.commands import AnnounceEvent, RescheduleEvent
from contexts.events.domain.event import EventChange
from settings import Settings
from shared.domain.aggregate import kinds_of

WRITERS = 16
SECONDS = 4.0
ANNOUNCED = AnnounceEvent("Benchmark", datetime(2100, 1, 1, 20), "UTC")
LOSSES = {name: 0.0 for name in (*Delivery._fields, "wrong rows")}


def rows() -> list[Row]:
    return [
        Row(
            f"followed under {WRITERS} disturbed writers",
            "events/s committed",
            (
                Entry("marquee", ours),
                Entry("eventsourcing", peer("with_eventsourcing", functions=False)),
                Entry(
                    "eventsourcing, functions (no lock)",
                    peer("with_eventsourcing", functions=True),
                ),
                Entry("eventsource-py", peer("with_eventsource")),
            ),
            limits=LOSSES,
        )
    ]


async def ours(place: Place) -> Figure:
    """As many programs as there are writers, so that nothing is decided inside one process."""
    async with place.database(database_connections=3) as settings, AsyncExitStack() as stack:
        applications = [
            await stack.enter_async_context(running(settings, "marquee-bench"))
            for _ in range(WRITERS)
        ]
        reader = await stack.enter_async_context(running(settings, "marquee-bench"))
        await asyncio.to_thread(disturb, settings.database(), "event_store.events")
        done = asyncio.Event()
        following = asyncio.create_task(_follow(reader, done))
        projecting = asyncio.create_task(_project(reader, done))
        started = perf_counter()
        until = started + place.seconds(SECONDS)
        await asyncio.gather(*(_write(each, until) for each in applications))
        elapsed = perf_counter() - started
        done.set()
        delivered = await following
        await projecting
        committed = await _committed(settings)
        wrong = await _wrong_rows(settings)
    losses = delivery(committed, delivered)._asdict()
    return Figure(len(committed) / elapsed, {**losses, "wrong rows": wrong})


async def _write(application: Application, until: float) -> None:
    bus = application.bus()
    while perf_counter() < until:
        try:
            event = await bus(ANNOUNCED)
        except psycopg.Error:
            continue
        for hour in range(3):
            moved = RescheduleEvent(event.id, datetime(2100, 1, 2, 20 + hour))
            try:
                await bus(moved)
            except psycopg.Error:
                continue


async def _follow(application: Application, done: asyncio.Event) -> Sequence[Delivered]:
    store = application.store()
    types = application.codec().tags_for(kinds_of(EventChange))
    delivered: list[Delivered] = []
    position = 0
    while True:
        last = done.is_set()
        log = await store.follow(position, types=types, limit=500)
        delivered += [(stored.stream, stored.version) for stored in log.events]
        position = log.upto
        if not log.events:
            if last:
                return delivered
            await asyncio.sleep(0.002)


async def _project(application: Application, done: asyncio.Event) -> None:
    """Keep the catalogue up to the log while it is written."""
    while True:
        last = done.is_set()
        await application.runner().catch_up(CATALOGUE)
        if last:
            return
        await asyncio.sleep(0.002)


async def _wrong_rows(settings: Settings) -> int:
    """Events that the catalogue does not show, or not as their last version left them."""
    async with await psycopg.AsyncConnection.connect(settings.database()) as connection:
        cursor = await connection.execute(
            "select count(*) from (select stream, max(version) as version from event_store.events"
            " group by stream) h left join events.catalogue c on h.stream = 'event-' || c.id::text"
            " where c.version is distinct from h.version"
        )
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


async def _committed(settings: Settings) -> list[Delivered]:
    async with await psycopg.AsyncConnection.connect(settings.database()) as connection:
        cursor = await connection.execute("select stream, version from event_store.events")
        return [(stream, version) for stream, version in await cursor.fetchall()]


def peer(module: str, **options: bool) -> Measure:
    async def measure(place: Place) -> Figure:
        async with place.database(copy_of=None) as settings:
            result = await place.peer(
                module,
                "lose",
                url=settings.database(),
                writers=WRITERS,
                seconds=place.seconds(SECONDS),
                **options,
            )
            return Figure(result["rate"], result["delivery"])

    return measure

"""Appends through the full path (bus, aggregate, repository, store), and what bounds them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import perf_counter
from uuid import uuid4

import psycopg

from benchmarks.contest import Entry, Figure, Measure, Row
from benchmarks.importing import plans
from benchmarks.place import Place
from bootstrap import running
from contexts.events.application.commands import AnnounceEvent
from contexts.events.application.taking_in import TakeInPlans

SECONDS = 1.5
COMMAND = AnnounceEvent("Benchmark", datetime(2100, 1, 1, 20), "UTC")
INSERT = (
    "insert into event_store.events (tenant, stream, version, type, data, metadata)"
    " values ('default', %s, 1, 'events.event_announced', %s, %s)"
)
COPY = "copy event_store.events (tenant, stream, version, type, data, metadata) from stdin"
BATCH = 500


def rows() -> list[Row]:
    return [
        *(
            Row(
                f"append, {writers} writer{'s' if writers > 1 else ''}",
                "commands/s",
                (
                    Entry("marquee", commands(writers)),
                    Entry("bare prepared INSERT", inserts(writers), ("at least", 0.5)),
                    Entry(
                        "eventsourcing",
                        peer("with_eventsourcing", writers),
                        ("at least", 3),
                    ),
                    Entry("eventsource-py", peer("with_eventsource", writers), ("at least", 3)),
                ),
            )
            for writers in (1, 16)
        ),
        Row(
            f"append in bulk, {BATCH} streams a command",
            "events/s",
            (Entry("marquee", bulk), Entry("COPY", copy)),
        ),
    ]


def commands(writers: int) -> Measure:
    async def measure(place: Place) -> Figure:
        async with (
            place.database(database_connections=writers) as settings,
            running(settings, "marquee-bench") as application,
        ):
            bus = application.bus()
            await asyncio.gather(*(bus(COMMAND) for _ in range(writers)))

            async def write() -> None:
                await bus(COMMAND)

            return Figure(await rate(write, writers, place.seconds(SECONDS)))

    return measure


def inserts(writers: int) -> Measure:
    """The same number of connections, the same table and indexes, rows of the same size."""

    async def measure(place: Place) -> Figure:
        async with place.database() as settings:
            data, metadata = await sample(settings)
            connections = [
                await psycopg.AsyncConnection.connect(
                    settings.database(), autocommit=True, prepare_threshold=0
                )
                for _ in range(writers)
            ]
            free = list(connections)

            async def write() -> None:
                connection = free.pop()
                await connection.execute(INSERT, (f"event-{uuid4()}", data, metadata))
                free.append(connection)

            try:
                await asyncio.gather(*(write() for _ in range(writers)))
                return Figure(await rate(write, writers, place.seconds(SECONDS)))
            finally:
                for connection in connections:
                    await connection.close()

    return measure


def peer(module: str, writers: int) -> Measure:
    async def measure(place: Place) -> Figure:
        async with place.database(copy_of=None) as settings:
            result = await place.peer(
                module,
                "append",
                url=settings.database(),
                writers=writers,
                seconds=place.seconds(SECONDS),
            )
            return Figure(result["rate"])

    return measure


async def bulk(place: Place) -> Figure:
    count = place.size(20_000, 5_000)
    async with place.database() as settings, running(settings, "marquee-bench") as application:
        batches = [
            TakeInPlans("bench", "UTC", tuple(plans(BATCH, zones=3, first=first)))
            for first in range(0, count, BATCH)
        ]
        started = perf_counter()
        for batch in batches:
            await application.bus()(batch)
        return Figure(count / (perf_counter() - started))


async def copy(place: Place) -> Figure:
    """The same number of rows, of the size that a plan with three zones has, in one go."""
    count = place.size(20_000, 5_000)
    async with place.database() as settings:
        data, metadata = await sample(settings)
        started = perf_counter()
        async with (
            await psycopg.AsyncConnection.connect(settings.database()) as connection,
            connection.cursor() as cursor,
            cursor.copy(COPY) as copying,
        ):
            for _ in range(count):
                await copying.write_row(
                    (
                        "default",
                        f"event-{uuid4()}",
                        1,
                        "events.event_announced",
                        data,
                        metadata,
                    )
                )
        return Figure(count / (perf_counter() - started))


async def sample(settings: object) -> tuple[str, str]:
    """Data and metadata as one command leaves them in the log."""
    async with running(settings, "marquee-bench") as application:  # type: ignore[arg-type]
        await application.bus()(COMMAND)
        async with application.pool().connection() as connection:
            cursor = await connection.execute(
                "select data::text, metadata::text from event_store.events limit 1"
            )
            row = await cursor.fetchone()
            assert row is not None
            return row[0], row[1]


async def rate(write: Callable[[], Awaitable[None]], writers: int, seconds: float) -> float:
    started = perf_counter()
    until = started + seconds

    async def go_on() -> int:
        count = 0
        while perf_counter() < until:
            await write()
            count += 1
        return count

    counts = await asyncio.gather(*(go_on() for _ in range(writers)))
    return sum(counts) / (perf_counter() - started)

"""Appends through the full path (bus, aggregate, repository, store), and the bare INSERT."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import perf_counter
from uuid import uuid4

import psycopg

from bootstrap import running
from contexts.events.application.commands import AnnounceEvent
from settings import Settings

SECONDS = 2.0
COMMAND = AnnounceEvent("Benchmark", datetime(2100, 1, 1, 20), "UTC")
INSERT = (
    "insert into event_store.events (tenant, stream, version, type, data, metadata)"
    " values ('default', %s, 1, 'bench.inserted', %s, '{}')"
)
DATA = '{"type": "bench.inserted", "title": "Benchmark", "starts_at": "2100-01-01T20:00:00"}'


def commands(writers: int) -> Callable[[Settings], Awaitable[float]]:
    async def measure(settings: Settings) -> float:
        async with running(settings, "marquee-bench") as application:
            bus = application.bus()
            await asyncio.gather(*(bus(COMMAND) for _ in range(writers)))

            async def write() -> None:
                await bus(COMMAND)

            return await _rate(write, writers)

    return measure


def inserts(writers: int) -> Callable[[Settings], Awaitable[float]]:
    """The same number of connections, the same table and indexes, one statement each."""

    async def measure(settings: Settings) -> float:
        connections = [
            await psycopg.AsyncConnection.connect(
                settings.database(), autocommit=True, prepare_threshold=0
            )
            for _ in range(writers)
        ]
        free = list(connections)

        async def write() -> None:
            connection = free.pop()
            await connection.execute(INSERT, (f"bench-{uuid4()}", DATA))
            free.append(connection)

        try:
            return await _rate(write, writers)
        finally:
            for connection in connections:
                await connection.close()

    return measure


async def _rate(write: Callable[[], Awaitable[None]], writers: int) -> float:
    started = perf_counter()
    until = started + SECONDS

    async def go_on() -> int:
        count = 0
        while perf_counter() < until:
            await write()
            count += 1
        return count

    counts = await asyncio.gather(*(go_on() for _ in range(writers)))
    return sum(counts) / (perf_counter() - started)

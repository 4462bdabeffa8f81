"""From a command to the row in the read model, by way of the broker, when nothing else goes on."""

import asyncio
from datetime import datetime
from time import perf_counter
from uuid import UUID

from psycopg import AsyncConnection

from benchmarks.contest import Entry, Figure, Row
from benchmarks.figures import percentile
from benchmarks.place import Place
from benchmarks.processes import worker
from bootstrap import running
from contexts.events.application.commands import AnnounceEvent

COMMAND = AnnounceEvent("Benchmark", datetime(2100, 1, 1, 20), "UTC")
PATIENCE = 5.0


def rows() -> list[Row]:
    return [
        Row(
            "command to visible, idle",
            "ms, p50",
            (Entry("marquee", measure),),
            limits={"ms p50": 30, "ms p99": 150},
        )
    ]


async def measure(place: Place) -> Figure:
    async with place.database(broker_namespace="bench-waking") as settings:
        # The tick, which works without the broker too, must not be what is measured.
        async with (
            worker(settings, place.folder, MARQUEE_TICK_SECONDS="60"),
            running(settings, "marquee-bench") as application,
            await AsyncConnection.connect(settings.database(), autocommit=True) as looking,
        ):
            bus = application.bus()
            times = []
            for number in range(place.size(60, 30) + 5):
                await asyncio.sleep(0.03 + number % 7 * 0.01)
                started = perf_counter()
                announced = await bus(COMMAND)
                await _visible(looking, announced.id)
                times.append((perf_counter() - started) * 1000)
        times = times[5:]
    notes = {"ms p50": percentile(times, 0.5), "ms p99": percentile(times, 0.99)}
    return Figure(notes["ms p50"], {**notes, "ms max": max(times)})


async def _visible(connection: AsyncConnection[tuple[int]], id: UUID) -> None:
    deadline = perf_counter() + PATIENCE
    while True:
        cursor = await connection.execute("select 1 from events.catalogue where id = %s", (id,))
        if await cursor.fetchone():
            return
        if perf_counter() > deadline:
            raise TimeoutError("the worker has not been woken")
        await asyncio.sleep(0.001)

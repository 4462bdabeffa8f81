"""What the processes hold at their start, and how much more after they have worked."""

import asyncio
from time import perf_counter

from psycopg import AsyncConnection

from benchmarks.contest import Entry, Figure, Row
from benchmarks.importing import plans
from benchmarks.place import Place, child
from benchmarks.processes import api, memory, worker
from benchmarks.serving import LISTED, PATH, fill
from bootstrap import running
from contexts.events.application.taking_in import TakeInPlans

PATIENCE = 120.0
BATCH = 500


def rows() -> list[Row]:
    return [
        Row("memory of the API", "MB after its work", (Entry("marquee", of_api),), rounds=1),
        Row("memory of a worker", "MB after its work", (Entry("marquee", of_worker),), rounds=1),
    ]


async def of_api(place: Place) -> Figure:
    requests = place.size(10_000, 2_000)
    await place.once(LISTED, lambda: fill(place))
    async with place.database(LISTED) as settings, api(settings, place.folder) as (port, pid):
        start = memory(pid)
        sizes = []
        answered = 0.0
        while answered < requests:
            loaded = await child(
                "benchmarks.client", "load", port=port, path=PATH, connections=16, seconds=1.0
            )
            answered += loaded["rate"]
            sizes.append(memory(pid))
    return _figure(start, sizes, {"requests": answered})


async def of_worker(place: Place) -> Figure:
    events = place.size(50_000, 5_000)
    async with (
        place.database(broker_namespace="bench-memory") as settings,
        worker(settings, place.folder) as pid,
        running(settings, "marquee-bench") as program,
        await AsyncConnection.connect(settings.database(), autocommit=True) as looking,
    ):
        start = memory(pid)
        sizes = []
        for first in range(0, events, BATCH):
            await program.bus()(
                TakeInPlans("bench", "UTC", tuple(plans(BATCH, zones=3, first=first)))
            )
            if (first + BATCH) % (events // 10) == 0:
                await _projected(looking, first + BATCH)
                sizes.append(memory(pid))
    return _figure(start, sizes, {"events": events})


def _figure(start: float, sizes: list[float], notes: dict[str, float]) -> Figure:
    """The second half of the work shows growth that does not end; the first is warming up."""
    half = sizes[(len(sizes) - 1) // 2]
    return Figure(sizes[-1], {"at start": start, "in its second half": sizes[-1] - half, **notes})


async def _projected(connection: AsyncConnection[tuple[int]], count: int) -> None:
    deadline = perf_counter() + PATIENCE
    while True:
        cursor = await connection.execute("select count(*) from events.catalogue")
        row = await cursor.fetchone()
        if row is not None and row[0] >= count:
            return
        if perf_counter() > deadline:
            raise TimeoutError(f"{row} of {count} events are in the catalogue")
        await asyncio.sleep(0.1)

"""Whether appends and stream reads slow down as the log grows to ten million events."""

import asyncio
import random

import psycopg

from benchmarks.appending import COMMAND, rate
from benchmarks.contest import Entry, Figure, Measure, Row
from benchmarks.place import MIGRATED, Place
from bootstrap import running

CALLERS = 16
SECONDS = 2.0
EVENTS_A_STREAM = 10

FILL = """
with template as materialized (select * from event_store.events where version = 1),
streams as materialized (
    select 'event-' || gen_random_uuid() as stream from generate_series(1, %s)
)
insert into event_store.events (tenant, stream, version, type, data, metadata)
select 'default', s.stream, v.version, t.type, t.data, t.metadata
from streams s cross join template t cross join generate_series(1, %s) as v(version)
"""


def rows() -> list[Row]:
    small, large = 1_000_000, 10_000_000
    return [
        Row(
            f"{what}, {large:,} events in the log",
            "a second",
            (
                Entry("marquee", of(what, large)),
                Entry(f"with {small:,}", of(what, small), ("at least", 0.8)),
                Entry("with 10,000", of(what, 10_000)),
            ),
            large=True,
        )
        for what in ("appends", "stream reads")
    ]


def of(what: str, events: int) -> Measure:
    async def measure(place: Place) -> Figure:
        name = f"log_of_{events}"
        count = place.size(events, events // 100)
        streams = await place.once(name, lambda: _fill(place, name, count))
        settings = place.settings(name, database_connections=CALLERS)
        async with running(settings, "marquee-bench") as program:

            async def append() -> None:
                await program.bus()(COMMAND)

            async def read() -> None:
                history = await program.store().read([random.choice(streams)])
                assert history

            work = append if what == "appends" else read
            await asyncio.gather(*(work() for _ in range(CALLERS)))
            return Figure(await rate(work, CALLERS, place.seconds(SECONDS)))

    return measure


async def _fill(place: Place, name: str, events: int) -> list[str]:
    """Fill a log; return some of its streams."""
    await place.make(name, copy_of=MIGRATED)
    settings = place.settings(name)
    async with running(settings, "marquee-bench") as program:
        await program.bus()(COMMAND)
    async with await psycopg.AsyncConnection.connect(
        settings.database(), autocommit=True
    ) as connection:
        await connection.execute(FILL, (events // EVENTS_A_STREAM, EVENTS_A_STREAM))
        await connection.execute("vacuum analyze event_store.events")
        cursor = await connection.execute(
            "select stream from event_store.events where version = 1 and position %% %s = 0"
            " limit 20000",
            (max(1, events // 200_000),),
        )
        return [row[0] for row in await cursor.fetchall()]

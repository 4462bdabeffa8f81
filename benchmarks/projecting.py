"""How fast the catalogue follows the log, and how fast the log can be read at all."""

from time import perf_counter

from benchmarks.importing import plans
from bootstrap import Application, running
from contexts.events.application.taking_in import TakeInPlans
from contexts.events.infrastructure.catalogue import Catalogue
from settings import Settings
from shared.infrastructure.postgres_event_store import read_log

EVENTS = 20_000


async def catch_up(settings: Settings) -> float:
    async with running(settings, "marquee-bench") as application:
        start = await _filled(application)
        async with application.pool().connection() as connection:
            await connection.execute(
                "insert into event_store.checkpoints (projection, position) values (%s, %s)"
                " on conflict (projection) do update set position = excluded.position",
                (Catalogue.name, start),
            )
            await connection.execute("truncate events.catalogue")
        started = perf_counter()
        await application.runner().catch_up(Catalogue.name)
        return EVENTS / (perf_counter() - started)


async def read(settings: Settings) -> float:
    async with running(settings, "marquee-bench") as application:
        after = await _filled(application)
        types = application.runner().types[Catalogue.name]
        started = perf_counter()
        async with application.pool().connection() as connection:
            mark = await application.mark().advance(connection)
            while after < mark:
                log = await read_log(connection, after, upto=mark, types=types, limit=2_000)
                for stored in log.events:
                    application.codec().recorded(stored)
                after = log.upto
        return EVENTS / (perf_counter() - started)


async def _filled(application: Application) -> int:
    """Append events that are new to the log; return the position before them."""
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select coalesce(max(position), 0) from event_store.events"
        )
        row = await cursor.fetchone()
        assert row is not None
    batch = 500
    for start in range(0, EVENTS, batch):
        some = tuple(plans(batch, zones=3, first=row[0] + start))
        await application.bus()(TakeInPlans("bench", "UTC", some))
    return int(row[0])

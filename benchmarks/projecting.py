"""How fast the catalogue follows the log, how fast the log can be read, and ProjectionRunner."""

from time import perf_counter

from psycopg.sql import SQL, Identifier

from benchmarks.contest import Entry, Figure, Row
from benchmarks.importing import plans
from benchmarks.place import MIGRATED, Place
from bootstrap import running
from contexts.events.application.taking_in import TakeInPlans
from contexts.events.domain.event import EventChange
from shared.application.projections import RebuildProjection
from shared.domain.aggregate import kinds_of

CATALOGUE = "events.catalogue"
FILLED, PEER_FILLED = "log_filled", "peer_filled"
BATCH = 500


def rows() -> list[Row]:
    return [
        Row(
            "the catalogue catches up",
            "events/s",
            (
                Entry("marquee", catch_up),
                Entry("reading and decoding the log alone", read),
                Entry("eventsourcing, ProjectionRunner", peer, ("at least", 10)),
            ),
        )
    ]


async def catch_up(place: Place) -> Figure:
    """As it is built from a log: filled, and then its indexes made. And as it follows."""
    await place.once(FILLED, lambda: _fill(place))
    count = _count(place)
    async with place.database(FILLED) as settings, running(settings, "marquee-bench") as program:
        instance = await program.bus()(RebuildProjection(CATALOGUE))
        started = perf_counter()
        await program.runner().catch_up(CATALOGUE, states=("building",))
        async with program.pool().connection() as connection, connection.transaction():
            await program.events.catalogue().index(instance, connection)
        elapsed = perf_counter() - started
        started = perf_counter()
        await program.runner().catch_up(CATALOGUE, states=("active",))
        indexed = perf_counter() - started
        async with program.pool().connection() as connection:
            for table in ("catalogue", f"catalogue_{instance}"):
                cursor = await connection.execute(
                    SQL("select count(*) from {}").format(Identifier("events", table))
                )
                assert await cursor.fetchone() == (count,)
        return Figure(count / elapsed, {"events/s with 13 indexes in place": count / indexed})


async def read(place: Place) -> Figure:
    await place.once(FILLED, lambda: _fill(place))
    async with place.database(FILLED) as settings, running(settings, "marquee-bench") as program:
        codec, store = program.codec(), program.store()
        types = codec.tags_for(kinds_of(EventChange))
        started, position, count = perf_counter(), 0, 0
        while (log := await store.follow(position, types=types, limit=2_000)).events:
            count += sum(1 for _ in map(codec.recorded, log.events))
            position = log.upto
        assert count == _count(place)
        return Figure(count / (perf_counter() - started))


async def peer(place: Place) -> Figure:
    count = place.size(4_000, 1_000)

    async def fill() -> None:
        await place.make(PEER_FILLED, copy_of=None)
        url = place.settings(PEER_FILLED).database()
        await place.peer("with_eventsourcing", "fill", url=url, count=count)

    await place.once(PEER_FILLED, fill)
    async with place.database(PEER_FILLED) as settings:
        result = await place.peer(
            "with_eventsourcing", "project", url=settings.database(), count=count
        )
        return Figure(result["rate"])


def _count(place: Place) -> int:
    return place.size(40_000, 10_000)


async def _fill(place: Place) -> None:
    await place.make(FILLED, copy_of=MIGRATED)
    async with running(place.settings(FILLED), "marquee-bench") as program:
        for first in range(0, _count(place), BATCH):
            some = tuple(plans(BATCH, zones=3, first=first))
            await program.bus()(TakeInPlans("bench", "UTC", some))

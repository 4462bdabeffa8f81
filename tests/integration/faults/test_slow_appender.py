"""Somebody appends and does not commit while others go on: nothing is read past them, then all."""

import asyncio
from collections.abc import Sequence

import psycopg

from bootstrap import Application
from faults.worker_group import PATIENCE
from listings import serving
from settings import Settings
from shared.application.event_store import Append, StoredEvent
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.postgres_event_store import PostgresEventStore
from tallies import CODEC, Counted, Tally, append, append_slowly, counts_of, new_stream, runner_of

WRITERS = 16
EACH = 25
"""Appends of each writer."""

TYPES = ["test.counted"]


async def test_nothing_is_read_past_a_slow_appender_who_is_named_and_then_all_arrives(
    application: Application, settings: Settings, database: str
) -> None:
    tally = Tally()
    runner = runner_of(application, tally)
    before = await append(application, "before")
    # Whoever has never looked at the log while nobody appends may read none of it.
    assert [event.position for event in await _follow(application)] == [before]
    assert await runner.catch_up(tally.name) == before
    async with (
        serving(settings) as client,
        await psycopg.AsyncConnection.connect(database, application_name="slow") as slow,
    ):
        await append_slowly(slow, "slow")
        writers = [asyncio.create_task(_write(application, n)) for n in range(WRITERS)]
        looks = 0
        while not all(writer.done() for writer in writers) or not looks:
            assert [event.position for event in await _follow(application)] == [before]
            assert await runner.catch_up(tally.name) == before
            assert await counts_of(application) == {"before": 1}
            looks += 1
        positions = [position for writer in writers for position in await writer]

        following = (await client.get("/projections")).json()
        (holder,) = following["held_by"]
        assert (holder["pid"], holder["application_name"]) == (slow.info.backend_pid, "slow")
        assert following["high_water_mark"] == before
        assert following["last_position"] == max(positions)
        assert [event.position for event in await _follow(application)] == [before]
        await slow.commit()
    async with asyncio.timeout(PATIENCE):
        while await runner.catch_up(tally.name) < max(positions):
            await asyncio.sleep(0.01)
    assert [event.position for event in await _follow(application)] == [
        before,
        before + 1,
        *sorted(positions),
    ]
    appended = {"before": 1, "slow": 1, **{f"writer {n}": EACH for n in range(WRITERS)}}
    assert await counts_of(application) == appended


async def _write(application: Application, number: int) -> list[int]:
    """With a store of its own, so that no two of them share a transaction."""
    store = PostgresEventStore(application.pool(), HighWaterMark(), lambda *_: None)
    event = CODEC.encode(Counted(name=f"writer {number}"))
    return [await store.append([Append(new_stream(), 0, [event])]) for _ in range(EACH)]


async def _follow(application: Application) -> Sequence[StoredEvent]:
    """All that there is to read."""
    return (await application.store().follow(0, types=TYPES, limit=10_000)).events

"""The fence under stress: whatever writers do, a follower misses nothing and repeats nothing.

The same story is told without the lock, and must then go wrong.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from shared.infrastructure.high_water_mark import HighWaterMark
from shared.infrastructure.postgres_event_store import read_log

WRITERS = 16
SHARED_STREAMS = 8
TYPES = ["test.happened"]
Event = tuple[str, int]


class Outcome(NamedTuple):
    committed: list[Event]
    followed: list[Event]
    conflicts: int
    rolled_back: int

    @property
    def skipped(self) -> int:
        return len(set(self.committed) - set(self.followed))

    @property
    def repeated(self) -> int:
        return len(self.followed) - len(set(self.followed))

    @property
    def out_of_order(self) -> int:
        last: Counter[str] = Counter()
        wrong = 0
        for stream, version in self.followed:
            wrong += version != last[stream] + 1
            last[stream] = version
        return wrong


async def test_nothing_is_skipped_repeated_or_out_of_order(database: str) -> None:
    outcome = await _stress(database, events=20_000)
    assert outcome.conflicts > 100, "writers were meant to meet on shared streams"
    assert outcome.rolled_back > 1_000
    assert (outcome.skipped, outcome.repeated, outcome.out_of_order) == (0, 0, 0)
    assert len(outcome.followed) == len(outcome.committed)


async def test_without_the_lock_events_are_skipped(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "create or replace function event_store.enter_fence() returns void language sql"
            " as 'select'"
        )
    outcome = await _stress(database, events=4_000)
    assert outcome.skipped > 0


async def _stress(database: str, *, events: int) -> Outcome:
    committed: list[Event] = []
    done = asyncio.Event()
    counts: Counter[str] = Counter()
    writers = [
        asyncio.create_task(_write(database, n, events // WRITERS, committed, counts))
        for n in range(WRITERS)
    ]
    follower = asyncio.create_task(_follow(database, done))
    await asyncio.gather(*writers)
    done.set()
    return Outcome(committed, await follower, counts["conflicts"], counts["rolled back"])


async def _write(
    database: str, writer: int, quota: int, committed: list[Event], counts: Counter[str]
) -> None:
    """Append to a stream of one's own or to a shared one, pause, then commit or roll back."""
    chance = random.Random(writer)
    heads: dict[str, int] = {}
    written = 0
    async with await psycopg.AsyncConnection.connect(database) as connection:
        while written < quota:
            stream = f"own-{writer}"
            if chance.random() < 0.3:
                stream = f"shared-{chance.randrange(SHARED_STREAMS)}"
                heads[stream] = await _version(connection, stream)
            version, count = heads.get(stream, 0), chance.randint(1, 5)
            try:
                await _append(connection, stream, version, count)
            except psycopg.DatabaseError as error:
                if error.sqlstate not in ("MQ409", "23505"):
                    raise
                await connection.rollback()
                counts["conflicts"] += 1
                continue
            await asyncio.sleep(chance.random() * chance.choice((0, 0.002, 0.02)))
            if chance.random() < 0.25:
                await connection.rollback()
                counts["rolled back"] += 1
                continue
            await connection.commit()
            heads[stream] = version + count
            written += count
            committed.extend((stream, version + n) for n in range(1, count + 1))


async def _version(connection: psycopg.AsyncConnection, stream: str) -> int:
    cursor = await connection.execute(
        "select coalesce(max(version), 0) from event_store.events"
        " where tenant = 'default' and stream = %s",
        (stream,),
    )
    row = await cursor.fetchone()
    await connection.rollback()
    assert row is not None
    version: int = row[0]
    return version


async def _append(
    connection: psycopg.AsyncConnection, stream: str, version: int, count: int
) -> None:
    versions = [version + n for n in range(1, count + 1)]
    arguments: Sequence[object] = (
        "default",
        [stream],
        [version],
        [stream] * count,
        versions,
        TYPES * count,
        ["{}"] * count,
        ["{}"] * count,
    )
    await connection.execute("select event_store.append(%s, %s, %s, %s, %s, %s, %s, %s)", arguments)


async def _follow(database: str, done: asyncio.Event) -> list[Event]:
    """Read on behind the mark for as long as anybody writes, and then to the end."""
    mark, after = HighWaterMark(), 0
    followed: list[Event] = []
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        while True:
            ending = done.is_set()
            upto = await mark.advance(connection)
            log = await read_log(connection, after, upto=upto, types=TYPES, limit=500)
            followed.extend((event.stream, event.version) for event in log.events)
            after = log.upto
            if ending and not log.events:
                return followed
            await asyncio.sleep(0)

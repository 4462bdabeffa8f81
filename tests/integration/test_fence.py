"""The fence under stress: whatever writers do, those that follow miss nothing and repeat nothing.

A follower reads the log as anybody may, a projection takes it in. The same story is told without
the lock, and must then go wrong for both.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from bootstrap import Application
from shared.application.codec import Codec
from shared.domain.aggregate import DomainEvent
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.runner import Runner
from shared.infrastructure.projections.subscriptions import Batch, Connection

WRITERS = 16
SHARED_STREAMS = 8
RUNNERS = 2


class Written(DomainEvent, tag="test.written"):
    """Something happened."""


CODEC = Codec([Written])
TYPES = ["test.written"]
DATA = CODEC.encode(Written()).data.decode()
Event = tuple[str, int]


SEEN = Table(
    "seen",
    MetaData(),
    Column("stream", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("wrong", BigInteger, nullable=False),
)


class Seen(PostgresProjection):
    """How many events of each stream were taken in, and how many were not the next of theirs."""

    name = "test.seen"
    handles = (Written,)
    tables = (SEEN,)
    shards = 3

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        versions: defaultdict[str, list[int]] = defaultdict(list)
        for recorded in batch:
            versions[recorded.stream].append(recorded.version)
        cursor = await connection.execute(
            f"select stream, last from {into[SEEN]} where stream = any(%s)",  # noqa: S608
            (list(versions),),
        )
        last: dict[str, int] = dict(await cursor.fetchall())
        await connection.execute(
            f"insert into {into[SEEN]} as t select * from"  # noqa: S608 (a constant)
            " unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])"
            " on conflict (stream) do update set events = t.events + excluded.events,"
            " last = excluded.last, wrong = t.wrong + excluded.wrong",
            (
                list(versions),
                [len(each) for each in versions.values()],
                [each[-1] for each in versions.values()],
                [_wrong(each, last.get(stream, 0)) for stream, each in versions.items()],
            ),
        )


def _wrong(versions: Sequence[int], last: int) -> int:
    """How many do not come right after the one before."""
    return sum(
        version != before + 1 for before, version in zip([last, *versions], versions, strict=False)
    )


class Outcome(NamedTuple):
    committed: list[Event]
    followed: list[Event]
    taken_in: dict[str, tuple[int, int, int]]
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
        followed: defaultdict[str, list[int]] = defaultdict(list)
        for stream, version in self.followed:
            followed[stream].append(version)
        return sum(_wrong(versions, 0) for versions in followed.values())

    @property
    def to_be_taken_in(self) -> dict[str, tuple[int, int, int]]:
        """Of each stream as many events as it has, up to the last, and none in the wrong place."""
        lengths = Counter(stream for stream, _ in self.committed)
        return {stream: (length, length, 0) for stream, length in lengths.items()}


async def test_nothing_is_skipped_repeated_or_out_of_order(
    application: Application, database: str
) -> None:
    outcome = await _stress(application, database, events=100_000, most=40)
    assert outcome.conflicts > 100, "writers were meant to meet on shared streams"
    assert outcome.rolled_back > 1_000
    assert len(outcome.committed) >= 100_000
    assert (outcome.skipped, outcome.repeated, outcome.out_of_order) == (0, 0, 0)
    assert len(outcome.followed) == len(outcome.committed)
    assert outcome.taken_in == outcome.to_be_taken_in


async def test_without_the_lock_events_are_skipped(application: Application, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "create or replace function event_store.enter_fence() returns void language sql"
            " as 'select'"
        )
    outcome = await _stress(application, database, events=4_000, most=5)
    assert outcome.skipped > 0
    assert sum(events for events, _, _ in outcome.taken_in.values()) < len(outcome.committed)


async def _stress(application: Application, database: str, *, events: int, most: int) -> Outcome:
    """Let writers append up to `most` events at a time, and follow them to the end."""
    committed: list[Event] = []
    done = asyncio.Event()
    counts: Counter[str] = Counter()
    writers = [
        asyncio.create_task(_write(database, n, events // WRITERS, most, committed, counts))
        for n in range(WRITERS)
    ]
    follower = asyncio.create_task(_follow(application, done))
    runners = [asyncio.create_task(_project(application, done)) for _ in range(RUNNERS)]
    await asyncio.gather(*writers)
    done.set()
    followed = await follower
    await asyncio.gather(*runners)
    taken_in = await _taken_in(application)
    return Outcome(committed, followed, taken_in, counts["conflicts"], counts["rolled back"])


async def _write(
    database: str,
    writer: int,
    quota: int,
    most: int,
    committed: list[Event],
    counts: Counter[str],
) -> None:
    """Append to a stream of one's own or to a shared one, pause, then commit or roll back."""
    chance = random.Random(writer)
    heads: dict[str, int] = {}
    written = 0
    async with await psycopg.AsyncConnection.connect(database) as connection:
        while written < quota:
            stream = f"own-{UUID(int=writer)}"
            if chance.random() < 0.3:
                stream = f"shared-{UUID(int=chance.randrange(SHARED_STREAMS))}"
                heads[stream] = await _version(connection, stream)
            version, count = heads.get(stream, 0), chance.randint(1, most)
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
        [DATA] * count,
        ["{}"] * count,
    )
    await connection.execute("select event_store.append(%s, %s, %s, %s, %s, %s, %s, %s)", arguments)


async def _follow(application: Application, done: asyncio.Event) -> list[Event]:
    """Read on for as long as anybody writes, and then to the end."""
    store, after = application.store(), 0
    followed: list[Event] = []
    while True:
        ending = done.is_set()
        log = await store.follow(after, types=TYPES, limit=2_000)
        followed.extend((event.stream, event.version) for event in log.events)
        after = log.upto
        if ending and not log.events:
            return followed
        await asyncio.sleep(0)


async def _project(application: Application, done: asyncio.Event) -> None:
    """One of the runners, each with a mark of its own as if in another process."""
    runner = Runner(application.pool(), HighWaterMark(), CODEC, [Seen()])
    while True:
        ending = done.is_set()
        await runner.catch_up(Seen.name)
        if ending:
            return
        await asyncio.sleep(0)


async def _taken_in(application: Application) -> dict[str, tuple[int, int, int]]:
    # Whoever came second to a shard may have left what came last to the first.
    await Runner(application.pool(), HighWaterMark(), CODEC, [Seen()]).catch_up(Seen.name)
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select stream, events, last, wrong from seen")
        return {stream: tuple(rest) for stream, *rest in await cursor.fetchall()}

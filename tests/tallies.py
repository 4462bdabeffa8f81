"""Projections that count, and what a test does to them: whatever is taken in twice shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from bootstrap import Application
from shared.application.codec import Codec
from shared.application.event_store import Append
from shared.application.projections import GetProjection, ProjectionListed
from shared.domain.aggregate import DomainEvent
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.projections.instances import ActiveInstances
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.projection_status import ProjectionStatus
from shared.infrastructure.projections.redis_projection import RedisProjection
from shared.infrastructure.projections.runner import Runner, Step
from shared.infrastructure.projections.subscriptions import Batch, Connection, Shard, Subscription


class Counted(DomainEvent, tag="test.counted"):
    name: str


class Passed(DomainEvent, tag="test.passed"):
    """Nobody here wants it."""


CODEC = Codec([Counted, Passed])
TALLY = Table(
    "tally",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
)


class Course:
    """What a test does to a projection in the middle of a batch, once all of it is written."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fault: Exception | None = None
        self.poison: set[str] = set()
        """Names that are never taken in."""
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def pass_through(self, batch: Batch) -> None:
        names = [recorded.event.name for recorded in batch]
        self.batches.append(names)
        self.entered.set()
        await self.go_on.wait()
        if self.fault:
            raise self.fault
        for name in names:
            if name in self.poison:
                raise ValueError(f"{name} is poison")


class Tally(PostgresProjection):
    name = "test.tally"
    handles = (Counted,)
    tables = (TALLY,)
    row_by_stream = False

    def __init__(self) -> None:
        self.course = Course()

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        await connection.execute(
            f"insert into {into[TALLY]} as t select name, count(*)"  # noqa: S608 (a constant)
            " from unnest(%s::text[]) as n(name) group by name"
            " on conflict (name) do update set events = t.events + excluded.events",
            ([recorded.event.name for recorded in batch],),
        )
        await self.course.pass_through(batch)


class RedisTally(RedisProjection):
    """The same in a Redis hash."""

    name = "test.redis_tally"
    handles = (Counted,)
    row_by_stream = False

    def __init__(self, redis: Redis, log: LogIdentity, active: ActiveInstances) -> None:
        super().__init__(redis, log, active)
        self.course = Course()

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline, prefix: str) -> None:
        for recorded in batch:
            writes.hincrby(f"{prefix}:events", recorded.event.name, 1)
        await self.course.pass_through(batch)

    async def counts_by_name(self) -> dict[str, int]:
        found: Any = await self._redis.hgetall(f"{self.prefix}:events")
        return {name.decode(): int(events) for name, events in found.items()}


class Looking(Runner):
    """A runner that counts how often it has looked."""

    looks = 0

    async def _step(self, subscription: Subscription, shard: Shard, limit: int) -> Step:
        step = await super()._step(subscription, shard, limit)
        self.looks += 1
        return step


def runner_of(application: Application, *subscriptions: Subscription) -> Runner:
    """One that has seen nothing of the log yet, as if of another process."""
    return Runner(application.pool(), HighWaterMark(), CODEC, subscriptions)


def redis_tally_of(application: Application) -> RedisTally:
    return RedisTally(application.redis(), application.log(), application.active())


@asynccontextmanager
async def in_the_middle(
    runner: Runner, projection: Tally | RedisTally, *, ends_in: type[Exception] | None = None
) -> AsyncIterator[None]:
    """While the runner stands in a batch; then it goes on, and must end well, or in this error."""
    course = projection.course
    course.entered.clear()
    course.go_on.clear()
    caught_up = asyncio.create_task(runner.catch_up(projection.name))
    try:
        await asyncio.wait_for(course.entered.wait(), timeout=60)
        async with asyncio.timeout(60):
            yield
    finally:
        course.go_on.set()
        await asyncio.wait([caught_up])
    with pytest.raises(ends_in) if ends_in else nullcontext():
        caught_up.result()


async def disconnect_the_runner(application: Application) -> None:
    """End the one session that stands in a transaction, as if its process had been killed."""
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and state = 'idle in transaction'"
        )
        assert await cursor.fetchall() == [(True,)]


def new_stream() -> str:
    return f"test-{uuid4()}"


async def append(
    application: Application, *names: str | None, stream: str | None = None, expected: int = 0
) -> int:
    """Append an event for each name, of the kind that nobody wants for None."""
    events = [Passed() if name is None else Counted(name=name) for name in names]
    return await application.store().append(
        [Append(stream or new_stream(), expected, [CODEC.encode(event) for event in events])]
    )


async def append_slowly(connection: psycopg.AsyncConnection, name: str) -> None:
    """Append and do not commit."""
    event = CODEC.encode(Counted(name=name))
    await connection.execute(
        "select event_store.append('default', array[%(stream)s], array[0], array[%(stream)s],"
        " array[1], array[%(type)s], array[%(data)s], array['{}'])",
        {"stream": new_stream(), "type": event.type, "data": event.data.decode()},
    )


async def counts_of(application: Application) -> dict[str, int]:
    """What the tally shows to whoever asks."""
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select name, events from tally")
        return dict(await cursor.fetchall())


async def shown_of(application: Application, subscription: Subscription) -> ProjectionListed:
    status = ProjectionStatus(
        application.pool(),
        HighWaterMark(),
        runner_of(application, subscription),
        application.redis(),
        application.settings().broker_namespace,
    )
    return await status.get(GetProjection(subscription.name))


async def checkpoint_of(application: Application, subscription: Subscription) -> int:
    return (await shown_of(application, subscription)).position


async def until_it_is_so(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.002)


async def kept_in_redis(application: Application) -> dict[str, Any]:
    """All that Redis holds of this log, by the key without what names the log."""
    redis, kept = application.redis(), {}
    for key in await _keys(application):
        value: Any = redis.hgetall(key) if await redis.type(key) == b"hash" else redis.get(key)
        kept[key.decode().partition("}:")[2]] = await value
    return kept


async def empty_redis(application: Application) -> None:
    assert await application.redis().delete(*await _keys(application)) > 0


async def _keys(application: Application) -> list[bytes]:
    pattern = f"marquee:{{{application.log().id}}}:*"
    return [key async for key in application.redis().scan_iter(pattern, count=1_000)]

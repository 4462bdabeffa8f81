"""Brings subscriptions up to the log: from the checkpoint, in batches, one runner for each shard.

A batch that fails is tried again in halves until the event that fails is alone. That event is
parked, with what comes after it in its stream, and everything else goes on.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from time import perf_counter

import msgspec
import psycopg
import redis
from psycopg.errors import QueryCanceled

from shared.application.codec import Codec
from shared.application.event_store import StoredEvent
from shared.infrastructure.event_store.high_water_mark import HighWaterMark, store_mark
from shared.infrastructure.event_store.log_reading import read_log
from shared.infrastructure.postgres import TRANSIENT, Pool
from shared.infrastructure.projections.instances import Instance, add_instance, instances_of
from shared.infrastructure.projections.parking import TooManyParked, park, sift
from shared.infrastructure.projections.subscriptions import (
    Connection,
    LostRace,
    Shard,
    Subscription,
)

logger = logging.getLogger(__name__)

PASSING = (*TRANSIENT, redis.exceptions.RedisError, LostRace)
"""Faults of others: nothing is wrong with the events, and another try will do."""

BROKEN = (psycopg.ProgrammingError, TooManyParked)
"""No event is to blame: a table is missing, say, or all of them fail. The projection stops."""

PATIENCE = 0.5
"""Seconds to wait for an event one was woken for and that cannot be read yet."""

FOLLOWED = ("active", "kept")
"""Whoever is woken brings up the instance that is read, and the one that may be read again."""

BUILT = ("building", "built")


class Step(msgspec.Struct, frozen=True):
    """One batch: where it ended, and whether there may be more behind it."""

    position: int
    more: bool
    events: int = 0
    moved: bool = False


class BatchFailed(Exception):
    """The cause is what the subscription raised."""

    def __init__(self, events: int) -> None:
        super().__init__(f"a batch of {events} events failed")
        self.events = events


class Runner:
    def __init__(
        self, pool: Pool, mark: HighWaterMark, codec: Codec, subscriptions: Sequence[Subscription]
    ) -> None:
        self._pool = pool
        self._mark = mark
        self._codec = codec
        self._subscriptions = {each.name: each for each in subscriptions}
        self._types = {each.name: codec.tags_for(each.handles) for each in subscriptions}

    @property
    def codec(self) -> Codec:
        return self._codec

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        return self._subscriptions

    @property
    def types(self) -> Mapping[str, Sequence[str]]:
        """For each subscription, the stored types of the events it wants."""
        return self._types

    async def catch_up(self, name: str, *, until: int = 0, states: Sequence[str] = FOLLOWED) -> int:
        """Take in what there is; return the position that the first of the instances has reached.

        `until` is a position that is known to have been committed. Should it lie behind an appender
        that holds the mark, or with another runner, it is waited for during PATIENCE; then it is
        left to the next wake-up. Raise what stopped the subscription, after having noted it.
        """
        subscription, reached = self._subscriptions[name], []
        for instance in await self._instances(subscription, states):
            positions = [
                await self._bring_up(subscription, shard, until) for shard in instance.all_shards()
            ]
            reached.append(min(positions))
        return reached[0] if reached else 0

    async def _instances(
        self, subscription: Subscription, states: Sequence[str]
    ) -> Sequence[Instance]:
        """Those that this program may move on: another one's tables are another one's business."""
        async with self._pool.connection() as connection:
            found = await instances_of(connection, subscription.name)
            if not found:
                async with connection.transaction():
                    await add_instance(connection, subscription, "active")
                found = await instances_of(connection, subscription.name)
        return [
            instance
            for instance in found
            if instance.state in states and instance.definition == subscription.definition
        ]

    async def _bring_up(self, subscription: Subscription, shard: Shard, until: int) -> int:
        deadline = perf_counter() + PATIENCE
        limit = subscription.batch_size
        while True:
            try:
                step = await self._step(subscription, shard, limit)
            except BatchFailed as failed:
                limit = max(1, failed.events // 2)
                continue
            limit = min(limit * 2, subscription.batch_size)
            if not step.more:
                if step.position >= until or perf_counter() > deadline:
                    return step.position
                await asyncio.sleep(0.003)

    async def _step(self, subscription: Subscription, shard: Shard, limit: int) -> Step:
        started = perf_counter()
        try:
            step = await self._take_in_a_batch(subscription, shard, limit)
        except BatchFailed:
            raise
        except QueryCanceled as error:
            # It may pass; but a batch that always takes longer than a statement may has to be seen.
            await self._note(subscription, shard, error)
            raise
        except PASSING:
            raise
        except Exception as error:
            await self._note(subscription, shard, error)
            raise
        if step.events:
            logger.info(
                "projected",
                extra={
                    "projection": subscription.name,
                    "events": step.events,
                    "position": step.position,
                    "ms": round((perf_counter() - started) * 1000, 1),
                },
            )
        return step

    async def _take_in_a_batch(self, subscription: Subscription, shard: Shard, limit: int) -> Step:
        async with self._pool.connection() as connection:
            async with connection.transaction():
                mark = await self._mark.advance(connection)
                step = await self.take_in(subscription, shard, connection, upto=mark, limit=limit)
            if step.moved:
                await store_mark(connection, mark)
        return step

    async def take_in(
        self,
        subscription: Subscription,
        shard: Shard,
        connection: Connection,
        *,
        upto: int,
        limit: int,
    ) -> Step:
        """One batch, in the transaction that `connection` is in."""
        cursor = await connection.execute(
            "select position, error is not null from event_store.checkpoints"
            " where projection = %s and instance = %s and shard = %s for update skip locked",
            (subscription.name, shard.instance, shard.number),
        )
        row = await cursor.fetchone()
        if row is None:
            return await self._look(subscription, shard, connection)
        committed, failed = row
        after = await subscription.position(shard, committed, drawn=self._mark.drawn)
        log = await read_log(
            connection,
            after,
            upto=upto,
            types=self._types[subscription.name],
            limit=limit,
            shard=(shard.number, shard.of),
        )
        sifted = await sift(connection, subscription.name, shard, log.events)
        if sifted.waiting:
            # That they wait is committed before the checkpoint passes them, wherever that lies.
            for stored in sifted.waiting:
                await park(connection, subscription.name, shard, stored, error=None)
            return Step(after, more=True)
        events = sifted.delivered
        if log.upto > after:
            try:
                # One that is tried alone may fail without taking the transaction with it.
                async with connection.transaction() if limit == 1 else nullcontext():
                    await self._deliver(subscription, shard, connection, events, after, log.upto)
            except (*PASSING, *BROKEN):
                raise
            except Exception as error:
                if not events:
                    raise
                if limit > 1:
                    raise BatchFailed(len(events)) from error
                logger.exception("event parked", extra={"projection": subscription.name})
                await park(connection, subscription.name, shard, events[0], error=error)
                return Step(after, more=True)
        if log.upto != committed or failed:
            await connection.execute(
                "update event_store.checkpoints set position = %s, generation = case when %s"
                " then event_store.next_generation(generation) else generation end,"
                " error = null, failed_at = null, updated_at = clock_timestamp()"
                " where projection = %s and instance = %s and shard = %s",
                (
                    log.upto,
                    bool(events),
                    subscription.name,
                    shard.instance,
                    shard.number,
                ),
            )
        return Step(log.upto, more=log.upto < upto, events=len(events), moved=log.upto != committed)

    async def _deliver(
        self,
        subscription: Subscription,
        shard: Shard,
        connection: Connection,
        events: Sequence[StoredEvent],
        after: int,
        upto: int,
    ) -> None:
        await subscription.take_in(
            [self._codec.recorded(stored) for stored in events],
            shard=shard,
            after=after,
            upto=upto,
            connection=connection,
        )

    async def _look(self, subscription: Subscription, shard: Shard, connection: Connection) -> Step:
        """Where another runner has brought it."""
        cursor = await connection.execute(
            "select position from event_store.checkpoints"
            " where projection = %s and instance = %s and shard = %s",
            (subscription.name, shard.instance, shard.number),
        )
        row = await cursor.fetchone()
        return Step(row[0] if row else 0, more=False)

    async def _note(self, subscription: Subscription, shard: Shard, error: Exception) -> None:
        logger.exception("projection failed", extra={"projection": subscription.name})
        async with self._pool.connection() as connection:
            await connection.execute(
                "update event_store.checkpoints set error = %s, failed_at = clock_timestamp()"
                " where projection = %s and instance = %s and shard = %s",
                (
                    f"{type(error).__name__}: {error}"[:2000],
                    subscription.name,
                    shard.instance,
                    shard.number,
                ),
            )

"""Brings subscriptions up to the log: from the checkpoint, in batches, one runner at a time."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from time import perf_counter

import msgspec
import redis
from psycopg.errors import QueryCanceled

from shared.application.codec import Codec
from shared.infrastructure.high_water_mark import HighWaterMark, store_mark
from shared.infrastructure.postgres import TRANSIENT, Pool
from shared.infrastructure.postgres_event_store import read_log
from shared.infrastructure.projections import Connection, LostRace, Subscription

logger = logging.getLogger(__name__)

PASSING = (*TRANSIENT, redis.exceptions.RedisError, LostRace)
"""Faults of others: nothing is wrong with the events, and another try will do."""

PATIENCE = 0.5
"""Seconds to wait for an event one was woken for and that cannot be read yet."""


class Step(msgspec.Struct, frozen=True):
    """One batch: where it ended, and whether there may be more behind it."""

    position: int
    more: bool


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
    def types(self) -> Mapping[str, Sequence[str]]:
        """For each subscription, the stored types of the events it wants."""
        return self._types

    async def catch_up(self, name: str, *, until: int = 0) -> int:
        """Take in what there is; return the position reached.

        `until` is a position that is known to have been committed. Should it lie behind an appender
        that holds the mark, or with another runner, it is waited for during PATIENCE; then it is
        left to the next wake-up. Raise what the subscription raised, after having noted it.
        """
        subscription = self._subscriptions[name]
        deadline = perf_counter() + PATIENCE
        while True:
            step = await self._step(subscription)
            if not step.more:
                if step.position >= until or perf_counter() > deadline:
                    return step.position
                await asyncio.sleep(0.003)

    async def _step(self, subscription: Subscription) -> Step:
        started = perf_counter()
        try:
            step, count = await self._take_in_a_batch(subscription)
        except QueryCanceled as error:
            # It may pass; but a batch that always takes longer than a statement may has to be seen.
            await self._note(subscription, error)
            raise
        except PASSING:
            raise
        except Exception as error:
            await self._note(subscription, error)
            raise
        if count:
            logger.info(
                "projected",
                extra={
                    "projection": subscription.name,
                    "events": count,
                    "position": step.position,
                    "ms": round((perf_counter() - started) * 1000, 1),
                },
            )
        return step

    async def _take_in_a_batch(self, subscription: Subscription) -> tuple[Step, int]:
        async with self._pool.connection() as connection:
            async with connection.transaction():
                cursor = await connection.execute(
                    "select position, error is not null from event_store.checkpoints"
                    " where projection = %s for update skip locked",
                    (subscription.name,),
                )
                row = await cursor.fetchone()
                if row is None:
                    return await self._look(subscription, connection), 0
                committed, failed = row
                mark = await self._mark.advance(connection)
                after = await subscription.position(committed, drawn=self._mark.drawn)
                log = await read_log(
                    connection,
                    after,
                    upto=mark,
                    types=self._types[subscription.name],
                    limit=subscription.batch_size,
                )
                if log.upto > after:
                    await subscription.take_in(
                        [self._codec.recorded(stored) for stored in log.events],
                        after=after,
                        upto=log.upto,
                        connection=connection,
                    )
                if log.upto != committed or failed:
                    await connection.execute(
                        "update event_store.checkpoints set position = %s, error = null,"
                        " failed_at = null, updated_at = clock_timestamp() where projection = %s",
                        (log.upto, subscription.name),
                    )
            if log.upto != committed:
                await store_mark(connection, mark)
        return Step(log.upto, more=log.upto < mark), len(log.events)

    async def _look(self, subscription: Subscription, connection: Connection) -> Step:
        """Where another runner has brought it; makes the row when there is none yet."""
        cursor = await connection.execute(
            "insert into event_store.checkpoints (projection) values (%s) on conflict do nothing",
            (subscription.name,),
        )
        made = cursor.rowcount == 1
        cursor = await connection.execute(
            "select position from event_store.checkpoints where projection = %s",
            (subscription.name,),
        )
        row = await cursor.fetchone()
        return Step(row[0] if row else 0, more=made)

    async def _note(self, subscription: Subscription, error: Exception) -> None:
        logger.exception("projection failed", extra={"projection": subscription.name})
        async with self._pool.connection() as connection:
            await connection.execute(
                "update event_store.checkpoints set error = %s, failed_at = clock_timestamp()"
                " where projection = %s",
                (f"{type(error).__name__}: {error}"[:2000], subscription.name),
            )

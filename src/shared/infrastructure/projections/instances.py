"""The instances of each projection: which there are, which one is read, how far each has come."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

import msgspec

from shared.infrastructure.postgres import TRANSIENT, Pool
from shared.infrastructure.projections.subscriptions import (
    Connection,
    ReadModel,
    Shard,
    Subscription,
)

logger = logging.getLogger(__name__)

State = Literal["building", "built", "active", "kept", "dropped"]
"""`building` catches up; `built` has, and was found wanting; `kept` was active before."""

_LOCK = "select pg_advisory_xact_lock(77001, 3)"


class Instance(msgspec.Struct, frozen=True):
    number: int
    definition: str
    shards: int
    state: State

    def all_shards(self) -> Sequence[Shard]:
        return [Shard(self.number, number, self.shards) for number in range(self.shards)]


async def instances_of(connection: Connection, name: str) -> Sequence[Instance]:
    """Those that were not dropped: the active one first, then the newest."""
    cursor = await connection.execute(
        "select instance, definition, shards, state from event_store.instances"
        " where projection = %s and state <> 'dropped'"
        " order by state <> 'active', instance desc",
        (name,),
    )
    return [Instance(*row) for row in await cursor.fetchall()]


async def add_instance(
    connection: Connection, subscription: Subscription, state: State
) -> Instance | None:
    """Make an instance with its checkpoints at the start of the log, in the transaction that
    `connection` is in; None when there is one in this state already."""
    await connection.execute(_LOCK)
    cursor = await connection.execute(
        "insert into event_store.instances (projection, instance, definition, shards, state)"
        " select %(name)s, coalesce(max(instance), 0) + 1, %(definition)s, %(shards)s, %(state)s"
        " from event_store.instances where projection = %(name)s"
        " having count(*) filter (where state = %(state)s) = 0 returning instance",
        {
            "name": subscription.name,
            "definition": subscription.definition,
            "shards": subscription.shards,
            "state": state,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    made = Instance(row[0], subscription.definition, subscription.shards, state)
    await connection.execute(
        "insert into event_store.checkpoints (projection, instance, shard)"
        " select %s, %s, generate_series(0, %s - 1)",
        (subscription.name, made.number, made.shards),
    )
    if isinstance(subscription, ReadModel):
        await subscription.create(made.number, connection)
        if state == "active":
            await subscription.index(made.number, connection)
            await subscription.serve(made.number, connection)
    return made


async def have_instances(pool: Pool, subscriptions: Sequence[Subscription]) -> None:
    """Give every subscription that never had one its first instance, so that it can be asked."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select projection from event_store.instances where state = 'active'"
        )
        known = {row[0] for row in await cursor.fetchall()}
        for subscription in subscriptions:
            if subscription.name not in known:
                async with connection.transaction():
                    await add_instance(connection, subscription, "active")


async def generation_of(pool: Pool, name: str) -> str:
    """Another one whenever what is read of a projection has changed."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select i.instance || '.' || string_agg(c.generation::text, '.' order by c.shard)"
            " from event_store.instances i"
            " join event_store.checkpoints c using (projection, instance)"
            " where i.projection = %s and i.state = 'active' group by i.instance",
            (name,),
        )
        row = await cursor.fetchone()
    return str(row[0]) if row else ""


class ActiveInstances:
    """Which instance of each projection is read, as this process knows it.

    It may be told late of another, by as long as a look takes to come round: the one before goes on
    being kept current, so that nobody who still reads it reads anything old.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self._numbers.get(name, 1)

    async def look(self, pool: Pool) -> None:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "select projection, instance from event_store.instances where state = 'active'"
            )
            self._numbers = dict(await cursor.fetchall())

    async def keep_looking(self, pool: Pool, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.look(pool)
            except TRANSIENT as error:
                logger.warning("instances not known anew", extra={"error": str(error)})

"""What follows the log: read models in PostgreSQL, read models in Redis, and reactions.

Each is exactly once in effect where its checkpoint lies beside its data. For PostgreSQL that is the
row in event_store.checkpoints, committed with the batch; for Redis a key, written in one MULTI with
the batch. Whoever runs a subscription holds the lock on its row for as long as the batch takes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

from psycopg import AsyncConnection
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from shared.application.event_store import Recorded
from shared.application.reactions import Reactions
from shared.domain.aggregate import DomainEvent
from shared.infrastructure.log_identity import LogIdentity

Batch: TypeAlias = Sequence[Recorded[Any]]
Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]


class LostRace(Exception):
    """Another runner wrote this batch first; what we made of it was thrown away."""


class Subscription(ABC):
    name: str
    handles: tuple[type[DomainEvent], ...]
    batch_size = 2_000

    async def position(self, committed: int, *, drawn: int) -> int:
        """How far this subscription has come; `committed` is what its row says, `drawn` the last
        position that was ever drawn."""
        return committed

    @abstractmethod
    async def take_in(self, batch: Batch, *, after: int, upto: int, connection: Connection) -> None:
        """Take in the events between two positions. `connection` commits the new checkpoint."""


class PostgresProjection(Subscription):
    """A read model in PostgreSQL: the batch and the checkpoint commit together."""

    @abstractmethod
    async def project(self, batch: Batch, connection: Connection) -> None:
        """Fold the batch in memory and write it set-wise."""

    async def take_in(self, batch: Batch, *, after: int, upto: int, connection: Connection) -> None:
        if batch:
            await self.project(batch, connection)


class RedisProjection(Subscription):
    """A read model in Redis: the batch and the checkpoint are written in one MULTI.

    An emptied Redis has no checkpoint, so it is filled again from the start of the log. All keys
    stand under the identity of the log, so that two logs never mix.
    """

    def __init__(self, redis: Redis, log: LogIdentity) -> None:
        self._redis = redis
        self._log = log

    @property
    def prefix(self) -> str:
        return f"marquee:{{{self._log.id}}}:{self.name}"

    @property
    def _checkpoint(self) -> str:
        return f"{self.prefix}:checkpoint"

    @abstractmethod
    async def project(self, batch: Batch, redis: Redis, writes: Pipeline) -> None:
        """Read what is needed through `redis`; queue what is to be written on `writes`."""

    async def position(self, committed: int, *, drawn: int) -> int:
        position = int(await self._redis.get(self._checkpoint) or 0)
        if position > drawn:
            # The log was restored to an earlier state: what we hold may never have happened.
            await self._forget()
            return 0
        return position

    async def _forget(self) -> None:
        """Drop all keys, the checkpoint last, so that being stopped halfway is noticed."""
        async for key in self._redis.scan_iter(match=f"{self.prefix}*", count=1_000):
            if key.decode() != self._checkpoint:
                await self._redis.unlink(key)
        await self._redis.unlink(self._checkpoint)

    async def take_in(self, batch: Batch, *, after: int, upto: int, connection: Connection) -> None:
        async with self._redis.pipeline(transaction=True) as writes:
            await writes.watch(self._checkpoint)
            if int(await writes.get(self._checkpoint) or 0) != after:
                raise LostRace
            writes.multi()  # type: ignore[no-untyped-call]
            if batch:
                await self.project(batch, self._redis, writes)
            writes.set(self._checkpoint, upto)
            try:
                await writes.execute()
            except WatchError:
                raise LostRace from None


class ReactionSubscription(Subscription):
    """Sends the commands that events call for; at least once, as Reactions says."""

    batch_size = 50

    def __init__(self, name: str, reactions: Reactions) -> None:
        self.name = name
        self.handles = reactions.handles
        self._reactions = reactions

    async def take_in(self, batch: Batch, *, after: int, upto: int, connection: Connection) -> None:
        for recorded in batch:
            await self._reactions(recorded)

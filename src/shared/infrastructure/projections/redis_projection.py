"""A read model in Redis: the batch and the checkpoint are written in one MULTI."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from shared.application.event_store import Recorded
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.projections.instances import ActiveInstances
from shared.infrastructure.projections.subscriptions import (
    Batch,
    Connection,
    LostRace,
    ReadModel,
    Shard,
)

_DIFFERENCES_SHOWN = 10


class RedisProjection(ReadModel):
    """An emptied Redis has no checkpoint, so it is filled again from the start of the log. All keys
    stand under the identity of the log, so that two logs never mix, and under the instance.
    """

    def __init__(self, redis: Redis, log: LogIdentity, active: ActiveInstances) -> None:
        self._redis = redis
        self._log = log
        self._active = active

    @property
    def prefix(self) -> str:
        """What the keys begin with that are to be read."""
        return self._prefix(self._active[self.name])

    def _prefix(self, instance: int | str) -> str:
        return f"marquee:{{{self._log.id}}}:{self.name}:{instance}"

    def checkpoint(self, shard: Shard) -> str:
        return f"{self._prefix(shard.instance)}:checkpoint:{shard.number}"

    @abstractmethod
    async def project(self, batch: Batch, redis: Redis, writes: Pipeline, prefix: str) -> None:
        """Read what is needed through `redis`; queue what is to be written on `writes`. All keys
        are `<prefix>:...`."""

    async def position(self, shard: Shard, committed: int, *, drawn: int) -> int:
        position = int(await self._redis.get(self.checkpoint(shard)) or 0)
        if position > drawn:
            # The log was restored to an earlier state: what we hold may never have happened.
            await self._forget(shard.instance)
            return 0
        return position

    async def take_in(
        self, batch: Batch, *, shard: Shard, after: int, upto: int, connection: Connection
    ) -> None:
        checkpoint = self.checkpoint(shard)
        async with self._redis.pipeline(transaction=True) as writes:
            await writes.watch(checkpoint)
            if int(await writes.get(checkpoint) or 0) != after:
                raise LostRace
            writes.multi()  # type: ignore[no-untyped-call]
            if batch:
                await self.project(batch, self._redis, writes, self._prefix(shard.instance))
            writes.set(checkpoint, upto)
            await _execute(writes)

    async def replay(
        self, recorded: Recorded[Any], *, shard: Shard, connection: Connection
    ) -> None:
        """That it was taken in is noted in the same MULTI: a crash before the commit in PostgreSQL
        lets it be replayed once more, to no effect."""
        prefix = self._prefix(shard.instance)
        replayed, stream = f"{prefix}:replayed", f"{recorded.tenant}/{recorded.stream}"
        async with self._redis.pipeline(transaction=True) as writes:
            await writes.watch(replayed)
            if int(await writes.hget(replayed, stream) or 0) >= recorded.version:
                return
            writes.multi()  # type: ignore[no-untyped-call]
            await self.project([recorded], self._redis, writes, prefix)
            writes.hset(replayed, stream, str(recorded.version))
            await _execute(writes)

    async def create(self, instance: int, connection: Connection) -> None:
        """Keys need no room."""

    async def index(self, instance: int, connection: Connection) -> None:
        """Nor any index."""

    async def serve(self, instance: int, connection: Connection) -> None:
        """Readers learn it from ActiveInstances; what they read until then is kept current."""

    async def drop(self, instance: int, connection: Connection) -> None:
        await self._forget(instance)

    async def counts(self, instance: int, connection: Connection) -> Mapping[str, int]:
        counts, prefix = {}, self._prefix(instance)
        async for key in self._keys(prefix):
            name = key.removeprefix(f"{prefix}:")
            if not name.startswith(("checkpoint:", "replayed")):
                is_hash = await self._redis.type(key) == b"hash"
                counts[name] = await self._redis.hlen(key) if is_hash else 1
        return counts

    async def differences(
        self, instance: int, history: Batch, connection: Connection
    ) -> Sequence[str]:
        scratch, prefix = self._prefix(f"made-again-{uuid4().hex}"), self._prefix(instance)
        try:
            async with self._redis.pipeline(transaction=True) as writes:
                await self.project(history, self._redis, writes, scratch)
                await _execute(writes)
            found = []
            async for key in self._keys(scratch):
                name = key.removeprefix(f"{scratch}:")
                made = await self._entries(key)
                there = await self._entries(f"{prefix}:{name}", list(made))
                found += [
                    f"{name} {entry!r}: the log makes something else"
                    for entry, value in made.items()
                    if there.get(entry) != value
                ]
            return found[:_DIFFERENCES_SHOWN]
        finally:
            await self._forget(scratch.rpartition(":")[2])

    async def _entries(self, key: str, wanted: list[Any] | None = None) -> dict[Any, Any]:
        """The fields of a hash, all or those wanted; a string as one entry."""
        if await self._redis.type(key) != b"hash":
            return {b"": await self._redis.get(key)}
        if wanted is None:
            return dict(await self._redis.hgetall(key))
        values = await self._redis.hmget(key, wanted)
        return dict(zip(wanted, values, strict=True))

    async def _keys(self, prefix: str) -> Any:
        async for key in self._redis.scan_iter(match=f"{prefix}:*", count=1_000):
            yield key.decode()

    async def _forget(self, instance: int | str) -> None:
        """Drop all keys, the checkpoints last, so that being stopped halfway is noticed."""
        prefix = self._prefix(instance)
        checkpoints = []
        async for key in self._keys(prefix):
            if key.startswith(f"{prefix}:checkpoint:"):
                checkpoints.append(key)
            else:
                await self._redis.unlink(key)
        if checkpoints:
            await self._redis.unlink(*checkpoints)


async def _execute(writes: Pipeline) -> None:
    try:
        await writes.execute()
    except WatchError:
        raise LostRace from None

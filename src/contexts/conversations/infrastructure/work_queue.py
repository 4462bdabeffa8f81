"""The queue of conversations that want an answer: a list in Redis that idle workers wait at.

An entry is a hint. One that is lost is made good by the tick of the workers, so entries are taken
and not acknowledged; and one that waited for a minute is worth nothing any more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.application.context import Context, current_context
from shared.infrastructure.event_store.transaction import once_committed

logger = logging.getLogger(__name__)

_KEPT_SECONDS = 60
_KEPT_ENTRIES = 10_000
_WAIT = 1
"""Seconds that one look may wait for an entry; the client gives up after some more."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class Asked(msgspec.Struct, frozen=True):
    """A conversation, and the context of the request that wants an answer in it."""

    conversation_id: UUID
    context: Context


class RedisWorkQueue:
    """`namespace` is that of the broker's queues: all processes of one program share it."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._key = f"{namespace}:conversations"
        self._sending: set[asyncio.Task[None]] = set()

    async def put(self, conversation_id: UUID) -> None:
        once_committed(partial(self._begin, Asked(conversation_id, current_context())))

    async def taken(self) -> AsyncIterator[Asked]:
        """Entries as they come, each to one of those who wait; for ever, whatever Redis does."""
        pause = _FIRST_PAUSE
        while True:
            try:
                found = await self._redis.blpop([self._key], timeout=_WAIT)
                pause = _FIRST_PAUSE
            except (RedisError, OSError) as error:
                logger.warning("queue away", extra={"error": type(error).__name__})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            if found is not None:
                try:
                    yield msgspec.json.decode(found[1], type=Asked)
                except msgspec.DecodeError:
                    logger.error("an entry of the queue makes no sense")

    async def close(self) -> None:
        """Send what is due before the process ends."""
        if self._sending:
            await asyncio.wait(self._sending)

    def _begin(self, asked: Asked) -> None:
        task = asyncio.create_task(self._send(asked))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, asked: Asked) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as writes:
                writes.rpush(self._key, msgspec.json.encode(asked))
                writes.ltrim(self._key, -_KEPT_ENTRIES, -1)
                writes.expire(self._key, _KEPT_SECONDS)
                await writes.execute()
        except (RedisError, OSError) as error:
            logger.warning("workers not told", extra={"error": type(error).__name__})

"""Rows of queries that were run before, in Redis; without Redis they are run again."""

import logging

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contexts.analytics.application.ports import Ran
from shared.infrastructure.event_store.log_identity import LogIdentity

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600
MOST_BYTES = 300_000
"""What is larger takes less long to run than to keep."""


class RedisKeptAnswers:
    def __init__(self, redis: Redis, log: LogIdentity) -> None:
        self._redis = redis
        self._log = log

    async def get(self, key: bytes) -> Ran | None:
        try:
            found = await self._redis.get(self._name(key))
            # The client is one that answers in bytes.
            return msgspec.msgpack.decode(found, type=Ran) if isinstance(found, bytes) else None
        except (RedisError, msgspec.DecodeError, OSError) as error:
            logger.warning("kept answer not read", extra={"error": str(error)})
            return None

    async def put(self, key: bytes, ran: Ran) -> None:
        encoded = msgspec.msgpack.encode(ran)
        if len(encoded) > MOST_BYTES:
            return
        try:
            await self._redis.set(self._name(key), encoded, ex=KEPT_SECONDS)
        except (RedisError, OSError) as error:
            logger.warning("answer not kept", extra={"error": str(error)})

    def _name(self, key: bytes) -> str:
        return f"analytics:answer:{self._log.id}:{key.hex()}"

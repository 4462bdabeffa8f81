"""Redis for what can be done without: where it is away or slow, nobody waits for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

ANSWER = 0.5
"""Seconds that Redis may take for an answer."""
PAUSE = 5.0
"""Seconds that it is left alone after it has not answered."""


class RedisDoor:
    """Keys are all of one slot, so that a script may use several."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._prefix = f"{{{namespace}:language-model}}"
        self._left_alone_until = 0.0
        self._away = False

    def key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    async def ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        """The answer; None where there is none in time."""
        now = asyncio.get_running_loop().time
        if now() < self._left_alone_until:
            return None
        try:
            async with asyncio.timeout(ANSWER):
                answer = await question(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._left_alone_until = now() + PAUSE
            if not self._away:
                logger.warning(
                    "language models are used without redis: no shared limit, nothing kept",
                    extra={"error": repr(error)},
                )
            self._away = True
            return None
        self._away = False
        return answer

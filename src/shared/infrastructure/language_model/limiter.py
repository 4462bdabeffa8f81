"""How many calls run at once, and begin in a minute, over all processes: a small script in Redis.

A place is a lease that whoever holds it keeps renewing: when his process is killed it ends by
itself. Where Redis is away there is no limit.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from shared.application.language_model import LanguageModelFailed
from shared.infrastructure.language_model.aside import Aside
from shared.infrastructure.language_model.redis_door import ANSWER, RedisDoor

LEASE = 10.0
"""Seconds after which a place that nobody renews is free."""
_RENEWAL = 3.0
_POLL = (0.05, 0.15)
"""Seconds between two looks for a place, drawn so that those who wait don't come together."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, per_minute, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= most then return -1 end
if per_minute > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60000)
    if redis.call('ZCARD', KEYS[2]) >= per_minute then
        return redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] + 60000 - now + 1
    end
    redis.call('ZADD', KEYS[2], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[2], 60000)
end
redis.call('ZADD', KEYS[1], now + lease, ARGV[1])
redis.call('PEXPIRE', KEYS[1], lease)
return 0
"""
"""0: the place is taken. Else milliseconds until a call may begin, -1 for until another ends."""

_RENEW = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


class Limiter:
    def __init__(
        self, door: RedisDoor, *, concurrency: int, per_minute: int, lease: float = LEASE
    ) -> None:
        """`per_minute` 0: any number."""
        self._door = door
        self._concurrency = concurrency
        self._per_minute = per_minute
        self._lease = lease
        self._aside = Aside()

    @asynccontextmanager
    async def place(self, server: str, until: float) -> AsyncIterator[None]:
        """Hold a place among those who call this server; `until` is a time of the event loop.

        Raise LanguageModelFailed when there is none in time.
        """
        id = uuid4().hex
        calls = self._door.key("calls", server)
        keeping: asyncio.Task[None] | None = None
        try:
            if await self._take(id, server, until):
                keeping = asyncio.create_task(self._keep(id, calls))
            yield
        finally:
            if keeping is not None:
                keeping.cancel()
            # Also when we were cancelled before we knew that the place was ours.
            await self._aside.do(self._leave(id, calls), patience=ANSWER)

    async def close(self) -> None:
        await self._aside.finished()

    async def _take(self, id: str, server: str, until: float) -> bool:
        """False where Redis is away: then there is nothing to be held."""
        keys = (self._door.key("calls", server), self._door.key("minute", server))
        values = (self._concurrency, self._per_minute, round(self._lease * 1000))
        now = asyncio.get_running_loop().time
        while True:
            wait = await self._door.ask(lambda redis: redis.eval(_TAKE, 2, *keys, id, *values))
            if not wait:
                return wait is not None
            pause = random.uniform(*_POLL) if wait < 0 else wait / 1000
            if now() + pause >= until:
                raise LanguageModelFailed(
                    "rate_limited",
                    "all calls to language models that may be made now are being made",
                    retry_after=pause if wait > 0 else None,
                )
            await asyncio.sleep(pause)

    async def _leave(self, id: str, calls: str) -> None:
        await self._door.ask(lambda redis: redis.zrem(calls, id))

    async def _keep(self, id: str, calls: str) -> None:
        lease = round(self._lease * 1000)
        while True:
            await asyncio.sleep(self._lease * _RENEWAL / LEASE)
            await self._door.ask(lambda redis: redis.eval(_RENEW, 1, calls, id, lease))

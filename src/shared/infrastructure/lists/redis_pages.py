"""Pages that all processes share, in Redis; where it is away or slow, done without."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from hashlib import blake2b
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.infrastructure.event_store.log_identity import LogIdentity

logger = logging.getLogger(__name__)

T = TypeVar("T")

REDIS_ERRORS = Counter(
    "marquee_page_cache_redis_errors",
    "Questions of the page cache that Redis did not answer, or not in time",
    ["cache"],
)

_POLL = 0.015
"""Seconds between two looks for a page that another process is making."""


class RedisLimits(msgspec.Struct, frozen=True):
    """Times in seconds."""

    answer: float = 0.1
    """How long Redis may take for an answer."""
    pause: float = 1.0
    """How long it is left alone after it has not answered; then one request tries for all."""
    turn: float = 1.0
    """How long a process may take to make a page before others make it for themselves."""


class RedisPages:
    """Each page under `marquee:{log}:pages:<name>:<tenant>:<place>:<generation>`.

    The value is a digest of that key, then the page: an answer that belongs to another question is
    never taken for a page, whatever went wrong on the way.
    """

    def __init__(
        self, redis: Redis, log: LogIdentity, *, name: str, ttl: float, limits: RedisLimits
    ) -> None:
        self._redis = redis
        self._log = log
        self._name = name
        self._ttl = ttl
        self._limits = limits
        self._failing = False
        self._left_alone_until = 0.0
        self._errors = REDIS_ERRORS.labels(name)

    def key(self, tenant: str, place: bytes, generation: str) -> str:
        # The place is a digest of the tenant, too: whatever a tenant is called, no two keys meet.
        return f"marquee:{{{self._log.id}}}:pages:{self._name}:{tenant}:{place.hex()}:{generation}"

    async def get(self, key: str) -> bytes | None:
        return _page(key, await self._asked(self._redis.get, key))

    async def put(self, key: str, page: bytes | None) -> None:
        """Keep the page, if there is one to be kept, and end the turn to make it."""
        milliseconds = round(self._ttl * random.uniform(0.8, 1.2) * 1000)

        async def write() -> None:
            async with self._redis.pipeline(transaction=False) as writes:
                if page is not None:
                    writes.set(key, _digest(key) + page, px=milliseconds)
                # Should our turn have run out and another's have begun, this ends it: then one
                # more page is made than needed, and nothing else happens.
                writes.delete(_turn(key))
                await writes.execute()

        await self._asked(write)

    async def wait_for_turn(self, key: str) -> bytes | None:
        """None when it is ours to make the page; else the page that another process has made.

        Of those who ask at the same time one is told to make it. The others look until it is there,
        the maker has given up, or its turn is over (it may have died); then each makes it.
        """
        until = monotonic() + self._limits.turn
        ours = await self._asked(
            self._redis.set, _turn(key), uuid4().bytes, nx=True, px=round(self._limits.turn * 1000)
        )
        while not ours and monotonic() < until:
            found = await self._asked(self._redis.mget, [key, _turn(key)])
            if found is None:
                return None
            page, being_made = found
            if page is not None or being_made is None:
                return _page(key, page)
            await asyncio.sleep(_POLL)
        return None

    async def _asked(self, ask: Any, *arguments: Any, **options: Any) -> Any:
        """The answer; None where there is none in time."""
        now = monotonic()
        if now < self._left_alone_until:
            return None
        if self._failing:
            self._left_alone_until = now + self._limits.pause
        try:
            answer: Awaitable[Any] = ask(*arguments, **options)
            async with asyncio.timeout(self._limits.answer):
                found = await answer
        except (RedisError, OSError, TimeoutError) as error:
            self._errors.inc()
            if not self._failing:
                logger.warning("pages are made without redis", extra={"error": repr(error)})
            self._failing = True
            self._left_alone_until = monotonic() + self._limits.pause
            return None
        self._failing, self._left_alone_until = False, 0.0
        return found


def _turn(key: str) -> str:
    return f"{key}:turn"


def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=16).digest()


def _page(key: str, value: bytes | None) -> bytes | None:
    digest = _digest(key)
    return value[len(digest) :] if value is not None and value.startswith(digest) else None

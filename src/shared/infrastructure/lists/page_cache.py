"""Encoded pages of a read model, kept in the process and in Redis, never older than the rows.

A page is kept under the generation of its read model: a name that changes in the very transaction
that changes the rows. Whoever asks for a page first asks PostgreSQL for the generation, and only
then looks for a page under that name. Why nobody sees rows older than those there were when he
asked:

* The generation he is told, g, was current at some moment after he asked (SharedLookup).
* Whoever made a page under g had been told g *before* he read the rows, so they are those of g or
  newer ones. Rows older than g can't be kept under g, by any process, however slow it is.
* Newer rows under an older name do no harm: nobody who asks after the change is told that name any
  more, and to one who asked before it newer rows are right as well. So nothing is asked again once
  the page is made.

This holds where the generation and the rows are read from the same server, and where no generation
is ever given to two states: a position alone comes again when the database is restored to an
earlier one, so it should go with something that does not (an id drawn, or the time of the change).
The time to live is a safety net.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from hashlib import blake2b
from time import monotonic
from typing import Any, TypeAlias

import msgspec
from prometheus_client import Counter
from redis.asyncio import Redis

from shared.application.context import current_context
from shared.application.pages import EncodedPage
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.lists.redis_pages import RedisLimits, RedisPages
from shared.infrastructure.lists.shared_lookup import SharedLookup, Told
from shared.infrastructure.postgres import TRANSIENT

logger = logging.getLogger(__name__)

HITS = Counter("marquee_page_cache_hits", "Pages that were there", ["cache", "level"])
MISSES = Counter("marquee_page_cache_misses", "Pages that had to be waited for", ["cache"])
COMPUTED = Counter("marquee_page_cache_computations", "Pages that were made", ["cache"])
STALE = Counter("marquee_page_cache_stale", "Pages served though they may be old", ["cache"])
LOOKUPS = Counter("marquee_page_cache_lookups", "Questions for the generation", ["cache"])

Compute: TypeAlias = Callable[[], Awaitable[bytes]]
Place: TypeAlias = bytes
"""A digest of the tenant and of what is asked."""

_PLACE_BYTES = 400
"""What a page takes in memory beside its bytes, about."""


class PageLimits(msgspec.Struct, frozen=True):
    """Times in seconds, sizes in bytes."""

    ttl: float = 300.0
    memory: int = 32_000_000
    """All pages in this process together."""
    page: int = 1_000_000
    """A page larger than this is made anew for each who asks at another time."""
    patience: float = 0.5
    """How long to wait for PostgreSQL where there is a page that was right a while ago."""
    stale: float = 60.0
    """For how long such a page may be served after it was last known to be right."""
    give_up: float = 20.0
    """How long a lookup or a computation may take at all."""


class _Kept(msgspec.Struct):
    entry: EncodedPage
    told: Told[str]
    """Its generation, and when that was last said to be the current one."""
    expires_at: float


class PageCache:
    def __init__(
        self,
        redis: Redis,
        log: LogIdentity,
        generation: Callable[[], Awaitable[str]],
        *,
        name: str,
        limits: PageLimits | None = None,
        redis_limits: RedisLimits | None = None,
    ) -> None:
        """`name` stands in the keys in Redis and in the metrics: give pages of another form another
        one, for processes of two releases share one Redis while one is rolled out. `generation`
        must not depend on the tenant."""
        self._limits = limits or PageLimits()
        self._shared = RedisPages(
            redis, log, name=name, ttl=self._limits.ttl, limits=redis_limits or RedisLimits()
        )
        self._ask_generation = generation
        self._generation = SharedLookup(self._look, seconds=self._limits.give_up)
        self._kept: OrderedDict[Place, _Kept] = OrderedDict()
        self._bytes = 0
        self._told: Told[str] | None = None
        self._making: dict[tuple[Place, str], asyncio.Task[EncodedPage]] = {}
        self._behind: dict[Place, asyncio.Task[EncodedPage]] = {}
        self._memory_hits = HITS.labels(name, "memory")
        self._redis_hits = HITS.labels(name, "redis")
        self._misses, self._computed = MISSES.labels(name), COMPUTED.labels(name)
        self._stale, self._lookups = STALE.labels(name), LOOKUPS.labels(name)

    async def get(self, key: bytes, compute: Compute) -> EncodedPage:
        """The page of the current tenant under `key`, the normalised request.

        `compute` is asked when nobody has the page. Where PostgreSQL does not answer within the
        limit of patience, or is away, a page that was right a moment ago is served as stale, and
        the new one is made behind it; where there is none, what `compute` raises goes up.
        """
        tenant = current_context().tenant
        place = blake2b(b"%d:%b%b" % (len(tenant), tenant.encode(), key), digest_size=32).digest()
        last = self._still_usable(place)
        if last is None:
            return await self._fresh(tenant, place, compute)
        try:
            async with asyncio.timeout(self._limits.patience):
                return await self._fresh(tenant, place, compute)
        except (TimeoutError, *TRANSIENT) as error:
            logger.info("served stale", extra={"error": repr(error)})
            self._stale.inc()
            if place not in self._behind:
                self._run(self._behind, place, self._fresh(tenant, place, compute))
            # While we waited a newer one may have come.
            return msgspec.structs.replace(self._still_usable(place) or last, stale=True)

    async def close(self) -> None:
        """Give up what is being made; those who wait for it are told so."""
        tasks: list[asyncio.Task[EncodedPage]] = [*self._making.values(), *self._behind.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._generation.close()

    async def _fresh(self, tenant: str, place: Place, compute: Compute) -> EncodedPage:
        told = self._told = await self._generation()
        kept = self._kept.get(place)
        if kept is not None and kept.told.answer == told.answer and kept.expires_at > monotonic():
            self._kept.move_to_end(place)
            kept.told = told
            self._memory_hits.inc()
            return kept.entry
        self._misses.inc()
        making = self._making.get((place, told.answer))
        if making is None:
            making = self._run(
                self._making, (place, told.answer), self._make(tenant, place, told, compute)
            )
        return await asyncio.shield(making)

    async def _make(
        self, tenant: str, place: Place, told: Told[str], compute: Compute
    ) -> EncodedPage:
        """Once for each place and generation at a time, in a task of its own: whoever asked first
        may go, and the others still get it."""
        key = self._shared.key(tenant, place, told.answer)
        body = await self._shared.get(key)
        if body is None:
            body = await self._shared.wait_for_turn(key)
        if body is not None:
            self._redis_hits.inc()
        else:
            self._computed.inc()
            body = await self._compute(key, compute)
        entry = EncodedPage(body, f'"{blake2b(body, digest_size=16).hexdigest()}"')
        if len(body) <= self._limits.page:
            self._keep(place, entry, told)
        return entry

    async def _compute(self, key: str, compute: Compute) -> bytes:
        body = None
        try:
            async with asyncio.timeout(self._limits.give_up):
                body = await compute()
            return body
        finally:
            fits = body is not None and len(body) <= self._limits.page
            await self._shared.put(key, body if fits else None)

    async def _look(self) -> str:
        self._lookups.inc()
        return await self._ask_generation()

    def _still_usable(self, place: Place) -> EncodedPage | None:
        kept = self._kept.get(place)
        if kept is None:
            return None
        told = self._told
        if told is not None and told.answer == kept.told.answer and told.turn > kept.told.turn:
            # Others were told that the generation is still this one, so the page was right then.
            kept.told = told
        return kept.entry if monotonic() - kept.told.at <= self._limits.stale else None

    def _keep(self, place: Place, entry: EncodedPage, told: Told[str]) -> None:
        before = self._kept.get(place)
        if before is not None:
            if before.told.turn > told.turn:
                # Made for one who asked earlier: what is there is newer.
                return
            self._bytes -= len(before.entry.body) + _PLACE_BYTES
        self._kept[place] = _Kept(entry, told, monotonic() + self._limits.ttl)
        self._kept.move_to_end(place)
        self._bytes += len(entry.body) + _PLACE_BYTES
        while self._bytes > self._limits.memory:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.entry.body) + _PLACE_BYTES

    def _run(
        self,
        tasks: dict[Any, asyncio.Task[EncodedPage]],
        key: Any,
        work: Coroutine[Any, Any, EncodedPage],
    ) -> asyncio.Task[EncodedPage]:
        """Begin a task that is found in `tasks` for as long as it goes on."""
        task = tasks[key] = asyncio.create_task(work)

        def ended(task: asyncio.Task[EncodedPage]) -> None:
            del tasks[key]
            if not task.cancelled():
                task.exception()  # Nobody may be left to be told.

        task.add_done_callback(ended)
        return task

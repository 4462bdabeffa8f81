"""The page cache on real Redis: never older than the rows, made once, and done without Redis."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic

import psycopg
import pytest
import redis.asyncio
from prometheus_client import REGISTRY
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bootstrap import Application
from listings import CLOSED
from misbehaving import wire_to
from settings import Settings
from shared.application.context import Context, running_in
from shared.infrastructure.lists.page_cache import PageCache, PageLimits
from shared.infrastructure.lists.redis_pages import RedisLimits

PATIENT = RedisLimits(answer=5.0, turn=5.0)
"""For tests in which Redis is well: a busy machine is no fault of its."""

_SECONDS = 60


class Rows:
    """A read model of one number, which is its generation, too."""

    def __init__(self) -> None:
        self.number = 1
        self.asked = 0
        self.read = 0
        self.away = False
        self.open = asyncio.Event()
        self.open.set()
        self.told = asyncio.Event()
        self.told.set()

    async def generation(self) -> str:
        self.asked += 1
        await self.told.wait()
        if self.away:
            raise psycopg.OperationalError("the server is away")
        return str(self.number)

    async def page(self) -> bytes:
        self.read += 1
        number = self.number
        await self.open.wait()
        if self.away:
            raise psycopg.OperationalError("the server is away")
        return b"rows %d" % number


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
async def cache(application: Application, rows: Rows) -> AsyncIterator[PageCache]:
    async with caching(application, rows) as cache:
        yield cache


@asynccontextmanager
async def caching(
    application: Application,
    rows: Rows,
    *,
    limits: PageLimits | None = None,
    redis_limits: RedisLimits = PATIENT,
    redis: redis.asyncio.Redis | None = None,
    name: str = "test",
) -> AsyncIterator[PageCache]:
    cache = PageCache(
        redis or application.redis(),
        application.log(),
        rows.generation,
        name=name,
        limits=limits,
        redis_limits=redis_limits,
    )
    try:
        yield cache
    finally:
        await cache.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not condition():
            await asyncio.sleep(0.002)


def counted(metric: str, name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{metric}_total", {"cache": name, **labels}) or 0.0


async def test_a_page_is_made_once_for_each_generation(cache: PageCache, rows: Rows) -> None:
    first = await cache.get(b"q", rows.page)
    again = await cache.get(b"q", rows.page)
    rows.number = 2
    changed = await cache.get(b"q", rows.page)
    assert (first.body, again, changed.body, rows.read) == (b"rows 1", first, b"rows 2", 2)
    assert first.etag != changed.etag
    assert not changed.stale


async def test_tenants_and_requests_do_not_share_pages(cache: PageCache, rows: Rows) -> None:
    for tenant, key in [("a", b"q"), ("b", b"q"), ("a", b"other"), ("a:q", b""), ("a", b":q")]:
        with running_in(Context("c", tenant=tenant)):
            await cache.get(key, rows.page)
    assert rows.read == 5


async def test_an_empty_page_is_kept_like_any_other(application: Application, rows: Rows) -> None:
    made = count(1)

    async def nothing() -> bytes:
        next(made)
        return b""

    async with caching(application, rows) as one, caching(application, rows) as other:
        for cache in (one, one, other, other):
            assert (await cache.get(b"q", nothing)).body == b""
    assert next(made) == 2


async def test_those_who_ask_together_share_one_computation_also_without_redis(
    application: Application, rows: Rows
) -> None:
    client = redis.asyncio.Redis.from_url(CLOSED, retry=Retry(NoBackoff(), 0))
    async with caching(application, rows, redis=client) as cache:
        rows.open.clear()
        asking = [asyncio.create_task(cache.get(b"q", rows.page)) for _ in range(50)]
        await until(lambda: rows.read > 0)
        # The one who began it goes; the others still get the page.
        asking[0].cancel()
        rows.open.set()
        entries = await asyncio.gather(*asking[1:])
        assert {entry.body for entry in entries} == {b"rows 1"}
        assert rows.read == 1
    await client.aclose()


async def test_who_comes_during_a_lookup_gets_an_answer_of_the_next_one(
    cache: PageCache, rows: Rows
) -> None:
    await cache.get(b"q", rows.page)
    rows.told.clear()
    asked = rows.asked
    early = [asyncio.create_task(cache.get(b"q", rows.page)) for _ in range(5)]
    await until(lambda: rows.asked == asked + 1)
    late = [asyncio.create_task(cache.get(b"q", rows.page)) for _ in range(20)]
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(5)))
    rows.told.set()
    await asyncio.gather(*early, *late)
    assert rows.asked == asked + 2


async def test_two_processes_make_a_page_once(application: Application, rows: Rows) -> None:
    async with caching(application, rows) as one, caching(application, rows) as other:
        rows.open.clear()
        first = asyncio.create_task(one.get(b"q", rows.page))
        await until(lambda: rows.read == 1)
        second = asyncio.create_task(other.get(b"q", rows.page))
        await until(lambda: rows.asked == 2)
        rows.open.set()
        assert await first == await second
        assert rows.read == 1


async def test_a_page_is_made_by_another_when_its_maker_fails(
    application: Application, rows: Rows
) -> None:
    async def fails() -> bytes:
        await rows.page()
        raise RuntimeError("no page of mine")

    async with caching(application, rows) as one, caching(application, rows) as other:
        rows.open.clear()
        first = asyncio.create_task(one.get(b"q", fails))
        await until(lambda: rows.read == 1)
        second = asyncio.create_task(other.get(b"q", rows.page))
        await until(lambda: rows.asked == 2)
        rows.open.set()
        with pytest.raises(RuntimeError, match="no page of mine"):
            await first
        assert (await second).body == b"rows 1"


async def test_a_maker_who_died_is_waited_for_no_longer_than_his_turn(
    application: Application, rows: Rows
) -> None:
    short = RedisLimits(answer=5.0, turn=0.2)
    dead = Rows()
    dead.open.clear()
    async with caching(application, dead, redis_limits=RedisLimits(answer=5.0, turn=600)) as gone:
        left = asyncio.create_task(gone.get(b"q", dead.page))
        await until(lambda: dead.read == 1)
        async with caching(application, rows, redis_limits=short) as cache:
            async with asyncio.timeout(_SECONDS):
                assert (await cache.get(b"q", rows.page)).body == b"rows 1"
        left.cancel()


async def test_a_large_page_is_not_kept(application: Application, rows: Rows) -> None:
    async with caching(application, rows, limits=PageLimits(page=5)) as cache:
        for read in (1, 2):
            assert (await cache.get(b"q", rows.page)).body == b"rows 1"
            assert rows.read == read
    assert [key async for key in application.redis().scan_iter(_keys(application))] == []


async def test_memory_is_bounded_and_what_was_asked_for_least_recently_goes(
    application: Application, rows: Rows
) -> None:
    limits = PageLimits(memory=1_300)  # Three small pages.
    async with caching(application, rows, limits=limits, name="bounded") as cache:
        for key in (b"a", b"b", b"c", b"a", b"d", b"a", b"c", b"d"):
            await cache.get(key, rows.page)
        assert counted("marquee_page_cache_hits", "bounded", level="memory") == 4
        assert rows.read == 4
        await cache.get(b"b", rows.page)
        assert counted("marquee_page_cache_hits", "bounded", level="redis") == 1
        assert rows.read == 4


async def test_a_page_ends_with_its_time_to_live(application: Application, rows: Rows) -> None:
    async with caching(application, rows, limits=PageLimits(ttl=0.01)) as cache:
        await cache.get(b"q", rows.page)

        async def made_again() -> None:
            while rows.read == 1:
                await cache.get(b"q", rows.page)

        await asyncio.wait_for(made_again(), _SECONDS)


async def test_what_is_not_a_page_of_ours_is_not_served(
    application: Application, rows: Rows
) -> None:
    redis = application.redis()
    async with caching(application, rows) as cache:
        await cache.get(b"q", rows.page)
        await cache.get(b"other", rows.page)
    keys = [key async for key in redis.scan_iter(_keys(application))]
    assert len(keys) == 2
    values = await redis.mget(keys)
    # Each under the key of the other.
    await redis.mset(dict(zip(keys, reversed(values), strict=True)))
    async with caching(application, rows) as cache:
        assert (await cache.get(b"q", rows.page)).body == b"rows 1"
    assert rows.read == 3


async def test_without_redis_pages_are_made_and_it_is_counted(
    application: Application, settings: Settings, rows: Rows
) -> None:
    limits = RedisLimits(answer=5.0, pause=0.5)
    async with wire_to(settings.redis()) as wire:
        client = redis.asyncio.Redis.from_url(wire.url, retry=Retry(NoBackoff(), 0))
        async with caching(
            application, rows, redis_limits=limits, redis=client, name="cut"
        ) as cache:
            await cache.get(b"before", rows.page)
            wire.cut()
            for number in range(20):
                assert (await cache.get(b"%d" % number, rows.page)).body == b"rows 1"
            assert rows.read == 21
            errors = counted("marquee_page_cache_redis_errors", "cut")
            assert 1 <= errors < 20
            # What is in the process is still served from there.
            await cache.get(b"19", rows.page)
            assert rows.read == 21
            wire.mend()

            async def kept_again() -> None:
                for number in count():
                    await cache.get(b"after %d" % number, rows.page)
                    if await kept() > 1:
                        return

            async def kept() -> int:
                keys = application.redis().scan_iter(_keys(application, "cut"))
                return len([key async for key in keys])

            await asyncio.wait_for(kept_again(), _SECONDS)
            for number in range(20):
                await cache.get(b"then %d" % number, rows.page)
            assert await kept() == 22
        await client.aclose()


async def test_a_redis_that_does_not_answer_is_asked_once_for_all(
    application: Application, rows: Rows
) -> None:
    asked = count(1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        next(asked)
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = redis.asyncio.Redis(port=port, retry=Retry(NoBackoff(), 0))
    limits = RedisLimits(answer=0.05, pause=600)
    async with caching(application, rows, redis_limits=limits, redis=client, name="slow") as cache:
        for number in range(30):
            assert (await cache.get(b"%d" % number, rows.page)).body == b"rows 1"
    assert counted("marquee_page_cache_redis_errors", "slow") == 1
    assert next(asked) == 2
    await client.aclose()
    server.close()


async def test_while_postgresql_is_slow_the_last_page_is_served_and_the_next_one_made(
    application: Application, rows: Rows
) -> None:
    limits = PageLimits(patience=0.02)
    async with caching(application, rows, limits=limits, name="stale") as cache:
        await cache.get(b"q", rows.page)
        rows.number = 2
        rows.open.clear()
        entry = await cache.get(b"q", rows.page)
        assert (entry.body, entry.stale) == (b"rows 1", True)
        assert counted("marquee_page_cache_stale", "stale") == 1
        # Whoever has nothing to be served waits.
        other = asyncio.create_task(cache.get(b"other", rows.page))
        await until(lambda: rows.read == 3)
        rows.open.set()
        assert not (await other).stale
        await until(lambda: counted("marquee_page_cache_computations", "stale") == 3)
        async with asyncio.timeout(_SECONDS):
            while (fresh := await cache.get(b"q", rows.page)).stale:
                pass  # On a busy machine the patience is over at once.
        assert (fresh.body, rows.read) == (b"rows 2", 3)


async def test_while_nobody_tells_the_generation_the_last_page_is_served(
    application: Application, rows: Rows
) -> None:
    limits = PageLimits(patience=0.02)
    async with caching(application, rows, limits=limits) as cache:
        await cache.get(b"q", rows.page)
        rows.number = 2
        rows.told.clear()
        stale = [await cache.get(b"q", rows.page) for _ in range(3)]
        assert [(entry.body, entry.stale) for entry in stale] == [(b"rows 1", True)] * 3
        rows.told.set()
        # Made behind those who were served, with nobody asking again.
        await until(lambda: rows.read == 2)


async def test_without_postgresql_the_last_page_is_served_until_it_is_too_old(
    application: Application, rows: Rows
) -> None:
    async with caching(application, rows, limits=PageLimits(stale=600)) as cache:
        await cache.get(b"q", rows.page)
        rows.away = True
        entry = await cache.get(b"q", rows.page)
        assert (entry.body, entry.stale) == (b"rows 1", True)
        with pytest.raises(psycopg.OperationalError):
            await cache.get(b"other", rows.page)
        rows.away = False
    async with caching(application, rows, limits=PageLimits(stale=0.3)) as cache:
        await cache.get(b"q", rows.page)
        rows.away = True

        async def served() -> None:
            while True:
                await cache.get(b"q", rows.page)
                await asyncio.sleep(0.01)

        with pytest.raises(psycopg.OperationalError):
            await asyncio.wait_for(served(), _SECONDS)


async def test_a_page_is_right_for_as_long_as_anybody_is_told_its_generation(
    application: Application, rows: Rows
) -> None:
    async with caching(application, rows, limits=PageLimits(stale=1.0)) as cache:
        await cache.get(b"q", rows.page)
        asked_at = monotonic()
        while monotonic() < asked_at + 1.1:
            await cache.get(b"other", rows.page)
        rows.away = True
        assert (await cache.get(b"q", rows.page)).stale


async def test_a_fault_of_ours_is_never_hidden_behind_an_old_page(
    cache: PageCache, rows: Rows
) -> None:
    async def wrong() -> bytes:
        raise ValueError("a bug")

    await cache.get(b"q", rows.page)
    rows.number = 2
    with pytest.raises(ValueError, match="a bug"):
        await cache.get(b"q", wrong)


async def test_a_page_made_late_does_not_take_the_place_of_a_newer_one(
    cache: PageCache, rows: Rows
) -> None:
    rows.open.clear()
    late = asyncio.create_task(cache.get(b"q", rows.page))
    await until(lambda: rows.read == 1)
    rows.number = 2
    early = asyncio.create_task(cache.get(b"q", _now(b"rows 2")))
    assert (await early).body == b"rows 2"
    rows.open.set()
    assert (await late).body == b"rows 1"
    hits = counted("marquee_page_cache_hits", "test", level="memory")
    assert (await cache.get(b"q", rows.page)).body == b"rows 2"
    assert counted("marquee_page_cache_hits", "test", level="memory") == hits + 1


class Chance:
    """A read model whose every answer is late by chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = 1

    async def late(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 2, 5, 20))):
            await asyncio.sleep(0)
        if self.random.random() < 0.2:
            await asyncio.sleep(self.random.random() * 0.004)

    async def told(self) -> str:
        await self.late()
        number = self.number
        await self.late()
        return str(number)

    async def page(self) -> bytes:
        return (await self.told()).encode()

    async def write(self, enough: Callable[[], bool]) -> None:
        while self.number <= 60 or not enough():
            await self.late()
            await asyncio.sleep(self.random.random() * 0.004)
            self.number += 1


@pytest.mark.parametrize("seed", range(5))
async def test_no_reader_sees_rows_older_than_when_it_asked(
    application: Application, seed: int
) -> None:
    """Two processes share what they make, with memory for no page, for one, or for all."""
    rows = Chance(seed)
    seen = 0

    async def read(cache: PageCache) -> None:
        nonlocal seen
        while not writing.done():
            await rows.late()
            when_asked = rows.number
            entry = await cache.get(b"%d" % rows.random.randrange(3), rows.page)
            assert int(entry.body) >= when_asked
            assert not entry.stale
            seen += 1

    async with two_caches(application, rows.told, (0, 500, 1_000_000)[seed % 3]) as caches:
        writing = asyncio.create_task(rows.write(lambda: seen > 100))
        await asyncio.gather(*(read(cache) for cache in caches for _ in range(8)))


async def test_a_page_of_postgresql_is_never_older_than_what_was_committed(
    application: Application,
) -> None:
    pool = application.pool()
    committed = 0

    async def asked(question: bytes) -> str:
        async with pool.connection() as connection:
            cursor = await connection.execute(question)
            row = await cursor.fetchone()
            return str(row[0]) if row else ""

    async def generation() -> str:
        return await asked(b"select generation from numbers")

    async def page() -> bytes:
        return (await asked(b"select number from numbers")).encode()

    async def write() -> None:
        nonlocal committed
        for number in range(1, 101):
            await asked(
                b"update numbers set number = number + 1, generation = gen_random_uuid()"
                b" returning number"
            )
            committed = number

    async def read(cache: PageCache) -> None:
        while not writing.done():
            when_asked = committed
            entry = await cache.get(b"q", page)
            assert int(entry.body) >= when_asked

    async with pool.connection() as connection:
        await connection.execute("create table numbers (number int, generation uuid)")
        await connection.execute("insert into numbers values (0, gen_random_uuid())")
    async with two_caches(application, generation, 1_000_000) as caches:
        writing = asyncio.create_task(write())
        await asyncio.gather(*(read(cache) for cache in caches for _ in range(8)))
        for cache in caches:
            assert (await cache.get(b"q", page)).body == b"100"


@asynccontextmanager
async def two_caches(
    application: Application, generation: Callable[[], Awaitable[str]], memory: int
) -> AsyncIterator[list[PageCache]]:
    """As in two processes, and too patient ever to serve a stale page."""
    caches = [
        PageCache(
            application.redis(),
            application.log(),
            generation,
            name="race",
            limits=PageLimits(patience=_SECONDS, memory=memory),
            redis_limits=PATIENT,
        )
        for _ in range(2)
    ]
    try:
        yield caches
    finally:
        for cache in caches:
            await cache.close()


def _keys(application: Application, name: str = "test") -> str:
    return f"marquee:{{{application.log().id}}}:pages:{name}:*"


def _now(body: bytes) -> Callable[[], asyncio.Future[bytes]]:
    def made() -> asyncio.Future[bytes]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(body)
        return future

    return made

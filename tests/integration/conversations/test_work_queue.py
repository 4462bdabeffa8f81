"""Workers are told of conversations that want an answer: once, when that is certain, or never."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bootstrap import Application
from contexts.conversations.infrastructure.work_queue import Asked, RedisWorkQueue
from settings import Settings
from shared.application.context import Context, running_in
from shared.infrastructure.event_store.transaction import Transaction

CLOSED = "redis://127.0.0.1:1/0"
CONTEXT = Context(correlation_id="why", tenant="elsewhere")


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[RedisWorkQueue]:
    redis = Redis.from_url(settings.redis(), socket_timeout=2)
    try:
        yield RedisWorkQueue(redis, f"test-{uuid4()}")
    finally:
        await redis.aclose()


async def next_of(queue: RedisWorkQueue, seconds: float = 60) -> Asked | None:
    """The next entry; None when none comes in time."""
    entries = queue.taken()
    try:
        async with asyncio.timeout(seconds):
            return await anext(entries)
    except TimeoutError:
        return None
    finally:
        await entries.aclose()


async def test_an_entry_comes_with_the_context_of_whoever_asked(queue: RedisWorkQueue) -> None:
    id = uuid4()
    with running_in(CONTEXT):
        await queue.put(id)
    assert await next_of(queue) == Asked(id, CONTEXT)


async def test_of_two_workers_that_wait_one_is_told(queue: RedisWorkQueue) -> None:
    waiting = {asyncio.create_task(next_of(queue)) for _ in range(2)}
    told = []
    while waiting:
        await queue.put(id := uuid4())
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        told.append([(asked := task.result()) and asked.conversation_id == id for task in done])
    assert told == [[True], [True]]


async def test_what_is_not_committed_yet_is_not_told(
    application: Application, queue: RedisWorkQueue
) -> None:
    first, second = uuid4(), uuid4()
    for id, commits in ((first, False), (second, True)):
        transaction = Transaction(application.pool(), asyncio.Semaphore(1))
        with transaction.entered():
            await queue.put(id)
        if commits:
            await transaction.commit()
        await transaction.end()
    await queue.close()
    told = await next_of(queue)
    assert told is not None
    assert told.conversation_id == second
    assert await next_of(queue, 0.5) is None


async def test_an_entry_that_makes_no_sense_holds_nobody_up(
    queue: RedisWorkQueue, settings: Settings
) -> None:
    async with Redis.from_url(settings.redis()) as redis:
        await redis.rpush(queue._key, b"{")
    await queue.put(id := uuid4())
    told = await next_of(queue)
    assert told is not None
    assert told.conversation_id == id


async def test_entries_that_nobody_takes_do_not_stay(
    queue: RedisWorkQueue, settings: Settings
) -> None:
    await queue.put(uuid4())
    await queue.close()
    async with Redis.from_url(settings.redis()) as redis:
        assert 0 < await redis.ttl(queue._key) <= 60


async def test_without_redis_nobody_is_told_and_nobody_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    redis = Redis.from_url(CLOSED, retry=Retry(NoBackoff(), 0))
    queue = RedisWorkQueue(redis, "nowhere")
    await queue.put(uuid4())
    await queue.close()
    assert "workers not told" in caplog.text
    assert await next_of(queue, 0.5) is None
    await redis.aclose()

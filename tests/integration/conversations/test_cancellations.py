"""A worker learns within a second that its run is to end, with Redis and without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bootstrap import Application
from contexts.conversations.application.stream_heads import StreamHeads
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.message import Kept
from contexts.conversations.domain.run import RunFailed, RunId
from contexts.conversations.infrastructure.cancellations import RedisCancellations
from contexts.conversations.infrastructure.channels import Channels
from listening import PATIENCE
from listings import CLOSED
from shared.application.context import Context, running_in
from shared.application.repository import Repository
from shared.domain.personal import Sealed, Subject
from shared.infrastructure.event_store.transaction import Transaction

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
OWNER = uuid4()
NEVER = 3_600.0
"""Seconds between looks at the log, where only Redis is to tell."""


def conversations_of(application: Application) -> Repository[Conversation]:
    return Repository(Conversation, application.store(), application.codec())


async def asked(application: Application) -> RunId:
    """A run that waits for a worker."""
    owner, id = OWNER, uuid4()
    conversation = Conversation.start(id, owner, now=NOON)
    message = Kept(
        id=uuid4(),
        parent_id=None,
        author="user",
        content=Sealed(owner, b"x"),
        written_at=NOON,
    )
    run = conversation.post(message, uuid4(), "reject", now=NOON)
    await conversations_of(application).save(conversation)
    return run


async def cancel(application: Application, run: RunId) -> None:
    """Record it, and tell nobody."""
    conversation = await conversations_of(application).get(run.conversation_id)
    conversation.cancel(run.number, now=NOON)
    await conversations_of(application).save(conversation)


@asynccontextmanager
async def process(
    application: Application, *, looks: float, redis_url: str | None = None
) -> AsyncIterator[RedisCancellations]:
    url = redis_url or application.settings().redis()
    redis = Redis.from_url(url, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    channels, heads = Channels(url), StreamHeads(application.store(), looks)
    cancellations = RedisCancellations(
        redis, application.log(), channels, heads, conversations_of(application)
    )
    try:
        yield cancellations
    finally:
        await cancellations.close()
        await heads.close()
        await channels.close()
        await redis.aclose()


async def set_in_time(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


async def test_a_worker_elsewhere_is_told(application: Application) -> None:
    run, other = await asked(application), await asked(application)
    async with (
        process(application, looks=NEVER) as worker,
        process(application, looks=NEVER) as api,
        worker.watch(run, OWNER) as cancelled,
        worker.watch(other, OWNER) as not_cancelled,
    ):
        await api.tell(run)
        await set_in_time(cancelled)
        assert not not_cancelled.is_set()


@pytest.mark.parametrize("redis_url", [CLOSED, None])
async def test_a_message_that_never_came_is_made_good_by_the_log(
    application: Application, redis_url: str | None
) -> None:
    run, other = await asked(application), await asked(application)
    async with (
        process(application, looks=0.1, redis_url=redis_url) as worker,
        worker.watch(run, OWNER) as cancelled,
        worker.watch(other, OWNER) as not_cancelled,
    ):
        await asyncio.sleep(0.3)
        assert not cancelled.is_set()
        await cancel(application, run)
        await set_in_time(cancelled)
        assert not not_cancelled.is_set()


async def test_a_run_of_another_tenant_is_watched_in_its_log(application: Application) -> None:
    async with process(application, looks=0.05) as worker:
        with running_in(Context(correlation_id="c", tenant="acme")):
            run = await asked(application)
            async with worker.watch(run, OWNER) as cancelled:
                with running_in(Context(correlation_id="d", tenant="other")):
                    there = await asked(application)
                    async with worker.watch(there, OWNER) as not_cancelled:
                        await asyncio.sleep(0.2)
                with running_in(Context(correlation_id="c", tenant="acme")):
                    await cancel(application, run)
                await set_in_time(cancelled)
                assert not not_cancelled.is_set()


async def test_a_worker_stops_when_another_has_ended_its_run(application: Application) -> None:
    run = await asked(application)
    async with process(application, looks=0.05) as worker, worker.watch(run, OWNER) as cancelled:
        conversation = await conversations_of(application).get(run.conversation_id)
        conversation.end(
            RunFailed(
                number=run.number,
                code="worker_lost",
                reason="lost",
                answer=None,
                assistant="offline",
                sequence=1,
                ended_at=NOON,
            )
        )
        await conversations_of(application).save(conversation)
        await set_in_time(cancelled)


async def test_a_worker_stops_when_somebody_is_erased_while_he_is_answered(
    application: Application,
) -> None:
    run, other = await asked(application), await asked(application)
    async with (
        process(application, looks=0.05) as worker,
        worker.watch(run, OWNER) as cancelled,
        worker.watch(other, uuid4()) as not_cancelled,
    ):
        subject = Subject(OWNER)
        subject.erase(now=NOON)
        await Repository(Subject, application.store(), application.codec()).save(subject)
        await set_in_time(cancelled)
        assert not not_cancelled.is_set()


async def test_nobody_is_told_before_it_is_committed(application: Application) -> None:
    run = await asked(application)
    async with (
        process(application, looks=NEVER) as worker,
        process(application, looks=NEVER) as api,
        worker.watch(run, OWNER) as cancelled,
    ):
        transaction = Transaction(application.pool(), asyncio.Semaphore())
        with transaction.entered():
            await api.tell(run)
        await asyncio.sleep(0.1)
        assert not cancelled.is_set()
        await transaction.commit()
        await set_in_time(cancelled)
        await transaction.end()


async def test_without_redis_telling_raises_nothing(application: Application) -> None:
    async with process(application, looks=NEVER, redis_url=CLOSED) as api:
        await api.tell(await asked(application))

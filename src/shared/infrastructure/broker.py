"""Dramatiq over Redis, set so that a worker killed in the middle is made good within seconds."""

import dramatiq
import msgspec
import redis
import redis.asyncio
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    Middleware,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.application.context import current_context
from shared.application.projections import QueueListed

PROJECTIONS = "projections"
FEEDS = "feeds"
ANALYTICS = "analytics"
QUEUES = (PROJECTIONS, FEEDS, ANALYTICS)

CATCH_UP = "catch_up"
FETCH_FEED = "fetch_feed"
LOAD_DATASET = "load_dataset"
ANSWER_QUESTION = "answer_question"


def broker(url: str, *middleware: Middleware, namespace: str) -> RedisBroker:
    """A broker that keeps its queues under `namespace`; messages are hints and may be lost."""
    client = redis.Redis.from_url(
        url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1)
    )
    made = RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        namespace=namespace,
        # Look for messages of dead workers at every chance, and call a worker dead after 5 s.
        maintenance_chance=100_000,
        heartbeat_timeout=5_000,
        middleware=[
            AgeLimit(),
            TimeLimit(),
            ShutdownNotifications(),
            Callbacks(),
            Retries(max_retries=5, min_backoff=500, max_backoff=60_000),
            *middleware,
        ],
    )
    for queue in QUEUES:
        made.declare_queue(queue)
    return made


def send(broker: dramatiq.Broker, queue: str, actor: str, *args: object, **options: object) -> None:
    """Put a message into a queue; its actor goes on in the context of whoever sends it.

    Blocks for a round trip to Redis, and for seconds when Redis is away.
    """
    context = msgspec.to_builtins(current_context())
    broker.enqueue(
        dramatiq.Message(
            queue_name=queue,
            actor_name=actor,
            args=args,
            kwargs={"context": context},
            options=dict(options),
        )
    )


async def queue_lengths(redis: redis.asyncio.Redis, namespace: str) -> list[QueueListed]:
    """What waits in each queue, and what was given up; the keys are those of dramatiq's broker."""
    async with redis.pipeline(transaction=False) as asked:
        for queue in QUEUES:
            asked.llen(f"{namespace}:{queue}")
            asked.llen(f"{namespace}:{queue}.DQ")
            asked.zcard(f"{namespace}:{queue}.XQ")
        lengths = await asked.execute()
    return [
        QueueListed(queue, *lengths[3 * place : 3 * place + 3])
        for place, queue in enumerate(QUEUES)
    ]

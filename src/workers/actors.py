"""What workers do when they are told: catch a projection up, fetch a feed, answer a question."""

import logging
from typing import Any
from uuid import UUID

import dramatiq
import msgspec

from contexts.analytics.application.answering import AnswerQuestion
from contexts.analytics.application.datasets import LoadDataset
from contexts.events.application.feed_runs import FeedBusy, RunFeed
from contexts.events.application.ports import FeedFailed
from shared.application.context import Context, running_in
from shared.infrastructure.broker import (
    ANALYTICS,
    ANSWER_QUESTION,
    CATCH_UP,
    FEEDS,
    FETCH_FEED,
    LOAD_DATASET,
    PROJECTIONS,
)
from workers.life import Life

logger = logging.getLogger(__name__)

CATCH_UP_LIMIT = 10 * 60 * 1000
FETCH_LIMIT = 60 * 60 * 1000
LOAD_LIMIT = 6 * 60 * 60 * 1000
ANSWER_LIMIT = 5 * 60 * 1000
"""Milliseconds that an actor may take."""


def declare_actors(broker: dramatiq.Broker, life: Life) -> None:
    """Put the actors on a broker; they work in the program that `life` keeps open."""

    # A wake-up is not worth a second try: the tick looks anyway.
    @dramatiq.actor(
        broker=broker,
        queue_name=PROJECTIONS,
        actor_name=CATCH_UP,
        max_retries=0,
        max_age=60_000,
        time_limit=CATCH_UP_LIMIT,
    )
    async def catch_up(name: str, position: int, *, context: dict[str, Any]) -> None:
        with running_in(msgspec.convert(context, Context)):
            await life.application.runner().catch_up(name, until=position)

    @dramatiq.actor(
        broker=broker,
        queue_name=FEEDS,
        actor_name=FETCH_FEED,
        max_retries=5,
        min_backoff=1_000,
        time_limit=FETCH_LIMIT,
    )
    async def fetch_feed(name: str, run_id: str, *, context: dict[str, Any]) -> None:
        application = life.application
        provider = application.settings().providers.get(name)
        with running_in(msgspec.convert(context, Context)):
            if provider is None:
                logger.error("provider is not set up here", extra={"provider": name})
                return
            try:
                report = await application.bus()(RunFeed(provider, UUID(run_id)))
            except FeedBusy as busy:
                raise dramatiq.errors.Retry(str(busy)) from busy
            except FeedFailed as failure:
                # The run is recorded as failed; the schedule tries again when it is time.
                logger.warning("feed failed", extra={"provider": name, "reason": str(failure)})
            else:
                logger.info("feed read", extra={"provider": name, **msgspec.to_builtins(report)})

    # Whatever is not done here is found by the tick.
    @dramatiq.actor(
        broker=broker,
        queue_name=ANALYTICS,
        actor_name=LOAD_DATASET,
        max_retries=0,
        time_limit=LOAD_LIMIT,
    )
    async def load_dataset(dataset_id: str, *, context: dict[str, Any]) -> None:
        with running_in(msgspec.convert(context, Context)):
            await life.application.bus()(LoadDataset(UUID(dataset_id)))

    @dramatiq.actor(
        broker=broker,
        queue_name=ANALYTICS,
        actor_name=ANSWER_QUESTION,
        max_retries=0,
        time_limit=ANSWER_LIMIT,
    )
    async def answer_question(question_id: str, *, context: dict[str, Any]) -> None:
        with running_in(msgspec.convert(context, Context)):
            await life.application.bus()(AnswerQuestion(UUID(question_id)))

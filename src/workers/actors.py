"""What workers do when they are told: catch a projection up, fetch a feed."""

import logging
from typing import Any
from uuid import UUID

import dramatiq
import msgspec

from contexts.events.application.feed_runs import FeedBusy, RunFeed
from contexts.events.application.ports import FeedFailed
from shared.application.context import Context, running_in
from shared.infrastructure.broker import CATCH_UP, FEEDS, FETCH_FEED, PROJECTIONS
from workers.life import Life

logger = logging.getLogger(__name__)

CATCH_UP_LIMIT = 10 * 60 * 1000
FETCH_LIMIT = 60 * 60 * 1000
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

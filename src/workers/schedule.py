"""When a feed is due, queues it; when a run that was asked for got lost, queues that again."""

import asyncio
import logging
import random
from uuid import UUID

from bootstrap import Application
from contexts.events.domain.provider_run import ProviderRun
from contexts.events.infrastructure.feed_states import CLAIM_SECONDS, Due
from shared.application.context import Context, new_id, running_in
from shared.infrastructure.broker import FEEDS, FETCH_FEED, send

logger = logging.getLogger(__name__)


async def keep_schedule(application: Application) -> None:
    """Look at every tick, for ever. Any number of workers may: a feed is told to one of them."""
    seconds = application.settings().tick_seconds
    while True:
        with running_in(Context(correlation_id=new_id(), actor="schedule")):
            try:
                await _queue_what_is_due(application)
            except Exception as error:
                logger.warning("schedule failed", extra={"error": repr(error)})
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))


async def _queue_what_is_due(application: Application) -> None:
    feeds = application.events.feeds()
    told = await feeds.claim_due()
    while told:
        try:
            await _queue(application, told[-1])
        except BaseException:
            await asyncio.shield(feeds.untell([due.provider for due in told]))
            raise
        told.pop()


async def _queue(application: Application, due: Due) -> None:
    if due.lost_run_id is not None and await _queue_again(application, due.lost_run_id):
        return
    # When the feed is told again, this message is too old to be worked on.
    broker, age = application.broker(), CLAIM_SECONDS * 1000
    args = FETCH_FEED, due.provider, new_id()
    await asyncio.to_thread(send, broker, FEEDS, *args, max_age=age)


async def _queue_again(application: Application, run_id: UUID) -> bool:
    """Do once more what asking for this run led to; False when it has ended after all."""
    stream = f"{ProviderRun.stream}-{run_id}"
    history = (await application.store().read([stream])).get(stream, ())
    if len(history) != 1:
        return False
    logger.warning("run was lost, queued again", extra={"run_id": str(run_id)})
    await application.reactions()(application.codec().recorded(history[0]))
    return True

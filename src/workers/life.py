"""Opens the program when a worker starts, closes it when it stops, and ticks in between."""

import asyncio
import logging
import random
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.middleware import Middleware, MiddlewareError

from bootstrap import Application, running
from contexts.events.domain.provider_run import ProviderRun
from contexts.events.infrastructure.feed_states import CLAIM_SECONDS, Due
from settings import Settings
from shared.application.context import Context, new_id, running_in
from shared.infrastructure.broker import FEEDS, FETCH_FEED, PROJECTIONS, send

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0
"""Seconds between two looks of a subscription that keeps failing."""


class Life(Middleware):
    """Must be added after AsyncIO, whose event loop everything here runs on."""

    def __init__(self, settings: Settings, name: str, queues: tuple[str, ...]) -> None:
        self._settings = settings
        self._name = name
        self._queues = queues
        self._stack = AsyncExitStack()
        self._ticks: list[asyncio.Task[None]] = []
        self._application: Application | None = None

    @property
    def application(self) -> Application:
        assert self._application is not None, "the worker has not started"
        return self._application

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        try:
            _on_loop(self._open())
        except Exception as error:
            # Nobody else would stop the loop's thread, and the process would wait for it for ever.
            _loop_thread().stop()  # type: ignore[no-untyped-call]
            # Dramatiq logs anything else and goes on without it.
            raise MiddlewareError(f"the worker can't start: {error}") from error

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        _on_loop(self._close())

    async def _open(self) -> None:
        self._application = await self._stack.enter_async_context(
            running(self._settings, f"marquee-{self._name}")
        )
        ticks = []
        if PROJECTIONS in self._queues:
            ticks += [self._follow(name) for name in self.application.runner().types]
        if FEEDS in self._queues:
            ticks.append(self._schedule())
        self._ticks = [asyncio.create_task(tick) for tick in ticks]

    async def _close(self) -> None:
        for tick in self._ticks:
            tick.cancel()
        await asyncio.gather(*self._ticks, return_exceptions=True)
        await self._stack.aclose()

    async def _follow(self, name: str) -> None:
        """Bring one subscription up to the log whether anybody was woken or not."""
        pause = self._settings.tick_seconds
        while True:
            with running_in(Context(correlation_id=new_id(), actor="tick")):
                try:
                    await self.application.runner().catch_up(name)
                    pause = self._settings.tick_seconds
                except Exception as error:
                    pause = min(pause * 2, LONGEST_PAUSE)
                    logger.warning("tick failed", extra={"projection": name, "error": repr(error)})
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def _schedule(self) -> None:
        """Queue the feeds that are due; each is told to one worker only."""
        while True:
            with running_in(Context(correlation_id=new_id(), actor="schedule")):
                try:
                    await self._queue_what_is_due()
                except Exception as error:
                    logger.warning("schedule failed", extra={"error": repr(error)})
            await asyncio.sleep(self._settings.tick_seconds * random.uniform(0.8, 1.2))

    async def _queue_what_is_due(self) -> None:
        feeds = self.application.events.feeds()
        told = await feeds.claim_due()
        while told:
            try:
                await self._queue(told[-1])
            except BaseException:
                await asyncio.shield(feeds.untell([due.provider for due in told]))
                raise
            told.pop()

    async def _queue(self, due: Due) -> None:
        if due.lost_run_id is not None and await self._queue_again(due.lost_run_id):
            return
        # When the feed is told again, this message is too old to be worked on.
        broker, age = self.application.broker(), CLAIM_SECONDS * 1000
        args = FETCH_FEED, due.provider, new_id()
        await asyncio.to_thread(send, broker, FEEDS, *args, max_age=age)

    async def _queue_again(self, run_id: UUID) -> bool:
        """Do once more what asking for this run led to; False when it has ended after all."""
        stream = f"{ProviderRun.stream}-{run_id}"
        history = (await self.application.store().read([stream])).get(stream, ())
        if len(history) != 1:
            return False
        logger.warning("run was lost, queued again", extra={"run_id": str(run_id)})
        await self.application.reactions()(self.application.codec().recorded(history[0]))
        return True


def _on_loop(coroutine: Any) -> None:
    _loop_thread().run_coroutine(coroutine)


def _loop_thread() -> EventLoopThread:
    thread = get_event_loop_thread()
    assert thread is not None, "Life must be added after AsyncIO"
    return thread

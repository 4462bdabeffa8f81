"""Opens the program when a worker starts, closes it when it stops, and ticks in between."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import dramatiq
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.middleware import Middleware, MiddlewareError

from bootstrap import Application, running
from settings import Settings
from shared.application.context import Context, new_id, running_in
from shared.infrastructure.broker import ANALYTICS, FEEDS, PROJECTIONS
from shared.infrastructure.event_store.idempotency_keys import keep_swept
from workers.left_open import LeftOpen
from workers.runs import CONVERSATIONS, Runs
from workers.schedule import keep_schedule

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
        self._runs: Runs | None = None

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
            await self.application.rebuilds().start_changed()
            ticks += [
                self._tick(name, partial(self.application.runner().catch_up, name))
                for name in self.application.runner().types
            ]
            ticks.append(self._tick("rebuilds", self.application.rebuilds().go_on))
            ticks.append(keep_swept(self.application.pool()))
            ticks.append(self._tick("reports", self.application.analytics.report_schedule().look))
        if FEEDS in self._queues:
            ticks.append(keep_schedule(self.application))
        if ANALYTICS in self._queues:
            ticks.append(self._tick("left open", LeftOpen(self.application)))
        if CONVERSATIONS in self._queues:
            self._runs = Runs(self.application, self._settings.runs_at_once)
            ticks.append(self._runs.take())
            ticks.append(self._tick("runs", self._runs.look))
        self._ticks = [asyncio.create_task(tick) for tick in ticks]

    async def _close(self) -> None:
        left = set(self._ticks)
        while left:
            # Before Python 3.12 a wait that ends just then swallows the cancellation.
            for tick in left:
                tick.cancel()
            _, left = await asyncio.wait(left, timeout=0.5)
        if self._runs is not None:
            await self._runs.close()
        await self._stack.aclose()

    async def _tick(self, name: str, look: Callable[[], Awaitable[Any]]) -> None:
        """Look for what there is to do, whether anybody was woken or not."""
        pause = self._settings.tick_seconds
        while True:
            with running_in(Context(correlation_id=new_id(), actor="tick")):
                try:
                    await look()
                    pause = self._settings.tick_seconds
                except Exception as error:
                    pause = min(pause * 2, LONGEST_PAUSE)
                    logger.warning("tick failed", extra={"tick": name, "error": repr(error)})
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))


def _on_loop(coroutine: Any) -> None:
    _loop_thread().run_coroutine(coroutine)


def _loop_thread() -> EventLoopThread:
    thread = get_event_loop_thread()
    assert thread is not None, "Life must be added after AsyncIO"
    return thread

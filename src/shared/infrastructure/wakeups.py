"""After a commit, tell the workers that there is something behind their checkpoint.

A wake-up is a hint. It is sent at once when things are quiet and at most every few milliseconds
when they are not, never in the way of the request, and it may be lost: workers look by themselves.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import dramatiq
import redis
from prometheus_client import Counter

from shared.application.context import Context, current_context, running_in
from shared.infrastructure.broker import CATCH_UP, PROJECTIONS, send

logger = logging.getLogger(__name__)

PAUSE = 0.025
"""Seconds between two rounds of wake-ups."""

FAILED = Counter("marquee_wakeups_failed_total", "Wake-ups that the broker did not take")


class Wakeups:
    def __init__(self, broker: Callable[[], dramatiq.Broker]) -> None:
        self._broker = broker
        self._types: Mapping[str, Sequence[str]] = {}
        self._due: dict[str, tuple[int, Context]] = {}
        self._sending: asyncio.Task[None] | None = None

    def __call__(self, position: int, types: frozenset[str]) -> None:
        for name, wanted in self._types.items():
            if not types.isdisjoint(wanted):
                self.wake(name, position)

    def wake(self, name: str, position: int) -> None:
        """Tell one subscription that the log has come to a position."""
        if position > self._due.get(name, (0, None))[0]:
            self._due[name] = position, current_context()
        if self._due and self._sending is None:
            self._sending = asyncio.create_task(self._send())

    def watch(self, types: Mapping[str, Sequence[str]]) -> None:
        """Whom to wake: for each subscription, the types of events it wants."""
        self._types = types

    async def close(self) -> None:
        """Send what is due before the process ends."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        try:
            while self._due:
                due, self._due = self._due, {}
                try:
                    await asyncio.to_thread(self._send_all, due)
                except (redis.exceptions.RedisError, dramatiq.errors.DramatiqError) as error:
                    FAILED.inc(len(due))
                    logger.warning("wake-up not sent", extra={"error": str(error)})
                await asyncio.sleep(PAUSE)
        finally:
            self._sending = None

    def _send_all(self, due: Mapping[str, tuple[int, Context]]) -> None:
        for name, (position, context) in due.items():
            # The task goes on for others too: each wake-up belongs to the request it came from.
            with running_in(context):
                send(self._broker(), PROJECTIONS, CATCH_UP, name, position)

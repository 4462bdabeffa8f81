"""Watches a question on its way to its outcome."""

import asyncio
from collections.abc import AsyncGenerator
from time import monotonic
from uuid import UUID

from contexts.analytics.application.queries import GetQuestion, QuestionShown
from shared.application.bus import Bus

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.2
"""Seconds between two looks: most questions end soon, and those that do not can wait."""


async def changes(
    bus: Bus, id: UUID, *, after: int = 0, seconds: float
) -> AsyncGenerator[QuestionShown | None, None]:
    """The question whenever it has changed since version `after`, until it has ended, or for so
    many seconds; None now and then when nothing happens.

    Raise NotFound when there is none.
    """
    deadline, pause, quiet = monotonic() + seconds, FIRST_PAUSE, 0.0
    while True:
        shown = await bus(GetQuestion(id))
        if shown.version > after:
            yield shown
            after, pause, quiet = shown.version, FIRST_PAUSE, 0.0
        if shown.outcome is not None or monotonic() > deadline:
            return
        await asyncio.sleep(pause)
        quiet += pause
        pause = min(pause * 1.5, LONGEST_PAUSE)
        if quiet >= HEARTBEAT:
            yield None
            quiet = 0.0


HEARTBEAT = 10.0
"""Seconds of silence after which a watcher is told that we are still there."""


async def ended(bus: Bus, id: UUID, *, seconds: float) -> QuestionShown | None:
    """The question with its outcome; None where it has none within so many seconds."""
    async for shown in changes(bus, id, seconds=seconds):
        if shown is not None and shown.outcome is not None:
            return shown
    return None

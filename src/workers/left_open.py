"""Queues once more what was asked for and got lost: datasets not loaded, questions not answered."""

import logging
from time import monotonic
from uuid import UUID

import msgspec

from bootstrap import Application
from contexts.analytics.application.datasets import SweepUploads
from contexts.analytics.application.keeping import Work
from shared.application.context import current_context, running_in

logger = logging.getLogger(__name__)

LOST_AFTER = 5.0
"""Seconds after which something that was asked for, and that nobody is at, counts as lost."""

PATIENCE = 30.0
"""Seconds that what was queued once more may take until somebody is at it."""


SWEEP_SECONDS = 3_600.0
"""Between two looks for files that no dataset is made of, and for what was used long ago."""


class LeftOpen:
    """Any number of workers may look: what is queued twice is done once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._queued: dict[UUID, float] = {}
        self._sweep_at = 0.0

    async def __call__(self) -> None:
        analytics, now = self._application.analytics, monotonic()
        if now > self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            await self._application.bus()(SweepUploads())
            await self._application.conversations.budgets().sweep()
        self._queued = {id: when for id, when in self._queued.items() if when > now - PATIENCE}
        for tenant, id in await analytics.datasets_shown().left_open(LOST_AFTER):
            await self._put("load_dataset", tenant, id)
        for tenant, id in await analytics.questions_shown().left_open(LOST_AFTER):
            await self._put("answer_question", tenant, id)

    async def _put(self, work: Work, tenant: str, id: UUID) -> None:
        if id in self._queued:
            return
        with running_in(msgspec.structs.replace(current_context(), tenant=tenant)):
            if not await self._application.claims().is_held(work, id):
                logger.warning("was lost, queued again", extra={"work": work, "id": str(id)})
                await self._application.analytics.queue().put(work, id)
                self._queued[id] = monotonic()

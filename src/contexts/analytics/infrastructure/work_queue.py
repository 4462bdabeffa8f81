"""The queue of datasets to be loaded and questions to be answered: a Dramatiq message for each."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import dramatiq

from contexts.analytics.application.keeping import Work
from shared.infrastructure.broker import ANALYTICS, send


class DramatiqWorkQueue:
    def __init__(self, broker: Callable[[], dramatiq.Broker]) -> None:
        self._broker = broker

    async def put(self, work: Work, id: UUID) -> None:
        await asyncio.to_thread(send, self._broker(), ANALYTICS, work, str(id))

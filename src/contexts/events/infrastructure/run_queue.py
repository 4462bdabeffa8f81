"""The queue of feeds to be fetched: a Dramatiq message for each."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import dramatiq

from shared.infrastructure.broker import FEEDS, FETCH_FEED, send


class DramatiqRunQueue:
    def __init__(self, broker: Callable[[], dramatiq.Broker]) -> None:
        self._broker = broker

    async def put(self, provider: str, run_id: UUID) -> None:
        await asyncio.to_thread(send, self._broker(), FEEDS, FETCH_FEED, provider, str(run_id))

"""How far the read models that are read have come, for those who wait for one of them."""

import asyncio
from collections import defaultdict
from time import perf_counter

from shared.application.positions import LOG, Behind
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.postgres import Pool
from shared.infrastructure.wakeups import Wakeups

PAUSE = 0.01
"""Seconds between two looks."""


class ReadPositions:
    """Looks are shared: whoever waits for the same read model learns from each of them."""

    def __init__(self, pool: Pool, mark: HighWaterMark, wakeups: Wakeups, patience: float) -> None:
        """`patience` is in seconds."""
        self._pool = pool
        self._mark = mark
        self._wakeups = wakeups
        self._patience = patience
        self._known: dict[str, int] = defaultdict(int)
        self._looking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reached(self, read_model: str, position: int) -> None:
        deadline = perf_counter() + self._patience
        if await self._has_reached(read_model, position):
            return
        # None of its events may lie there, so that nobody has told it that the log went on.
        if read_model != LOG:
            self._wakeups.wake(read_model, position)
        while not await self._has_reached(read_model, position):
            if perf_counter() > deadline:
                behind = position - self._known[read_model]
                raise Behind(
                    f"{read_model} has come to position {self._known[read_model]}, "
                    f"{behind} behind the {position} that was asked for with Min-Log-Position"
                )
            await asyncio.sleep(PAUSE)

    async def _has_reached(self, read_model: str, position: int) -> bool:
        async with self._looking[read_model]:
            if self._known[read_model] < position:
                self._known[read_model] = await self._look(read_model)
            return self._known[read_model] >= position

    async def _look(self, read_model: str) -> int:
        async with self._pool.connection() as connection:
            if read_model == LOG:
                return await self._mark.advance(connection)
            cursor = await connection.execute(
                "select coalesce(min(c.position), 0) from event_store.checkpoints c"
                " join event_store.instances i using (projection, instance)"
                " where projection = %s and i.state = 'active'",
                (read_model,),
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

"""How far the log may be read: nothing at or below the mark can still appear.

Positions are drawn before they are committed, so a reader that simply went on behind the last event
it saw would skip those that commit late. An appender therefore stands inside a fence (a shared
advisory lock) from before it draws until it is done. We sample the last position drawn and then who
is inside; once all of those have left, everything up to the sample is committed or never will be.
No timeout and no guess is involved: a slow appender holds the mark, and the view
event_store.fence_holders names it.
"""

import asyncio
from typing import Any

from psycopg import AsyncConnection

from shared.infrastructure.postgres import Pool

_SAMPLES = 32


class HighWaterMark:
    """One a process. It never goes back."""

    def __init__(self) -> None:
        self.drawn = 0
        """The last position known to have been drawn."""
        self._mark = 0
        self._samples: list[tuple[int, frozenset[str]]] = []
        self._looking = asyncio.Lock()

    async def advance(self, connection: AsyncConnection[Any]) -> int:
        """Look once and return the mark, in one round trip and without waiting for anybody.

        `connection` must not be in a transaction that reads an older snapshot. The events up to the
        mark are visible to every statement that begins after this returns.
        """
        # Looks are taken in one at a time and in order: an older look does not know who has come
        # in since, and would let a newer sample go free of them.
        async with self._looking:
            cursor = await connection.execute(
                "select sampled, holders from event_store.sample_fence()"
            )
            row = await cursor.fetchone()
            assert row is not None
            self._take_in(row[0], frozenset(row[1]))
            return self._mark

    def _take_in(self, sampled: int, inside: frozenset[str]) -> None:
        self.drawn = max(self.drawn, sampled)
        waiting = []
        for position, holders in self._samples:
            if holders & inside:
                waiting.append((position, holders & inside))
            else:
                self._mark = max(self._mark, position)
        if inside:
            # The oldest sample is the next to come free, the newest reaches furthest.
            self._samples = [*waiting[: _SAMPLES - 1], (sampled, inside)]
        else:
            self._mark, self._samples = max(self._mark, sampled), []


class LogPosition:
    """How far the log may be read, looked up when it is asked."""

    def __init__(self, pool: Pool, mark: HighWaterMark) -> None:
        self._pool = pool
        self._mark = mark

    async def __call__(self) -> int:
        async with self._pool.connection() as connection:
            return await self._mark.advance(connection)


async def store_mark(connection: AsyncConnection[Any], mark: int) -> None:
    """Tell the replicas how far they may read."""
    await connection.execute(
        "update event_store.high_water_mark set position = %s, seen_at = clock_timestamp()"
        " where position < %s",
        (mark, mark),
    )


async def stored_mark(connection: AsyncConnection[Any]) -> int:
    """How far the log may be read by those that can't see who is inside the fence."""
    cursor = await connection.execute("select position from event_store.high_water_mark")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])

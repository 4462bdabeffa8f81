"""Who has reports run when they are due: one of all workers, for as long as it lives.

The leader holds a lock in PostgreSQL, which ends with its connection: when its process is killed
the next to look leads. Nothing rests on there being only one: what is due is derived from the log,
and of two that send for the same report one finds that it was decided already.
"""

import asyncio
import logging
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg

from contexts.analytics.application.ports import Clock
from contexts.analytics.application.reporting import RunDueReport
from shared.application.bus import Bus
from shared.application.context import Context, new_id, running_in
from shared.infrastructure.postgres import Pool, own_connection

logger = logging.getLogger(__name__)

DEPOSED_AFTER = 60.0
"""Seconds without a look after which the server ends the leader's session: its process may stand
still, or be on the far side of a network that is cut."""

PATIENCE = 5.0
"""Seconds that the server may take to answer."""

_LEAD = int.from_bytes(blake2b(b"analytics reports", digest_size=8).digest(), signed=True)


class ReportSchedule:
    def __init__(
        self, pool: Pool, bus: Bus, clock: Clock, deposed_after: float = DEPOSED_AFTER
    ) -> None:
        self._pool = pool
        self._bus = bus
        self._clock = clock
        self._deposed_after = deposed_after
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._leads = False

    async def look(self) -> int:
        """Send for every report that is due; how many, and none where another leads."""
        try:
            async with asyncio.timeout(PATIENCE):
                due = await self._due()
        except BaseException:
            # A lock that we are not sure of would keep the others out as well.
            await self.close()
            raise
        for tenant, id in due:
            with running_in(Context(correlation_id=new_id(), actor="schedule", tenant=tenant)):
                try:
                    await self._bus(RunDueReport(id))
                except Exception as error:
                    # It is still due at the next look; the others are not to wait for it.
                    logger.warning(
                        "report not run", extra={"report": str(id), "error": repr(error)}
                    )
        return len(due)

    async def close(self) -> None:
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None:
            await connection.close()

    async def _due(self) -> Sequence[tuple[str, UUID]]:
        if self._connection is None or self._connection.closed:
            self._leads = False
            self._connection = await own_connection(self._pool)
            await self._connection.execute(
                "select set_config('idle_session_timeout', %s, false)",
                (str(round(self._deposed_after * 1000)),),
            )
        if not self._leads:
            cursor = await self._connection.execute("select pg_try_advisory_lock(%s)", (_LEAD,))
            row = await cursor.fetchone()
            if not (row and row[0]):
                return ()
            self._leads = True
            logger.info("leads the schedule of reports")
        cursor = await self._connection.execute(
            "select tenant, id from analytics.reports where next_due <= %s order by next_due",
            (self._clock(),),
        )
        return [(tenant, id) for tenant, id in await cursor.fetchall()]

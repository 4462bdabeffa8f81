"""The event store in PostgreSQL; its rules stand in migrations/0002_event_log.sql."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

from shared.application.context import current_context, note_appended, note_read
from shared.application.event_store import Append, Head, Slice, StoredEvent
from shared.infrastructure.event_store.appending import Order, order, send_alone
from shared.infrastructure.event_store.group_commit import GroupCommit
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.log_reading import COLUMNS, read_log, stored_event
from shared.infrastructure.event_store.transaction import Transaction, current_transaction
from shared.infrastructure.postgres import Pool

Listener: TypeAlias = Callable[[int, frozenset[str]], None]
"""Called after a commit, with the last position and the types of the events; must not block."""

ARCHIVING_ATTEMPTS = 20
"""How often the archive waits for a moment in which nobody appends; writers go on in between."""

# The parts of the log are chosen by equality; `= any(...)` would look into all of them.
_READ_ONE = (
    f"select {COLUMNS} from event_store.events"  # noqa: S608 (a constant)
    " where tenant = %s and stream = %s order by version"
)
_READ_MANY = (
    f"select {COLUMNS} from unnest(%s::text[]) as s(name)"  # noqa: S608 (a constant)
    " cross join lateral (select * from event_store.events e"
    " where e.tenant = %s and e.stream = s.name order by e.version) e"
)
_HEADS = (
    "select s.stream, h.version, h.fingerprint from unnest(%s::text[]) as s(stream)"
    " cross join lateral (select e.version, e.metadata->>'fingerprint' as fingerprint"
    " from event_store.events e where e.tenant = %s and e.stream = s.stream"
    " order by e.version desc limit 1) h"
)

_version = attrgetter("version")


class PostgresEventStore:
    def __init__(self, pool: Pool, mark: HighWaterMark, after_commit: Listener) -> None:
        self._pool = pool
        self._mark = mark
        self._after_commit = after_commit
        self._appends = GroupCommit(pool, after_commit)

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        tenant = current_context().tenant
        async with self._connection() as connection:
            if len(streams) == 1:
                cursor = await connection.execute(_READ_ONE, (tenant, streams[0]))
            else:
                names = list(dict.fromkeys(streams))
                cursor = await connection.execute(_READ_MANY, (names, tenant))
            rows = await cursor.fetchall()
        found: dict[str, list[StoredEvent]] = {}
        for stored in map(stored_event, rows):
            found.setdefault(stored.stream, []).append(stored)
        for history in found.values():
            history.sort(key=_version)
            note_read(history[-1].position)
        return found

    async def heads(self, streams: Sequence[str]) -> Mapping[str, Head]:
        async with self._connection() as connection:
            cursor = await connection.execute(_HEADS, (list(streams), current_context().tenant))
            return {
                stream: Head(version, fingerprint)
                for stream, version, fingerprint in await cursor.fetchall()
            }

    async def append(self, appends: Sequence[Append]) -> int:
        ordered = order(appends)
        if (transaction := current_transaction()) is not None:
            position = await self._append_in(transaction, ordered)
        else:
            position = await self._appends.append(ordered)
        note_appended(position)
        return position

    async def archive(self, streams: Sequence[str]) -> int:
        """Raise LockNotAvailable when somebody has been appending all the time."""
        for attempt in range(1, ARCHIVING_ATTEMPTS + 1):
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(
                        "select event_store.archive(%s, %s)",
                        (current_context().tenant, list(streams)),
                    )
                    row = await cursor.fetchone()
                break
            except LockNotAvailable:
                if attempt == ARCHIVING_ATTEMPTS:
                    raise
                await asyncio.sleep(0.05 * attempt)
        assert row is not None
        return int(row[0])

    async def follow(self, after: int, *, types: Sequence[str], limit: int) -> Slice:
        async with self._pool.connection() as connection:
            mark = await self._mark.advance(connection)
            events: list[StoredEvent] = []
            while True:
                left = limit - len(events)
                log = await read_log(connection, after, upto=mark, types=types, limit=left)
                events += log.events
                if len(events) == limit or log.upto >= mark:
                    return Slice(events, log.upto)
                after = log.upto

    async def _append_in(self, transaction: Transaction, ordered: Order) -> int:
        async with transaction.connection() as connection:
            answer = await send_alone(connection, ordered, in_transaction=True)
        if isinstance(answer, Exception):
            raise answer
        transaction.after_commit(partial(self._after_commit, answer, ordered.types))
        return answer

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Of the transaction that we are in, which alone sees what was appended in it."""
        transaction = current_transaction()
        if transaction is not None and transaction.has_begun:
            async with transaction.connection() as connection:
                yield connection
        else:
            async with self._pool.connection() as connection:
                yield connection

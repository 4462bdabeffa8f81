"""The event store in PostgreSQL; the rules stand in migrations/0001_event_store.sql."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import psycopg
from psycopg import AsyncConnection

from shared.application.context import current_context
from shared.application.event_store import (
    Append,
    Head,
    Metadata,
    Slice,
    StoredEvent,
    VersionConflict,
    must_name_streams_once,
)
from shared.infrastructure.high_water_mark import HighWaterMark
from shared.infrastructure.postgres import Pool

logger = logging.getLogger(__name__)

Listener: TypeAlias = Callable[[int, frozenset[str]], None]
"""Called after a commit, with the last position and the types of the events; must not block."""

ATTEMPTS = 3
"""Two bulk appends may deadlock on a stream they both write; the one that gave way tries again."""

_COLUMNS = "position, tenant, stream, version, type, data::text, metadata::text, recorded_at"

_read_metadata = msgspec.json.Decoder(Metadata).decode


class PostgresEventStore:
    def __init__(self, pool: Pool, mark: HighWaterMark, after_commit: Listener) -> None:
        self._pool = pool
        self._mark = mark
        self._after_commit = after_commit

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        found: dict[str, list[StoredEvent]] = {}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"select {_COLUMNS} from event_store.events"  # noqa: S608 (a constant)
                " where tenant = %s and stream = any(%s) order by stream, version",
                (current_context().tenant, list(streams)),
            )
            for row in await cursor.fetchall():
                stored = _stored(row)
                found.setdefault(stored.stream, []).append(stored)
        return found

    async def heads(self, streams: Sequence[str]) -> Mapping[str, Head]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select s.stream, h.version, h.fingerprint from unnest(%s::text[]) as s(stream)"
                " cross join lateral (select e.version, e.metadata->>'fingerprint' as fingerprint"
                " from event_store.events e where e.tenant = %s and e.stream = s.stream"
                " order by e.version desc limit 1) h",
                (list(streams), current_context().tenant),
            )
            return {
                stream: Head(version, fingerprint)
                for stream, version, fingerprint in await cursor.fetchall()
            }

    async def append(self, appends: Sequence[Append]) -> int:
        arguments = _arguments(appends)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(
                        "select event_store.append(%s, %s, %s, %s, %s, %s, %s, %s)", arguments
                    )
                    row = await cursor.fetchone()
                break
            except psycopg.errors.UniqueViolation as error:
                raise VersionConflict("another writer was first in one of the streams") from error
            except psycopg.errors.DeadlockDetected:
                if attempt == ATTEMPTS:
                    raise
            except psycopg.DatabaseError as error:
                if error.sqlstate == "MQ409":
                    raise VersionConflict(error.diag.message_primary) from error
                raise
        assert row is not None
        position: int = row[0]
        self._after_commit(position, frozenset(e.type for a in appends for e in a.events))
        return position

    async def follow(self, after: int, *, types: Sequence[str], limit: int) -> Slice:
        async with self._pool.connection() as connection:
            mark = await self._mark.advance(connection)
            return await read_log(connection, after, upto=mark, types=types, limit=limit)


async def read_log(
    connection: AsyncConnection[Any], after: int, *, upto: int, types: Sequence[str], limit: int
) -> Slice:
    """The next events of these types; `upto` is a high-water mark taken before."""
    cursor = await connection.execute(
        f"select {_COLUMNS} from event_store.events"  # noqa: S608 (a constant)
        " where position > %s and position <= %s and type = any(%s) order by position limit %s",
        (after, upto, list(types), limit),
    )
    events = [_stored(row) for row in await cursor.fetchall()]
    full = len(events) == limit
    return Slice(events, upto=events[-1].position if full else max(after, upto))


def _arguments(appends: Sequence[Append]) -> tuple[Any, ...]:
    must_name_streams_once(appends)
    # In one order everywhere, so that two appends to the same streams seldom deadlock.
    ordered = sorted(appends, key=lambda append: append.stream)
    context = current_context()
    streams, versions, types, data, metadata = [], [], [], [], []
    for append in ordered:
        about = msgspec.json.encode(Metadata.of(context, append.fingerprint)).decode()
        for version, event in enumerate(append.events, start=append.expected + 1):
            streams.append(append.stream)
            versions.append(version)
            types.append(event.type)
            data.append(event.data.decode())
            metadata.append(about)
    return (
        context.tenant,
        [append.stream for append in ordered],
        [append.expected for append in ordered],
        streams,
        versions,
        types,
        data,
        metadata,
    )


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    position, tenant, stream, version, type, data, metadata, recorded_at = row
    return StoredEvent(
        position=position,
        tenant=tenant,
        stream=stream,
        version=version,
        type=type,
        data=data.encode(),
        metadata=_read_metadata(metadata),
        recorded_at=recorded_at,
    )

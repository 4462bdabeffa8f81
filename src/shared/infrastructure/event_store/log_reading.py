"""Reads the log in order, up to a high-water mark."""

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL

from shared.application.event_store import Metadata, Slice, StoredEvent

COLUMNS = "position, tenant, stream, version, type, data::text, metadata::text, recorded_at"
COLUMNS_OF_E = ", ".join(f"e.{column}" for column in COLUMNS.split(", "))
"""The same in a join, of the events called e."""

STRETCH = 100_000

MOST_BYTES = 16_000_000
"""Of data, as it is stored, that are read at once; a single event may have more."""

# The size of what is stored is known without reading it.
_NEXT = SQL(
    f"select {COLUMNS}, found from ("  # noqa: S608 (a constant)
    " select *, count(*) over () as found,"
    " sum(pg_column_size(data)) over (order by position) - pg_column_size(data) as before from ("
    " select * from event_store.events"
    " where position > %s and position <= %s and type = any(%s) {} order by position limit %s"
    ") as next) as sized where before < %s order by position"
)
_OF_SHARD = SQL("and event_store.shard_of(stream, %s) = %s")

_read_metadata = msgspec.json.Decoder(Metadata).decode


async def read_log(
    connection: AsyncConnection[Any],
    after: int,
    *,
    upto: int,
    types: Sequence[str],
    limit: int,
    shard: tuple[int, int] = (0, 1),
) -> Slice:
    """The next events of these types; `upto` is a high-water mark taken before.

    `shard` is (number, of): only the streams that fall to this one of so many. A call looks through
    STRETCH positions at most, so that a rare type takes many short looks and not one long one, and
    leaves events for the next where they are so large that there would be more than MOST_BYTES.
    """
    number, of = shard
    upto = min(upto, after + STRETCH)
    cursor = await connection.execute(
        _NEXT.format(_OF_SHARD if of > 1 else SQL("")),
        (after, upto, list(types), *((of, number) if of > 1 else ()), limit, MOST_BYTES),
    )
    rows = await cursor.fetchall()
    events = [stored_event(row[:-1]) for row in rows]
    more = len(events) == limit or (rows and rows[0][-1] > len(events))
    return Slice(events, upto=events[-1].position if more else max(after, upto))


def stored_event(row: tuple[Any, ...]) -> StoredEvent:
    """A row of COLUMNS."""
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

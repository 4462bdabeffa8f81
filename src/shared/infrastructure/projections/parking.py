"""Sets aside what an instance can't take in, and what comes after it in the same stream."""

from collections.abc import Sequence

import msgspec

from shared.application.event_store import StoredEvent
from shared.infrastructure.projections.subscriptions import Connection, Shard

MAX_FAILED = 100
"""Events of one instance that may fail, at most. More are no accident: the projection is broken."""


class TooManyParked(Exception):
    """So many events fail that the fault is not theirs."""


class Sifted(msgspec.Struct, frozen=True):
    """`waiting` are those that come after a parked event of their stream and are not parked yet."""

    delivered: Sequence[StoredEvent]
    waiting: Sequence[StoredEvent]


async def sift(
    connection: Connection, name: str, shard: Shard, events: Sequence[StoredEvent]
) -> Sifted:
    """Leave out what is parked or was discarded, in this instance or in one before it."""
    if not events or not await _has_parked(connection, name):
        return Sifted(events, ())
    cursor = await connection.execute(
        "select tenant, stream, instance, position, discarded_at is not null"
        " from event_store.parked_events where projection = %s and stream = any(%s)"
        " and (instance = %s or discarded_at is not null)",
        (name, list({stored.stream for stored in events}), shard.instance),
    )
    first_parked: dict[tuple[str, str], int] = {}
    known = set()
    for tenant, stream, _, position, discarded in await cursor.fetchall():
        known.add(position)
        if not discarded:
            first = first_parked.get((tenant, stream), position)
            first_parked[tenant, stream] = min(first, position)
    delivered: list[StoredEvent] = []
    waiting: list[StoredEvent] = []
    for stored in events:
        if stored.position in known:
            continue
        first = first_parked.get((stored.tenant, stored.stream), stored.position + 1)
        (waiting if stored.position > first else delivered).append(stored)
    return Sifted(delivered, waiting)


async def park(
    connection: Connection, name: str, shard: Shard, stored: StoredEvent, error: Exception | None
) -> None:
    """Set an event aside, in the transaction that holds the checkpoint; without an error it waits
    behind another. Raise TooManyParked when that can't be all there is to it."""
    if error is not None:
        cursor = await connection.execute(
            "select count(*) from event_store.parked_events"
            " where projection = %s and instance = %s and error is not null"
            " and discarded_at is null",
            (name, shard.instance),
        )
        row = await cursor.fetchone()
        if row is not None and row[0] >= MAX_FAILED:
            raise TooManyParked(
                f"{MAX_FAILED} events are parked already, now {described(error)}"
            ) from error
    await connection.execute(
        "insert into event_store.parked_events (projection, instance, shard, tenant, stream,"
        " version, position, type, error, attempts)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            name,
            shard.instance,
            shard.number,
            stored.tenant,
            stored.stream,
            stored.version,
            stored.position,
            stored.type,
            described(error),
            0 if error is None else 1,
        ),
    )


def described(error: Exception | None) -> str | None:
    return None if error is None else f"{type(error).__name__}: {error}"[:2000]


async def _has_parked(connection: Connection, name: str) -> bool:
    cursor = await connection.execute(
        "select exists (select from event_store.parked_events where projection = %s)", (name,)
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])

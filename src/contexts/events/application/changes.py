"""The feed of what happened to events on offer, for those who keep a copy of the catalogue."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec

from contexts.events.application.queries import EventShown
from contexts.events.application.showing import show
from contexts.events.domain.event import EventChange
from shared.application.bus import Query
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.event_store import EventStore, Recorded, Slice, StoredEvent
from shared.domain.aggregate import kinds_of

MAX_CHANGES = 500
MAX_WAIT = 25.0

_SLICE = 500
"""Events of the log that are read at a time; those of other tenants are among them."""
_SLICES = 20
"""How many are read for one request at most, so that no answer takes for ever."""
_PAUSES = (0.1, 0.2, 0.3, 0.5)
"""Seconds between looks while waiting; the last one again and again."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the log, as it is in the history of the event on offer.

    `event` is all that is known of it after this change, and is given where it comes on offer; else
    it is null.
    """

    position: int
    event_id: UUID
    version: int
    type: str
    recorded_at: datetime
    data: dict[str, Any]
    event: EventShown | None = None


class Changes(msgspec.Struct, frozen=True, rename="camel"):
    """Some changes, in order. `next` is to be passed as `after`, also when there are none.

    `up_to_date`: behind these there was nothing more when it was looked.
    """

    data: Sequence[Change]
    next: int
    up_to_date: bool


class ListChanges(Query[Changes], frozen=True):
    """What happened behind position `after` to events that are on offer.

    An event that was never sold online is nobody's business yet, so nothing of it is told. The
    change that brings it on offer (mostly, but not always, its announcement) comes with the whole
    event, so that a copy needs nothing of what was before; from then on every change is told.
    Each is told once, and none is skipped, whoever writes at the same time.

    `wait`: seconds to wait for a change where there is none yet.
    """

    after: int = 0
    limit: int = 100
    wait: float = 0.0


async def list_changes(query: ListChanges, *, store: EventStore, codec: Codec) -> Changes:
    deadline = monotonic() + min(query.wait, MAX_WAIT)
    after = query.after
    async for pause in _pauses():
        found = await _look(after, query.limit, store, codec)
        if found.data or not found.up_to_date or monotonic() + pause > deadline:
            return found
        # What others did need not be read again.
        after = found.next
        await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")


async def _pauses() -> AsyncIterator[float]:
    for pause in _PAUSES[:-1]:
        yield pause
    while True:
        yield _PAUSES[-1]


async def _look(after: int, limit: int, store: EventStore, codec: Codec) -> Changes:
    types = codec.tags_for(kinds_of(EventChange))
    # Where a tenant shares the log with none, the first piece is all that is needed.
    for size in (limit, *(_SLICES * (_SLICE,))):
        slice = await store.follow(after, types=types, limit=size)
        up_to_date = len(slice.events) < size
        changes = await _public(slice, store, codec)
        if len(changes) > limit:
            return Changes(changes[:limit], changes[limit - 1].position, False)
        if changes or up_to_date:
            return Changes(changes, slice.upto, up_to_date)
        after = slice.upto
    return Changes((), after, False)


async def _public(slice: Slice, store: EventStore, codec: Codec) -> list[Change]:
    """The changes in this piece of the log that may be told to the current tenant."""
    tenant = current_context().tenant
    ours = [stored for stored in slice.events if stored.tenant == tenant]
    # Whether an event is on offer by then is said by its history.
    histories = await store.read(sorted({stored.stream for stored in ours})) if ours else {}
    told: dict[int, Change] = {}
    for history in histories.values():
        told.update(_of_one(history, ours[0].position, ours[-1].position, codec))
    return [told[stored.position] for stored in ours if stored.position in told]


def _of_one(
    history: Sequence[StoredEvent], first: int, last: int, codec: Codec
) -> dict[int, Change]:
    """The changes of one event from one position to another, by position."""
    shown: EventShown | None = None
    changes = {}
    for stored in history:
        if stored.position > last:
            break
        recorded: Recorded[EventChange] = codec.recorded(stored)
        was_on_offer = shown is not None and shown.ever_online
        shown = show(shown, recorded)
        if stored.position >= first and shown.ever_online:
            changes[stored.position] = _change(recorded, None if was_on_offer else shown)
    return changes


def _change(recorded: Recorded[EventChange], shown: EventShown | None) -> Change:
    data = msgspec.to_builtins(recorded.event, builtin_types=(Decimal,))
    return Change(
        position=recorded.position,
        event_id=recorded.id,
        version=recorded.version,
        type=data.pop("type"),
        recorded_at=recorded.recorded_at,
        data=data,
        event=shown,
    )

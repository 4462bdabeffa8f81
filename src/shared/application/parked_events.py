"""Events that a projection could not take in: what is known of them, and what may be done."""

from datetime import datetime
from typing import Any

import msgspec

from shared.application.bus import Command, Query
from shared.application.pages import Page, PageRequest
from shared.domain.errors import NotFound, Refused


class UnknownParkedEvent(NotFound):
    code = "unknown_parked_event"


class CannotReplay(Refused):
    code = "cannot_replay"


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that an instance of a projection has set aside.

    `error` is what it failed with at its last attempt; null when it has not been tried, because it
    waits behind an earlier event of its stream. A discarded one is never taken in, by no later
    instance either; who decided so, and why, stays on record. `data` is the event as the log holds
    it, null in lists.
    """

    id: int
    projection: str
    instance: int
    tenant: str
    stream: str
    version: int
    position: int
    type: str
    error: str | None
    attempts: int
    parked_at: datetime
    tried_at: datetime
    discarded_at: datetime | None
    discarded_by: str | None
    reason: str | None
    data: dict[str, Any] | None = None


class ListParkedEvents(Query[Page[ParkedEvent]], frozen=True):
    """The oldest first; with `discarded` those that were."""

    projection: str | None = None
    discarded: bool = False
    page: PageRequest = PageRequest()


class GetParkedEvent(Query[ParkedEvent], frozen=True):
    id: int


class Replayed(msgspec.Struct, frozen=True):
    """How many events of the stream were taken in, how many are parked still, and why."""

    replayed: int
    parked: int
    error: str | None = None


class ReplayParkedEvent(Command[Replayed], frozen=True):
    """Try again what is parked of this event's stream, in order, up to the first that fails."""

    id: int


class DiscardParkedEvent(Command[None], frozen=True):
    """Let the projection do without this event for good; the events behind it can be replayed."""

    id: int
    reason: str

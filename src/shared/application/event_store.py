"""The port the whole system stands on: streams are appended to and read, the log is followed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar
from uuid import UUID

import msgspec

from shared.application.context import Context
from shared.domain.errors import Conflict, Refused

E = TypeVar("E")


class VersionConflict(Conflict):
    """A stream is not at the version that the decision was made on."""

    code = "version_conflict"


class StreamArchived(Refused):
    """The stream has ended and was put away; it can be read, and nothing is added to it."""

    code = "stream_archived"


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about an event beside what happened.

    `fingerprint` is a digest of the outside message that the event was made from, so that the same
    message is recognised when it comes again.
    """

    correlation_id: str | None = None
    causation_id: str | None = None
    actor: str | None = None
    traceparent: str | None = None
    fingerprint: str | None = None

    @classmethod
    def of(cls, context: Context, fingerprint: str | None = None) -> Self:
        return cls(
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            actor=context.actor,
            traceparent=context.traceparent,
            fingerprint=fingerprint,
        )


class NewEvent(msgspec.Struct, frozen=True):
    """An event on its way into the log; `data` is its JSON, with the tag under "type"."""

    type: str
    data: bytes


class Append(msgspec.Struct, frozen=True):
    """Events for one stream, decided on its state after `expected` events (0: it is new)."""

    stream: str
    expected: int
    events: Sequence[NewEvent]
    fingerprint: str | None = None


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the log holds it.

    `position` grows over the whole log and has holes; `version` counts 1, 2, 3 ... in its stream.
    """

    position: int
    tenant: str
    stream: str
    version: int
    type: str
    data: bytes
    metadata: Metadata
    recorded_at: datetime


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """A decoded event with what only the store knows: whose it is, and where in the order."""

    id: UUID
    tenant: str
    stream: str
    version: int
    position: int
    recorded_at: datetime
    metadata: Metadata
    event: E

    @property
    def ref(self) -> str:
        """Names this event for good, as a causation id."""
        return f"{self.stream}@{self.version}"


class Head(msgspec.Struct, frozen=True):
    """The end of a stream: its version, and the fingerprint of the last event."""

    version: int
    fingerprint: str | None


class Slice(msgspec.Struct, frozen=True):
    """A piece of the log, in order.

    Everything of the types asked for up to `upto` is in it: the reader may go on from there.
    """

    events: Sequence[StoredEvent]
    upto: int


class EventStore(Protocol):
    """All methods act on the tenant of the current context."""

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        """Every event of these streams, in order of version; a stream without any is left out."""

    async def heads(self, streams: Sequence[str]) -> Mapping[str, Head]:
        """How far these streams have come; one that is not there is left out."""

    async def append(self, appends: Sequence[Append]) -> int:
        """Record all of it or nothing; at most one append a stream. Return the last position.

        Raise VersionConflict unless every stream holds exactly the events expected, and
        StreamArchived for one that is in the archive.
        """

    async def archive(self, streams: Sequence[str]) -> int:
        """Put these streams away, whole, and return how many events that moved.

        They are read and followed as before, and never appended to again.
        """

    async def follow(self, after: int, *, types: Sequence[str], limit: int) -> Slice:
        """The next `limit` events of these types behind position `after`, of every tenant."""


def must_name_streams_once(appends: Sequence[Append]) -> None:
    """Raise ValueError for what no caller can mean."""
    if not appends or len({append.stream for append in appends}) < len(appends):
        raise ValueError("an append takes one stream or several, each of them once")
    if not all(append.events for append in appends):
        raise ValueError("an append takes at least one event for each of its streams")

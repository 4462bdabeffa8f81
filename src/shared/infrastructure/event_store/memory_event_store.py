"""The event store of the unit tests: the whole contract, on a list."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.application.context import current_context, note_appended, note_read
from shared.application.event_store import (
    Append,
    Head,
    Metadata,
    Slice,
    StoredEvent,
    StreamArchived,
    VersionConflict,
    must_name_streams_once,
)


class MemoryEventStore:
    def __init__(self) -> None:
        self.log: list[StoredEvent] = []
        self._archived: set[tuple[str, str]] = set()

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        found: dict[str, list[StoredEvent]] = {}
        tenant = current_context().tenant
        for stored in self.log:
            if stored.tenant == tenant and stored.stream in streams:
                found.setdefault(stored.stream, []).append(stored)
                note_read(stored.position)
        return found

    async def heads(self, streams: Sequence[str]) -> Mapping[str, Head]:
        tenant = current_context().tenant
        return {
            stored.stream: Head(stored.version, stored.metadata.fingerprint)
            for stored in self.log
            if stored.tenant == tenant and stored.stream in streams
        }

    async def append(self, appends: Sequence[Append]) -> int:
        must_name_streams_once(appends)
        context = current_context()
        heads = await self.heads([append.stream for append in appends])
        for append in appends:
            if (context.tenant, append.stream) in self._archived:
                raise StreamArchived(f"{append.stream} is in the archive, where nothing is added")
            version = heads[append.stream].version if append.stream in heads else 0
            if version != append.expected:
                raise VersionConflict(
                    f"{append.stream} is at version {version}, not {append.expected}"
                )
        for append in appends:
            for version, event in enumerate(append.events, start=append.expected + 1):
                self.log.append(
                    StoredEvent(
                        position=len(self.log) + 1,
                        tenant=context.tenant,
                        stream=append.stream,
                        version=version,
                        type=event.type,
                        data=event.data,
                        metadata=Metadata.of(context, append.fingerprint),
                        recorded_at=datetime.now(UTC),
                    )
                )
        note_appended(len(self.log))
        return len(self.log)

    async def archive(self, streams: Sequence[str]) -> int:
        found = {(stored.tenant, stored.stream) for stored in self.log}
        moving = {(current_context().tenant, stream) for stream in streams} & found
        moving -= self._archived
        self._archived |= moving
        return sum((stored.tenant, stored.stream) in moving for stored in self.log)

    async def follow(self, after: int, *, types: Sequence[str], limit: int) -> Slice:
        events = [stored for stored in self.log[after:] if stored.type in types][:limit]
        full = len(events) == limit
        return Slice(events, upto=events[-1].position if full else max(after, len(self.log)))

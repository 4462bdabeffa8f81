"""The event store of the unit tests: the whole contract, on a list."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

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


class MemoryEventStore:
    def __init__(self) -> None:
        self.log: list[StoredEvent] = []

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        found: dict[str, list[StoredEvent]] = {}
        tenant = current_context().tenant
        for stored in self.log:
            if stored.tenant == tenant and stored.stream in streams:
                found.setdefault(stored.stream, []).append(stored)
        return found

    async def heads(self, streams: Sequence[str]) -> Mapping[str, Head]:
        histories = await self.read(streams)
        return {
            stream: Head(history[-1].version, history[-1].metadata.fingerprint)
            for stream, history in histories.items()
        }

    async def append(self, appends: Sequence[Append]) -> int:
        must_name_streams_once(appends)
        context = current_context()
        heads = await self.heads([append.stream for append in appends])
        for append in appends:
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
        return len(self.log)

    async def follow(self, after: int, *, types: Sequence[str], limit: int) -> Slice:
        events = [stored for stored in self.log[after:] if stored.type in types][:limit]
        full = len(events) == limit
        return Slice(events, upto=events[-1].position if full else max(after, len(self.log)))

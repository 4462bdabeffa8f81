"""One repository for every aggregate: they differ in rules, not in how they are stored."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from shared.application.codec import Codec
from shared.application.event_store import Append, EventStore, StoredEvent
from shared.domain.aggregate import Aggregate
from shared.domain.errors import Conflict, NotFound

A = TypeVar("A", bound=Aggregate[Any])


class Repository(Generic[A]):
    def __init__(self, kind: type[A], store: EventStore, codec: Codec) -> None:
        self._kind = kind
        self._store = store
        self._codec = codec

    async def get(self, id: UUID, *, expected: int | None = None) -> A:
        """Raise NotFound, or Conflict when it is not at the `expected` version any more."""
        found = await self.get_many([id])
        if id not in found:
            raise NotFound(f"no {self._kind.stream} {id}")
        aggregate = found[id]
        if expected is not None and expected != aggregate.version:
            raise Conflict(
                f"{self._kind.stream} {id} is at version {aggregate.version}, not {expected}: "
                "read it again and decide again"
            )
        return aggregate

    async def get_many(self, ids: Iterable[UUID]) -> Mapping[UUID, A]:
        """Those that exist, in one round trip."""
        by_stream = {self._stream(id): id for id in ids}
        histories = await self._store.read(list(by_stream))
        return {
            by_stream[stream]: self._kind.replay(by_stream[stream], map(self._event, history))
            for stream, history in histories.items()
        }

    async def fingerprints(self, ids: Iterable[UUID]) -> Mapping[UUID, str | None]:
        """What was last said of each one that exists, without loading it."""
        by_stream = {self._stream(id): id for id in ids}
        heads = await self._store.heads(list(by_stream))
        return {by_stream[stream]: head.fingerprint for stream, head in heads.items()}

    async def save(self, aggregate: A) -> int:
        """Record what is pending; return the version the aggregate is at now."""
        await self.save_many([aggregate])
        return aggregate.version

    async def save_many(
        self, aggregates: Iterable[A], fingerprints: Mapping[UUID, str] | None = None
    ) -> int:
        """Record all that is pending, or nothing; return how many events that was."""
        changed = [aggregate for aggregate in aggregates if aggregate.pending]
        if not changed:
            return 0
        await self._store.append(
            [
                Append(
                    stream=self._stream(aggregate.id),
                    expected=aggregate.version,
                    events=[self._codec.encode(event) for event in aggregate.pending],
                    fingerprint=(fingerprints or {}).get(aggregate.id),
                )
                for aggregate in changed
            ]
        )
        count = 0
        for aggregate in changed:
            count += len(aggregate.pending)
            aggregate.version += len(aggregate.pending)
            aggregate.pending.clear()
        return count

    def _stream(self, id: UUID) -> str:
        return f"{self._kind.stream}-{id}"

    def _event(self, stored: StoredEvent) -> Any:
        return self._codec.decode(stored.type, stored.data)

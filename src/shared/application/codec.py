"""Between events and the bytes they are stored as, today's and yesterday's."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from shared.application.event_store import NewEvent, Recorded, StoredEvent
from shared.domain.aggregate import DomainEvent, tag_of


class Upcaster(msgspec.Struct, frozen=True):
    """What became of a retired tag: the tag that followed it, and how the fields changed."""

    successor: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


class UnknownEvent(Exception):
    """The log holds an event of a type that this program does not know."""


class Codec:
    def __init__(
        self, kinds: Iterable[type[DomainEvent]], upcasters: Mapping[str, Upcaster] | None = None
    ) -> None:
        """All kinds of event there are; and, for each retired tag, what became of it.

        An incompatible change of an event is a new tag and an upcaster for the old one; a new field
        with a default needs neither.
        """
        self._upcasters = dict(upcasters or {})
        self._decoders: dict[str, msgspec.json.Decoder[DomainEvent]] = {}
        for kind in kinds:
            tag = tag_of(kind)
            if tag in self._decoders or tag in self._upcasters:
                raise ValueError(f"two kinds of event are stored as {tag!r}")
            self._decoders[tag] = msgspec.json.Decoder(kind)

    @property
    def tags(self) -> frozenset[str]:
        """Every tag that may stand in the log."""
        return frozenset(self._decoders) | frozenset(self._upcasters)

    def encode(self, event: DomainEvent) -> NewEvent:
        return NewEvent(tag_of(type(event)), msgspec.json.encode(event))

    def decode(self, type: str, data: bytes) -> DomainEvent:
        if type in self._upcasters:
            return self._decode_retired(type, data)
        try:
            decoder = self._decoders[type]
        except KeyError:
            raise UnknownEvent(f"no event is known as {type!r}") from None
        return decoder.decode(data)

    def recorded(self, stored: StoredEvent) -> Recorded[Any]:
        return Recorded(
            id=UUID(stored.stream.partition("-")[2]),
            tenant=stored.tenant,
            stream=stored.stream,
            version=stored.version,
            position=stored.position,
            recorded_at=stored.recorded_at,
            metadata=stored.metadata,
            event=self.decode(stored.type, stored.data),
        )

    def tags_for(self, kinds: Iterable[type[DomainEvent]]) -> list[str]:
        """The tags under which events of these kinds are stored, retired ones included."""
        wanted = {tag_of(kind) for kind in kinds}
        retired = {tag for tag in self._upcasters if self._successor(tag) in wanted}
        return sorted(wanted | retired)

    def _decode_retired(self, tag: str, data: bytes) -> DomainEvent:
        form = msgspec.json.decode(data)
        while upcaster := self._upcasters.get(tag):
            form, tag = upcaster.change(form), upcaster.successor
        return msgspec.convert({**form, "type": tag}, type=self._decoders[tag].type)

    def _successor(self, tag: str) -> str:
        while upcaster := self._upcasters.get(tag):
            tag = upcaster.successor
        return tag

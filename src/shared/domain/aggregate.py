"""An aggregate decides; what it decided is recorded as events; events rebuild it."""

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform, get_args
from uuid import UUID

import msgspec


@dataclass_transform(frozen_default=True)
class DomainEvent(msgspec.Struct, frozen=True, tag_field="type"):
    """Something that happened: past tense, never changed, never deleted.

    The tag is the name it is stored under. Rename the class freely; never the tag.
    """


E = TypeVar("E", bound=DomainEvent)


class Aggregate(Generic[E]):
    stream: ClassVar[str]
    """The name of its kind in the log: its events live in the stream `<stream>-<id>`."""

    events: ClassVar[Any]
    """The union of the events this aggregate records, and is rebuilt from."""

    def __init__(self, id: UUID) -> None:
        self.id = id
        self.version = 0
        self.pending: list[E] = []

    @classmethod
    def replay(cls, id: UUID, history: Iterable[E]) -> Self:
        aggregate = cls(id)
        for event in history:
            aggregate.apply(event)
            aggregate.version += 1
        return aggregate

    def record(self, event: E) -> None:
        self.apply(event)
        self.pending.append(event)

    def apply(self, event: E) -> None:
        """Take in what happened. Decides nothing, so it may not fail."""
        raise NotImplementedError


def tag_of(kind: type[DomainEvent]) -> str:
    """The name a kind of event is stored under."""
    return str(kind.__struct_config__.tag)


def kinds_of(union: Any) -> tuple[type[DomainEvent], ...]:
    """The classes in a union of events, or the one class that it is."""
    return get_args(union) or (union,)

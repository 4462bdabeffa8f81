"""An event happened: ask each reaction what it wants done, and do it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from shared.application.bus import Bus, Command
from shared.application.context import Context, running_in
from shared.application.event_store import Recorded
from shared.domain.aggregate import DomainEvent

Reaction: TypeAlias = Callable[[Any], Iterable[Command[Any]]]
"""A pure function: an event in, commands out."""


class Reactions:
    """Commands that events call for, sent at least once each and in the order of the log.

    A crash between a command and the checkpoint sends that command again, so what a reaction asks
    for must bear being asked twice.
    """

    def __init__(self, bus: Bus, *tables: Mapping[type[DomainEvent], Sequence[Reaction]]) -> None:
        self._bus = bus
        self._table: dict[type[DomainEvent], list[Reaction]] = {}
        for table in tables:
            for kind, reactions in table.items():
                self._table.setdefault(kind, []).extend(reactions)

    @property
    def handles(self) -> tuple[type[DomainEvent], ...]:
        return tuple(self._table)

    async def __call__(self, recorded: Recorded[Any]) -> None:
        with running_in(cause(recorded)):
            for reaction in self._table.get(type(recorded.event), ()):
                for command in reaction(recorded.event):
                    await self._bus(command)


def cause(recorded: Recorded[Any]) -> Context:
    """The context of what follows from this event: the same conversation, one step on."""
    metadata = recorded.metadata
    return Context(
        correlation_id=metadata.correlation_id or recorded.ref,
        causation_id=recorded.ref,
        actor=metadata.actor or "system",
        traceparent=metadata.traceparent,
        tenant=recorded.tenant,
    )

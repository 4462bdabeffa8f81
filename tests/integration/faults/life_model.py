"""What a log and a projection have to be after whatever was done to them, as simply as can be."""

from collections.abc import Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple


class Event(NamedTuple):
    position: int
    stream: str
    version: int
    name: str


class PoisonMet(Exception):
    """A switch takes in what there is as a whole or not at all."""


@dataclass
class Instance:
    state: str
    position: int = 0
    """Of the last event that it has passed."""
    taken: dict[str, list[int]] = field(default_factory=dict)
    """For each stream the versions that were taken in, in that order."""
    parked: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.taken.setdefault(event.stream, []).append(event.version)

    def waiting(self, stream: str) -> list[Event]:
        return [event for event in self.parked if event.stream == stream]


class Model:
    def __init__(self) -> None:
        self.log: list[Event] = []
        self.archived: set[str] = set()
        self.poison: set[str] = set()
        self.discarded: set[int] = set()
        """Positions."""
        self.instances: dict[int, Instance] = {1: Instance("active")}
        self.made = 1
        self.before: int | None = None
        """The instance that was active last."""

    def version(self, stream: str) -> int:
        return sum(event.stream == stream for event in self.log)

    def in_state(self, *states: str) -> dict[int, Instance]:
        return {n: each for n, each in self.instances.items() if each.state in states}

    @property
    def active(self) -> int:
        (number,) = self.in_state("active")
        return number

    def catch_up(self, states: Sequence[str]) -> None:
        for instance in self.in_state(*states).values():
            self.bring_up(instance, self.poison)

    def bring_up(self, instance: Instance, poison: Set[str], *, park: bool = True) -> None:
        for event in self.log:
            if event.position <= instance.position:
                continue
            instance.position = event.position
            if event.position in self.discarded:
                continue
            if instance.waiting(event.stream):
                instance.parked.append(event)
            elif event.name not in poison:
                instance.take(event)
            elif park:
                instance.parked.append(event)
            else:
                raise PoisonMet

    def replay(self, number: int, stream: str) -> tuple[int, int]:
        """How many are taken in, how many stay."""
        instance, replayed = self.instances[number], 0
        for event in instance.waiting(stream):
            if event.name in self.poison:
                break
            instance.take(event)
            instance.parked.remove(event)
            replayed += 1
        return replayed, len(instance.waiting(stream))

    def discard(self, number: int, event: Event) -> None:
        self.instances[number].parked.remove(event)
        self.discarded.add(event.position)

    def start(self) -> int | None:
        if self.in_state("building", "built"):
            return None
        self.made += 1
        self.instances[self.made] = Instance("building")
        return self.made

    def go_on(self) -> None:
        self.catch_up(("building", "built"))
        for number in self.in_state("building"):
            self.switch(number, anyway=False)

    def switch(self, number: int, *, anyway: bool) -> bool:
        """Whether it is the one that is read from now on."""
        if number == self.active:
            return True
        old, new = deepcopy(self.instances[self.active]), deepcopy(self.instances[number])
        try:
            for instance in (new, old):
                self.bring_up(instance, self.poison, park=False)
        except PoisonMet:
            return False
        was_active = self.active
        self.instances |= {was_active: old, number: new}
        fine = not new.parked and len(old.taken) <= len(new.taken)
        if not (fine or anyway or new.state == "kept"):
            new.state = "built"
            return False
        old.state, new.state, self.before = "kept", "active", was_active
        for each in self.in_state("kept"):
            if each != was_active:
                del self.instances[each]
        return True

    def drop(self, number: int) -> bool:
        if number == self.active:
            return False
        del self.instances[number]
        if number == self.before:
            self.before = None
        return True

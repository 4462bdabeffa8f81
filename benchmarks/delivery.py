"""What a follower of a log was given, held against what was committed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

Place: TypeAlias = tuple[str, int]
"""An event: its stream, and its version in it."""


class Delivery(NamedTuple):
    skipped: int
    """Committed, and never delivered."""
    repeated: int
    """Deliveries of an event that had been delivered before."""
    reordered: int
    """First deliveries that came after a later event of the same stream."""
    unreal: int
    """Delivered, and not committed."""


def delivery(committed: Iterable[Place], delivered: Sequence[Place]) -> Delivery:
    real = set(committed)
    seen: set[Place] = set()
    furthest: dict[str, int] = {}
    repeated = reordered = 0
    for place in delivered:
        if place in seen:
            repeated += 1
            continue
        seen.add(place)
        stream, version = place
        reached = furthest.get(stream, 0)
        reordered += version < reached
        furthest[stream] = max(reached, version)
    return Delivery(len(real - seen), repeated, reordered, len(seen - real))

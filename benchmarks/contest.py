"""A question, those that are measured to answer it, and rounds that take turns among them."""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from benchmarks.figures import ratios, spread
from benchmarks.place import Place, Unavailable


class Figure(NamedTuple):
    """One round of one entry; `notes` are what else was seen, by name."""

    value: float
    notes: Mapping[str, float] = {}


Measure: TypeAlias = Callable[[Place], Awaitable[Figure]]


class Entry(NamedTuple):
    """`target` is what ours divided by this one should be: at least, or at most."""

    name: str
    measure: Measure
    target: tuple[Literal["at least", "at most"], float] | None = None


class Row(NamedTuple):
    """The first entry is ours; the others are what it is divided by.

    `limits` bound notes of the first entry from above, `rounds` bounds how often it is measured.
    """

    name: str
    unit: str
    entries: tuple[Entry, ...]
    limits: Mapping[str, float] = {}
    rounds: int | None = None
    large: bool = False


class Measured(msgspec.Struct):
    """Every single figure of one entry, in the order of the rounds."""

    name: str
    values: list[float] = []
    notes: list[Mapping[str, float]] = []
    ratios: list[float] = []
    target: str | None = None
    reached: bool | None = None
    missing: str | None = None
    """Why there are no figures, or not all of them."""
    failed: bool = False


class Result(msgspec.Struct):
    row: str
    unit: str
    entries: list[Measured]


async def contest(row: Row, place: Place, rounds: int) -> Result:
    """Measure in turns, and begin each round with another entry: nobody always goes first."""
    measured = {entry.name: Measured(entry.name) for entry in row.entries}
    for number in range(min(rounds, row.rounds or rounds)):
        first = number % len(row.entries)
        for entry in (*row.entries[first:], *row.entries[:first]):
            mine = measured[entry.name]
            if mine.missing is not None:
                continue
            try:
                figure = await entry.measure(place)
            except Unavailable as reason:
                mine.missing = str(reason)
            except Exception as error:
                # The other rows are worth having; the run as a whole is marked as failed.
                mine.missing = f"{type(error).__name__}, see above"
                mine.failed = True
                traceback.print_exc()
            else:
                mine.values.append(figure.value)
                mine.notes.append(figure.notes)
    ours = measured[row.entries[0].name]
    _judge_notes(row, ours)
    for entry in row.entries[1:]:
        _judge(entry, ours, measured[entry.name])
    return Result(row.name, row.unit, list(measured.values()))


def _judge(entry: Entry, ours: Measured, theirs: Measured) -> None:
    together = min(len(ours.values), len(theirs.values))
    if not together:
        return
    theirs.ratios = ratios(ours.values[:together], theirs.values[:together])
    if entry.target is not None:
        bound, number = entry.target
        middle = spread(theirs.ratios).median
        theirs.target = f"{bound} {number:.3g}"
        theirs.reached = middle >= number if bound == "at least" else middle <= number


def _judge_notes(row: Row, ours: Measured) -> None:
    if not (row.limits and ours.notes):
        return
    ours.target = (
        "nothing lost"
        if not any(row.limits.values())
        else ", ".join(f"{name} at most {limit:g}" for name, limit in row.limits.items())
    )
    # What may never happen is not averaged away.
    ours.reached = all(
        (spread(seen).median if limit else max(seen)) <= limit
        for name, limit in row.limits.items()
        for seen in [[notes[name] for notes in ours.notes]]
    )

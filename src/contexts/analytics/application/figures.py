"""What may be derived from the rows of a result: sums, shares, changes, ratios, counts and gaps.

Sentences are made of these numbers, and a sentence of somebody else's is held against them.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec

from contexts.analytics.application.wording import moment
from contexts.analytics.domain.answer import Output, Result
from contexts.analytics.domain.query_spec import Grain

_LEADERS = 10
"""Of how many leading rows the sum is a figure."""

_SECONDS: dict[Grain, int] = {"week": 7 * 86_400, "day": 86_400, "hour": 3_600}
_MONTHS: dict[Grain, int] = {"year": 12, "quarter": 3, "month": 1}


class Numbers(msgspec.Struct, frozen=True):
    """One column's numbers: those that are there, in the order of the rows, and in which rows."""

    output: Output
    rows: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def adds_up(self) -> bool:
        return self.output.additive and self.output.shown_as == "value"

    @property
    def has_parts(self) -> bool:
        """Whether each value is a part of their sum."""
        return self.adds_up and min(self.values) >= 0 and self.total > 0

    @property
    def highest(self) -> "Extreme":
        return self._extreme(max(self.values))

    @property
    def lowest(self) -> "Extreme":
        return self._extreme(min(self.values))

    def _extreme(self, value: float) -> "Extreme":
        at = [row for row, each in zip(self.rows, self.values, strict=True) if each == value]
        return Extreme(value, tuple(at))

    @property
    def total(self) -> float:
        """The sum; of whole numbers a whole number."""
        if all(isinstance(value, int) for value in self.values):
            return sum(self.values)
        return math.fsum(self.values)

    @property
    def average(self) -> float:
        return self.total / len(self.values)

    def leading(self, count: int) -> float:
        """The sum of the highest."""
        return math.fsum(sorted(self.values, reverse=True)[:count])

    def share(self, value: float) -> float:
        return value / self.total


class Extreme(msgspec.Struct, frozen=True):
    """The highest or the lowest value, and the rows that have it."""

    value: float
    rows: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.rows)


def numbers(result: Result, at: int) -> Numbers | None:
    """The numbers of the column there; None where it has none."""
    output = result.columns[at]
    found = [
        (number, value)
        for number, value in enumerate(row[at] for row in result.rows)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    if not found or output.type not in ("integer", "decimal"):
        return None
    return Numbers(output, tuple(row for row, _ in found), tuple(value for _, value in found))


def change(before: float, after: float) -> float | None:
    """The relative change, 0.1 for 10 % more; None where a percentage would mean nothing."""
    return after / before - 1 if before > 0 and after >= 0 else None


def gaps(result: Result, at: int) -> tuple[int, int] | None:
    """How many steps of time there are from the first row's to the last's, and how many of them
    have no row. None where the column does not step through time."""
    grain = result.columns[at].grain
    steps = {_step(row[at], grain) for row in result.rows if row[at] is not None}
    found = [step for step in steps if step is not None]
    if len(found) < 2 or len(found) < len(steps):
        return None
    span = max(found) - min(found) + 1
    return (span, span - len(found)) if span < 100_000 else None


def _step(cell: object, grain: Grain | None) -> int | None:
    at = moment(cell) if isinstance(cell, str) else None
    if at is None or grain is None:
        return None
    if grain in _MONTHS:
        return (at.year * 12 + at.month - 1) // _MONTHS[grain]
    if grain in _SECONDS:
        days = at.toordinal() - 1  # 1 January of year 1 was a Monday.
        return (days * 86_400 + at.hour * 3_600) // _SECONDS[grain]
    return None


def derived(given: Numbers) -> Iterator[float]:
    """Numbers that follow from a column: what it adds up to, and how its notable values differ."""
    yield from given.values
    yield from (len(given.values), given.highest.count, given.lowest.count)
    if given.adds_up:
        yield from (given.total, given.average)
        yield from (given.leading(count) for count in range(2, _LEADERS + 1))
    for one, other in combinations(_notable(given.values), 2):
        yield abs(one - other)


def derived_ratios(given: Numbers) -> Iterator[float]:
    """How many times the notable values of a column are one another."""
    for one, other in combinations(_notable(given.values), 2):
        if one and other:
            yield from (one / other, other / one)


def derived_shares(given: Numbers) -> Iterator[float]:
    """Parts of a whole and relative changes that follow from a column, 0.1 for 10 %."""
    notable = list(combinations(_notable(given.values), 2))
    if given.output.in_percent:
        yield from given.values
        yield from (abs(one - other) for one, other in notable)
    if given.has_parts:
        yield from (given.share(value) for value in given.values)
        yield from (
            given.share(given.leading(count))
            for count in range(2, min(_LEADERS + 1, len(given.values)))
        )
    for one, other in notable:
        yield from filter(None, (change(one, other), change(other, one)))


def _notable(values: Sequence[float]) -> list[float]:
    """The first and the last, the two highest and the two lowest."""
    ranked = sorted(values)
    return list(dict.fromkeys([values[0], values[-1], *ranked[:2], *ranked[-2:]]))

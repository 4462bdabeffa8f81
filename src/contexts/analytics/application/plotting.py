"""What of a result can be drawn: which column goes along, which up, and the points they make."""

import math
from collections import Counter
from typing import Literal, TypeAlias

import msgspec

from contexts.analytics.application import wording
from contexts.analytics.domain.answer import Cell, Output, Result

Ordering = Literal["time", "order", "none"]
"""Of what is drawn along: a flow of time; values that have an order, such as weekdays or ages;
names."""

_FLOWS = ("year", "quarter", "month", "week", "day", "hour")
"""Grains that truncate a time; what they make follows one another."""

_YEARS = range(1000, 3000)


class Point(msgspec.Struct, frozen=True):
    """One number. `label` is its place along in words, and differs where places differ."""

    x: Cell
    label: str
    y: float
    series: str | None = None


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A result as points, in the order of its rows.

    `previous` is drawn as a second series, where a comparison made it. `repeats`: several rows
    stand in the same place. `grouped` is false for a list of rows.
    """

    x: Output
    y: Output
    points: tuple[Point, ...]
    ordering: Ordering
    series: Output | None = None
    previous: Output | None = None
    repeats: bool = False
    grouped: bool = True


Reading: TypeAlias = Plot | str
"""Or why there is nothing to draw, as it goes on after "because"."""


def read(result: Result) -> Reading:
    """How a result would be drawn."""
    columns = list(enumerate(result.columns))
    measures = [(i, each) for i, each in columns if each.kind == "measure"]
    if not measures:
        return _read_list(result)
    values = [(i, each) for i, each in measures if _is_number(each) and each.shown_as != "change"]
    values = [(i, each) for i, each in values if each.shown_as != "change_share"]
    dimensions = [(i, each) for i, each in columns if each.kind == "dimension"]
    if not dimensions:
        return "it is a single number" if len(columns) == 1 else "nothing is grouped by"
    if not values:
        return "there are no numbers to draw"
    if len(dimensions) > 2:
        return f"there are {len(dimensions)} groupings"
    dimensions.sort(key=lambda each: _RANK[_ordering(each[1], result, each[0])], reverse=True)
    previous = next((v for v in values[1:] if v[1].shown_as == "previous"), None)
    along, *others = dimensions
    if others:
        previous = None
    return _plot(result, along, values[0], others[0] if others else None, previous)


_RANK: dict[Ordering, int] = {"time": 2, "order": 1, "none": 0}


def _read_list(result: Result) -> Reading:
    """A list of rows can be drawn when it tells one number of each."""
    columns = list(enumerate(result.columns))
    if len(columns) != 2:
        return "it is a list of rows"
    up = next((each for each in reversed(columns) if _is_number(each[1])), None)
    if up is None:
        return "it is a list of rows without a number"
    along = columns[1 - up[0]]
    plot = _plot(result, along, up, None, None)
    return plot if isinstance(plot, str) else msgspec.structs.replace(plot, grouped=False)


def _plot(
    result: Result,
    along: tuple[int, Output],
    up: tuple[int, Output],
    series: tuple[int, Output] | None,
    previous: tuple[int, Output] | None,
) -> Reading:
    (at, x), (value_at, y) = along, up
    ordering = _ordering(x, result, at)
    rows = [row for row in result.rows if ordering != "time" or row[at] is not None]
    names = _Names(x)
    groups = _Names(series[1]) if series else None
    seen = Counter((row[at], row[series[0]] if series else None) for row in rows)
    repeats = any(count > 1 for count in seen.values())
    points = []
    for row in rows:
        label = names.fresh(row[at]) if repeats and series is None else names.of(row[at])
        drawn: list[tuple[str | None, Cell]] = [
            (groups.of(row[series[0]]) if series and groups else None, row[value_at])
        ]
        if previous is not None:
            drawn = [(y.title, row[value_at]), (previous[1].title, row[previous[0]])]
        points += [
            Point(row[at], label, value, name)
            for name, value in drawn
            if isinstance(value, int | float) and math.isfinite(value)
        ]
    if not points:
        return "there are no numbers to draw"
    return Plot(
        x=x,
        y=y,
        points=tuple(points),
        ordering=ordering,
        series=series[1] if series else None,
        previous=previous[1] if previous else None,
        repeats=repeats,
    )


def _is_number(output: Output) -> bool:
    return output.type in ("integer", "decimal") and output.grain is None


def _ordering(output: Output, result: Result, at: int) -> Ordering:
    if output.grain is not None:
        return "time" if output.grain in _FLOWS else "order"
    if output.type in ("date", "timestamp") or is_year(output, result, at):
        return "time"
    return "order" if output.type in ("integer", "decimal", "time") else "none"


def is_year(output: Output, result: Result, at: int) -> bool:
    """Whether it is a column of whole numbers that are years, and says so."""
    words = wording.title(output.title).lower().split()
    return (
        output.type == "integer"
        and output.kind == "dimension"
        and "year" in words
        and all(row[at] is None or row[at] in _YEARS for row in result.rows)
    )


class _Names:
    """The label of each value of a column: different values never share one."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._known: dict[Cell, str] = {}
        self._taken: set[str] = set()

    def of(self, value: Cell) -> str:
        if value not in self._known:
            self._known[value] = self.fresh(value)
        return self._known[value]

    def fresh(self, value: Cell) -> str:
        """One that nothing has yet."""
        told = wording.cell(value, self._output)
        label, count = told, 1
        while label in self._taken:
            count += 1
            label = f"{told} ({count})"
        self._taken.add(label)
        return label

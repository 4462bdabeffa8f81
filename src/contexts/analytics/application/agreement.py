"""Whether two results tell the same, however their rows and columns are arranged."""

import math
from collections.abc import Iterable, Sequence
from itertools import islice, permutations
from typing import TypeAlias

from contexts.analytics.application.wording import moment
from contexts.analytics.domain.answer import Cell, Result

_TOLERANCE = 1e-6
"""Relative; sums differ in their last digits when they are added up in another order."""

_ARRANGEMENTS = 120
"""That are tried: all of five columns."""

_Value: TypeAlias = str | float | None


def agree(first: Result, second: Result) -> bool:
    """Whether both have the same rows, each as often, with their columns in some order.

    Numbers agree when they are nearly the same, also where one side has them as text; a date agrees
    with its midnight. What was cut off agrees with nothing that was not.
    """
    if len(first.rows) != len(second.rows) or len(first.columns) != len(second.columns):
        return False
    if first.truncated != second.truncated:
        return False
    ours = [[_value(cell) for cell in row] for row in first.rows]
    theirs = [[_value(cell) for cell in row] for row in second.rows]
    width = len(first.columns)
    fits = [
        [_same_column(ours, one, theirs, other) for other in range(width)] for one in range(width)
    ]
    arrangements = (
        order
        for order in islice(permutations(range(width)), _ARRANGEMENTS)
        if all(fits[one][other] for one, other in enumerate(order))
    )
    ours.sort(key=_key)
    return any(
        _same_rows(ours, sorted(([row[at] for at in order] for row in theirs), key=_key))
        for order in arrangements
    )


def _same_rows(ours: Iterable[Sequence[_Value]], theirs: Iterable[Sequence[_Value]]) -> bool:
    """Whether they are the same, one after the other."""
    return all(
        all(_same(one, other) for one, other in zip(mine, yours, strict=True))
        for mine, yours in zip(ours, theirs, strict=True)
    )


def _same_column(
    ours: Sequence[Sequence[_Value]], one: int, theirs: Sequence[Sequence[_Value]], other: int
) -> bool:
    mine, yours = ([row[one]] for row in ours), ([row[other]] for row in theirs)
    return _same_rows(sorted(mine, key=_key), sorted(yours, key=_key))


def _key(row: Sequence[_Value]) -> tuple[list[str], list[float]]:
    """Texts first: they are exact, and numbers that nearly agree must not part equal rows."""
    return (
        [
            "number" if isinstance(each, float) else "none" if each is None else f"text {each}"
            for each in row
        ],
        [each for each in row if isinstance(each, float)],
    )


def _same(one: _Value, other: _Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-9)
    return one == other


def _value(cell: Cell) -> _Value:
    """Numbers as floats, midnights as dates, truth as words; everything else as it is."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        return float(cell)
    if cell is None:
        return None
    try:
        number = float(cell)
    except ValueError:
        return _without_midnight(cell)
    return number if math.isfinite(number) else cell


def _without_midnight(text: str) -> str:
    at = moment(text)
    if at is None or at.hour or at.minute or at.second or at.microsecond:
        return text
    return at.date().isoformat()

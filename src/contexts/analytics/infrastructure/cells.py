"""Values of PostgreSQL as they stand in JSON, and no more of them than a result may hold."""

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from contexts.analytics.application.ports import Limits
from contexts.analytics.domain.answer import Cell, Output
from contexts.analytics.domain.relation import ColumnType

_EXACT = 2**53
"""Up to here a float that is a whole number is that number."""

CUT = "…"
"""What a text ends with that was longer."""


class Cells:
    """Takes rows until a limit is reached; `truncated` says that there was more."""

    def __init__(self, outputs: Sequence[Output], limits: Limits) -> None:
        self.rows: list[tuple[Cell, ...]] = []
        self.truncated = False
        self._types = [each.type for each in outputs]
        self._limits = limits
        self._bytes = 0

    def take(self, row: Sequence[Any]) -> bool:
        """Whether more is wanted."""
        if len(self.rows) == self._limits.rows:
            self.truncated = True
            return False
        cells = tuple(
            self._cut(cell(value, kind)) for value, kind in zip(row, self._types, strict=True)
        )
        self._bytes += sum(_size(each) for each in cells)
        if self._bytes > self._limits.bytes:
            self.truncated = True
            return False
        self.rows.append(cells)
        return True

    def _cut(self, value: Cell) -> Cell:
        if not isinstance(value, str) or len(value) * 4 <= self._limits.cell_bytes:
            return value
        encoded = value.encode(errors="replace")
        if len(encoded) <= self._limits.cell_bytes:
            return value
        self.truncated = True
        room = max(0, self._limits.cell_bytes - len(CUT.encode()))
        return encoded[:room].decode(errors="ignore") + CUT


def cell(value: Any, kind: ColumnType) -> Cell:
    """Times come as texts, and numbers that have no end or are none as nothing."""
    if value is None or isinstance(value, bool):
        return value
    if kind in ("integer", "decimal"):
        return _number(value, kind)
    text = str(value)
    if kind == "time" and text.endswith(":00") and text.count(":") == 2:
        return text[:-3]
    return text


def _number(value: Any, kind: ColumnType) -> Cell:
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return None
    if (kind == "integer" or abs(exact) < _EXACT) and exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return near if math.isfinite(near) else None


def _size(value: Cell) -> int:
    """About what it takes in JSON."""
    return len(value.encode(errors="replace")) + 3 if isinstance(value, str) else 20

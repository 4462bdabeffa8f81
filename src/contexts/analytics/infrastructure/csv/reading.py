"""How the cells of one column are read: their type, and what PostgreSQL is given for each."""

from collections.abc import Callable
from typing import Final, get_args

import msgspec

from contexts.analytics.domain.relation import ColumnType
from contexts.analytics.infrastructure.csv.moments import moment_writer
from contexts.analytics.infrastructure.csv.numbers import NATIVE, number_writer
from contexts.analytics.infrastructure.csv.shapes import FALSE, TRUE, Shape, word

TYPES: Final[dict[str, ColumnType]] = {name: name for name in get_args(ColumnType)}

SQL_TYPES: Final[dict[ColumnType, str]] = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "time": "time",
}

_NATIVE_BOOLEANS: Final = frozenset(("true", "false", "t", "f", "yes", "no", "y", "n"))


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """`comma`: it is the decimal mark. `month_first`: 3/4 is the fourth of March. Two readings that
    agree in these three make the same table of the same file.

    `warning` says what was decided without proof, and how to decide otherwise.
    """

    type: ColumnType
    comma: bool = False
    month_first: bool = False
    why: str = ""
    format: str | None = None
    unit: str | None = None
    warning: str | None = None

    def agrees(self, other: "Reading") -> bool:
        return (self.type, self.comma, self.month_first) == (
            other.type,
            other.comma,
            other.month_first,
        )

    def is_native(self, shape: Shape, month_first: bool) -> bool:
        """Whether PostgreSQL makes the same of such a cell as we would, with this date order.

        Of text that has no blanks around it; that is to be looked at by itself.
        """
        kind, style = shape.kind, shape.style
        if kind == "empty":
            return style == "" or self.type == "text"
        match self.type:
            case "text":
                return True
            case "integer":
                return kind == "number" and shape.bare and style in ("1", "01")
            case "decimal":
                plain = kind == "number" and shape.bare and (style in NATIVE or style == "01")
                return plain and (not self.comma or style == "1")
            case "boolean":
                return kind == "boolean" and style in _NATIVE_BOOLEANS
            case "date" | "timestamp":
                ordered = style.startswith("1")
                opposite = "day_first" if self.month_first else "month_first"
                return (
                    (kind == "date" or kind == "timestamp")
                    and shape.bare
                    and (not ordered or self.month_first == month_first)
                    and shape.proof != opposite
                )
            case "time":
                return kind == "time" and shape.bare

    def writer(self) -> Callable[[str], str | None]:
        """Makes what PostgreSQL is given of a cell without blanks around it; None if it is not of
        the type."""
        match self.type:
            case "text":
                return str
            case "integer" | "decimal":
                return number_writer(self.comma, whole=self.type == "integer")
            case "boolean":
                return _written_boolean
            case "date" | "timestamp" | "time":
                return moment_writer(self.type, self.month_first)


def _written_boolean(text: str) -> str | None:
    said = word(text)
    if said in TRUE or said == "1":
        return "t"
    return "f" if said in FALSE or said == "0" else None

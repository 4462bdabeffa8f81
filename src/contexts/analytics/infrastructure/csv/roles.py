"""What a column is for: adding up, grouping by, telling things apart, telling when."""

from contexts.analytics.domain.relation import Column, Role
from contexts.analytics.infrastructure.csv.meanings import (
    money_rank,
    says_code,
    says_group,
    says_id,
    says_phone,
    says_postal,
    says_who_or_where,
)

_TELLING = 20
"""Rows from which on it means something that no code comes twice."""

_YEARS = (1800, 2100)


def role(column: Column, rows: int, place: int) -> Role:
    """Of a column whose other facts are known; `place` counts from 0.

    Whole numbers are identifiers where their name says which one (`waiter`, `ticket_number`), or
    where they number the rows in the first column; groups where their name says so (`rank`), where
    all could be years, and where there are no more than 0 and 1. All other numbers are measures.
    Texts are identifiers when their name says id, number or telephone, or says code and hardly any
    of at least 20 comes twice; else one groups by them.
    """
    match column.type:
        case "date" | "timestamp" | "time":
            return "time"
        case "boolean":
            return "dimension"
        case "text":
            return _of_text(column, rows)
        case "integer":
            return _of_integer(column, rows, place)
        case "decimal":
            return "identifier" if says_id(column.name) else "measure"


def _of_text(column: Column, rows: int) -> Role:
    filled = rows - column.empty
    if says_postal(column.name):
        return "dimension"
    if says_code(column.name):
        each_once = filled >= _TELLING and column.distinct >= 0.9 * filled
        return "identifier" if each_once else "dimension"
    return "identifier" if says_id(column.name) or says_phone(column.name) else "dimension"


def _of_integer(column: Column, rows: int, place: int) -> Role:
    name, least, greatest = column.name, column.minimum, column.maximum
    if column.unit is not None:
        return "measure"
    if says_id(name) or says_who_or_where(name):
        return "identifier"
    if says_group(name) or (least, greatest) == ("0", "1"):
        return "dimension"
    if money_rank(name) is not None or least is None or greatest is None:
        return "measure"
    if _YEARS[0] <= int(least) < int(greatest) <= _YEARS[1]:
        return "dimension"
    return "identifier" if place == 0 and rows > 2 and column.distinct == rows else "measure"


def main_measure(columns: tuple[Column, ...]) -> str | None:
    """The measure that is meant by "how much", where names tell: `total` before `price`."""
    ranked = [
        (rank, column.name)
        for column in columns
        if column.role == "measure" and (rank := money_rank(column.name)) is not None
    ]
    return min(ranked)[1] if ranked else None


def main_time(columns: tuple[Column, ...]) -> str | None:
    """The first column of dates."""
    return next((c.name for c in columns if c.type in ("date", "timestamp")), None)

"""What criteria of time imply, so that the indexes of the catalogue can be used to the full.

None of it changes what is found. An event does not end before it starts (a rule of the domain),
so a bound on its end is one on its start as well; and what ends after some time either starts after
it or is going on at that time.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    true,
)

from shared.application.criteria import And, Comparison, Criteria
from shared.infrastructure.lists.keyset import Split


class Times(NamedTuple):
    """The bounds that all that is found lies within, both ends included."""

    starts_from: datetime | None
    starts_to: datetime | None
    ends_from: datetime | None
    ends_to: datetime | None


def times(criteria: Criteria) -> Times:
    parts = criteria.criteria if isinstance(criteria, And) else (criteria,)
    found = [part for part in parts if isinstance(part, Comparison)]
    return Times(
        max(_values(found, "starts_at", "gt", "gte", "eq"), default=None),
        min(_values(found, "starts_at", "lt", "lte", "eq"), default=None),
        max(_values(found, "ends_at", "gt", "gte", "eq"), default=None),
        min(_values(found, "ends_at", "lt", "lte", "eq"), default=None),
    )


def implied(bounds: Times, catalogue: Table, *, sorted_by: str) -> ColumnElement[bool]:
    """No more than is of use: PostgreSQL expects fewer rows with each condition."""
    starts_from, starts_to, ends_from, ends_to = bounds
    conditions: list[ColumnElement[bool]] = []
    if starts_from is not None and sorted_by == "ends_at":
        conditions.append(catalogue.c.over_at >= starts_from)
    if ends_to is not None and sorted_by != "ends_at":
        conditions.append(catalogue.c.starts_at <= ends_to)
    if ends_from is not None and starts_to is not None:
        first, last = sorted((ends_from, starts_to))
        asked = func.tstzrange(_time(first), _time(last), _CLOSED)
        conditions.append(duration(catalogue).op("&&", is_comparison=True)(asked))
    return and_(true(), *conditions)


def split(bounds: Times, catalogue: Table) -> Split | None:
    """The list by start, of what ends after some time: without this all that was over before would
    have to be passed."""
    if bounds.ends_from is None or bounds.starts_from is not None:
        return None
    then = _time(bounds.ends_from)
    going_on = duration(catalogue).op("@>", is_comparison=True)(then)
    return Split(few=(catalogue.c.starts_at < then) & going_on, rest=catalogue.c.starts_at >= then)


def duration(catalogue: Table) -> ColumnElement[Any]:
    """What the index catalogue_by_time is of."""
    starts_at = catalogue.c.starts_at
    return func.tstzrange(starts_at, func.greatest(starts_at, catalogue.c.over_at), _CLOSED)


_CLOSED: ColumnElement[str] = literal_column("'[]'")


def _time(time: datetime) -> ColumnElement[Any]:
    # Typed, for PostgreSQL could also take it for a range.
    return cast(bindparam(None, time), DateTime(timezone=True))


def _values(found: Iterable[Comparison], field: str, *operators: str) -> list[datetime]:
    return [each.value for each in found if each.field == field and each.operator in operators]

"""Which rows count: the filters and the period of a spec, as conditions."""

from collections.abc import Sequence

from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Filter, Operator, Period, Scalar
from contexts.analytics.domain.relation import Column, Relation
from contexts.analytics.infrastructure.sql.grains import PARTS, check_grain, part, truncated
from contexts.analytics.infrastructure.sql.values import (
    NUMBERS,
    column_of,
    is_day,
    literal,
    reference,
)

_COMPARED: dict[Operator, type[exp.Binary]] = {
    "eq": exp.EQ,
    "ne": exp.NullSafeNEQ,
    "lt": exp.LT,
    "le": exp.LTE,
    "gt": exp.GT,
    "ge": exp.GTE,
}
_TEXTUAL: dict[Operator, str] = {
    "contains": "%{}%",
    "not_contains": "%{}%",
    "starts_with": "{}%",
    "ends_with": "%{}",
}
_ORDERED = ("lt", "le", "gt", "ge", "between")


def rows_that(groups: Sequence[Sequence[Filter]], relation: Relation) -> list[exp.Expr]:
    """Conditions that must all hold; of each group any one filter does."""
    return [exp.or_(*(condition(each, relation) for each in group)) for group in groups if group]


def within(period: Period, relation: Relation) -> list[exp.Expr]:
    column = column_of(relation, period.column)
    if column.type not in ("date", "timestamp", "time"):
        raise SpecInvalid(
            f"a period needs a column of dates, and {column.name!r} holds {column.type}"
        )
    found: list[exp.Expr] = []
    if period.start is not None:
        found.append(exp.GTE(this=reference(column), expression=literal(column, period.start)))
    if period.end is not None:
        found.append(exp.LT(this=reference(column), expression=literal(column, period.end)))
    return found


def condition(given: Filter, relation: Relation) -> exp.Expr:
    """Raise SpecInvalid when its operator, its values and its column don't go together."""
    column = column_of(relation, given.column)
    subject: exp.Expr = reference(column)
    if given.grain is not None:
        check_grain(column, given.grain)
        is_part = given.grain in PARTS
        subject = (
            part(subject, given.grain) if is_part else truncated(subject, given.grain, column.type)
        )
    if given.operator in ("is_null", "not_null"):
        absent = exp.Is(this=subject, expression=exp.Null())
        return absent if given.operator == "is_null" else exp.not_(absent)
    if given.relative_to is not None:
        return _relative(given, column, subject, relation)
    _check_count(given)
    if given.operator in _TEXTUAL:
        return _textual(given, column, subject)
    if column.type == "boolean" and given.operator in _ORDERED:
        raise SpecInvalid(f"{column.name!r} is true or false: neither comes first; use eq")
    if (
        column.type == "timestamp"
        and given.grain is None
        and given.operator != "in"
        and all(is_day(value) for value in given.values)
    ):
        # A day is compared with days: "up to the 30th" includes what happened on it.
        subject = exp.cast(subject, "date", dialect="postgres")
    values = [literal(column, value, given.grain) for value in given.values]
    if given.operator == "between":
        return _between(given, column, subject, values)
    return compared(subject, given.operator, values)


def compared(subject: exp.Expr, operator: Operator, values: Sequence[exp.Expr]) -> exp.Expr:
    """For the operators that compare as they are; what isn't there is unlike any value."""
    if operator == "between":
        return exp.Between(this=subject, low=values[0], high=values[1])
    if operator in ("in", "not_in"):
        among = exp.In(this=subject, expressions=list(values))
        if operator == "in":
            return among
        absent = exp.Is(this=subject.copy(), expression=exp.Null())
        return exp.paren(exp.or_(exp.not_(among), absent), copy=False)
    return _COMPARED[operator](this=subject, expression=values[0])


def _between(given: Filter, column: Column, subject: exp.Expr, values: list[exp.Expr]) -> exp.Expr:
    low, high = given.values
    if _is_backwards(values):
        if column.type != "time" and given.grain not in PARTS:
            raise SpecInvalid(f"between {low!r} and {high!r}: the first is after the second")
        # Round the clock: from Saturday to Monday, from 22:00 to 02:00.
        return exp.paren(
            exp.or_(
                exp.GTE(this=subject, expression=values[0]),
                exp.LTE(this=subject.copy(), expression=values[1]),
            ),
            copy=False,
        )
    return compared(subject, "between", values)


def _is_backwards(values: Sequence[exp.Expr]) -> bool:
    low, high = values
    if isinstance(low, exp.Cast) and isinstance(high, exp.Cast):
        return bool(low.this.name > high.this.name)
    if low.is_number and high.is_number:
        return bool(low.to_py() > high.to_py())
    return False


def _textual(given: Filter, column: Column, subject: exp.Expr) -> exp.Expr:
    if column.type != "text" or given.grain is not None:
        raise SpecInvalid(
            f"{given.operator} looks into texts, and {column.name!r} holds {column.type}; "
            "use eq, between or a grain"
        )
    found = []
    for value in given.values:
        text = str(literal(column, value).this)
        for special in ("\\", "%", "_"):
            text = text.replace(special, f"\\{special}")
        pattern = exp.Literal.string(_TEXTUAL[given.operator].format(text))
        found.append(exp.ILike(this=subject.copy(), expression=pattern))
    either = exp.or_(*found)
    if given.operator == "not_contains":
        absent = exp.Is(this=subject, expression=exp.Null())
        return exp.paren(exp.or_(exp.not_(exp.paren(either)), absent), copy=False)
    return exp.paren(either) if len(found) > 1 else either


def _relative(given: Filter, column: Column, subject: exp.Expr, relation: Relation) -> exp.Expr:
    if given.operator not in _COMPARED:
        raise SpecInvalid(f"{given.operator} can't be relative to the {given.relative_to}; use gt")
    if given.values or given.grain is not None:
        raise SpecInvalid(
            f"{column.name!r} is compared with its own {given.relative_to}: "
            "leave out values and grain"
        )
    if column.type not in NUMBERS and (
        given.relative_to in ("avg", "median") or column.type in ("text", "boolean")
    ):
        raise SpecInvalid(f"{column.name!r} holds {column.type}, which has no {given.relative_to}")
    own = reference(column)
    of_all = {"avg": exp.Avg, "min": exp.Min, "max": exp.Max}
    whole = (
        median(own) if given.relative_to == "median" else of_all[str(given.relative_to)](this=own)
    )
    table = exp.table_(relation.table, quoted=True)
    query = exp.select(whole).from_(table)
    return _COMPARED[given.operator](this=subject, expression=query.subquery())


def median(value: exp.Expr) -> exp.Expr:
    middle = exp.PercentileCont(this=exp.Literal.number("0.5"))
    order = exp.Order(expressions=[exp.Ordered(this=value)])
    return exp.WithinGroup(this=middle, expression=order)


def _check_count(given: Filter) -> None:
    values: tuple[Scalar, ...] = given.values
    if given.operator == "between":
        wanted, fits = "two values", len(values) == 2
    elif given.operator in ("in", "not_in", *_TEXTUAL):
        wanted, fits = "at least one value", bool(values)
    else:
        wanted, fits = "one value (for several use in)", len(values) == 1
    if not fits:
        raise SpecInvalid(
            f"{given.operator} on {given.column!r} takes {wanted}, and {len(values)} are given"
        )

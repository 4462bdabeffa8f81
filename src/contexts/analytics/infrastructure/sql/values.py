"""What a value of a spec is in SQL: a literal of its column's type, or a clear no."""

import difflib
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Grain, Scalar
from contexts.analytics.domain.relation import Column, ColumnType, Relation
from contexts.analytics.infrastructure.sql.grains import PARTS, begin_of, part_number

NUMBERS = ("integer", "decimal")
TIMES = ("date", "timestamp", "time")

_NOT_IN_A_STATEMENT = re.compile(r"[^\t\n\r -\ud7ff\ue000-\U0010ffff]")
"""Control characters and halves of surrogate pairs: the gate lets none of them through."""

_EXAMPLES = {
    "date": "2024-11-30",
    "timestamp": "2024-11-30 16:55:00",
    "time": "16:55",
    "boolean": "true",
    "integer": "5",
    "decimal": "2.5",
}


def column_of(relation: Relation, name: str) -> Column:
    """Raise SpecInvalid with the nearest names when there is none of that name."""
    try:
        return relation.column(name)
    except KeyError:
        pass
    known = {each.title: each.name for each in relation.columns}
    known |= {each.name: each.name for each in relation.columns}
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    names = list(dict.fromkeys(known[each] for each in near))
    names = names or [each.name for each in relation.columns[:20]]
    raise SpecInvalid(f"there is no column {name!r}; there is {', '.join(names)}")


def reference(column: Column) -> exp.Column:
    return exp.column(column.name, quoted=True)


def literal(column: Column, value: Scalar, grain: Grain | None = None) -> exp.Expr:
    """`value` as it is compared with `column`, or with that grain of it."""
    if grain in PARTS:
        return exp.Literal.number(part_number(grain, value))
    if grain is not None:
        begin = begin_of(grain, str(value))
        if grain == "hour":
            return _cast(begin.isoformat(" "), "timestamp")
        return _cast(begin.date().isoformat(), "date")
    if column.type == "text":
        return exp.Literal.string(_text(column, value))
    if column.type in NUMBERS:
        return number(_decimal(column, value))
    if column.type == "boolean":
        return exp.Boolean(this=_boolean(column, value))
    if column.type == "time":
        return _cast(_time(column, value).isoformat(), "time")
    return _instant(column, value)


def is_day(value: Scalar) -> bool:
    """Whether it names a whole day, not an instant of it."""
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def number(value: float | Decimal) -> exp.Expr:
    """In plain digits, with no exponent."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    digits = exp.Literal.number(format(abs(exact), "f"))
    return exp.Neg(this=digits) if exact < 0 else digits


def _text(column: Column, value: Scalar) -> str:
    if isinstance(value, bool):
        raise _unfit(column, value, "a text")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    if _NOT_IN_A_STATEMENT.search(text):
        raise SpecInvalid(f"the value for {column.name!r} holds a control character; leave it out")
    return text


def _decimal(column: Column, value: Scalar) -> Decimal:
    if not isinstance(value, bool):
        try:
            exact = Decimal(str(value).strip())
        except InvalidOperation:
            pass
        else:
            if exact.is_finite() and abs(exact.adjusted()) <= 400:
                return exact
    raise _unfit(column, value, "a number")


def _boolean(column: Column, value: Scalar) -> bool:
    if isinstance(value, bool):
        return value
    told = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return told[str(value).strip().lower()]
    except KeyError:
        raise _unfit(column, value, "true or false") from None


def _time(column: Column, value: Scalar) -> time:
    try:
        found = time.fromisoformat(str(value))
    except ValueError:
        raise _unfit(column, value, "a time of day") from None
    return found.replace(tzinfo=None)


def _instant(column: Column, value: Scalar) -> exp.Expr:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise _unfit(column, value, "a date") from None
    if found.tzinfo is not None:
        found = found.astimezone(UTC).replace(tzinfo=None)
    if is_day(value) or (column.type == "date" and found.time() == time()):
        return _cast(found.date().isoformat(), "date")
    return _cast(found.isoformat(" "), "timestamp")


def _cast(text: str, kind: ColumnType) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), kind, dialect="postgres")


def _unfit(column: Column, value: Scalar, wanted: str) -> SpecInvalid:
    example = f", such as {_EXAMPLES[column.type]}" if column.type in _EXAMPLES else ""
    return SpecInvalid(
        f"{value!r} is not {wanted}, and {column.name!r} holds {column.type}: "
        f"compare it with {wanted}{example}"
    )

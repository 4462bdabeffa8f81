"""Times read more coarsely: truncated to a beginning, or one part of them taken."""

from datetime import datetime, timedelta
from typing import Literal, cast

from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Grain, Scalar
from contexts.analytics.domain.relation import Column, ColumnType

TRUNCATING: tuple[Grain, ...] = ("year", "quarter", "month", "week", "day", "hour")

PARTS: dict[Grain | None, tuple[str, int, int]] = {
    "quarter_of_year": ("quarter", 1, 4),
    "month_of_year": ("month", 1, 12),
    "day_of_month": ("day", 1, 31),
    "weekday": ("isodow", 1, 7),
    "hour_of_day": ("hour", 0, 23),
}
"""What EXTRACT calls each part, its least and its greatest."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

NAMED: dict[Grain | None, tuple[str, tuple[str, ...]]] = {
    "weekday": ("FMDay", WEEKDAYS),
    "month_of_year": ("FMMonth", MONTHS),
}
"""Parts that are shown by name: how TO_CHAR writes it, in English wherever it runs."""

Step = Literal["previous_period", "previous_year"]

_STEPS: dict[Grain, str] = {
    "year": "1 YEAR",
    "quarter": "3 MONTHS",
    "month": "1 MONTH",
    "week": "7 DAYS",
    "day": "1 DAY",
    "hour": "1 HOUR",
}


def check_grain(column: Column, grain: Grain) -> None:
    """Raise SpecInvalid when that column has no such grain."""
    if column.type == "time":
        fits: tuple[Grain, ...] = ("hour_of_day",)
    elif column.type == "date":
        fits = tuple(each for each in (*TRUNCATING, *PARTS) if each and not each.startswith("hour"))
    elif column.type == "timestamp":
        return
    else:
        raise SpecInvalid(f"{column.name!r} holds {column.type}, which has no {grain}")
    if grain not in fits:
        raise SpecInvalid(
            f"{column.name!r} holds {column.type}, which has no {grain}; it has {', '.join(fits)}"
        )


def truncated(column: exp.Expr, grain: Grain, kind: ColumnType) -> exp.Expr:
    """A date, or a timestamp for hours."""
    if grain == "day":
        return column if kind == "date" else exp.cast(column, "date", dialect="postgres")
    whole = exp.TimestampTrunc(this=column, unit=exp.var(grain.upper()))
    return whole if grain == "hour" else exp.cast(whole, "date", dialect="postgres")


def part(column: exp.Expr, grain: Grain) -> exp.Expr:
    """An integer, as PARTS bounds it."""
    whole = exp.Extract(this=exp.var(PARTS[grain][0].upper()), expression=column)
    return exp.cast(whole, "integer", dialect="postgres")


def part_name(column: exp.Expr, grain: Grain) -> exp.Expr:
    return exp.ToChar(this=column, format=exp.Literal.string(NAMED[grain][0]))


def step_of(grain: Grain, step: Step) -> exp.Expr:
    """How far back the beginning lies that one is compared with. A week is compared with the one
    52 weeks before, for a year before it no week begins."""
    length = "364 DAYS" if grain == "week" else "1 YEAR"
    text = _STEPS[grain] if step == "previous_period" else length
    amount, unit = text.split()
    return exp.Interval(this=exp.Literal.string(amount), unit=exp.var(unit))


def begin_of(grain: Grain, value: str) -> datetime:
    """Where the year, month... begins that `value` lies in: 2024, 2024-11, 2024-11-30, an instant.

    Without the time of day, unless the grain is hour.
    """
    text = value.strip()
    if len(text) == 4:
        text += "-01"
    if len(text) == 7:
        text += "-01"
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise SpecInvalid(
            f"{value!r} names no {grain}; write the date that it begins on, such as 2024-11-01"
        ) from None
    if grain == "hour":
        return found.replace(minute=0, second=0, microsecond=0)
    day = datetime(found.year, found.month, found.day)
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day.replace(month=1, day=1) if grain == "year" else day


def part_number(grain: Grain | None, value: Scalar) -> int:
    """5 for "Friday" or 5; raise SpecInvalid beyond the bounds of that part."""
    _, least, greatest = PARTS[grain]
    names = NAMED[grain][1] if grain in NAMED else ()
    for number, name in enumerate(names, start=1):
        if str(value).strip().lower() in (name.lower(), name[:3].lower()):
            return number
    try:
        number = int(cast(str, value))
    except (ValueError, OverflowError):
        number = -1
    if isinstance(value, bool) or number != _as_float(value) or not least <= number <= greatest:
        or_names = f" or {names[0]} to {names[-1]}" if names else ""
        raise SpecInvalid(f"{value!r} is no {grain}; it is {least} to {greatest}{or_names}")
    return number


def _as_float(value: Scalar) -> float:
    try:
        return float(value)
    except ValueError:
        return -1.0

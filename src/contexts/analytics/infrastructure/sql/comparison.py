"""What each measure was before: which period that is, and how its figures come beside the new."""

from datetime import date, datetime, time, timedelta

from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Dimension, Grain, Period, QuerySpec
from contexts.analytics.domain.relation import ColumnType, Relation
from contexts.analytics.infrastructure.sql.grains import TRUNCATING, Step, begin_of, step_of
from contexts.analytics.infrastructure.sql.measures import ratio
from contexts.analytics.infrastructure.sql.values import column_of

_MONTHS: dict[Grain, int] = {"year": 12, "quarter": 3, "month": 1}
_DAYS: dict[Grain, float] = {"week": 7, "day": 1, "hour": 1 / 24}


def time_dimension(spec: QuerySpec) -> int | None:
    """Which dimension is followed backwards: the first that truncates a time."""
    for number, each in enumerate(spec.dimensions):
        if each.grain in TRUNCATING:
            return number
    return None


def period_before(spec: QuerySpec, relation: Relation) -> Period:
    """The period moved back: whole months by as many months, else by its length; or by a year.

    Raise SpecInvalid when there is no period with both ends that could be moved.
    """
    period = spec.period
    if period is None or period.start is None or period.end is None:
        raise SpecInvalid(
            "a comparison needs a period with a start and an end, or a dimension with a grain "
            "such as month"
        )
    if column_of(relation, period.column).type == "time":
        raise SpecInvalid(f"a comparison needs dates, and {period.column!r} holds times of day")
    start, end = _instant(period.start), _instant(period.end)
    months = 12 if spec.comparison == "previous_year" else _whole_months(start, end)
    try:
        if months:
            before = (_months_back(start, months), _months_back(end, months))
        else:
            before = (start - (end - start), start)
    except (ValueError, OverflowError):
        raise SpecInvalid(f"nothing comes before {period.start}") from None
    return Period(column=period.column, start=_iso(before[0]), end=_iso(before[1]))


def reaching_back(spec: QuerySpec) -> Period | None:
    """The period of `spec` with what its first time is compared with; None where there is none.

    Only where the period begins as a time of that dimension does: of part of a month there is no
    month before.
    """
    number = time_dimension(spec)
    if number is None or spec.comparison is None or spec.period is None:
        return None
    dimension, period = spec.dimensions[number], spec.period
    if period.start is None or period.column != dimension.column:
        return None
    assert dimension.grain is not None
    start = _instant(period.start)
    if begin_of(dimension.grain, period.start) != start:
        return None
    try:
        earlier = _step_back(start, dimension.grain, spec.comparison)
    except (ValueError, OverflowError):
        return None
    return Period(column=period.column, start=_iso(earlier), end=period.end)


def is_one_before(
    new: exp.Expr, old: exp.Expr, dimension: Dimension, kind: ColumnType, step: Step
) -> exp.Expr:
    """Whether `old` is the very month (week...) that `new` is compared with, and no earlier one."""
    assert dimension.grain is not None
    back = exp.Sub(this=new, expression=step_of(dimension.grain, step))
    return exp.EQ(this=old, expression=exp.cast(back, kind, dialect="postgres"))


def change(new: exp.Expr, old: exp.Expr) -> exp.Expr:
    return exp.Sub(this=new.copy(), expression=old.copy())


def change_share(new: exp.Expr, old: exp.Expr) -> exp.Expr:
    """Of nothing there is none; from -2 to -1 is half up."""
    return ratio(exp.paren(change(new, old)), exp.Abs(this=old.copy()))


def _whole_months(start: datetime, end: datetime) -> int:
    """How many, or 0 when it isn't whole ones."""
    for each in (start, end):
        if each.day != 1 or each.time() != time():
            return 0
    return (end.year - start.year) * 12 + end.month - start.month


def _months_back(instant: datetime, months: int) -> datetime:
    """From the 29th of February to the 28th, where there is none."""
    year, month = divmod(instant.year * 12 + instant.month - 1 - months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last))


def _step_back(start: datetime, grain: Grain, step: Step) -> datetime:
    if step == "previous_year":
        return start - timedelta(days=364) if grain == "week" else _months_back(start, 12)
    if grain in _MONTHS:
        return _months_back(start, _MONTHS[grain])
    return start - timedelta(days=_DAYS[grain])


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise SpecInvalid(f"{text!r} is not a date, such as 2024-11-30") from None


def _iso(instant: datetime) -> str:
    if instant.time() == time():
        return instant.date().isoformat()
    return instant.isoformat(" ")

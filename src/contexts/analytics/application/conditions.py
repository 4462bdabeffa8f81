"""Which rows a spec is about, in words: filters, periods and bounds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from contexts.analytics.application import wording
from contexts.analytics.domain.query_spec import Filter, Grain, Operator, Period, Scalar
from contexts.analytics.domain.relation import Column, Relation

Kind: TypeAlias = Literal["number", "time", "text"]

_OPERATORS: dict[Operator, str] = {
    "eq": "is",
    "ne": "is not",
    "lt": "is less than",
    "le": "is at most",
    "gt": "is more than",
    "ge": "is at least",
    "between": "is between",
    "in": "is",
    "not_in": "is none of",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "begins with",
    "ends_with": "ends with",
    "is_null": "is empty",
    "not_null": "is not empty",
}

_OF_TIMES: dict[Operator, str] = {
    "lt": "is before",
    "le": "is not after",
    "gt": "is after",
    "ge": "is not before",
}

_GRAINS: dict[Grain, str] = {
    "quarter_of_year": "quarter of the year",
    "month_of_year": "month of the year",
    "day_of_month": "day of the month",
    "hour_of_day": "hour of the day",
}

AGGREGATES = {"avg": "average", "median": "median", "min": "lowest", "max": "highest"}


def column(name: str, relation: Relation) -> str:
    """The title of a column as words; a column that there is not goes by its name."""
    found = _column(name, relation)
    return wording.title(found.title if found else name)


def time_part(grain: Grain) -> str:
    return _GRAINS.get(grain, grain)


def kind(name: str, relation: Relation) -> Kind:
    """What the values of a column are, as far as words for their order depend on it."""
    found = _column(name, relation)
    if found is None or found.type in ("text", "boolean"):
        return "text"
    return "number" if found.type in ("integer", "decimal") else "time"


def rows(where: Sequence[Sequence[Filter]], period: Period | None, relation: Relation) -> str:
    """ "price is more than 5, and colour is "red" or colour is empty"; empty for all rows."""
    groups = [" or ".join(condition(each, relation) for each in group) for group in where if group]
    if period is not None:
        groups.append(_period(period, relation))
    return ", and ".join(filter(None, groups))


def condition(given: Filter, relation: Relation) -> str:
    """One filter: "the weekday of sold on is Friday"."""
    title = column(given.column, relation)
    subject = f"the {time_part(given.grain)} of {title}" if given.grain else title
    timely = given.grain is None and kind(given.column, relation) == "time"
    verb = (_OF_TIMES if timely else {}).get(given.operator) or _OPERATORS[given.operator]
    if given.relative_to:
        whole = f"the {AGGREGATES[given.relative_to]} {title} of the whole dataset"
        return f"{subject} {verb} {whole}"
    if given.operator in ("is_null", "not_null"):
        return f"{subject} {verb}"
    values = [_value(each, given, relation) for each in given.values]
    last: Literal["and", "or"] = "and" if given.operator == "between" else "or"
    return f"{subject} {verb} {wording.listed(values, last) or 'nothing'}"


def bound(operator: Operator, values: Sequence[float]) -> str:
    """A comparison with numbers: "is more than 5"."""
    numbers = [wording.number(each) for each in values]
    return f"{_OPERATORS[operator]} {wording.listed(numbers)}"


def _column(name: str, relation: Relation) -> Column | None:
    return next((each for each in relation.columns if each.name == name), None)


def _value(value: Scalar, given: Filter, relation: Relation) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if given.grain is not None:
        return _part(value, given.grain)
    found = _column(given.column, relation)
    if isinstance(value, str):
        at = wording.moment(value) if found and found.type in ("date", "timestamp") else None
        if at is not None:
            return _moment(at)
        shown = wording.cut(value)
        is_text = found is None or found.type == "text"
        return f'"{shown}"' if is_text or not shown else shown
    named = found is not None and found.role != "measure"
    return wording.plain(value) if named else wording.number(value)


def _part(value: Scalar, grain: Grain) -> str:
    if isinstance(value, str):
        at = wording.moment(value)
        return (wording.cut(value) or '""') if at is None else wording.period(at, grain)
    return wording.named(value, grain)


def _moment(at: datetime) -> str:
    midnight = at.hour == at.minute == at.second == 0
    return wording.day(at) if midnight else f"{wording.day(at)}, {at:%H:%M}"


def _period(period: Period, relation: Relation) -> str:
    """Half open as it is kept, and with its last day included as people say it."""
    start = wording.moment(period.start) if period.start else None
    end = wording.moment(period.end) if period.end else None
    title = column(period.column, relation)
    said = f' ("{wording.cut(period.said)}")' if period.said else ""
    if start is None and end is None:
        return f"{title} is at any time{said}"
    return f"{title} is {_span(start, end)}{said}"


def _span(start: datetime | None, end: datetime | None) -> str:
    if end is None:
        assert start is not None
        return f"from {_moment(start)} on"
    until = f"before {_moment(end)}"
    if start is None:
        return until
    days = end - start
    if days == timedelta(days=1) and start == _midnight(start):
        return f"on {wording.day(start)}"
    if start.day == end.day == 1 and start == _midnight(start) and end == _midnight(end):
        months = (end.year - start.year) * 12 + end.month - start.month
        if months == 1:
            return f"in {wording.period(start, 'month')}"
        if months == 12 and start.month == 1:
            return f"in {start.year}"
    if start == _midnight(start) and end == _midnight(end) and end > start:
        return f"from {wording.day(start)} to {wording.day(end - timedelta(days=1))}"
    return f"from {_moment(start)} and {until}"


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)

"""Comparisons that go on from an answer: `vs June`, `compare web and phone`, and what stays side by
side when the next question splits it further."""

import re
from datetime import date

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Filter, Period, QuerySpec
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.readings import Span
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import (
    apart,
    beside,
    day_after,
    step_of,
    stretches_of,
)

Where = tuple[Filter, ...]

_BEFORE = re.compile(
    r"(?:(?:and|ok|what about|how about|in|for|during)\s+)*"
    r"(?P<beside>(?:vs\.?|versus|against|compared?\s+(?:to|with)|(?:and\s+)?than)\s+)?(?:in\s+)?"
    r"(?:the\s+)?(?:(?P<unit>day|week|month|quarter|year)\s+(?:before|earlier)(?:\s+that)?"
    r"|(?:previous|preceding|prior)\s+(?P<same>day|week|month|quarter|year|period|one)"
    r"|(?:one|period)\s+before|before\s+that)\W*",
    re.IGNORECASE,
)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def is_side_by_side(spec: QuerySpec) -> bool:
    """Whether its only group is what its conditions set beside one another, such as two months."""
    if len(spec.dimensions) != 1 or not spec.measures:
        return False
    dimension, period = spec.dimensions[0], spec.period
    for group in spec.where:
        one = group[0]
        if one.column == dimension.column and (
            (len(group) > 1 and is_days(group))
            or (one.operator == "in" and one.grain == dimension.grain and len(group) == 1)
        ):
            return True
    if period is None or period.column != dimension.column or dimension.grain is None:
        return False
    return " and " in period.said and not period.said.startswith(("between", "from"))


def compared(previous: QuerySpec, spec: QuerySpec, sentence: Sentence) -> QuerySpec:
    """`spec`, which narrows the one before, with what was there before beside it."""
    wanted = sentence.wanted
    if not (sentence.compares and previous.measures):
        return spec
    for group in wanted.where:
        spec = _with_values(previous, spec, group)
    if wanted.split is not None:
        spec = _split(spec, wanted.split)
    time = apart(sentence)
    if time is not None:
        return _split(spec, time)
    before = _spans_of(previous, wanted.period)
    if wanted.period is not None and before:
        return _with_times(spec, before, wanted.period, sentence)
    return spec


def _with_values(previous: QuerySpec, spec: QuerySpec, group: Where) -> QuerySpec:
    new = group[0]
    if len(group) > 1 or new.operator not in ("eq", "in"):
        return spec
    known = next((old[0] for old in previous.where if len(old) == 1 and _alike(old[0], new)), None)
    if known is None:
        return spec
    values = tuple(dict.fromkeys((*known.values, *new.values)))
    both = (msgspec.structs.replace(new, operator="in", values=values),)
    where = tuple(both if each == group else each for each in spec.where)
    spec = msgspec.structs.replace(spec, where=where)
    return _split(spec, Dimension(column=new.column, grain=new.grain))


def _alike(old: Filter, new: Filter) -> bool:
    same = (old.column, old.grain) == (new.column, new.grain)
    return same and old.operator in ("eq", "in")


def _spans_of(previous: QuerySpec, now: Period | None) -> list[Span]:
    """The times that an answer was about, one by one as long as the one that is named `now`."""
    if now is None or now.start is None or now.end is None:
        return []
    period, length = previous.period, step_of(now.start, now.end)
    if period is not None:
        known = [period] if period.start and period.end else []
    else:
        known = [
            Period(
                column=each.column, start=str(each.values[0]), end=day_after(str(each.values[1]))
            )
            for group in previous.where
            if len(group) > 1 and is_days(group)
            for each in group
        ]
    if length is None:
        return []
    return [
        span for each in known if each.column == now.column for span in stretches_of(each, length)
    ]


def _with_times(spec: QuerySpec, before: list[Span], now: Period, sentence: Sentence) -> QuerySpec:
    """What can't stand beside what was there is declined, and does not take its place."""
    together = beside([*before, Span(start=now.start, end=now.end, said=now.said)], now.column)
    if together is None:
        sentence.wanted.cannot = (
            f"'{now.said}' overlaps what was asked before or is of another length, so that they "
            "can't be put side by side: ask for both"
        )
        return spec
    where = spec.where if together.period is not None else (*spec.where, together.days)
    spec = msgspec.structs.replace(spec, period=together.period, where=where)
    return _split(spec, Dimension(column=now.column, grain=together.step))


def _split(spec: QuerySpec, dimension: Dimension) -> QuerySpec:
    """One row each; what was split in two ways already, or ranked, is compared by itself: the first
    three shows of two months are others than those of one."""
    if dimension in spec.dimensions:
        return spec
    if dimension.grain in TRUNCATING:
        # Months take the place of quarters.
        others = tuple(d for d in spec.dimensions if d.grain not in TRUNCATING)
        spec = msgspec.structs.replace(spec, dimensions=others)
    if len(spec.dimensions) > 1 or spec.limit is not None or spec.limit_per is not None:
        return msgspec.structs.replace(
            spec, dimensions=(dimension,), order=(), limit=None, limit_per=None
        )
    return msgspec.structs.replace(spec, dimensions=(*spec.dimensions, dimension))


def without_days(where: tuple[Where, ...], column: str) -> tuple[Where, ...]:
    """Without the days that another period takes the place of."""
    return tuple(group for group in where if not (is_days(group) and group[0].column == column))


def is_days(group: Where) -> bool:
    """Whether it is a condition on stretches of time, any of which may hold."""
    return all(each.operator == "between" and each.grain is None for each in group)


def period_before(question: str, previous: QuerySpec) -> QuerySpec | None:
    """`and the quarter before?` moves the period back; `vs the week before` puts it beside. None
    for any other question, or where there is nothing that could be moved."""
    match = _BEFORE.fullmatch(question.strip())
    period = previous.period
    if match is None or period is None or period.start is None or period.end is None:
        return None
    values = all(measure.shown_as == "value" for measure in previous.measures)
    if match["beside"] and previous.measures and values:
        year = (match["unit"] or match["same"] or "").lower() == "year"
        step = "previous_year" if year and not _is_year(period) else "previous_period"
        return msgspec.structs.replace(previous, comparison=step)
    moved = _moved(period, (match["unit"] or match["same"] or "").lower())
    return None if moved is None else msgspec.structs.replace(previous, period=moved)


def _moved(period: Period, unit: str) -> Period | None:
    """By as many days or whole months as it has, or by a `unit` that is longer; no shorter one."""
    assert period.start is not None
    assert period.end is not None
    start, end = date.fromisoformat(period.start[:10]), date.fromisoformat(period.end[:10])
    months = 0
    if start.day == 1 and end.day == 1:
        months = (end.year - start.year) * 12 + end.month - start.month
    if months:
        months = max(months, _MONTHS.get(unit, months))
        first, after = _months_back(start, months), _months_back(end, months)
    elif unit in ("", "period", "one") or (end - start).days == {"day": 1, "week": 7}.get(unit):
        first, after = start - (end - start), start
    else:
        return None
    return Period(
        column=period.column,
        start=first.isoformat(),
        end=after.isoformat(),
        said=f"the {unit or 'one'} before",
    )


def _months_back(day: date, months: int) -> date:
    """Of the first day of a month."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _is_year(period: Period) -> bool:
    return (period.start or "").endswith("-01-01") and (period.end or "").endswith("-01-01")

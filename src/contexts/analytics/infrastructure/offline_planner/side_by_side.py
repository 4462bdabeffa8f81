"""Stretches of time that stand side by side: `July vs August`, `Q1, Q2 and Q4`."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Filter, Period
from contexts.analytics.infrastructure.offline_planner.counting import is_flag
from contexts.analytics.infrastructure.offline_planner.readings import Span
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence

Step = Literal["day", "week", "month", "quarter", "year"]


_MOST = 366
"""Stretches that a period is cut into."""


class Beside(msgspec.Struct, frozen=True):
    """Where they follow one another, the `period` that they make up; else a condition on the days
    of each, any of which may hold. `step` is what has one row each."""

    step: Step
    period: Period | None = None
    days: tuple[Filter, ...] = ()


def spans_from(sentence: Sentence, at: int) -> tuple[list[Span], list[int]]:
    """The spans that are joined from there on, and which items they take."""
    spans: list[Span] = []
    used: list[int] = []
    while (item := sentence.free(at)) is not None and (span := item.as_(Span)) is not None:
        spans.append(span)
        used.append(at)
        comma = sentence.is_(at + 1, "break") and sentence.items[at + 1].text == ","
        if not (comma or sentence.says(at + 1, "and", "or", "versus")):
            break
        following = sentence.free(at + 2)
        if following is None or following.as_(Span) is None:
            break
        used.append(at + 1)
        at += 2
    return spans, used


def beside(spans: Sequence[Span], column: str) -> Beside | None:
    """None where one of them has no end, where they overlap, or where they are of no calendar unit
    that is the same for all."""
    ordered = sorted(spans, key=lambda span: span.start or "")
    stretches = [(span.start, span.end) for span in ordered]
    if any(start is None or end is None for start, end in stretches):
        return None
    steps = {step_of(start, end) for start, end in stretches if start and end}
    step = steps.pop() if len(steps) == 1 else None
    if step is None:
        return None
    said = " and ".join(span.said for span in ordered)
    pairs = list(pairwise(stretches))
    if any((one[1] or "") > (other[0] or "") for one, other in pairs):
        return None
    if all(one[1] == other[0] for one, other in pairs):
        whole = Period(column=column, start=stretches[0][0], end=stretches[-1][1], said=said)
        return Beside(step, period=whole)
    return Beside(step, days=tuple(days(column, *each) for each in stretches if all(each)))


def days(column: str, start: str | None, end: str | None) -> Filter:
    """From `start` up to but without `end`, as a filter, which includes its last day."""
    assert start is not None
    assert end is not None
    last = date.fromisoformat(end[:10]) - timedelta(days=1)
    return Filter(column=column, operator="between", values=(start, last.isoformat()))


def day_after(day: str) -> str:
    return (date.fromisoformat(day[:10]) + timedelta(days=1)).isoformat()


def stretches_of(period: Period, step: Step) -> Iterator[Span]:
    """Its months, quarters...; itself, where it is not made of whole ones."""
    assert period.start is not None
    assert period.end is not None
    first, after = date.fromisoformat(period.start[:10]), date.fromisoformat(period.end[:10])
    found: list[Span] = []
    at = first
    while at < after and len(found) < _MOST:
        following = _following(at, step)
        if step_of(at.isoformat(), following.isoformat()) != step or following > after:
            break
        said = period.said if (at, following) == (first, after) else ""
        said = said or _called(at, step)
        found.append(Span(start=at.isoformat(), end=following.isoformat(), said=said))
        at = following
    if at == after:
        yield from found
    else:
        yield Span(start=period.start, end=period.end, said=period.said)


def _called(first: date, step: Step) -> str:
    match step:
        case "month":
            return f"{first:%B %Y}"
        case "quarter":
            return f"Q{(first.month + 2) // 3} {first.year}"
        case "year":
            return str(first.year)
        case "week":
            return f"the week of {first.isoformat()}"
        case "day":
            return first.isoformat()


def _following(day: date, step: Step) -> date:
    if step in ("day", "week"):
        return day + timedelta(days=7 if step == "week" else 1)
    index = day.year * 12 + day.month - 1 + {"month": 1, "quarter": 3, "year": 12}[step]
    return date(index // 12, index % 12 + 1, 1)


def step_of(start: str, end: str) -> Step | None:
    """The calendar unit that a stretch is one of."""
    first, after = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    length = (after - first).days
    if length == 1:
        return "day"
    if length == 7 and first.weekday() == 0:
        return "week"
    if first.day != 1 or after.day != 1:
        return None
    months = (after.year - first.year) * 12 + after.month - first.month
    if months == 3 and first.month % 3 != 1:
        return None
    steps: dict[int, Step] = {1: "month", 3: "quarter", 12: "year"}
    return steps.get(months)


def apart(sentence: Sentence, column: str | None = None) -> Dimension | None:
    """What gives each of them a row."""
    wanted = sentence.wanted
    time = column or (wanted.period.column if wanted.period is not None else sentence.lexicon.time)
    if wanted.apart is None or time is None:
        return None
    return Dimension(column=time, grain=wanted.apart)


def read_opposites(sentence: Sentence) -> None:
    """`refunded vs not refunded`: both halves of what says yes or no."""
    for at in range(len(sentence) - 3):
        first, second = sentence.named(at), sentence.named(at + 3)
        joined = sentence.says(at + 1, "versus", "and") and sentence.says(at + 2, "not", "compare")
        if first is None or second is None or not joined or not sentence.compares:
            continue
        column = first.choices[0].column
        if column == second.choices[0].column and is_flag(sentence.column(column)):
            sentence.use(*range(at, at + 4))
            sentence.wanted.split = Dimension(column=column)

"""From when to when: the days that a message names, what stands between them, and the hours."""

import re
from datetime import date, time, timedelta

import msgspec

from contexts.conversations.infrastructure.offline_assistant import calendar
from contexts.conversations.infrastructure.offline_assistant.calendar import Days
from contexts.conversations.infrastructure.offline_assistant.hours import Hours, hours_in
from contexts.conversations.infrastructure.offline_assistant.message import Reading
from contexts.conversations.infrastructure.offline_assistant.points import Point, points_in

_BEFORE = {
    "from": "from", "since": "from", "starting": "from", "between": "from", "after": "after",
    "until": "to", "till": "to", "by": "to", "through": "to", "up to": "to", "before": "before",
    "not before": "from", "later than": "after", "not after": "to", "earlier than": "before",
}  # fmt: skip
_LEADS = re.compile(
    r"(?:^| )((?:not )?(?:from|since|starting|between|after|until|till|by|through|up to|before"
    r"|later than|earlier than))(?: on| in| at)?(?: the)?$"
)
_JOINS = re.compile(
    r"^(?:(?:and|or) )?(?:to|until|till|-|and|or|through|up to|before|,)(?: on| in)?(?: the)?$"
)
_ON = re.compile(r"(?:^| )((?:on|in|at|over|during|for|of|this|around) ?(?:the )?)$")


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Days, and hours of a single one. `lost` tells hours that could not be asked for."""

    days: Days
    begins: time | None = None
    ends: time | None = None
    lost: str = ""

    @property
    def start(self) -> str | None:
        """ISO 8601 on the clock of the venue: a date, or a time where hours were named."""
        if self.days.first is None:
            return None
        day = self.days.first.isoformat()
        return day if self.begins is None else f"{day}T{self.begins.isoformat()}"

    @property
    def end(self) -> str | None:
        if self.days.last is None:
            return None
        day = self.days.last.isoformat()
        return day if self.ends is None else f"{day}T{self.ends.isoformat()}"


def when(reading: Reading, today: date, before: Days | None = None) -> When | None:
    """None where no time is named. `before` are the days that were spoken of before."""
    hours = hours_in(reading)
    points = points_in(reading, today, before)
    if not points:
        return _hours_alone(hours, today, before)
    days, start, end = _together(reading, points)
    reading.take_span(start, end)
    if days.first is not None and days.last is not None and days.last < days.first:
        return None
    if hours is None:
        return When(days=days)
    if days.single is None:
        return When(days=days, lost=hours.said)
    return When(days=days, begins=hours.begins, ends=hours.ends)


def _hours_alone(hours: Hours | None, today: date, before: Days | None) -> When | None:
    """ "After eight" is of the day that was spoken of, or of today."""
    if hours is None:
        return None
    if before is not None and before.single is None:
        return When(days=before, lost=hours.said)
    if before is None and not hours.of_today:
        return When(days=Days(None, None), lost=hours.said)
    days = before if before is not None and not hours.this_day else calendar.one(today)
    return When(days=days, begins=hours.begins, ends=hours.ends)


def _together(reading: Reading, points: list[Point]) -> tuple[Days, int, int]:
    """The days, and the stretch of the text that tells them with what joins them."""
    first = points[0]
    days, start, end = first.days, first.start, first.end
    lead = _LEADS.search(reading.rest[:start].rstrip())
    if lead is not None:
        start = lead.start(1)
    elif (on := _ON.search(reading.rest[:start])) is not None:
        start = on.start(1)
    for point in points[1:]:
        between = reading.between(end, point.start)
        if between and not _JOINS.match(between):
            # "on Friday or maybe next week": the first that was said.
            break
        days, end = _joined(days, point, narrows=not between), point.end
        if "before" in between and days.last is not None:
            days = Days(days.first, days.last - timedelta(days=1))
    if lead is not None:
        days = _bounded(days, _BEFORE[lead[1]], several=first.closed or end != first.end)
    return days, start, end


def _joined(days: Days, point: Point, *, narrows: bool) -> Days:
    """From the one to the other; of two that stand side by side ("tomorrow, 19 November") the
    shorter one."""
    other = point.days
    assert days.first is not None
    assert other.first is not None
    assert other.last is not None
    if narrows and days.last is not None:
        shorter = (other.last - other.first) < (days.last - days.first)
        return other if shorter or not point.shift else days
    first, last = other.first, other.last
    if last < days.first and point.shift:
        while last < days.first:
            last = _a_year_on(last) if point.shift == "year" else last + timedelta(days=7)
    elif first < days.first:
        return Days(first, max(last, days.last or last))
    return Days(days.first, last)


def _a_year_on(day: date) -> date:
    """The end of a month stays one."""
    end = calendar.month(day.year + 1, day.month).last
    assert end is not None
    is_end = (day + timedelta(days=1)).day == 1
    return end if is_end else end.replace(day=min(day.day, end.day))


def _bounded(days: Days, how: str, *, several: bool) -> Days:
    """ "From", "until", "before" and "after" one day leave the other side open."""
    if several:
        return days
    assert days.first is not None
    assert days.last is not None
    match how:
        case "from":
            return Days(days.first, None)
        case "after":
            return Days(days.last + timedelta(days=1), None)
        case "before":
            return Days(None, days.first - timedelta(days=1))
        case _:
            return Days(None, days.last)

"""Which days words for a time mean, for somebody who looks ahead.

Weeks are Monday to Sunday, and "this week" or "this month" is that of today, as when data is asked;
what differs is told by looking ahead: without a year, a month or a day is the next that comes.

* A weekday is the next one, today included; "next Friday" is not today.
* "This weekend" is the coming Saturday and Sunday, or the one that it is; "next weekend" is the
  coming one as well, unless it is weekend: then the one after.
* "The next 10 days" are ten days with today, as "the last 10 days" are when data is asked.
* "In two weeks" is the week in which the day so far ahead is.
* Days change at midnight UTC; hours and dates are those on the clock of each venue.
"""

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

import msgspec

Unit = Literal["day", "week", "month", "year"]

_DAY = timedelta(days=1)


class Days(msgspec.Struct, frozen=True):
    """From the first to the last day, both included; None where there is no bound."""

    first: date | None
    last: date | None

    @property
    def single(self) -> date | None:
        return self.first if self.first == self.last else None


def one(day: date) -> Days:
    return Days(day, day)


def this(unit: Unit, today: date) -> Days:
    match unit:
        case "day":
            return one(today)
        case "week":
            monday = today - today.weekday() * _DAY
            return Days(monday, monday + 6 * _DAY)
        case "month":
            return month(today.year, today.month)
        case "year":
            return Days(date(today.year, 1, 1), date(today.year, 12, 31))


def following(unit: Unit, today: date) -> Days:
    """The next week, month..."""
    _, last = this(unit, today).first, this(unit, today).last
    assert last is not None
    return this(unit, last + _DAY)


def previous(unit: Unit, today: date) -> Days:
    first = this(unit, today).first
    assert first is not None
    return this(unit, first - _DAY)


def rest_of(unit: Unit, today: date) -> Days:
    return Days(today, this(unit, today).last)


def next_few(count: int, unit: Unit, today: date) -> Days:
    """So many days, weeks... that begin today."""
    return Days(today, _ahead(count, unit, today) - _DAY)


def ahead(count: int, unit: Unit, today: date) -> Days:
    """The day, week... so far ahead."""
    return this(unit, _ahead(count, unit, today))


def _ahead(count: int, unit: Unit, today: date) -> date:
    if unit in ("day", "week"):
        return today + count * (7 if unit == "week" else 1) * _DAY
    index = today.year * 12 + today.month - 1 + count * (12 if unit == "year" else 1)
    year, number = index // 12, index % 12 + 1
    return date(year, number, min(today.day, monthrange(year, number)[1]))


def month(year: int, number: int) -> Days:
    return Days(date(year, number, 1), date(year, number, monthrange(year, number)[1]))


def coming_month(number: int, year: int | None, today: date) -> Days:
    """Without a year that which it is, or else the next one."""
    return month(year or today.year + (number < today.month), number)


def coming_day(number: int, day: int, year: int | None, today: date) -> Days | None:
    """None for a day that there is not. The 29th of February waits for its year."""
    for chosen in (year,) if year else range(today.year, today.year + 9):
        try:
            found = date(chosen, number, day)
        except ValueError:
            continue
        if year or found >= today:
            return one(found)
    return None


def coming_day_of_month(day: int, today: date) -> Days | None:
    """ "The 5th": of this month or the next that has it, and in which it is still to come."""
    for count in range(3):
        start = _ahead(count, "month", today.replace(day=1))
        if day <= monthrange(start.year, start.month)[1] and start.replace(day=day) >= today:
            return one(start.replace(day=day))
    return None


def weekday(number: int, today: date) -> Days:
    """The next one, today included; 0 is Monday."""
    return one(today + (number - today.weekday()) % 7 * _DAY)


def next_weekday(number: int, today: date) -> Days:
    return weekday(number, today + _DAY)


def this_weekend(today: date) -> Days:
    saturday = this("week", today).first
    assert saturday is not None
    return Days(saturday + 5 * _DAY, saturday + 6 * _DAY)


def next_weekend(today: date) -> Days:
    return this_weekend(today + 2 * _DAY if today.weekday() >= 5 else today)


def weekends_of(days: Days) -> list[Days]:
    """Those that begin in a month, in order."""
    assert days.first is not None
    assert days.last is not None
    saturday = weekday(5, days.first).first
    found = []
    while saturday is not None and saturday <= days.last:
        found.append(Days(saturday, saturday + _DAY))
        saturday += 7 * _DAY
    return found


def near(number: int, before: Days, today: date) -> Days:
    """A weekday that is named after some days were spoken of: in the week of these, where they are
    no more than a week and it is still to come; else the first from their beginning on."""
    first = before.first or today
    if before.last is not None and (before.last - first).days < 7:
        monday = first - first.weekday() * _DAY
        same = monday + number * _DAY
        if same >= today:
            return one(same)
    return weekday(number, max(first, today))

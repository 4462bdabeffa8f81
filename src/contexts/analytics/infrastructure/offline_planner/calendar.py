"""The days that a question's words for time come down to, given what the data covers and now."""

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from contexts.analytics.domain.relation import Relation
from contexts.analytics.infrastructure.offline_planner.readings import Span

Unit = Literal["day", "week", "month", "quarter", "year"]


class Calendar(msgspec.Struct, frozen=True):
    """`first` and `last` are the first and last day of the data, where it has a time."""

    today: date
    first: date | None = None
    last: date | None = None
    day_first: bool = False

    @classmethod
    def of(cls, relation: Relation, time: str | None, now: datetime) -> "Calendar":
        if time is None:
            return cls(now.date())
        column = relation.column(time)
        day_first = (column.format or "").startswith(("%d", "%-d"))
        return cls(now.date(), _day(column.minimum), _day(column.maximum), day_first)

    @property
    def of_data(self) -> bool:
        """Whether "last week" is told from the end of the data, since it ended before yesterday."""
        return self.last is not None and (self.today - self.last).days > 1

    @property
    def anchor(self) -> date:
        return self.last if self.of_data and self.last is not None else self.today

    def year(self, year: int) -> Span:
        return Span(start=f"{year:04}-01-01", end=f"{year + 1:04}-01-01", said=str(year))

    def day(self, day: date, said: str, assumed: str | None = None) -> Span:
        return _span(day, day + timedelta(days=1), said, assumed)

    def month(self, month: int, year: int | None, said: str) -> Span:
        """Without a year, the latest that the data has."""
        chosen = year or self._year_with(month)
        start = date(chosen, month, 1)
        assumed = None if year else f"'{said}' is taken as {start:%B} {chosen}"
        return _span(start, _after(start, "month"), said, assumed)

    def month_day(self, month: int, day: int, year: int | None, said: str) -> Span | None:
        chosen = year or self._year_with(month)
        try:
            start = date(chosen, month, day)
        except ValueError:
            return None
        assumed = None if year else f"'{said}' is taken as {start:%B} {day}, {chosen}"
        return self.day(start, said, assumed)

    def quarter(self, quarter: int, year: int | None, said: str) -> Span:
        month = 3 * quarter - 2
        chosen = year or self._year_with(month + 2)
        assumed = None if year else f"'{said}' is taken as that of {chosen}"
        start = date(chosen, month, 1)
        return _span(start, _after(start, "quarter"), said, assumed)

    def _year_with(self, month: int) -> int:
        """The latest year of which the data has something in that month."""
        last = self.last or self.today
        year = last.year if month <= last.month else last.year - 1
        if self.first and date(year, month, 1) < self.first.replace(day=1):
            return last.year
        return year

    def this(self, unit: Unit, said: str) -> Span:
        start = floor(self.anchor, unit)
        return self._told(start, _after(start, unit), said)

    def before(self, unit: Unit, said: str) -> Span:
        """The one before that of today; a week is told from the end of the data as seven days."""
        if unit == "week" and self.of_data:
            return self.latest(7, "day", said)
        end = floor(self.anchor, unit)
        return self._told(floor(end - timedelta(days=1), unit), end, said)

    def latest(self, count: int, unit: Unit, said: str) -> Span:
        """So many days, weeks... up to today, or up to the last day of the data."""
        end = self.anchor + timedelta(days=1)
        start = end
        for _ in range(count):
            start = _back(start, unit)
        return self._told(start, end, said)

    def edge(self, unit: Unit, said: str, *, last: bool) -> Span | None:
        """The last (or first) week, month... that the data has something of."""
        if self.first is None or self.last is None:
            return None
        if unit == "week":
            days = timedelta(days=7)
            end = self.last + timedelta(days=1) if last else self.first + days
            return self._told(end - days, end, said)
        start = floor(self.last if last else self.first, unit)
        return self._told(start, _after(start, unit), said)

    def _told(self, start: date, end: date, said: str) -> Span:
        until = end - timedelta(days=1)
        days = f"{start:%B} {start.day}, {start.year}"
        if until != start:
            days += f" to {until:%B} {until.day}, {until.year}"
        where = ", told from the end of the data" if self.of_data else ""
        return _span(start, end, said, f"'{said}' is {days}{where}")


def floor(day: date, unit: Unit) -> date:
    """The first day of the week, month... that a day is in."""
    match unit:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)


def _after(start: date, unit: Unit) -> date:
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}[unit]
    return floor(start + timedelta(days=days), unit) if unit != "week" else start + timedelta(7)


def _back(day: date, unit: Unit) -> date:
    """The same day of the week, month... before, or the last there is of it."""
    if unit in ("day", "week"):
        return day - timedelta(days=7 if unit == "week" else 1)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    index = day.year * 12 + day.month - 1 - months
    for number in (day.day, 30, 29, 28):
        try:
            return date(index // 12, index % 12 + 1, number)
        except ValueError:
            continue
    return day


def _span(start: date, end: date, said: str, assumed: str | None) -> Span:
    return Span(start=start.isoformat(), end=end.isoformat(), said=said, assumed=assumed)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None

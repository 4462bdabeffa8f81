"""The grammar of dates: which stretch of a question tells a time, and which one."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from contexts.analytics.infrastructure.offline_planner.calendar import Calendar, Unit
from contexts.analytics.infrastructure.offline_planner.readings import (
    Numeral,
    Part,
    Placed,
    Reading,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.words import Token

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ONE: tuple[Unit, ...] = ("day", "week", "month", "quarter", "year")
_UNITS: dict[str, Unit] = {f"{unit}{s}": unit for unit in _ONE for s in ("", "s")}
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve"
COUNTS = {word: count for count, word in enumerate(re.findall(r"\w+", _NUMBERS), start=1)}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_HOURS = {
    "morning": (5, 11),
    "mornings": (5, 11),
    "afternoon": (12, 17),
    "afternoons": (12, 17),
    "evening": (18, 21),
    "evenings": (18, 21),
    "lunchtime": (12, 14),
}
_BEFORE_MAY = ("in", "of", "since", "until", "during", "and", "for", "only", "from", "to", "by")

_THERE_IS = (["of", "data"], ["you", "have"], ["we", "have"], ["there", "is"])
"""Behind "the last day": it is that of the data."""

_WORDS_TOO = ("jan", "mar", "may", "june", "july", "dec")
"""Short names of months that mean something else in small letters."""

Found = tuple[int, Reading]
"""How many tokens a reading takes, and the reading."""


def dates_in(tokens: Sequence[Token], calendar: Calendar) -> Iterator[Placed]:
    """Every stretch that tells a time, and every hour on the clock."""
    for first in range(len(tokens)):
        for rule in _RULES:
            found = rule(tokens, first, calendar)
            if found is not None:
                size, reading = found
                # "2014" alone is a year less surely than "October 2014" is a month.
                weight = 0.6 if rule is _bare_year else 1.0
                yield Placed(first, first + size, reading, weight * size)


def _words(tokens: Sequence[Token], first: int, size: int = 6) -> list[str]:
    return [token.folded for token in tokens[first : first + size]] + [""] * size


def _number(word: str) -> int | None:
    """A count, in digits or as a word; also `10th`, which is cut into two tokens."""
    if word.isdigit():
        return int(word)
    return COUNTS.get(word)


def _year_in(word: str) -> int | None:
    return int(word) if re.fullmatch(r"(1[5-9]|20|21)\d\d", word) else None


def _month_in(tokens: Sequence[Token], at: int) -> int | None:
    if at >= len(tokens):
        return None
    word = tokens[at].folded.rstrip(".")
    if word == "may" and (
        not tokens[at].text.istitle()
        or at == 0
        or (tokens[at - 1].folded not in _BEFORE_MAY and tokens[at - 1].kind != "number")
    ):
        return None
    for number, name in enumerate(_MONTHS, start=1):
        short = word in (name[:3], name[:4])
        if word == name or (short and (tokens[at].text.istitle() or word not in _WORDS_TOO)):
            return number
    return None


def _said(tokens: Sequence[Token], first: int, size: int) -> str:
    return " ".join(token.text for token in tokens[first : first + size])


def _written_date(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    token = tokens[first]
    if token.kind != "date":
        return None
    a, b, c = (int(part) for part in re.split(r"[-/.]", token.text))
    if len(token.text.split("-")[0]) == 4:
        year, month, day = a, b, c
    else:
        year = c + (2000 if c < 70 else 1900) if c < 100 else c
        month, day = (b, a) if a > 12 or (calendar.day_first and b <= 12) else (a, b)
    try:
        return 1, calendar.day(date(year, month, day), token.text)
    except ValueError:
        return None


def _month_and_day(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`November 10th, 2024`, `10 November`, `the 10th of November 2024`."""
    words = _words(tokens, first)
    at = first
    month = _month_in(tokens, at)
    if month is not None:
        day = _number(words[1])
        at = first + 2
    else:
        day, at = _number(words[0]), first + 1
    if day is None or not 1 <= day <= 31:
        return None
    while at < len(tokens) and tokens[at].folded in ("th", "st", "nd", "rd", "of"):
        at += 1
    if month is None:
        month = _month_in(tokens, at)
        at += 1
    if month is None:
        return None
    comma = at < len(tokens) and tokens[at].text == ","
    year_at = at + 1 if comma else at
    year = _year_in(tokens[year_at].folded) if year_at < len(tokens) else None
    at = year_at + 1 if year else at
    span = calendar.month_day(month, day, year, _said(tokens, first, at - first))
    return None if span is None else (at - first, span)


def _month(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`October`, `October 2024`, `October of 2024`."""
    month = _month_in(tokens, first)
    if month is None:
        return None
    words = _words(tokens, first)
    skip = 1 if words[1] not in ("of", ",") else 2
    year = _year_in(words[skip])
    size = skip + 1 if year else 1
    return size, calendar.month(month, year, _said(tokens, first, size))


def _quarter(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`Q3 2024`, `third quarter of 2024`."""
    words = _words(tokens, first)
    if words[0] == "q" and words[1] in ("1", "2", "3", "4"):
        number = int(words[1])
    elif words[0] in _ORDINALS and words[1] == "quarter":
        number = _ORDINALS[words[0]]
    else:
        return None
    skip = 3 if words[2] == "of" else 2
    year = _year_in(words[skip])
    size = skip + 1 if year else 2
    return size, calendar.quarter(number, year, _said(tokens, first, size))


def _week_of(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`the first week of October`: its first seven days."""
    words = _words(tokens, first)
    if words[0] not in ("first", "last") or words[1:3] != ["week", "of"]:
        return None
    size, span = _month(tokens, first + 3, calendar) or (0, None)
    if not isinstance(span, Span):
        return None
    week = timedelta(days=7)
    start, end = date.fromisoformat(span.start or ""), date.fromisoformat(span.end or "")
    start, end = (start, start + week) if words[0] == "first" else (end - week, end)
    said = _said(tokens, first, size + 3)
    assumed = f"'{said}' is from {start} to {end - timedelta(days=1)}"
    reading = Span(start=start.isoformat(), end=end.isoformat(), said=said, assumed=assumed)
    return size + 3, reading


def _bare_year(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    year = _year_in(tokens[first].folded)
    return None if year is None else (1, calendar.year(year))


def _relative(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`yesterday`, `this month`, `last week`, `the last 30 days`, `the last week of the data`."""
    words = _words(tokens, first)
    if words[0] in ("today", "yesterday"):
        back = timedelta(days=words[0] == "yesterday")
        day = calendar.anchor - back
        told = f"'{words[0]}' is {day.isoformat()}, told from the end of the data"
        assumed = told if calendar.of_data else None
        return 1, calendar.day(day, words[0], assumed)
    if words[0] in ("this", "current") and words[1] in _UNITS:
        return 2, calendar.this(_UNITS[words[1]], _said(tokens, first, 2))
    if words[0] not in ("last", "past", "previous", "first"):
        return None
    count = _number(words[1])
    unit = _UNITS.get(words[2 if count else 1])
    if unit is None:
        return None
    size = 3 if count else 2
    tail = words[size : size + 3]
    if tail[:2] in _THERE_IS or tail == ["of", "the", "data"]:
        whole = size + (2 if tail[:2] in _THERE_IS else 3)
        said = _said(tokens, first, whole)
        if count and words[0] != "first":
            return whole, calendar.latest(count, unit, said)
        span = calendar.edge(unit, said, last=words[0] != "first")
        return None if span is None or count else (whole, span)
    if words[0] == "first":
        return None
    if count:
        return size, calendar.latest(count, unit, _said(tokens, first, size))
    return size, calendar.before(unit, _said(tokens, first, size))


def _weekday(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    token = tokens[first]
    for number, name in enumerate(_DAYS, start=1):
        short = token.text.istitle() and token.folded in (name[:3], name[:4])
        if token.folded in (name, name + "s") or short:
            return 1, Part(filters=(("weekday", "eq", (number,)),), said=token.text)
    if token.folded in ("weekend", "weekends"):
        return 1, Part(filters=(("weekday", "in", (6, 7)),), said=token.text)
    if token.folded in ("weekdays", "workdays"):
        return 1, Part(filters=(("weekday", "between", (1, 5)),), said=token.text)
    return None


def _time_of_day(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    words = _words(tokens, first)
    if words[0] in _HOURS:
        said = _said(tokens, first, 1)
        return 1, Part(filters=(("hour_of_day", "between", _HOURS[words[0]]),), said=said)
    return None


def _clock(tokens: Sequence[Token], first: int, calendar: Calendar) -> Found | None:
    """`12:00`, `2 pm`, `2:30 p.m.`, `noon`."""
    token = tokens[first]
    words = _words(tokens, first)
    if words[0] in ("noon", "midnight"):
        return 1, _at(12 if words[0] == "noon" else 0, 0)
    if token.kind not in ("time", "number") or not re.fullmatch(r"\d{1,2}(:\d{2})*", token.text):
        return None
    parts = [int(part) for part in token.text.split(":")]
    hour, minute = parts[0], parts[1] if len(parts) > 1 else 0
    half = words[1] if words[1] in ("am", "pm") else ""
    size = 2
    if words[1] in ("a", "p") and words[2] == "." and words[3].startswith("m"):
        half, size = words[1] + "m", 4
    if not half and token.kind == "number":
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 24 or minute > 59:
        return None
    return (size if half else 1), _at(hour, minute)


def _at(hour: int, minute: int) -> Numeral:
    return Numeral(number=hour + minute / 60, clock=f"{hour % 24:02}:{minute:02}")


_RULES: tuple[Callable[[Sequence[Token], int, Calendar], Found | None], ...] = (
    _written_date,
    _month_and_day,
    _month,
    _quarter,
    _week_of,
    _bare_year,
    _relative,
    _weekday,
    _time_of_day,
    _clock,
)

__all__ = ["Span", "dates_in"]

"""Dates and times as files write them.

A date of three numbers begins with its year or ends with it; years of two digits lie between 1970
and 2069. Times that state a zone become UTC. Dates of a month alone are its first day.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from contexts.analytics.infrastructure.csv.month_names import MONTHS, WEEKDAYS, plain
from contexts.analytics.infrastructure.csv.shapes import Shape

_NUMBERS = re.compile(r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})(0[1-9]|1[0-2])([0-3][0-9])")
_YEAR_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_WORD = r"([^\W\d_]{3,10})\.?"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th|º|\.)?"
_DAY_NAME = re.compile(
    rf"{_DAY}(?: de |[ \-./]+|){_WORD},?(?: de | del |[ \-./]+)([0-9]{{4}}|'?[0-9]{{2}})"
)
_NAME_DAY = re.compile(rf"{_WORD}[ \-]*{_DAY},?[ \-]+([0-9]{{4}})")
_NAME_YEAR = re.compile(rf"{_WORD}(?: de | del |[ \-/,]+)([0-9]{{4}})")
_WEEKDAY = re.compile(r"([^\W\d_]{2,10})\.?,?\s+(?=\w)")

_TIME = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<part>[.,][0-9]{1,9})?)?"
    r"(?P<half>\s?[AaPp]\.?\s?[Mm]\.?)?(?P<zone>\s?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_GAP = re.compile(r"(?:T|,?\s+)$")

Order = Literal["", "day_first", "month_first"]


class _Day(NamedTuple):
    """`other` is the day with day and month changed places, where that is another real date."""

    day: date
    style: str
    proof: Order
    other: date | None = None


class Moment(NamedTuple):
    """`day` and `at` as they are read with the day first, where that is open."""

    shape: Shape
    day: _Day | None
    at: time | None
    offset: timedelta | None


def moment(text: str) -> Moment | None:
    """What date or time `text` is, without blanks around it; None if it is none."""
    colon = text.find(":")
    if colon < 0:
        found = _day(text)
        return found and Moment(_shape("date", found), found, None, None)
    hour = colon - 2 if text[:colon][-2:].isdecimal() else colon - 1
    match = _TIME.fullmatch(text, max(hour, 0))
    if match is None or (at := _time(match)) is None:
        return None
    style, part, zone = _time_style(match), match["part"] or "", match["zone"]
    # PostgreSQL rounds to microseconds, and we cut.
    bare = not match["half"] and "," not in part and len(part) <= len(".123456")
    if hour <= 0:
        return None if zone else Moment(Shape("time", style, bare=bare), None, at, None)
    gap = _GAP.search(text, 0, hour)
    if gap is None or (found := _day(text[: gap.start()])) is None:
        return None
    offset = _offset(zone)
    style = f"{found.style}{'T' if gap[0] == 'T' else ' '}{style}"
    unit = "zone" if offset is not None else "" if at != time() else "midnight"
    bare = bare and not zone and gap[0] in ("T", " ") and _is_native(found.style)
    return Moment(Shape("timestamp", style, unit, bare, found.proof), found, at, offset)


def _shape(kind: Literal["date", "timestamp"], day: _Day) -> Shape:
    return Shape(kind, day.style, "", _is_native(day.style), day.proof)


def _is_native(style: str) -> bool:
    """Whether PostgreSQL reads such dates as we do, once it knows whether the day comes first."""
    return style in ("Y-m-d", "Ymd", "1/2/Y", "1-2-Y", "1.2.Y")


@lru_cache(maxsize=8_192)
def _day(text: str) -> _Day | None:
    try:
        if match := _NUMBERS.fullmatch(text):
            return _three_numbers(*match.groups())
        if match := _COMPACT.fullmatch(text):
            return _Day(date(*map(int, match.groups())), "Ymd", "")
        if match := _YEAR_MONTH.fullmatch(text):
            year, month = int(match[1]), int(match[2])
            season = "~" if month == (year + 1) % 100 else ""
            return _Day(date(year, month, 1), f"Y-m{season}", "")
        return _with_a_name(text)
    except ValueError:
        return None


def _three_numbers(first: str, mark: str, second: str, third: str) -> _Day | None:
    if len(first) == 4:
        return _Day(date(int(first), int(second), int(third)), f"Y{mark}m{mark}d", "")
    if len(first) > 2 or len(third) not in (2, 4):
        return None
    style = f"1{mark}2{mark}{'Y' if len(third) == 4 else 'y'}"
    year, one, two = _year(third), int(first), int(second)
    if one > 12:
        return _Day(date(year, two, one), style, "day_first")
    if two > 12:
        return _Day(date(year, one, two), style, "month_first")
    return _Day(date(year, two, one), style, "", date(year, one, two))


def _with_a_name(text: str) -> _Day | None:
    if (match := _DAY_NAME.fullmatch(text)) and (month := MONTHS.get(plain(match[2]))):
        year = match[3].lstrip("'")
        style = f"d b {'Y' if len(year) == 4 else 'y'}"
        return _Day(date(_year(year), month, int(match[1])), style, "")
    if (match := _NAME_DAY.fullmatch(text)) and (month := MONTHS.get(plain(match[1]))):
        return _Day(date(int(match[3]), month, int(match[2])), "b d Y", "")
    if (match := _NAME_YEAR.fullmatch(text)) and (month := MONTHS.get(plain(match[1]))):
        return _Day(date(int(match[2]), month, 1), "b Y", "")
    if (match := _WEEKDAY.match(text)) and plain(match[1]) in WEEKDAYS:
        day = _day(text[match.end() :])
        return day and day._replace(style=f"A {day.style}")
    return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= 70 else 2000)


def _time(match: re.Match[str]) -> time | None:
    hour, half = int(match["hour"]), (match["half"] or "").strip().lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    part = int((match["part"] or ".0")[1:7].ljust(6, "0"))
    try:
        return time(hour, int(match["minute"]), int(match["second"] or 0), part)
    except ValueError:
        return None


def _time_style(match: re.Match[str]) -> str:
    hours = "I" if match["half"] else "H"
    return f"{hours}:M{':S' if match['second'] else ''}{'.f' if match['part'] else ''}" + (
        " p" if match["half"] else ""
    )


def _offset(zone: str | None) -> timedelta | None:
    if not zone:
        return None
    zone = zone.strip()
    if zone in ("Z", "UTC", "GMT"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone.startswith("-") else offset


def moment_writer(
    kind: Literal["date", "timestamp", "time"], month_first: bool
) -> Callable[[str], str | None]:
    """Makes ISO 8601 of a date or time, as PostgreSQL reads it; None of what is none."""

    def written(text: str) -> str | None:
        found = moment(text)
        if found is None:
            return None
        if kind == "time":
            return found.at.isoformat() if found.at is not None else None
        if found.day is None:
            return None
        if found.day.proof == ("day_first" if month_first else "month_first"):
            return None
        day = (found.day.other if month_first else None) or found.day.day
        if kind == "date":
            return day.isoformat()
        at = datetime.combine(day, found.at or time())
        try:
            return (at - (found.offset or timedelta())).isoformat(" ")
        except OverflowError:
            return None

    return written


_DIRECTIVES: Final = {letter: f"%{letter}" for letter in "YymdbAHIMSfp"}


def strptime_format(style: str, month_first: bool) -> str:
    """`1/2/Y H:M` is `%m/%d/%Y %H:%M`, if the month comes first."""
    first, second = ("m", "d") if month_first else ("d", "m")
    style = style.replace("1", first).replace("2", second)
    return "".join(_DIRECTIVES.get(letter, letter) for letter in style)

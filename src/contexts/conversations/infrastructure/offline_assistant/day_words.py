"""What words for a day come down to: each rule makes days of what its pattern found.

`before` are the days that were spoken of before. A rule makes None of what is no day after all.
"""

import re
from datetime import date

from contexts.conversations.infrastructure.offline_assistant import calendar
from contexts.conversations.infrastructure.offline_assistant.calendar import Days, Unit

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COUNTS = {
    word: count
    for count, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2
    )
} | {"a": 1, "one": 1, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3}

_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(MONTHS, start=1)}
_DAY_NUMBERS = {name[:2]: number for number, name in enumerate(WEEKDAYS)}
_MAY = re.compile(
    r"(?:\b(?:in|of|since|until|till|during|from|to|for|by|next|this|and|or|before|after|mid|early"
    r"|late|only|about|instead) |\d |th |rd |st |nd |- )$"
)
FEASTS = {
    "christmas eve": ((12, 24), (12, 24)),
    "christmas day": ((12, 25), (12, 25)),
    "christmas": ((12, 24), (12, 26)),
    "xmas": ((12, 24), (12, 26)),
    "boxing day": ((12, 26), (12, 26)),
    "new year's eve": ((12, 31), (12, 31)),
    "new years eve": ((12, 31), (12, 31)),
    "new year's day": ((1, 1), (1, 1)),
    "new year's": ((12, 31), (1, 1)),
    "new year": ((12, 31), (1, 1)),
    "halloween": ((10, 31), (10, 31)),
    "valentine's day": ((2, 14), (2, 14)),
    "valentine's": ((2, 14), (2, 14)),
    "valentines day": ((2, 14), (2, 14)),
    "st patrick's day": ((3, 17), (3, 17)),
}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


def count_of(said: str) -> int:
    return int(said) if said.isdigit() else COUNTS[said]


def _month_of(match: re.Match[str]) -> int | None:
    """ "may" is a month only where one can stand: "may I" is not."""
    said = match["month"]
    if said == "may" and not (
        _MAY.search(match.string[: match.start("month")])
        or re.match(r" \d|$| \?$", match.string[match.end("month") :])
    ):
        return None
    return _MONTH_NUMBERS[said[:3]]


def _year_of(match: re.Match[str]) -> int | None:
    return int(match["year"]) if match["year"] else None


def _unit_of(match: re.Match[str]) -> Unit:
    units: dict[str, Unit] = {"week": "week", "month": "month", "year": "year"}
    return units.get(match["unit"], "day")


def written(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    """With slashes the month comes first, as when data is asked, with points the day, unless that
    makes no date."""
    a, b, c = (int(part) for part in re.split(r"[-/.]", match.group()))
    orders = [(a, b, c)] if a > 31 else [(c, b, a), (c, a, b)]
    for year, number, day in orders if "." in match.group() else reversed(orders):
        try:
            return calendar.one(date(year + 2000 if year < 100 else year, number, day))
        except ValueError:
            continue
    return None


def day_range(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    number, year = _month_of(match), _year_of(match)
    if number is None:
        return None
    last = calendar.coming_day(number, int(match["to"]), year, today)
    if last is None or last.last is None:
        return None
    first = calendar.coming_day(number, int(match["day"]), last.last.year, today)
    if first is None or first.first is None or first.first > last.last:
        return None
    return Days(first.first, last.last)


def month_day(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    number = _month_of(match)
    if number is None:
        return None
    return calendar.coming_day(number, int(match["day"]), _year_of(match), today)


def part_of_month(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    number = _month_of(match)
    if number is None:
        return None
    days = calendar.coming_month(number, _year_of(match), today)
    assert days.first is not None
    assert days.last is not None
    start, end = days.first, days.last
    at = match["part"]
    if at in ("early", "beginning of", "start of"):
        return Days(start, start.replace(day=10))
    if at in ("mid", "middle of"):
        return Days(start.replace(day=11), start.replace(day=20))
    if at in ("late", "end of"):
        return Days(start.replace(day=21), end)
    which = _ORDINALS[at.split()[0]]
    if "weekend" in at:
        weekends = calendar.weekends_of(days)
        return weekends[which]
    if which == -1:
        return Days(end.replace(day=end.day - 6), end)
    return Days(start.replace(day=1 + 7 * which), start.replace(day=7 + 7 * which))


def month(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    number = _month_of(match)
    return None if number is None else calendar.coming_month(number, _year_of(match), today)


def weekend(match: re.Match[str], today: date, before: Days | None) -> Days:
    which = match["which"] or ""
    if "last" in which or "past" in which:
        days = calendar.this_weekend(today)
        assert days.first is not None
        return calendar.this_weekend(date.fromordinal(days.first.toordinal() - 7))
    if match["after"]:
        days = calendar.next_weekend(today)
        assert days.last is not None
        return calendar.next_weekend(days.last)
    return calendar.next_weekend(today) if "next" in which else calendar.this_weekend(today)


def after_that(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    """ "The week after", of what was spoken of before."""
    if before is None or before.last is None or before.first is None:
        return None
    if match["side"] == "before":
        return calendar.previous(_unit_of(match), before.first)
    if match["unit"] == "weekend":
        return calendar.this_weekend(date.fromordinal(before.last.toordinal() + 2))
    return calendar.following(_unit_of(match), before.last)


def after_next(match: re.Match[str], today: date, before: Days | None) -> Days:
    return calendar.ahead(2, _unit_of(match), today)


def unit(match: re.Match[str], today: date, before: Days | None) -> Days:
    unit = _unit_of(match)
    which = match["which"]
    if "rest" in which:
        return calendar.rest_of(unit, today)
    if which in ("last", "past", "previous"):
        return calendar.previous(unit, today)
    return calendar.this(unit, today) if which == "this" else calendar.following(unit, today)


def next_few(match: re.Match[str], today: date, before: Days | None) -> Days:
    return calendar.next_few(count_of(match["count"]), _unit_of(match), today)


def ahead(match: re.Match[str], today: date, before: Days | None) -> Days:
    return calendar.ahead(count_of(match["count"]), _unit_of(match), today)


def day_word(match: re.Match[str], today: date, before: Days | None) -> Days:
    ahead = {"day after tomorrow": 2, "tomorrow": 1, "yesterday": -1}
    return calendar.one(date.fromordinal(today.toordinal() + ahead.get(match["said"], 0)))


def weekday(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    if match["weekday"] in ("sat", "sun") and not _is_short_day(match):
        return None
    number = _DAY_NUMBERS[match["weekday"][:2]]
    if match["which"] == "next":
        return calendar.next_weekday(number, today)
    if before is not None and not match["which"]:
        return calendar.near(number, before, today)
    return calendar.weekday(number, today)


def feast(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    (first, day), (last, to) = FEASTS[match["feast"]]
    end = calendar.coming_day(last, to, _year_of(match), today)
    if end is None or end.last is None:
        return None
    start = date(end.last.year - (last < first), first, day)
    return Days(start, end.last)


def season(match: re.Match[str], today: date, before: Days | None) -> Days:
    number = SEASONS[match["season"]]
    year = int(match["year"]) if match["year"] else today.year
    days = _season_of(number, year)
    if not match["year"]:
        earlier = _season_of(number, year - 1)
        if earlier.last is not None and earlier.last >= today:
            return earlier
        if days.last is not None and days.last < today:
            return _season_of(number, year + 1)
    return days


def _season_of(number: int, year: int) -> Days:
    end = (year + (number == 12), (number + 1) % 12 + 1)
    return Days(date(year, number, 1), calendar.month(*end).last)


def year(match: re.Match[str], today: date, before: Days | None) -> Days:
    return calendar.this("year", date(int(match["year"]), 1, 1))


def day_alone(match: re.Match[str], today: date, before: Days | None) -> Days | None:
    return calendar.coming_day_of_month(int(match["day"]), today)


def _is_short_day(match: re.Match[str]) -> bool:
    """ "sat" and "sun" are days behind "on" and the like, before a part of the day (which has been
    taken), and at the end; "the sun" is none."""
    before, after = match.string[: match.start("weekday")], match.string[match.end() :]
    if before.endswith("the "):
        return False
    joins = r"\b(?:on|this|next|coming|and|to|or|until|from|by|for|before|after) $"
    return (
        re.search(joins, before) is not None
        or after.strip(" ?!\x00") == ""
        or after.startswith(" \x00")
    )

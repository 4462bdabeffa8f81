"""Which words name a day, or days in a row: "12 December", "next weekend", "in 2027"."""

import re
from collections.abc import Callable, Iterator
from datetime import date

import msgspec

from contexts.conversations.infrastructure.offline_assistant import day_words as by
from contexts.conversations.infrastructure.offline_assistant.calendar import Days
from contexts.conversations.infrastructure.offline_assistant.day_words import (
    COUNTS,
    FEASTS,
    SEASONS,
    WEEKDAYS,
)
from contexts.conversations.infrastructure.offline_assistant.english import MONTH_WORDS
from contexts.conversations.infrastructure.offline_assistant.message import Reading, whole

_MONTH = rf"(?P<month>{MONTH_WORDS})"
_WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)}|mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)"
_NAMED_DAY = rf"(?:(?:{'|'.join(WEEKDAYS)}|mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun) (?:the )?)?"
_DAY = r"(?P<day>[0-3]?\d)(?: (?:st|nd|rd|th))?"
_TO_DAY = r"(?:to|-|and|or|until|till|through) (?:the )?(?P<to>[0-3]?\d)(?: (?:st|nd|rd|th))?"
_YEAR = r"(?P<year>20\d\d)"
_OF_YEAR = rf"(?: {_YEAR})?"
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(COUNTS, key=len, reverse=True))})"
_UNIT = r"(?P<unit>day|night|week|month|year)s?"


class Point(msgspec.Struct, frozen=True):
    """Days that stand at a place of the text. `shift` is how they move on when they have to be
    after others: by weeks, by years, or not at all. `closed`: both ends are named, as in "3 to 6
    December"."""

    start: int
    end: int
    days: Days
    shift: str = ""
    closed: bool = False


_Rule = Callable[[re.Match[str], date, Days | None], Days | None]


def points_in(reading: Reading, today: date, before: Days | None) -> list[Point]:
    """In the order of the text. `before` is what was spoken of before, for "and on Saturday?".

    What the first rules took is gone for those after them, so that "12 December" is a day.
    """
    found: list[Point] = []
    for pattern, rule, shift in _RULES:
        for match in list(reading.all(pattern)):
            days = rule(match, today, before)
            if days is None:
                continue
            reading.take(match)
            closed = rule is by.day_range
            found.append(Point(*match.span(), days, shift, closed))
    return sorted(found, key=lambda point: point.start)


def _rules() -> Iterator[tuple[re.Pattern[str], _Rule, str]]:
    """A pattern, its rule, and how it moves on."""
    part = r"(?:first|second|third|fourth|last) (?:weekend|week) (?:of|in)"
    yield whole(r"\d{4}-\d{1,2}-\d{1,2}"), by.written, ""
    yield whole(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"), by.written, ""
    yield whole(rf"{_DAY} {_TO_DAY} (?:of )?{_MONTH}{_OF_YEAR}"), by.day_range, "year"
    yield whole(rf"{_MONTH} (?:the )?{_DAY} {_TO_DAY}{_OF_YEAR}"), by.day_range, "year"
    day = rf"{_NAMED_DAY}{_DAY} (?:of )?{_MONTH}{_OF_YEAR}"
    yield whole(day), by.month_day, "year"
    yield whole(rf"{_NAMED_DAY}{_MONTH} (?:the )?{_DAY}{_OF_YEAR}"), by.month_day, "year"
    part = rf"(?:the )?(?P<part>{part}|early|mid|late|(?:beginning|start|middle|end) of)"
    yield whole(rf"{part} (?:in )?(?:- )?{_MONTH}{_OF_YEAR}"), by.part_of_month, "year"
    which = r"(?:(?P<which>this coming|this|the coming|coming|next|last|past) )?(?:the )?"
    yield whole(rf"(?:this |next )?{_MONTH}(?: of)?{_OF_YEAR}"), by.month, "year"
    after = r"(?P<after> after next)?"
    side = r"(?P<side>after|before)(?: that)?"
    yield (
        whole(rf"(?:the )?(?P<unit>day|weekend|week|month) {side}(?! \S*next)(?= ?\??$)"),
        by.after_that,
        "",
    )
    yield whole(rf"(?:the )?{_UNIT} after next"), by.after_next, ""
    yield whole(rf"{which}week-?ends?{after}"), by.weekend, "week"
    yield whole(rf"(?P<which>this|next|last|past|previous) {_UNIT}"), by.unit, ""
    yield whole(rf"(?:the )?(?P<which>rest of) (?:the |this )?{_UNIT}"), by.unit, ""
    few = rf"(?:(?:with)?in |over |for |during )?(?:the |these )?(?:next|coming|following) {_COUNT}"
    yield whole(rf"{few} {_UNIT}"), by.next_few, ""
    yield whole(rf"within (?:the )?{_COUNT} {_UNIT}"), by.next_few, ""
    yield whole(rf"in {_COUNT} {_UNIT}(?: time| from now)?"), by.ahead, ""
    said = r"(?:the )?(?P<said>day after tomorrow|tomorrow|today|yesterday)"
    yield whole(said), by.day_word, ""
    yield whole(r"(?P<said>right now|now)"), by.day_word, ""
    named = r"(?:(?P<which>this coming|this|the coming|coming|next) )?"
    yield whole(rf"{named}(?:the )?{_WEEKDAY}s?"), by.weekday, "week"
    feasts = "|".join(sorted(FEASTS, key=len, reverse=True))
    yield whole(rf"(?P<feast>{feasts}){_OF_YEAR}"), by.feast, "year"
    season = rf"(?P<season>{'|'.join(SEASONS)})(?: of)?{_OF_YEAR}"
    yield whole(rf"(?:(?:in|this|next|during|the coming) )(?:the )?{season}"), by.season, ""
    yield whole(rf"(?:in |of |during )?{_YEAR}"), by.year, ""
    yield whole(r"(?:on |for )?the (?P<day>[0-3]?\d)(?: (?:st|nd|rd|th))"), by.day_alone, ""
    alone = r"(?P<day>[0-3]?\d) (?:st|nd|rd|th)(?! \w+ (?:one|event|show))"
    yield whole(alone), by.day_alone, ""


_RULES = tuple(_rules())

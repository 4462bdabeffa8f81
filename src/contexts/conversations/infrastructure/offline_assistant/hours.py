"""Hours of a day: "after 8pm", "in the evening", "from 18:00 to 20:00"."""

import re
from datetime import time

import msgspec

from contexts.conversations.infrastructure.offline_assistant.english import MONTH_WORDS
from contexts.conversations.infrastructure.offline_assistant.message import Reading, whole

_LAST = time(23, 59, 59)
_PARTS = {
    "morning": (time(5), time(11, 59, 59)),
    "lunchtime": (time(12), time(14, 59, 59)),
    "afternoon": (time(12), time(17, 59, 59)),
    "evening": (time(18), _LAST),
    "night": (time(18), _LAST),
    "late night": (time(22), _LAST),
}
"""As when data is asked; but an evening goes on to midnight, for what begins at ten is of it."""

_CLOCK = r"(?:\d{1,2}(?:[:.]\d\d)?(?: (?:am|pm|o'clock|h|hrs))|\d{1,2}:\d\d|noon|midnight)"
_BARE = rf"(?:{_CLOCK}|\d{{1,2}})"
_RANGE = whole(rf"(?:from |between )?(?P<from>{_BARE}) (?:to|-|and|until|till) (?P<to>{_CLOCK})")
_BOUND = whole(
    rf"(?P<how>after|from|since|past|later than|not before|before|until|till|by|earlier than"
    rf"|starting at|starting from|starting after|at|around|about) (?P<clock>{_CLOCK})"
)
_HOW = "after|from|before|until|till|by|at|around|about"
_NIGHTLY = whole(rf"(?P<how>{_HOW}) (?P<clock>\d{{1,2}})(?! (?:{MONTH_WORDS}|st|nd|rd|th|of|%))")
_LATE = re.compile(r"\b(?:evenings?|nights?|tonight|afternoons?|o'clock)\b")
_ALONE = whole(rf"(?P<clock>{_CLOCK})")
_TONIGHT = whole(r"tonight|tonite|this (?:evening|night)")
_PART = whole(
    r"(?:(?:in|at|during|on) (?:the )?|the )?(?P<this>this )?"
    rf"(?P<part>late night|{'|'.join(_PARTS)})s?(?: of)?"
)


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """`of_today`: without a day, today's are meant; `this_day`: today's whatever was spoken of."""

    begins: time
    ends: time
    said: str
    of_today: bool = True
    this_day: bool = False


def hours_in(reading: Reading) -> Hours | None:
    """The hours that are named, if any; what stands for today besides is left for the days."""
    if (match := reading.find(_RANGE)) is not None:
        pm = match["to"].endswith("pm")
        begins, ends = _time(match["from"], afternoon=pm), _time(match["to"])
        if begins is not None and ends is not None and begins < ends:
            return Hours(begins=begins, ends=ends, said=reading.take(match))
    if (match := reading.find(_BOUND)) is not None:
        at = _time(match["clock"])
        if at is not None:
            begins, ends = _bounds(match["how"], at)
            return Hours(begins=begins, ends=ends, said=reading.take(match))
    if _LATE.search(reading.folded) and (match := reading.find(_NIGHTLY)) is not None:
        at = _time(match["clock"], afternoon=True)
        if at is not None:
            begins, ends = _bounds(match["how"], at)
            tonight = _take_late(reading)
            return Hours(begins=begins, ends=ends, said=reading.take(match), this_day=tonight)
    if (match := reading.find(_TONIGHT)) is not None:
        begins, ends = _PARTS["night"]
        return Hours(begins=begins, ends=ends, said=reading.take(match), this_day=True)
    if (match := reading.find(_PART)) is not None:
        begins, ends = _PARTS[match["part"]]
        today = match["this"] is not None
        said = reading.take(match)
        return Hours(begins=begins, ends=ends, said=said, of_today=today, this_day=today)
    if (match := reading.find(_ALONE)) is not None and (at := _time(match["clock"])) is not None:
        begins, ends = _bounds("at", at)
        return Hours(begins=begins, ends=ends, said=reading.take(match))
    return None


def _take_late(reading: Reading) -> bool:
    """Takes the part of the day that a bare hour is in; whether that is today's."""
    if (match := reading.find(_TONIGHT)) is not None:
        reading.take(match)
        return True
    if (match := reading.find(_PART)) is not None:
        reading.take(match)
        return match["this"] is not None
    return False


def _bounds(how: str, at: time) -> tuple[time, time]:
    """ "At eight" is within the hour that begins then; "around" is an hour before, too."""
    match how:
        case "before" | "until" | "till" | "by" | "earlier than":
            return time(0), at
        case "at":
            return at, time(at.hour, 59, 59) if at.minute == 0 else _later(at)
        case "around" | "about":
            return at.replace(hour=max(at.hour - 1, 0)), _later(at)
        case _:
            return at, _LAST


def _later(at: time) -> time:
    return _LAST if at.hour == 23 else at.replace(hour=at.hour + 1)


def _time(said: str, *, afternoon: bool = False) -> time | None:
    """None for one that no clock shows. "8 to 10 pm" is in the evening with both its ends."""
    if said in ("noon", "midnight"):
        return time(12) if said == "noon" else _LAST
    match = re.match(r"(\d{1,2})(?:[:.](\d\d))?(?: (\w+))?", said)
    assert match is not None
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3] or ""
    if half in ("am", "pm") or (afternoon and hour < 12):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" or (afternoon and half != "am") else 0)
    elif half == "o'clock" and hour < 12:
        # Nobody goes out at eight in the morning.
        hour += 12 if hour > 0 else 0
    return time(hour, minute) if hour < 24 and minute < 60 else None

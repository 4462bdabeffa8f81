"""How numbers, prices and times are written, as in the analyses of data; and how text is sent."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from contexts.conversations.infrastructure.offline_assistant.day_words import MONTHS, WEEKDAYS

_PIECE = 48
"""Characters that are sent at once, more or less: a few words."""

_LAST_SECOND = ("T23:59:59", "T23:59")


def number(value: float) -> str:
    """With commas between thousands and at most two decimals; below 0.01, two digits that count."""
    if isinstance(value, int):
        return f"{value:,}"
    magnitude = abs(value)
    if not math.isfinite(value):
        return "no number"
    decimals = 2 if magnitude >= 0.01 or magnitude == 0 else 1 - math.floor(math.log10(magnitude))
    written = f"{value:,.{decimals}f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def prices(low: Any, high: Any) -> str:
    """ "12 to 30", "12.50", "free"; the catalogue knows no currency."""
    if low is None and high is None:
        return "no price known"
    low, high = (float(low if low is not None else high), float(high if high is not None else low))
    if low == high:
        return "free" if high == 0 else price(low)
    return f"{price(low)} to {price(high)}"


def price(amount: float) -> str:
    """ "12", "12.50", "1,200"."""
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def day(value: date, *, year: bool = True) -> str:
    """ "Saturday 28 November 2026"."""
    named = f"{WEEKDAYS[value.weekday()].title()} {value.day} {MONTHS[value.month - 1].title()}"
    return f"{named} {value.year}" if year else named


def short_time(value: str) -> str:
    """ "Sat 28 Nov 2026, 21:00"."""
    return f"{short_day(value)}, {datetime.fromisoformat(value):%H:%M}"


def short_day(value: str) -> str:
    """ "Sat 28 Nov 2026"."""
    at = datetime.fromisoformat(value)
    named = f"{WEEKDAYS[at.weekday()].title()[:3]} {at.day} {MONTHS[at.month - 1].title()[:3]}"
    return f"{named} {at.year}"


def moment(value: str, grain: str) -> str:
    """A date or time of data; one that stands for its month or year as that: "November 2026"."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    month = MONTHS[at.month - 1].title()
    match grain:
        case "year":
            return str(at.year)
        case "quarter":
            return f"Q{(at.month + 2) // 3} {at.year}"
        case "month":
            return f"{month} {at.year}"
        case "week":
            return f"the week of {at.day} {month} {at.year}"
    return f"{at.day} {month} {at.year}" + (f", {at:%H:%M}" if len(value) > 10 else "")


def stretch(start: str | None, end: str | None) -> str:
    """What lies between two dates or times in ISO 8601: "on Saturday 28 November 2026 from 18:00";
    nothing where neither is given."""
    if start is None and end is None:
        return ""
    if start is None or end is None:
        some = start or end or ""
        clock = f" {some[11:16]}" if "T" in some and not some.endswith(_LAST_SECOND) else ""
        told = f"{day(date.fromisoformat(some[:10]))}{clock}"
        return f"from {told} on" if end is None else f"until {told}"
    first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    if first == last:
        return f"on {day(first)}{_hours(start, end)}"
    if (first.day, last.day) == (1, _days_in(last)) and first.year == last.year:
        if first.month == last.month:
            return f"in {MONTHS[first.month - 1].title()} {first.year}"
        if (first.month, last.month) == (1, 12):
            return f"in {first.year}"
    return f"from {day(first, year=first.year != last.year)} to {day(last)}"


def _days_in(value: date) -> int:
    following = date(value.year + value.month // 12, value.month % 12 + 1, 1)
    return (following - value.replace(day=1)).days


def _hours(start: str, end: str) -> str:
    begins = start[11:16] if "T" in start else ""
    ends = end[11:16] if "T" in end and not end.endswith(_LAST_SECOND) else ""
    if begins in ("", "00:00"):
        return f" until {ends}" if ends else ""
    return f" from {begins} to {ends}" if ends else f" from {begins} on"


def counted(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '…', '?', '!')) else '.'}"


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of a few words, which put together are the text."""
    held = ""
    for word in re.findall(r"\s*\S+\s*?(?=\s|$)|\s+", text):
        held += word
        if len(held) >= _PIECE or "\n" in word:
            yield held
            held = ""
    if held:
        yield held

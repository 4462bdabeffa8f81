"""How numbers, times, names and lists are written for people; charts and sentences agree on it."""

import math
from collections.abc import Sequence
from datetime import date, datetime

from contexts.analytics.domain.answer import Cell, Output
from contexts.analytics.domain.query_spec import Grain

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

EMPTY = "(empty)"
"""What a group is called whose value is missing."""

LONGEST = 80
"""Characters of a value that are shown; what is longer is cut."""

_SIGNS = frozenset("$€£¥")
"""Units that stand before the number, and close to it."""


def number(value: float) -> str:
    """With commas between thousands and at most two decimals; below 0.01, two significant digits.

    Never in exponents: "0.00012", "1,250,000.5".
    """
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


def percent(share: float) -> str:
    """A part of a whole, 0 to 1, with at most one decimal: "31.5%"."""
    return f"{number(round(share * 100, 1))}%"


def amount(value: float, output: Output) -> str:
    """A number of that column, with its unit; a share or a relative change in percent."""
    if output.in_percent:
        return percent(value)
    return with_unit(value, output.unit)


def with_unit(value: float, unit: str | None) -> str:
    if not unit:
        return number(value)
    if unit in _SIGNS:
        return f"-{unit}{number(-value)}" if value < 0 else f"{unit}{number(value)}"
    return f"{number(value)}{'' if unit == '%' else ' '}{unit}"


def cell(value: Cell, output: Output) -> str:
    """One value as it is told: "November 2024", "Friday", "16:00", "1,250.5 USD", "(empty)"."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if output.grain is not None:
        return _time_part(value, output)
    if isinstance(value, str):
        return _moment(value, output) if output.type in ("date", "timestamp") else cut(value)
    if output.kind == "measure":
        return amount(value, output)
    return plain(value)


def plain(value: float) -> str:
    """A number that is a name, such as a year or an id: without commas."""
    return number(value).replace(",", "")


def cut(text: str, longest: int = LONGEST) -> str:
    """On one line, and not longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def title(text: str) -> str:
    """The title of a column as words: `product_name` is "product name"."""
    return cut(text.replace("_", " ")) or "(no title)"


def inside(text: str) -> str:
    """A title as it stands within a sentence: "Total fares" begins small there, "VAT" does not."""
    words = title(text)
    first, _, rest = words.partition(" ")
    return (
        words if first[1:] != first[1:].lower() else f"{first.lower()}{' ' if rest else ''}{rest}"
    )


def listed(parts: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def plural(noun: str, count: int | None = None) -> str:
    """The plural of an English noun, unless there is exactly one of it."""
    if count == 1:
        return noun
    lower = noun.lower()
    if lower.endswith("y") and lower[-2:-1] not in ("a", "e", "i", "o", "u", ""):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if lower.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '…')) else '.'}"


def moment(value: str) -> datetime | None:
    """A date or a wall time in ISO 8601; None for anything else."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def day(value: date) -> str:
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def _moment(value: str, output: Output) -> str:
    at = moment(value)
    if at is None:
        return cut(value)
    if output.type == "date":
        return day(at)
    return f"{day(at)}, {at:%H:%M}" + (f":{at:%S}" if at.second else "")


def _time_part(value: str | float, output: Output) -> str:
    if not isinstance(value, str):
        return named(value, output.grain)
    at = moment(value)
    return cut(value) if at is None else period(at, output.grain)


def period(start: datetime, grain: Grain | None) -> str:
    match grain:
        case "year":
            return str(start.year)
        case "quarter":
            return f"Q{(start.month + 2) // 3} {start.year}"
        case "month":
            return f"{MONTHS[start.month - 1]} {start.year}"
        case "week":
            return f"the week of {day(start)}"
        case "hour":
            return f"{day(start)}, {start:%H:%M}"
        case _:
            return day(start)


def named(part: float, grain: Grain | None) -> str:
    """A part of a time that came as a number."""
    if grain == "weekday" and part in range(1, 8):
        return WEEKDAYS[int(part) - 1]
    if grain == "month_of_year" and part in range(1, 13):
        return MONTHS[int(part) - 1]
    if grain == "quarter_of_year":
        return f"Q{plain(part)}"
    if grain == "hour_of_day" and part in range(24):
        return f"{int(part):02d}:00"
    return plain(part)

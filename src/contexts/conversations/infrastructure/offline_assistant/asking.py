"""A question as it is put to the data: mostly in the words it was written in.

Two things are said to the tool otherwise. A dataset that is named for sure ("rows in box_office",
"from the sales dataset") is given as the dataset, for its name may be a word of the data as well;
whoever means no dataset is asked again as he wrote. And a month of the catalogue without a year is
the next one, as in a search, while the data would take it for the last one there is.
"""

import re
from datetime import date

import msgspec

from contexts.conversations.infrastructure.offline_assistant import calendar
from contexts.conversations.infrastructure.offline_assistant.day_words import MONTHS
from contexts.conversations.infrastructure.offline_assistant.english import MONTH_WORDS
from contexts.conversations.infrastructure.offline_assistant.message import Reading

_IN = r"(?:\s+(?:in|from|of|for|on|using|within))?(?:\s+(?:the|my|our))?"
_TABLE = r"(?:data\s?set|table|csv|file)"
_NAMED = (
    re.compile(rf"{_IN}\s+{_TABLE}\s+(?P<name>\w{{2,80}})\b", re.IGNORECASE),
    re.compile(rf"(?:{_IN})\s+(?P<name>[a-z]\w*_\w+)\b(?:\s+(?:{_TABLE}|data))?\b", re.IGNORECASE),
    re.compile(
        rf"\s+(?:in|from|of|for|on|using|within)\s+(?:the\s+|my\s+|our\s+)?(?P<name>\w{{2,80}})"
        rf"\s+{_TABLE}\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:rows|records|lines|entries)(?:\s+(?:are\s+there|are|there|do\s+we\s+have|is\s+there))?"
        r"(?P<all>\s+(?:in|from|of)\s+(?:the\s+|my\s+|our\s+)?(?P<name>\w{2,80}))(?=\W*$)",
        re.IGNORECASE,
    ),
)
_SHOW = "(?:show |list |tell |give |name |explain )?(?:me )?(?:all )?(?:the )?"
_COLUMNS = "(?:columns|fields|schema|structure)"
_ONE = rf"(?:the )?(?!(?:you|we|i|there|it)\b)(\w+)(?: {_TABLE})?"
_DESCRIBED = re.compile(
    rf"{_SHOW}{_COLUMNS}(?: are)?(?: there)? (?:of|in) {_ONE}|describe {_ONE}"
    rf"|(?:what|which) {_COLUMNS} (?:does|do|has|are in) {_ONE}(?: have)?"
    rf"|(?:what(?:'s| is) in|tell me about) (?:the )?(?:(\w+) {_TABLE}|(\w+_\w+))"
    r"|data\s?set (?!please\b)(\w+)"
    rf"|what does (?:the )?(\w+) {_TABLE} (?:hold|have|contain)"
)
_ABOUT = re.compile(
    r"(?:tell me about|describe|what(?:'s| is) in) (?:the |my |our )?(\w+(?: \w+){0,2}?)"
    rf"(?: {_TABLE}| data)?"
)
_ROWS = re.compile(r"(?:rows|records|lines|entries)\W*", re.IGNORECASE)
_MONTH = re.compile(
    rf"\b(?:(?P<before>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>{MONTH_WORDS})\b"
    r"(?:\s+(?P<after>\d{1,2})(?:st|nd|rd|th)?\b)?(?!,?\s+(?:of\s+)?\d{4})",
    re.IGNORECASE,
)
_NUMBERS = {name[:3]: number for number, name in enumerate(MONTHS, start=1)}


class Named(msgspec.Struct, frozen=True):
    """A question without the name of the dataset that it is to be asked of."""

    dataset: str
    question: str


def dataset_in(text: str) -> Named | None:
    """The dataset that a question names for sure, whether or not there is one of that name."""
    for pattern in _NAMED:
        if (match := pattern.search(text)) is not None:
            whole = "all" if "all" in pattern.groupindex else 0
            left = " ".join(f"{text[: match.start(whole)]} {text[match.end(whole) :]}".split())
            if re.search(r"\w", left):
                left = re.sub(r"\s+([?!.])", r"\1", left)
                return Named(match["name"], f"how many {left}" if _ROWS.fullmatch(left) else left)
    return None


def described_in(reading: Reading) -> str | None:
    """The dataset of which it is asked what it holds."""
    match = _DESCRIBED.fullmatch(reading.folded.strip("?! "))
    return None if match is None else next(name for name in match.groups() if name is not None)


def named_in(reading: Reading) -> str | None:
    """What it is asked to be told about, where a dataset may go by that name."""
    match = _ABOUT.fullmatch(reading.folded.strip("?! "))
    return None if match is None else match[1]


def dated(text: str, today: date) -> str:
    """With its year behind every month that has none: that which comes."""

    def with_year(match: re.Match[str]) -> str:
        number = _NUMBERS[match["month"][:3].lower()]
        if match["month"].islower() and number == 5 and not _is_may(match):
            return match[0]
        day = match["before"] or match["after"]
        days = calendar.coming_month(number, None, today)
        if day is not None:
            days = calendar.coming_day(number, int(day), None, today) or days
        assert days.first is not None
        return f"{match[0]}{',' if match['after'] else ''} {days.first.year}"

    return _MONTH.sub(with_year, text)


def _is_may(match: re.Match[str]) -> bool:
    """ "may" is a month behind a preposition or a number."""
    before = match.string[: match.start("month")].rstrip()
    return (
        re.search(r"(?:\d|\b(?:in|of|for|during|since|until|and|only|by|from|to))$", before)
        is not None
    )

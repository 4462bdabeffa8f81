"""Which of several is meant: an option of a question that was asked back, or an event of a list."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contexts.conversations.infrastructure.offline_assistant.message import Reading, fold

_ORDINALS = {
    "first": 0, "1st": 0, "one": 0, "second": 1, "2nd": 1, "two": 1, "third": 2, "3rd": 2,
    "three": 2, "fourth": 3, "4th": 3, "four": 3, "fifth": 4, "5th": 4, "five": 4, "sixth": 5,
    "seventh": 6, "eighth": 7, "ninth": 8, "tenth": 9, "last": -1, "latter": -1, "former": 0,
}  # fmt: skip
_PLACE = "|".join(_ORDINALS)
_POLITE = (
    r"(?:(?:ok|okay|yes|please|i mean|i meant|the|option|number|no|by|take|use|choose|let's take"
    r"|i'd like|go with|let's go with|with|it's|that's|in|from) )*"
)
_CHOSEN = re.compile(
    rf"{_POLITE}(?:(?P<number>\d{{1,2}})|(?P<word>{_PLACE})|(?P<th>\d) (?:st|nd|rd|th))"
    r"(?: (?:one|option|please|of them|then|of those))*"
)
_NOUN = "(?:one|event|concert|show|gig|result|option)"
_EVENT = re.compile(
    rf"\b(?:the|that|this) (?:(?P<word>{_PLACE})(?: {_NOUN}(?!\S)| ?\??$)"
    rf"|(?P<th>\d{{1,2}}) (?:st|nd|rd|th) {_NOUN}(?!\S))"
    r"|\b(?:number|event|result|option) (?P<number>\d{1,2})(?!\S)"
)
"""A bare "the 5th" is a day."""


def option_of(reading: Reading, options: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """By its number, its label, its question or its dataset; None where that fits no single one."""
    if not options:
        return None
    text = _bare(reading.folded)
    if (match := _CHOSEN.fullmatch(text)) is not None:
        index = _index(match)
        return options[index] if -len(options) <= index < len(options) else None
    for exact in (True, False):
        fitting = [option for option in options if _fits(text, option, exact=exact)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def named_dataset(
    reading: Reading, options: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The one option whose dataset the message names."""
    words = {reading.folded[word.at : word.end] for word in reading.words}
    fitting = [option for option in options if fold(str(option.get("dataset"))) in words]
    return fitting[0] if len(fitting) == 1 else None


def event_of(reading: Reading) -> int | None:
    """The place of an event that is named by it: "tell me more about the second one"."""
    match = _EVENT.search(reading.rest)
    return None if match is None else _index(match)


def _index(match: re.Match[str]) -> int:
    number = match["number"] or match["th"]
    return int(number) - 1 if number else _ORDINALS[match["word"]]


def _fits(text: str, option: Mapping[str, Any], *, exact: bool) -> bool:
    names = [_bare(fold(str(option.get(key) or ""))) for key in ("label", "question", "dataset")]
    if exact:
        return text in names
    padded = f" {text} "
    return any(name and (f" {name} " in padded or f" {text} " in f" {name} ") for name in names)


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[^\W]+", text))

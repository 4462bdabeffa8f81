"""Which of several is meant: an option of a question that was asked back, or an event that was
shown, by its place, by its title or as "it"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contexts.conversations.infrastructure.offline_assistant.english import words
from contexts.conversations.infrastructure.offline_assistant.message import Reading, fold
from contexts.conversations.infrastructure.offline_assistant.phrases import one_of

_ORDINALS = {
    "first": 0, "1st": 0, "one": 0, "second": 1, "2nd": 1, "two": 1, "third": 2, "3rd": 2,
    "three": 2, "fourth": 3, "4th": 3, "four": 3, "fifth": 4, "5th": 4, "five": 4, "sixth": 5,
    "seventh": 6, "eighth": 7, "ninth": 8, "tenth": 9, "last": -1, "latter": -1, "former": 0,
}  # fmt: skip
_PLACE = "|".join(_ORDINALS)
_POLITE = (
    r"(?:(?:ok|okay|yes|please|i mean|i meant|the|option|number|no|by|take|use|choose|let's take"
    r"|i'd like|go with|let's go with|with|it's|that's|in|from|and) )*"
)
_CHOSEN = re.compile(
    rf"{_POLITE}(?:(?P<number>\d{{1,2}})|(?P<word>{_PLACE})|(?P<th>\d) (?:st|nd|rd|th))"
    r"(?: (?:one|option|please|of them|then|of those))*"
)
_CHOOSES = words(
    """
    a all as by dataset data for from i in it let's mean meant my of ok okay on one option our out
    please set table take that the then this use want we with yes
    """
)
"""Words that may stand around the name of what is chosen."""

_NOUN = "(?:one|event|concert|show|gig|result|option|play|exhibition)"
_EVENT = re.compile(
    rf"\b(?:the|that|this) (?:(?P<word>{_PLACE})(?: {_NOUN}(?!\S)| ?\??$)"
    rf"|(?P<th>\d{{1,2}}) (?:st|nd|rd|th) {_NOUN}(?!\S))"
    r"|\b(?:number|event|result|option) (?P<number>\d{1,2})(?!\S)"
)
"""A bare "the 5th" is a day."""
_NEXT = re.compile(r"(?:and |so )?(?:when|what time)(?:'s| is) the next (?:one|event|concert|show)")
_TITLED = re.compile(rf"\b(?:the|that) (?P<words>(?:[^\W\d_]+ ){{1,3}}){_NOUN}(?!\S)")
_IT = "(?:it|that|this|they|that one|this one|(?:the )?tickets)"
_SEATS = "(?:tickets|seats|places)"
_BEGIN = "(?:start|begin|end|on|over|be)"
_OF_IT = re.compile(
    r"(?:and |so |ok |but )?"
    + one_of(
        rf"""
        (?:is|are) {_IT} (?:still )?(?:on sale|available|sold out|free|expensive|over|cancelled)
        (?:are there |is there )?(?:still |any )*{_SEATS}(?: still)? (?:left|available)
        how many {_SEATS}(?: are)?(?: there)?(?: still)? (?:left|available|free)
        (?:what time|when|at what time|what day) (?:is|are|does|do|will) {_IT}(?: {_BEGIN})?
        (?:how much|what) (?:is|are|does|do) {_IT}(?: cost)? | how expensive (?:is|are) {_IT}
        how long (?:is|does|are|do) {_IT}(?: last| take| open| on)? | where (?:is|are) {_IT}(?: on)?
        (?:tell me )?more about {_IT} | details? | what(?:'s| is) the price
        who (?:organi[sz]es|is organi[sz]ing|runs|plays) {_IT}
        """
    )
    + r"(?: (?:for|of|to|about) (?:it|that|this|that one|this one))?(?: exactly| then| again)?"
)


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


def event_of(
    reading: Reading, events: Sequence[Mapping[str, Any]], last_told: int | None
) -> int | None:
    """The place of the event that is meant: "tell me more about the second one", "is the jazz one
    sold out?", "what time does it start?". `last_told` is the one that was told of last. Where
    "it" is not clear, it is one behind the last."""
    if not events:
        return None
    if (match := _EVENT.search(reading.rest)) is not None:
        return _index(match)
    text = reading.folded.strip("?! ")
    if _NEXT.fullmatch(text):
        return 0
    if (match := _TITLED.search(text)) is not None:
        wanted = set(match["words"].split())
        fitting = [
            place
            for place, event in enumerate(events)
            if wanted <= set(_bare(fold(str(event.get("title")))).split())
        ]
        if len(fitting) == 1:
            return fitting[0]
    if _OF_IT.fullmatch(text) is None:
        return None
    if last_told is not None:
        return last_told
    if len(events) == 1:
        return 0
    # Of several, a search that leaves none out tells which are sold out.
    return None if "sold out" in text else len(events)


def _index(match: re.Match[str]) -> int:
    number = match["number"] or match["th"]
    return int(number) - 1 if number else _ORDINALS[match["word"]]


def _fits(text: str, option: Mapping[str, Any], *, exact: bool) -> bool:
    names = [_bare(fold(str(option.get(key) or ""))) for key in ("label", "question", "dataset")]
    if exact:
        return text in names
    return any(name and (_only_names(text, name) or f" {text} " in f" {name} ") for name in names)


def _only_names(text: str, name: str) -> bool:
    """Whether little but the name is said: what says more is a question of its own."""
    before, found, behind = f" {text} ".partition(f" {name} ")
    return bool(found) and {*before.split(), *behind.split()} <= _CHOOSES


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text))

"""Names of events, told by their capitals: "Late Tram Comedy Night" is no night, and no comedy."""

from collections.abc import Iterator, Sequence

from contexts.conversations.infrastructure.offline_assistant.english import (
    CALENDAR,
    DATA_NOUNS,
    EVENTS,
    FIGURES,
    FILLER,
    STARTERS,
)

_WITHIN = frozenset(
    ("of", "the", "and", "in", "from", "for", "to", "at", "a", "with", "&", "de", "la")
)
"""Small words that may stand inside a name."""


def named_in(words: Sequence[str]) -> Iterator[int]:
    """The places of the words that make up names: two capitals or more in a row, of which one is
    no word that searches and questions are made of. A message all in capitals tells no names."""
    lower = [word for word in words if word[:1].islower() and word not in _WITHIN]
    if not lower and sum(word.isalpha() and word not in _WITHIN for word in words) > 3:
        return
    at = 0
    while at < len(words):
        end = _end_of_run(words, at)
        start, end = _trimmed(words, at, end, alone=end - at == len(words))
        if end - start >= 2 and any(_is_own(word) for word in words[start:end]):
            yield from range(start, end)
        at = max(end, at + 1)


def _end_of_run(words: Sequence[str], at: int) -> int:
    """Behind the last capital of a run that begins there."""
    end = at
    while at < len(words):
        if words[at][:1].isupper():
            end = at + 1
        elif words[at] not in _WITHIN or end <= at - 2:
            break
        at += 1
    return end


def _trimmed(words: Sequence[str], start: int, end: int, *, alone: bool) -> tuple[int, int]:
    """Without times at the ends, and without the first word of a sentence; a name that stands
    `alone` is no sentence."""
    while start < end and (
        words[start].lower() in CALENDAR or words[start] in _WITHIN
        or (start == 0 and not alone and words[start].lower() in STARTERS | FIGURES)
    ):  # fmt: skip
        start += 1
    while end > start and (words[end - 1].lower() in CALENDAR or words[end - 1] in _WITHIN):
        end -= 1
    return start, end


def _is_own(word: str) -> bool:
    lower = word.lower()
    return word[:1].isalpha() and not any(
        lower in known for known in (CALENDAR, DATA_NOUNS, EVENTS, FIGURES, FILLER, _WITHIN)
    )

"""A message as rules read it: words in lower case, of which each takes what it understands."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from contexts.conversations.infrastructure.offline_assistant.english import (
    DATA_NOUNS,
    EVENTS,
    FIGURES,
    FILLER,
    SHORT,
    SPELT,
    SPELT_TOO,
)
from contexts.conversations.infrastructure.offline_assistant.names import named_in

_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]{1,200})"
  | (?P<date>\d{4}-\d{1,2}-\d{1,2}(?!\d)|\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d\d)(?!\d))
  | (?P<clock>\d{1,2}[:.]\d\d(?=\s*[ap]\.?m\b)|\d{1,2}:\d\d)
  | (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:[.,]\d{1,2}(?!\d))?)
  | (?P<word>[^\W\d_]\w*(?:['-]\w+)*)
  | (?P<mark>[€$£<>=%?!+-])
    """,
    re.VERBOSE,
)
_ALIKE = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})
_AT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?Z?")
_TAKEN = "\x00"


class Word:
    """A word, number, date, time, mark or quoted text, and where it stands in the folded text."""

    __slots__ = ("at", "end", "kind", "text")

    def __init__(self, text: str, kind: str, at: int, end: int) -> None:
        self.text = text
        self.kind = kind
        self.at = at
        self.end = end


class Reading:
    """`folded` has neither case nor accents, one blank between words, and no other marks than
    those that mean something; `spelt` is what was written, without slips of the pen. What a rule
    took, no rule after it finds."""

    def __init__(self, text: str) -> None:
        self.words: list[Word] = []
        parts: list[str] = []
        spelt, behind = "", 0
        at = 0
        text = _AT.sub(r"\1 \2", text)
        matches = list(_TOKEN.finditer(text.translate(_ALIKE)))
        named = set(named_in([match.group() for match in matches]))
        for number, match in enumerate(matches):
            kind = "quoted" if number in named else match.lastgroup or "word"
            said = match[match.lastgroup or 0]
            # What is quoted, or a name, is searched for and means nothing else.
            part = '"' * len(said) if kind == "quoted" else spelt_right(fold(said))
            if kind == "word" and part not in (fold(said), fold(said).removesuffix("'s")):
                said = part
                spelt += text[behind : match.start()] + part
                behind = match.end()
            self.words.append(Word(said, kind, at, at + len(part)))
            parts.append(part)
            at += len(part) + 1
        self.folded = self._rest = " ".join(parts)
        self.spelt = spelt + text[behind:]

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Where that stands among what nobody took, in whole words."""
        return next(self.all(pattern), None)

    def all(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        return pattern.finditer(self._rest)

    def take(self, match: re.Match[str], group: int | str = 0) -> str:
        """What stood there, as it was written."""
        return self.take_span(*match.span(group))

    def take_span(self, start: int, end: int) -> str:
        self._rest = self._rest[:start] + _TAKEN * (end - start) + self._rest[end:]
        return " ".join(word.text for word in self.words if start <= word.at < end)

    def between(self, start: int, end: int) -> str:
        return self._rest[start:end].strip()

    @property
    def rest(self) -> str:
        return self._rest

    def left(self) -> list[Word]:
        """The words that nobody took."""
        return [word for word in self.words if _TAKEN not in self._rest[word.at : word.end]]


def fold(text: str) -> str:
    """In lower case, without accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@lru_cache(maxsize=10_000)
def spelt_right(word: str) -> str:
    """ "tomorow" and "tomorrow's" are "tomorrow", "concrts" are "concerts"; every other word is
    itself."""
    bare = word.removesuffix("'s")
    if bare in SPELT:
        return bare
    if word in SHORT:
        return SHORT[word]
    if len(bare) >= 6 and bare.isalpha() and not any(bare in known for known in _KNOWN):
        return next((known for known in _SPELT if _slipped(bare, known)), word)
    return word


_KNOWN = (DATA_NOUNS, EVENTS, FIGURES, FILLER, SPELT_TOO)
_SPELT = sorted(SPELT | SPELT_TOO)


def _slipped(word: str, known: str) -> bool:
    """Whether one letter is missing, too many, doubled or another, or two have changed places."""
    if abs(len(word) - len(known)) > 1 or word[0] != known[0]:
        return False
    same = next((at for at, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), None)
    if same is None:
        return word + "s" != known and known + "s" != word
    rest, wanted = word[same:], known[same:]
    swapped = rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
    return swapped or rest[1:] == wanted[1:] or rest[1:] == wanted or rest == wanted[1:]


def whole(pattern: str) -> re.Pattern[str]:
    """A pattern that stands between blanks or the ends of the text."""
    return re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")

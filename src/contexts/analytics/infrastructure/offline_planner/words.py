"""What a word is: how text is cut into tokens, and when two words are the same."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from contexts.analytics.infrastructure.offline_planner.wordforms import IRREGULAR, SUFFIXES


class Token(msgspec.Struct, frozen=True):
    """A word, number, date, time, quoted text or mark of a question; `start` and `end` are where it
    stands. `folded` has neither case nor accents, `stem` no ending either."""

    text: str
    folded: str
    stem: str
    start: int
    end: int
    kind: str


_TOKEN = re.compile(
    r"""
    (?P<quoted>(?<!\w)(?:"[^"]+"|'[^']+?'(?!\w)|\u201c[^\u201d]+\u201d|\u2018[^\u2019]+\u2019(?!\w)|«[^»]+»))
  | (?P<date>\d{4}-\d{1,2}-\d{1,2}(?!\d)|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?!\d))
  | (?P<time>\d{1,2}:\d{2}(?::\d{2})?(?!\d))
  | (?P<number>(?:(?<![\w)])-(?=\d))?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)
  | (?P<word>[^\W\d_]+(?:['\u2019](?:s|t|re|ve|m|ll|d)\b)?)
  | (?P<mark>[,;:.?!()&%=<>+/*-]+|[$€£])
    """,
    re.VERBOSE,
)

_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")


def tokens_of(text: str) -> list[Token]:
    """All of it but spaces and underscores, in order. A quoted text is one token."""
    found = []
    for match in _TOKEN.finditer(_HYPHEN.sub(" ", text)):
        kind = match.lastgroup or "word"
        piece = match.group()
        said = piece[1:-1] if kind == "quoted" else piece
        folded = fold(said)
        if kind == "word":
            folded = re.sub(r"['\u2019]s$", "", folded)
        found.append(
            Token(said, folded, stem(folded), match.start(), match.end(), kind),
        )
    return found


@lru_cache(maxsize=50_000)
def fold(text: str) -> str:
    """Lower case, without accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A folded word without the ending of a plural or of a form of a verb, and without a final e:
    `cities` and `city`, `priced` and `prices` have one stem."""
    if word in IRREGULAR:
        return word if IRREGULAR[word] == word else stem(IRREGULAR[word])
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|z)es$", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    elif len(word) > 5 and word.endswith("ing"):
        word = _undouble(word[:-3])
    elif len(word) > 4 and word.endswith("ed") and not word.endswith("eed"):
        word = _undouble(word[:-2])
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


@lru_cache(maxsize=50_000)
def singular(word: str) -> str:
    """A folded word without the ending of a plural; nothing else is taken from a value's words."""
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|z)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _undouble(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" else word


@lru_cache(maxsize=50_000)
def root(stemmed: str) -> str:
    """A stem without what makes a noun of a verb or an adjective of a noun: `location` and
    `located` have one root. At least four letters stay."""
    for suffix in SUFFIXES:
        if stemmed.endswith(suffix) and len(stemmed) - len(suffix) >= 4:
            return stemmed[: -len(suffix)]
    return stemmed


def names_in(identifier: str) -> tuple[str, ...]:
    """The folded words of an identifier or title: `unitPrice`, `unit_price`, `Unit price (EUR)`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", identifier)
    apart = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", apart)
    return tuple(fold(word) for word in re.findall(r"[^\W\d_]+|\d+", apart))


def squash(words: Sequence[str]) -> str:
    """Words written as one, without marks: "Ph.D." and "PhD" are the same."""
    return "".join(re.findall(r"[^\W_]+", "".join(words)))


def one_slip(a: str, b: str) -> bool:
    """Whether one letter more, less, other or swapped makes one of the other."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if head is None:
        return True
    rest_a, rest_b = a[head:], b[head:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    )

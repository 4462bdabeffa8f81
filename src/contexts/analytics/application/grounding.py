"""Holds the numbers of a text against a result: each must stand in it or follow by a stated rule.

A number is grounded when it is a cell, or stands in a text that is given along, or follows from a
column as `figures` says, or counts rows, different values or steps of time; rounded as it is
written: 1.3 million stands for anything from 1,250,000 to 1,350,000. The sign is not looked at, for
"down 5" is minus 5. A percentage is
compared with shares and relative changes alone, and "2.5 times" with ratios too.
"""

import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from contexts.analytics.application import figures, wording
from contexts.analytics.domain.answer import Result

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS: dict[str, float] = {
    **{word: number for number, word in enumerate(_UNITS) if word != "one"},
    **{word: 20 + 10 * number for number, word in enumerate(_TENS)},
    **{
        f"{ten}-{unit}": 20 + 10 * tens + number
        for tens, ten in enumerate(_TENS)
        for number, unit in enumerate(_UNITS[:10])
        if number
    },
    "dozen": 12,
    "hundred": 100,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "hundreds": math.nan,
    "thousands": math.nan,
    "millions": math.nan,
    "billions": math.nan,
    "dozens": math.nan,
}
"""One is left out: it is a pronoun too. What is vague, as "hundreds", is never grounded."""

_PARTS: dict[str, float] = {
    "half": 0.5,
    "halved": -0.5,
    "a third": 1 / 3,
    "one third": 1 / 3,
    "one-third": 1 / 3,
    "two thirds": 2 / 3,
    "two-thirds": 2 / 3,
    "a quarter of": 0.25,
    "one quarter": 0.25,
    "three quarters": 0.75,
    "three-quarters": 0.75,
    "twice": 1.0,
    "double": 1.0,
    "doubled": 1.0,
    "doubles": 1.0,
    "triple": 2.0,
    "tripled": 2.0,
    "triples": 2.0,
    "threefold": 2.0,
    "twofold": 1.0,
}
"""As shares and relative changes; twice as much is 100 % more."""

_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "M": 1e6, "billion": 1e9, "bn": 1e9}

_NUMBER = re.compile(
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2}(?!\d))?)"
    r"(?:(?P<ordinal>st|nd|rd|th)\b)?"
    r"(?:\s?(?P<scale>thousand|million|billion|bn|k|M)\b)?"
    r"(?:(?P<percent>\s?(?:%|per\s?cent\b|percentage points?\b))|(?P<ratio>\s?(?:times\b|x\b)))?"
)
_WORD = re.compile(
    r"\b(?P<part>" + "|".join(sorted(map(re.escape, _PARTS), key=len, reverse=True)) + r")\b"
    r"|\b(?P<word>" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")\b"
    r"(?:(?P<percent>\s(?:per\s?cent\b|percentage points?\b))|(?P<ratio>\stimes\b))?",
    re.IGNORECASE,
)
_RANK = re.compile(
    r"\b(?:top|first|last|leading|bottom|next|highest|lowest|best|other|remaining)\s$",
    re.IGNORECASE,
)


Kind = Literal["plain", "share", "ratio"]


class _Number(msgspec.Struct, frozen=True):
    """A number in a text. `off` is by how much it may be rounded; `rank`: it counts rows from one
    end, or is a place among them."""

    written: str
    value: float
    off: float
    kind: Kind = "plain"
    rank: bool = False


def numbers_are_grounded(text: str, result: Result, extra: Sequence[str | float] = ()) -> list[str]:
    """The numbers in the text that are not grounded, as they are written there.

    `extra` are texts whose numbers may be repeated, such as the question, and numbers.
    """
    ground = _Ground(result, extra)
    return [each.written for each in _numbers(text) if not ground.holds(each)]


class _Ground:
    def __init__(self, result: Result, extra: Sequence[str | float]) -> None:
        texts = [each for each in extra if isinstance(each, str)]
        texts += [output.title for output in result.columns]
        texts += [output.unit or "" for output in result.columns]
        for row in result.rows:
            for value, output in zip(row, result.columns, strict=True):
                texts.append(wording.cell(value, output))
                if isinstance(value, str) and len(value) <= wording.LONGEST:
                    texts.append(value)
        known: dict[Kind, list[float]] = {"plain": [], "share": [], "ratio": []}
        for number in (number for text in texts for number in _numbers(text)):
            known[number.kind].append(number.value)
        known["plain"] += [each for each in extra if not isinstance(each, str)]
        known["plain"].append(len(result.rows))
        for at, output in enumerate(result.columns):
            known["plain"].append(len({row[at] for row in result.rows}))
            known["plain"] += figures.gaps(result, at) or ()
            column = figures.numbers(result, at)
            if column is not None:
                known["plain"] += figures.derived(column)
                known["share"] += figures.derived_shares(column)
                known["ratio"] += figures.derived_ratios(column)
                if output.unit == "%":
                    known["share"] += [value / 100 for value in figures.derived(column)]
        # "12 times" may be a count as well.
        known["ratio"] += known["plain"]
        self._rows = len(result.rows)
        self._known = {
            kind: sorted(abs(each) for each in values if not math.isnan(each))
            for kind, values in known.items()
        }

    def holds(self, number: _Number) -> bool:
        if number.rank and number.value.is_integer() and number.value <= self._rows:
            return True
        return _near(self._known[number.kind], number)


def _near(known: Sequence[float], number: _Number) -> bool:
    value = abs(number.value)
    off = number.off * (1 + 1e-9) + value * 1e-12
    place = bisect_left(known, value - off)
    return place < len(known) and known[place] <= value + off


def _numbers(text: str) -> Iterator[_Number]:
    plain = unicodedata.normalize("NFKC", text)
    for found in _NUMBER.finditer(plain):
        digits = found["digits"].replace(",", "")
        mantissa, _, exponent = digits.lower().partition("e")
        decimals = len(mantissa.partition(".")[2])
        scale = _SCALES.get(found["scale"] or "", 1.0) * (0.01 if found["percent"] else 1.0)
        yield _Number(
            found[0].strip(),
            float(digits) * scale,
            0.5 * 10.0 ** (int(exponent or 0) - decimals) * scale,
            kind=_kind(found),
            rank=bool(found["ordinal"]) or _is_rank(plain, found.start()),
        )
    words = _NUMBER.sub(lambda found: " " * len(found[0]), plain)
    for found in _WORD.finditer(words):
        if found["part"]:
            yield _Number(found[0], _PARTS[found["part"].lower()], 0.005, "share")
        else:
            scale = 0.01 if found["percent"] else 1.0
            value = _WORDS[found["word"].lower()] * scale
            rank = _is_rank(words, found.start())
            yield _Number(found[0], value, 0.0, _kind(found), rank)
    # Numbers of other writings, such as those of Rome and China, cannot be held against anything.
    for sign in plain:
        if sign.isnumeric() and not sign.isdecimal():
            yield _Number(sign, math.nan, 0.0)


def _kind(found: re.Match[str]) -> Kind:
    return "share" if found["percent"] else "ratio" if found["ratio"] else "plain"


def _is_rank(text: str, start: int) -> bool:
    return _RANK.search(text[max(0, start - 12) : start]) is not None

"""Numbers as files write them: grouped, with a decimal comma, a currency, a percent sign.

`12,5 %` is 12.5 of the unit `%`: what the file shows is what is kept. `(12)` and `12-` are -12, as
bookkeepers write. More than 15 digits are no quantity but a name, and so are leading zeros.
"""

import re
from collections.abc import Callable
from typing import Final

from contexts.analytics.infrastructure.csv.shapes import Shape

LONGEST = 15
"""Digits before the decimal mark."""

_CODES = """
USD EUR GBP JPY CNY INR CHF CAD AUD NZD MXN BRL ARS CLP COP PEN UYU SEK NOK DKK PLN CZK HUF TRY ZAR
KRW ILS
"""
CURRENCIES: Final = {
    **{sign: sign for sign in "€$£¥₹₽₺₩₪"},
    **{f"{state}$": f"{state}$" for state in ("A", "AU", "C", "CA", "NZ", "MX", "HK")},
    **{"US$": "USD", "R$": "BRL", "zł": "PLN", "kr": "kr", "Kč": "CZK", "Ft": "HUF"},
    **{code: code for code in _CODES.split()},
}
"""How a currency is written beside a number, and what it is called here."""

_SIGN = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len, reverse=True))
_DRESSED = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-+\u2212]?)\s*(?P<before>{_SIGN})?\s*(?P<inner>[-\u2212]?)"
    r"(?P<digits>[0-9][0-9.,'\u2019 \u00a0\u202f]*[0-9]|[0-9]|[.,][0-9]+)"
    rf"\s*(?P<after>%|{_SIGN})?\s*(?P<behind>-?)(?P<close>\))?"
)
_BARE = re.compile(r"[-+]?(?:[0-9]+|[0-9]*\.[0-9]+)")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]+)?[eE][-+]?[0-9]{1,2}")

_GROUP = r"[1-9][0-9]{0,2}"
_STYLES: Final = tuple(
    (re.compile(pattern), style)
    for pattern, style in (
        (r"0|[1-9][0-9]*", "1"),
        (r"0[0-9]+", "01"),
        (r"[0-9]+\.0", "1.0"),
        (rf"{_GROUP}\.[0-9]{{3}}", "1.234"),
        (rf"{_GROUP},[0-9]{{3}}", "1,234"),
        (r"[0-9]*\.[0-9]+", "1.5"),
        (r"[0-9]*,[0-9]+", "1,5"),
        (rf"{_GROUP}(?:\.[0-9]{{3}}){{2,}}", "1.234.567"),
        (rf"{_GROUP}(?:,[0-9]{{3}}){{2,}}", "1,234,567"),
        (rf"{_GROUP}(?:\.[0-9]{{3}})+,[0-9]+", "1.234,5"),
        (rf"{_GROUP}(?:,[0-9]{{3}})+\.[0-9]+", "1,234.5"),
        (rf"{_GROUP}(?:(['\u2019 \u00a0\u202f])[0-9]{{3}})(?:\1[0-9]{{3}})*", "1 234"),
        (rf"{_GROUP}(?:(['\u2019 \u00a0\u202f])[0-9]{{3}})(?:\1[0-9]{{3}})*\.[0-9]+", "1 234.5"),
        (rf"{_GROUP}(?:(['\u2019 \u00a0\u202f])[0-9]{{3}})(?:\1[0-9]{{3}})*,[0-9]+", "1 234,5"),
    )
)
TOO_LONG = "1" * (LONGEST + 1)

NAMES: Final = frozenset(("01", TOO_LONG))
"""Styles of digits that name something and count nothing."""

WITH_COMMA: Final = frozenset(("1,5", "1.234.567", "1.234,5", "1 234,5"))
"""Styles that show that the comma is the decimal mark."""

WITH_POINT: Final = frozenset(("1.0", "1.5", "1,234,567", "1,234.5", "1 234.5", "1e5"))

EITHER: Final = frozenset(("1.234", "1,234"))
"""Styles that are thousands or fractions, depending on the mark."""

_FRACTIONS: Final = {
    False: frozenset(("1.5", "1.234", "1,234.5", "1 234.5", "1e5")),
    True: frozenset(("1,5", "1,234", "1.234,5", "1 234,5")),
}
"""Styles with a fraction, by whether the comma is the decimal mark."""

NATIVE: Final = frozenset(("1", "1.0", "1.5", "1.234", "1e5"))
"""Styles that PostgreSQL reads as we do, where nothing surrounds them."""

_UNGROUPED = str.maketrans("", "", "'\u2019 \u00a0\u202f")


def number_shape(text: str) -> Shape | None:
    """What kind of number `text` is, without blanks around it; None if it is none."""
    bare = _BARE.fullmatch(text) is not None
    if bare:
        digits, unit = text.lstrip("+-"), ""
    elif _EXPONENT.fullmatch(text):
        return Shape("number", "1e5")
    elif (match := _DRESSED.fullmatch(text)) is None or _ill_dressed(match):
        return None
    else:
        digits = match["digits"]
        unit = CURRENCIES.get(match["before"] or match["after"], match["after"]) or ""
    for pattern, style in _STYLES:
        if pattern.fullmatch(digits):
            return Shape("number", _length(style, digits), unit, bare)
    return None


def _ill_dressed(match: re.Match[str]) -> bool:
    signs = sum(bool(match[part]) for part in ("open", "minus", "inner", "behind"))
    return (
        bool(match["open"]) != bool(match["close"])
        or signs > 1
        or bool(match["before"] and match["after"])
    )


def _length(style: str, digits: str) -> str:
    if len(digits) <= LONGEST or len(re.split(r"[.,](?=[0-9]+$)", digits)[0]) <= LONGEST:
        return style
    return TOO_LONG


def is_whole(style: str, comma: bool) -> bool:
    """Whether such a number has no fraction, if the comma is, or is not, the decimal mark."""
    return style not in _FRACTIONS[comma]


def fits(style: str, comma: bool) -> bool:
    return style not in NAMES and style not in (WITH_POINT if comma else WITH_COMMA)


def number_writer(comma: bool, whole: bool) -> Callable[[str], str | None]:
    """Makes plain digits of a number; None of what is none, or not `whole` where that is asked."""

    def written(text: str) -> str | None:
        shape = number_shape(text)
        if shape is None or (shape.style in (WITH_POINT if comma else WITH_COMMA)):
            return None
        if shape.style == "1e5":
            return None if whole else text
        if shape.bare:
            minus, digits = text.startswith("-"), text.lstrip("+-")
        else:
            match = _DRESSED.fullmatch(text)
            assert match is not None
            minus = bool(match["open"] or match["inner"] or match["behind"])
            minus = minus or match["minus"] in ("-", "\u2212")
            digits = match["digits"]
        digits = digits.translate(_UNGROUPED)
        digits = digits.replace(".", "").replace(",", ".") if comma else digits.replace(",", "")
        if whole:
            digits, _, fraction = digits.partition(".")
            if fraction.strip("0") or len(digits) > LONGEST + 3:
                return None
        return f"-{digits}" if minus else digits

    return written

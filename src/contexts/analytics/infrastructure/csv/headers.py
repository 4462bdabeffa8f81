"""Names of columns: what the file calls them, what SQL calls them, and the unit they state."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from contexts.analytics.infrastructure.csv.numbers import CURRENCIES

LONGEST = 55
"""Bytes of a name; PostgreSQL has 63, and answers add to it."""

_RESERVED: Final = frozenset(("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"))
"""What PostgreSQL has in every table."""

_LETTERS: Final = str.maketrans(
    {
        **{"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l"},
        **{"Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "\u0131": "i", "'": "", "\u2019": ""},
        **{"€": " eur ", "£": " gbp ", "$": " usd ", "%": " percent ", "&": " and "},
    }
)
_MEASURES = """
kg g mg t lb lbs oz km m cm mm mi ft in yd km² m² km2 m2 ha l ml cl hl h min s ms °C °F K kW kWh
MWh W V A Hz km/h mph m/s kB MB GB TB
"""
_UNITS: Final = {
    **{sign.lower(): name for sign, name in CURRENCIES.items()},
    **{"%": "%", "pct": "%", "percent": "%", "euro": "€", "euros": "€"},
    **{unit.lower(): unit for unit in _MEASURES.split()},
}
_LAST_WORDS = """
usd eur gbp jpy cny chf cad aud mxn brl ars pct percent kg km cm mm mph kwh mwh km2 m2
"""
_AT_THE_END: Final = frozenset(_LAST_WORDS.split())
"""Units that may be the last word of a name without brackets."""

_BRACKETS = re.compile(r"\s*[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]\s*$")


class Named(NamedTuple):
    name: str
    title: str
    unit: str | None


def named(header: Sequence[str]) -> list[Named]:
    """One for each field of a header; what has no name is called by its place, from 1."""
    taken: set[str] = set()
    found = []
    for place, field in enumerate(header, start=1):
        title = " ".join(field.split())
        bare, unit = _unit(title)
        name = _free(sql_name(bare) or sql_name(title) or f"column_{place}", taken)
        taken.add(name)
        found.append(Named(name, title or f"Column {place}", unit))
    return found


def sql_name(title: str) -> str:
    """Lower-case ASCII words with underscores: `Precio unitario` is `precio_unitario`."""
    ascii_only = unicodedata.normalize("NFKD", title.translate(_LETTERS)).encode("ascii", "ignore")
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", ascii_only.decode())
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:LONGEST].rstrip("_")
    return f"_{name}"[:LONGEST] if name[:1].isdigit() else name


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken or free in _RESERVED:
        number += 1
        free = f"{name[: LONGEST - 6]}_{number}"
    return free


def _unit(title: str) -> tuple[str, str | None]:
    """The title without the unit in brackets that it ends with, and the unit."""
    if (match := _BRACKETS.search(title)) and (unit := _UNITS.get(match[1].lower())):
        return title[: match.start()], unit
    last = re.split(r"[\s_]+", title)[-1].lower()
    if last in _AT_THE_END and last != title.lower():
        return title, _UNITS[last]
    return title, None

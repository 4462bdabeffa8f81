"""What one cell looks like: the smallest thing that types are inferred from."""

from typing import Final, Literal, NamedTuple

Kind = Literal["empty", "text", "number", "boolean", "date", "timestamp", "time"]


class Shape(NamedTuple):
    """Cells that are written alike. `style` shows the way on an example: `1.234,5` is a number
    with grouped thousands and a decimal comma, `1/2/Y` a date whose first two parts are day and
    month or month and day.

    `bare`: nothing surrounds the value, so that PostgreSQL reads it too. `proof` tells of a date
    which order it shows.
    """

    kind: Kind
    style: str = ""
    unit: str = ""
    bare: bool = True
    proof: Literal["", "day_first", "month_first"] = ""


EMPTY: Final = Shape("empty")
TEXT: Final = Shape("text")

_WORDS = r"""
na n/a #n/a n.a. null (null) nul none nil nan - -- \n #value! #div/0! #ref!
"""
NOTHING: Final = frozenset(_WORDS.split()) | {"\u2013", "\u2014"}
"""How files write that there is no value, in lower case; in a column of texts they are texts."""

BOOLEANS: Final[tuple[tuple[str, str], ...]] = (
    *(("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("si", "no")),
    *(("s", "n"), ("verdadero", "falso"), ("ja", "nein"), ("j", "n"), ("wahr", "falsch")),
    *(("oui", "non"), ("o", "n"), ("vrai", "faux")),
)
"""As `word` gives them."""

TRUE: Final = frozenset(yes for yes, _ in BOOLEANS)
FALSE: Final = frozenset(no for _, no in BOOLEANS)


def word(text: str) -> str:
    """In lower case, and `sí` without its accent."""
    return text.lower().replace("í", "i")

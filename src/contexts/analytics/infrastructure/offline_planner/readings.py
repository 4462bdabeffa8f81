"""What a stretch of a question can mean: the typed readings that spans are given."""

from typing import Literal, TypeAlias, TypeVar

import msgspec

from contexts.analytics.domain.query_spec import Filter, Grain

SignKind = Literal[
    "aggregate", "distinct", "group", "compare", "between", "not", "and", "or", "break",
    "order", "list", "direction", "axis", "chart", "grain", "share", "percent", "running", "change",
    "extreme", "top", "often", "preposition", "filler", "relative", "distribution", "versus",
    "where", "adjective", "null", "many", "letters", "period_part", "refuse", "follow", "which",
    "sell", "value", "money", "person", "row", "when", "place", "equal", "each", "except", "once",
]  # fmt: skip


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    sureness: float = 1.0


class Sign(_Reading, frozen=True):
    """A word of the closed grammar; `value` is which of its kind."""

    kind: SignKind
    value: str = ""


class Choice(msgspec.Struct, frozen=True):
    """A column that may be meant, and how well its name fits (0 to 1). `whole`: all of its name is
    there."""

    column: str
    fit: float
    whole: bool = False


class Named(_Reading, frozen=True):
    """The name of a column, or part of one; the best first."""

    choices: tuple[Choice, ...]
    plural: bool = False


class Held(_Reading, frozen=True):
    """A value that columns hold: each column with the values as they are written there. `part` when
    it is only a word of them; `weak` when it is also a word of the grammar, or a letter or two: it
    counts beside its column only."""

    held: tuple[tuple[str, tuple[str, ...]], ...]
    quoted: bool = False
    weak: bool = False
    part: bool = False


class Numeral(_Reading, frozen=True):
    number: float
    ordinal: bool = False
    clock: str | None = None


class Span(_Reading, frozen=True):
    """A stretch of time, by ISO 8601 dates or wall times, `end` not in it. `assumed` is what had to
    be chosen, in words."""

    start: str | None
    end: str | None
    said: str
    assumed: str | None = None


class Part(_Reading, frozen=True):
    """A part of time that returns, such as Fridays or the morning: what its `grain` must be."""

    filters: tuple[tuple[Grain, str, tuple[int, ...]], ...]
    said: str


Reading: TypeAlias = Sign | Named | Held | Numeral | Span | Part
R = TypeVar("R", Sign, Named, Held, Numeral, Span, Part)


class Item(msgspec.Struct):
    """A stretch of the question, all that it may mean, and whether some clause has used it.

    `start` and `end` are places in the question. An item without readings could not be placed.
    """

    text: str
    start: int
    end: int
    readings: tuple[Reading, ...]
    used: bool = False

    def as_(self, kind: type[R]) -> R | None:
        return next((r for r in self.readings if isinstance(r, kind)), None)

    def sign(self, *kinds: SignKind) -> Sign | None:
        for reading in self.readings:
            if isinstance(reading, Sign) and reading.kind in kinds:
                return reading
        return None

    def is_(self, kind: SignKind, *values: str) -> bool:
        sign = self.sign(kind)
        return sign is not None and (not values or sign.value in values)


class Placed(msgspec.Struct, frozen=True):
    """A reading of the tokens from `first` up to but without `last`."""

    first: int
    last: int
    reading: Reading
    weight: float


__all__ = [
    "Choice",
    "Filter",
    "Held",
    "Item",
    "Named",
    "Numeral",
    "Part",
    "Placed",
    "Reading",
    "Sign",
    "SignKind",
    "Span",
]

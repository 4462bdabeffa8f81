"""A question that has been cut, what its clauses have come to so far, and which column is meant."""

from typing import Literal

import msgspec

from contexts.analytics.domain.query_spec import (
    ChartType,
    Dimension,
    Filter,
    Having,
    Measure,
    Period,
)
from contexts.analytics.domain.relation import Column
from contexts.analytics.infrastructure.offline_planner.columns import words_of
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.readings import (
    Item,
    Named,
    Reading,
    Sign,
    SignKind,
)
from contexts.analytics.infrastructure.offline_planner.words import names_in

Want = Literal["number", "group", "time", "any"]

_CLOSE = 0.04
"""Columns whose fits differ by less are the same to us: people have to say which."""


class OrderWish(msgspec.Struct):
    """How the answer is to be ordered: by what stands on an axis, by a measure or by a column."""

    descending: bool
    axis: Literal["x", "y"] | None = None
    measure: Measure | None = None
    column: str | None = None


class Rank(msgspec.Struct):
    """The first `count` by a measure, or by a column row by row; without either, by whatever the
    question measures."""

    count: int
    descending: bool
    measure: Measure | None = None
    column: str | None = None


class Ambiguous(msgspec.Struct):
    """Words that may name several columns equally well."""

    item: Item
    columns: tuple[str, ...]


class Wanted(msgspec.Struct):
    """What the clauses of a question ask for, before it is put together; `told_at` and `period_at`
    are where in the question a condition and the period stand. `unsure`: the figure is a guess."""

    measures: list[Measure] = []
    groups: list[Dimension] = []
    listed: list[Dimension] = []
    where: list[tuple[Filter, ...]] = []
    told_at: dict[Filter, int] = {}
    period: Period | None = None
    period_at: int | None = None
    having: list[Having] = []
    orders: list[OrderWish] = []
    rank: Rank | None = None
    chart: ChartType | None = None
    distinct: bool = False
    percent: bool = False
    share: bool = False
    running: bool = False
    shape: bool = False
    comparison: Literal["previous_period", "previous_year"] | None = None
    whole_rows: bool = False
    each_row: bool = False
    split: Dimension | None = None
    things: set[str] = set()
    apart: Literal["day", "week", "month", "quarter", "year"] | None = None
    cannot: str | None = None
    unsure: bool = False
    assumptions: list[str] = []
    ambiguous: list[Ambiguous] = []


class Sentence:
    """The items of a question, without those that say nothing, and what was made of them."""

    def __init__(self, lexicon: Lexicon, items: list[Item]) -> None:
        self.lexicon = lexicon
        self.all = items
        self.items = [item for item in items if not _idle(item)]
        for at, item in enumerate(self.items):
            item.readings = self._settled(at, item)
        self.wanted = Wanted()
        self.aside: list[Item] = []

    def _settled(self, at: int, item: Item) -> tuple[Reading, ...]:
        """A word that names a column in full is no mere word for rows; half a name gives way to a
        verb of selling; a clause that begins with "show" means the verb."""
        named = item.as_(Named)
        if named is None:
            return item.readings
        begins = at == 0 or self.items[at - 1].is_("break")
        if item.is_("list") and begins and self._goes_on(item):
            return tuple(reading for reading in item.readings if reading is not named)
        whole = named.choices[0].whole
        if item.sign("sell") is not None and (not whole or named.choices[0].fit < 0.97):
            return tuple(reading for reading in item.readings if reading is not named)
        if whole and not self.lexicon.unique(named.choices[0].column):
            return tuple(
                reading
                for reading in item.readings
                if not (isinstance(reading, Sign) and reading.kind in ("row", "person"))
            )
        return item.readings

    def _goes_on(self, item: Item) -> bool:
        """Whether anything follows, be it "me a chart" alone."""
        place = next(i for i, one in enumerate(self.all) if one is item)
        return any(not one.is_("break") for one in self.all[place + 1 :])

    def __len__(self) -> int:
        return len(self.items)

    def free(self, at: int) -> Item | None:
        """The item there, if there is one that no clause has used."""
        if 0 <= at < len(self.items) and not self.items[at].used:
            return self.items[at]
        return None

    def is_(self, at: int, kind: SignKind, *values: str) -> bool:
        item = self.free(at)
        return item is not None and item.is_(kind, *values)

    def says(self, at: int, *kinds: SignKind) -> bool:
        """Whether the item there is free and has a sign of one of these kinds."""
        item = self.free(at)
        return item is not None and item.sign(*kinds) is not None

    def named(self, at: int) -> Named | None:
        item = self.free(at)
        return None if item is None else item.as_(Named)

    def use(self, *places: int) -> None:
        for at in places:
            self.items[at].used = True

    def set_aside(self) -> None:
        """Take out what only qualifies the word after it, so that its neighbours meet."""
        self.items = [item for item in self.items if all(item is not one for one in self.aside)]

    def find(self, *kinds: SignKind) -> int | None:
        """The first free item with such a sign."""
        for at, item in enumerate(self.items):
            if not item.used and item.sign(*kinds) is not None:
                return at
        return None

    def column(self, name: str) -> Column:
        return self.lexicon.relation.column(name)

    def pick(self, at: int, want: Want = "any") -> str | None:
        """The column that an item names, where such a column is wanted; None if it names none."""
        named = self.items[at].as_(Named)
        if named is None:
            return None
        beside = self._beside(at) if named.choices[0].fit <= 0.6 else {}
        scored = sorted(
            (
                (
                    self._suits(c.column, want) + c.fit + 0.1 * c.whole + beside.get(c.column, 0),
                    c.column,
                )
                for c in named.choices
            ),
            reverse=True,
        )
        scored = [one for one in scored if one[0] > 0]
        if not scored:
            return None
        near = tuple(sorted(name for score, name in scored if score > scored[0][0] - _CLOSE))
        if len(near) > 1 and not self.items[at].sign("row", "person"):
            self.wanted.ambiguous.append(Ambiguous(self.items[at], near))
        if len(near) > 1:
            return next(c.column for c in named.choices if c.column in near)
        return scored[0][1]

    def _beside(self, at: int) -> dict[str, float]:
        """What the words around say of "id" or "name": "the ids of the logs"."""
        for place in (at - 1, at - 2, at + 1, at + 2, at + 3):
            if 0 <= place < len(self.items) and not self.items[place].is_("break"):
                named = self.items[place].as_(Named)
                if named is not None and named.choices[0].fit > 0.6:
                    return {choice.column: choice.fit for choice in named.choices}
        return {}

    def _suits(self, name: str, want: Want) -> float:
        column = self.column(name)
        numeric = column.type in ("integer", "decimal")
        match want:
            case "number":
                if not numeric:
                    return -9.0
                return 0.3 if column.role == "measure" else 0.0
            case "time":
                return 0.3 if column.role == "time" or self.year_like(name) else -9.0
            case "group":
                named = {"name", "title"} & {*names_in(name)}
                return (0.1 if not numeric else 0.0) + (0.1 if named else 0.0)
            case "any":
                return 0.05 if self.lexicon.unique(name) else 0.0

    def numeric(self, name: str) -> bool:
        return self.column(name).type in ("integer", "decimal")

    def year_like(self, name: str) -> bool:
        """Whether whole numbers are years."""
        column = self.column(name)
        if column.type != "integer" or not column.minimum or not column.maximum:
            return False
        try:
            return int(column.minimum) >= 1000 and int(column.maximum) <= 2100
        except ValueError:
            return False

    def concept(self, words: str) -> str | None:
        """The column of a meaning that a word such as "older" has: its age."""
        for column in self.lexicon.relation.columns:
            if set(words.split()) & {*words_of(column)} and column.type != "text":
                return column.name
        return None

    @property
    def compares(self) -> bool:
        """Whether figures are to stand side by side: "compare A and B", "A vs B"."""
        return any(
            item.sign("versus") is not None or item.text.lower().startswith("compar")
            for item in self.items
        )

    @property
    def unplaced(self) -> list[Item]:
        return [item for item in self.items if not item.readings and not item.used]


def _idle(item: Item) -> bool:
    return bool(item.readings) and all(
        getattr(reading, "kind", None) == "filler" for reading in item.readings
    )

"""What the words of questions mean for one relation: its columns, its values, what its rows are."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from contexts.analytics.domain.query_spec import Measure
from contexts.analytics.domain.relation import Column, ColumnValues, Relation
from contexts.analytics.infrastructure.offline_planner.calendar import Calendar
from contexts.analytics.infrastructure.offline_planner.columns import (
    UNITS,
    ColumnNames,
    alike,
    words_of,
)
from contexts.analytics.infrastructure.offline_planner.cover import cover
from contexts.analytics.infrastructure.offline_planner.dates import COUNTS, dates_in
from contexts.analytics.infrastructure.offline_planner.english import (
    EARNING,
    MONEY,
    MONEY_COLUMN,
    PERSON_COLUMN,
    QUANTITY_COLUMN,
    WEAK,
)
from contexts.analytics.infrastructure.offline_planner.readings import (
    Choice,
    Held,
    Item,
    Named,
    Numeral,
    Placed,
    Sign,
    SignKind,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.signs import signs_in
from contexts.analytics.infrastructure.offline_planner.typing_slips import mistyped
from contexts.analytics.infrastructure.offline_planner.values import ValueIndex
from contexts.analytics.infrastructure.offline_planner.words import (
    Token,
    fold,
    names_in,
    stem,
    tokens_of,
)

_ASKS_FOR: tuple[SignKind, ...] = (
    *("aggregate", "group", "each", "which", "distinct", "extreme", "top", "often", "adjective"),
    *("list", "order", "share", "percent"),
)
"""What asks for the things that are named after it."""


class Lexicon:
    """Built once for a revision of a relation; then questions are cut by it."""

    def __init__(self, relation: Relation, values: Sequence[ColumnValues]) -> None:
        self.relation = relation
        self.names = ColumnNames(relation)
        self.values = ValueIndex(values)
        self.words = {word for c in relation.columns for word in words_of(c)}
        self.rows = _row_nouns(relation)
        self.persons = any(
            PERSON_COLUMN & {*names_in(c.name), *names_in(c.title)} for c in relation.columns
        ) or {"first", "last"} <= {w for c in relation.columns for w in names_in(c.name)}
        self.time = _time(relation)
        self.money = _money(relation)
        keys = [c for c in relation.columns if c.role == "identifier" and not self.unique(c.name)]
        self.documents = keys[0].title if keys else None
        self.quantity = _best(relation, QUANTITY_COLUMN) or _only_number(relation)

    def items(self, question: str, now: datetime) -> list[Item]:
        tokens = tokens_of(question)
        calendar = Calendar.of(self.relation, self.time, now)
        placed = [
            *(one for one in signs_in(tokens) if not self._is_name(tokens, one)),
            *dates_in(tokens, calendar),
            *self.names.named_in(tokens),
            *self.values.held_in(tokens),
            *self._rest(tokens),
        ]
        placed = [*_beside_spans(placed)]
        explained = {i for one in placed for i in range(one.first, one.last)}
        for i, token in enumerate(tokens):
            if i not in explained and (held := self.values.nearly(token)) is not None:
                placed.append(Placed(i, i + 1, held, held.sureness))
            elif i not in explained:
                placed += [Placed(i, i + 1, sign, 0.5) for sign in mistyped(token.folded)]
        items = cover(question, tokens, placed)
        for before, item in pairwise(items):
            if not item.readings and self._qualifies(before, item, items):
                item.readings = (Sign(kind="filler"),)
        return items

    def _qualifies(self, before: Item, item: Item, items: Sequence[Item]) -> bool:
        """Whether a word only says whose column another item is about: the customers of "revenue of
        customers from Lisbon", where there is a `customer_city`; nobody counts or ranks them."""
        if before.sign(*_ASKS_FOR) is not None or before.as_(Numeral) is not None:
            return False
        columns = self.names.qualified_by(stem(fold(item.text)))
        for other in items:
            named, held = other.as_(Named), other.as_(Held)
            about = {choice.column for choice in named.choices} if named is not None else set()
            about |= {column for column, _ in held.held} if held is not None else set()
            if about & columns:
                return True
        return False

    def _is_name(self, tokens: Sequence[Token], placed: Placed) -> bool:
        """Whether "amount of" speaks of a column, rather than asks for a number."""
        words = {token.folded for token in tokens[placed.first : placed.last]}
        sign = placed.reading
        counts = isinstance(sign, Sign) and sign.kind == "aggregate" and "count" in sign.value
        return counts and bool(words & {"amount", "quantity"} & self.words)

    def _rest(self, tokens: Sequence[Token]) -> Iterator[Placed]:
        """Numbers, what a row is called, and money under its many names."""
        stems = {stem(word) for word in self.words}
        for i, token in enumerate(tokens):
            if token.kind == "number":
                yield Placed(i, i + 1, Numeral(number=float(token.text.replace(",", ""))), 0.7)
            elif token.folded in COUNTS:
                yield Placed(i, i + 1, Numeral(number=float(COUNTS[token.folded])), 0.6)
            elif token.kind == "word":
                if token.folded in UNITS and i and tokens[i - 1].kind == "number":
                    yield Placed(i, i + 1, Sign(kind="filler"), 0.5)
                sure = max((alike(token.stem, noun) for noun in self.rows), default=0.0)
                if sure >= 0.8:
                    yield Placed(i, i + 1, Sign(kind="row", value=token.folded), 0.84 * sure)
                if token.stem in EARNING and self.money is not None and token.stem not in stems:
                    told = any(other.folded in MONEY for other in tokens)
                    yield Placed(i, i + 1, Sign(kind="filler" if told else "money"), 0.8)
                if token.folded in MONEY and self.money is not None:
                    if self.money.times is None and self.money.column is not None:
                        choice = Choice(self.money.column, 0.9)
                        yield Placed(i, i + 1, Named(choices=(choice,), sureness=0.9), 0.8)
                    else:
                        yield Placed(i, i + 1, Sign(kind="money"), 0.8)

    def column(self, name: str) -> Column:
        return self.relation.column(name)

    def unique(self, name: str) -> bool:
        """Whether each row has another value, so that grouping by it would change nothing."""
        column = self.column(name)
        return self.relation.rows > 1 and column.distinct >= self.relation.rows - column.empty

    @property
    def labels(self) -> list[str]:
        """The columns that tell a row to people: its name, else its names, else its key."""
        texts = [c for c in self.relation.columns if c.type == "text"]
        named = [c.name for c in texts if {"name", "title"} & {*words_of(c)}]
        named.sort(key=lambda name: not self.rows & {*map(stem, names_in(name)), name})
        own = [name for name in named if self.unique(name)]
        if own or named:
            return own[:1] or named[:2]
        unique = [c.name for c in (*texts, *self.relation.columns) if self.unique(c.name)]
        return unique[:1]


def _beside_spans(placed: Sequence[Placed]) -> Iterator[Placed]:
    """What stands between two times sets them side by side: "August vs last month" names another
    month, and "was August better than July" asks for nothing after July."""
    ends = {one.last for one in placed if isinstance(one.reading, Span)}
    starts = {one.first for one in placed if isinstance(one.reading, Span)}
    split = any(isinstance(one.reading, Sign) and one.reading.kind == "group" for one in placed)
    for one in placed:
        sign = one.reading
        if not isinstance(sign, Sign) or one.first not in ends:
            yield one
        elif sign.kind == "compare" and one.last in starts and sign.value in ("gt", "lt"):
            yield Placed(one.first, one.last, Sign(kind="versus", value="versus"), one.weight)
        elif sign.kind != "change" or split:
            yield one


def _row_nouns(relation: Relation) -> frozenset[str]:
    """What a row is called: as somebody said, as the dataset is named, and what its key is of."""
    nouns: set[str] = set()
    if relation.row_noun:
        nouns |= {stem(word) for word in names_in(relation.row_noun)}
    nouns |= {stem(word) for word in names_in(relation.dataset.rpartition("__")[2])}
    for column in relation.columns:
        words = names_in(column.name)
        if words[-1:] == ("id",) and 0 < relation.rows <= column.distinct:
            nouns |= {stem(word) for word in words[:-1]}
            break
    money = {stem(word) for word in (*MONEY, *MONEY_COLUMN, *QUANTITY_COLUMN)}
    return frozenset(nouns - WEAK - money - {"data", "table", "dataset", "csv", "record"})


def _time(relation: Relation) -> str | None:
    """The time that is meant where none is named: the first that has days."""
    if relation.time is not None:
        return relation.time
    dated = [c for c in relation.columns if c.type in ("date", "timestamp")]
    return dated[0].name if dated else None


def _best(relation: Relation, words: dict[str, float]) -> str | None:
    """The numeric column whose name tells it best."""
    scored = [
        (max((words.get(word, 0.0) for word in names_in(c.name)), default=0.0), c.name)
        for c in relation.columns
        if c.type in ("integer", "decimal") and c.role != "identifier"
    ]
    score, name = max(scored, key=lambda one: one[0], default=(0.0, ""))
    return name if score > 0.0 else None


def _only_number(relation: Relation) -> str | None:
    """The only column that says how many of something, such as `tickets`."""
    many = [
        c.name
        for c in relation.columns
        if c.type == "integer" and c.role == "measure" and names_in(c.name)[-1].endswith("s")
    ]
    return many[0] if len(many) == 1 else None


def _money(relation: Relation) -> Measure | None:
    """What came in: a column that says so, or else pieces times their price."""
    if (column := _best(relation, MONEY_COLUMN)) is not None:
        return Measure(aggregate="sum", column=column)
    price, quantity = (
        _best(relation, {"price": 1.0, "precio": 1.0}),
        _best(relation, QUANTITY_COLUMN),
    )
    if price is not None and quantity is not None:
        return Measure(aggregate="sum", column=quantity, times=price)
    return None

"""What a number is of: rows, different things, pieces sold, or the numbers in a column."""

from contexts.analytics.domain.query_spec import Aggregate, Filter, Measure, Scalar
from contexts.analytics.domain.relation import Column
from contexts.analytics.infrastructure.offline_planner.english import words
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import names_in

_RATES = words(
    """
    price cost fee rate age score rating ratio percent percentage gpa grade temperature height
    weight latitude longitude speed share margin average mean median year rank level size length
    width depth distance duration humidity pressure index
    """
)
"""Words of columns that are a property of one thing: adding them up says nothing."""

_AMOUNTS = words(
    """
    credit point goal vote win loss seat passenger visitor guest medal hour minute death birth
    injury attendee spectator employee student crew unit piece ticket night bed page mile
    """
)
"""Words of columns that say how many there are of it in each row, even in the singular."""

_ROWS = Measure(aggregate="count")

Counted = tuple[Measure, list[int]]
"""A measure, and which items it takes."""


def is_rate(column: Column) -> bool:
    return bool(_RATES & {*names_in(column.name)}) or column.unit == "%"


def usual(column: Column) -> Aggregate:
    """How a column is put together where nothing says how."""
    return "avg" if is_rate(column) else "sum"


def _is_count(column: Column) -> bool:
    """Whether its numbers are so many of something: `deaths`, `num_passengers`, `injured`."""
    said = names_in(column.name)
    many = said[-1].endswith(("s", "ed")) and not said[-1].endswith("ss")
    tells = {"number", "num", "no", "count", "quantity", "qty"} & {*said}
    numeric = column.type in ("integer", "decimal")
    return numeric and not is_rate(column) and (many or bool(tells))


def _so_many(sentence: Sentence, at: int, name: str) -> bool:
    """Whether a plural is of what a column counts: the credits of `course_credit`; but the sections
    of `section` are numbered."""
    named = sentence.named(at)
    counts = _AMOUNTS & {*names_in(name)} and not is_rate(sentence.column(name))
    return named is not None and named.plural and bool(counts)


def is_flag(column: Column) -> bool:
    """Whether it says yes or no of each row."""
    bits = column.type == "integer" and (column.minimum, column.maximum) == ("0", "1")
    return column.type == "boolean" or bits


def yes(column: Column, *, deny: bool = False) -> Filter:
    """The condition that a flag is set."""
    value: Scalar = not deny if column.type == "boolean" else int(not deny)
    return Filter(column=column.name, operator="eq", values=(value,))


def quantity(sentence: Sentence) -> Measure:
    """How much was sold: pieces, where they are told, else rows."""
    column = sentence.lexicon.quantity
    return Measure(aggregate="sum", column=column) if column else _ROWS


def counted(sentence: Sentence, at: int) -> Measure:
    """A number of something: of rows where each row is one, else of different ones."""
    item = sentence.items[at]
    column = sentence.pick(at)
    if column is None or sentence.lexicon.unique(column) or item.is_("row"):
        return _ROWS
    return Measure(aggregate="count_distinct", column=column)


def document(sentence: Sentence, at: int) -> str | None:
    """An identifier that a few rows share, such as the number of a ticket. One looks at its
    average, not at each of thousands."""
    column = sentence.pick(at) if sentence.named(at) is not None else None
    rows = sentence.lexicon.relation.rows
    if column is None or sentence.column(column).role != "identifier":
        return None
    return column if max(50, rows / 50) < sentence.column(column).distinct < rows else None


def number_of(sentence: Sentence, at: int, *, total: bool) -> Counted:
    """What stands after "number of". In a "total number" any column of numbers is added up."""
    item = sentence.free(at)
    time = sentence.lexicon.time
    if sentence.is_(at, "sell"):
        return quantity(sentence), [at]
    if sentence.is_(at, "grain", "day") and time and sentence.column(time).type == "date":
        return Measure(aggregate="count_distinct", column=time), [at]
    if item is None or (item.as_(Named) is None and item.sign("row", "person") is None):
        return _of_values(sentence)
    used = [at]
    while sentence.is_(used[-1] + 1, "person") and sentence.named(used[-1] + 1) is None:
        used.append(used[-1] + 1)
    if item.as_(Named) is None or item.is_("row"):
        pieces = item.text.lower() in ("items", "units", "pieces", "things")
        return (quantity(sentence) if pieces else _ROWS), used
    number = sentence.pick(at, "number")
    if number is not None and number == sentence.lexicon.quantity:
        return quantity(sentence), used
    if number is not None and sentence.column(number).role == "measure":
        if total or _is_count(sentence.column(number)) or _so_many(sentence, at, number):
            return Measure(aggregate="sum", column=number), used
        money = sentence.lexicon.money
        if money is not None and money.column == number and sentence.lexicon.documents:
            sentence.wanted.cannot = (
                f"'{item.text}' may be what they came to, or how many {sentence.lexicon.documents}"
                " there were: ask for one of them"
            )
        return _ROWS, used
    return _of_things(sentence, at, used)


def _of_values(sentence: Sentence) -> Counted:
    """`how many lemonades were sold`: a value has been taken as a condition before."""
    sold = sentence.find("sell")
    conditions = [condition for group in sentence.wanted.where for condition in group]
    narrowed = any(c.operator in ("eq", "in", "contains") for c in conditions)
    if sold is None and narrowed and sentence.lexicon.money and sentence.lexicon.documents:
        sentence.wanted.cannot = (
            "the rows are lines of what was sold: ask how many were sold, or for a number of rows"
        )
    if sold is not None and sentence.lexicon.quantity is not None and narrowed:
        return quantity(sentence), [sold]
    return _ROWS, []


def _of_things(sentence: Sentence, at: int, used: list[int]) -> Counted:
    sold = sentence.find("sell")
    column = sentence.pick(at)
    document = column is not None and sentence.column(column).role == "identifier"
    if sold is not None and sentence.lexicon.quantity is not None and not document:
        return quantity(sentence), [*used, sold]
    if column in {d.column for d in sentence.wanted.groups}:
        return _ROWS, used
    if sentence.wanted.chart is not None and not sentence.wanted.groups and column is not None:
        # A chart needs something to stand on its axis: the number of each of them.
        return _ROWS, []
    if column is not None and is_flag(sentence.column(column)):
        # "How many refunds" are the rows that say so.
        sentence.wanted.where.append((yes(sentence.column(column)),))
        return _ROWS, used
    return counted(sentence, at), used

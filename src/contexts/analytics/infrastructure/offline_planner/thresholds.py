"""More, less and at least so many: of a column, or of what is in each group."""

from contexts.analytics.domain.query_spec import Filter, Having, Measure, Operator
from contexts.analytics.infrastructure.offline_planner.counting import quantity, usual
from contexts.analytics.infrastructure.offline_planner.filters import (
    add,
    beside,
    left_of,
    negated,
    plain,
)
from contexts.analytics.infrastructure.offline_planner.readings import (
    Numeral,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold, stem

_CONCEPTS = {
    "old": "age",
    "young": "age",
    "tall": "height",
    "short": "height length",
    "long": "length duration",
    "heav": "weight",
    "light": "weight",
    "cheap": "price cost",
    "fast": "speed",
    "slow": "speed",
}
"""What is compared by words such as "older than", by how they begin."""

_OPPOSITES: dict[Operator, Operator] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}

_TWICE = {"once": 1.0, "twice": 2.0}


def numbered(sentence: Sentence, at: int, right: int, operator: Operator) -> bool:
    """`price over 30`, `more than 5 deaths`, `older than 30`, `with at least 3 tickets`, `sold more
    than once`."""
    operand = sentence.items[right]
    if (once := operand.sign("once")) is not None:
        sentence.use(at, right)
        return _having(sentence, Measure(aggregate="count"), operator, _TWICE[once.value])
    numeral = operand.as_(Numeral)
    if numeral is None:
        return False
    if operator in _OPPOSITES and negated(sentence, at):
        operator = _OPPOSITES[operator]
    number = numeral.number
    left = left_of(sentence, at)
    left = left if left is not None and sentence.numeric(left) else None
    column = _meant(sentence, at)
    if column is None and _of_things(sentence, right + 1, left):
        return _counted(sentence, at, right, operator, number)
    column = column or left
    if column is None and 1000 <= number <= 2100:
        column = year_column(sentence)
    if column is None:
        return False
    sentence.use(at, right, *(beside(sentence, at) if left == column else []))
    if _of_groups(sentence, at, column) and sentence.is_(at - 2, "where"):
        return _having(sentence, Measure(aggregate="sum", column=column), operator, number)
    add(sentence, at, Filter(column=column, operator=operator, values=(plain(number),)))
    return True


def _meant(sentence: Sentence, at: int) -> str | None:
    """The column that a word such as "older" speaks of."""
    word = sentence.items[at].text.lower()
    concept = next((c for begin, c in _CONCEPTS.items() if begin in word), None)
    column = sentence.concept(concept) if concept is not None else None
    return column if column is not None and sentence.numeric(column) else None


def _of_things(sentence: Sentence, at: int, left: str | None) -> bool:
    """Whether the number is one of things that stand after it: "more than 3 crews"."""
    if sentence.is_(at, "sell"):
        return True
    if sentence.says(at, "row", "person"):
        return left is None or sentence.column(left).role != "measure"
    return left is None and sentence.named(at) is not None


def _counted(sentence: Sentence, at: int, right: int, operator: Operator, number: float) -> bool:
    """A number of something: of a column's own unit, or of the rows in each group."""
    if sentence.is_(right + 1, "sell"):
        sentence.use(at, right, right + 1)
        return _having(sentence, quantity(sentence), operator, number)
    column = sentence.pick(right + 1, "number") if sentence.named(right + 1) else None
    if column is not None and sentence.column(column).role != "identifier":
        sentence.use(at, right, right + 1)
        if _of_groups(sentence, at, column):
            return _having(sentence, Measure(aggregate="sum", column=column), operator, number)
        add(sentence, at, Filter(column=column, operator=operator, values=(plain(number),)))
        return True
    counted = sentence.pick(right + 1) if sentence.named(right + 1) else None
    word = stem(fold(sentence.items[right + 1].text))
    if counted is not None and counted in sentence.lexicon.names.qualified_by(word):
        return False  # The stars of a `star_rating` are told by it, not counted.
    measure = Measure(aggregate="count")
    if (
        counted is not None
        and not sentence.says(right + 1, "row")
        and not sentence.lexicon.unique(counted)
    ):
        measure = Measure(aggregate="count_distinct", column=counted)
    sentence.use(at, right, right + 1)
    return _having(sentence, measure, operator, number)


def _of_groups(sentence: Sentence, at: int, column: str) -> bool:
    """Whether "products with more than 1000 units" adds up rows, since a product has several."""
    if usual(sentence.column(column)) != "sum":
        return False
    for before in range(at):
        named = sentence.named(before)
        entity = sentence.pick(before, "group") if named is not None else None
        if sentence.is_(before, "row"):
            return False
        if entity is not None and sentence.column(entity).role in ("dimension", "identifier"):
            return not sentence.lexicon.unique(entity)
    return False


def _having(sentence: Sentence, measure: Measure, operator: Operator, number: float) -> bool:
    if operator not in ("eq", "ne", "lt", "le", "gt", "ge"):
        return False
    sentence.wanted.having.append(Having(measure=measure, operator=operator, values=(number,)))
    return True


def year_column(sentence: Sentence) -> str | None:
    for column in sentence.lexicon.relation.columns:
        if sentence.year_like(column.name) and sentence.lexicon.time is None:
            return column.name
    return None

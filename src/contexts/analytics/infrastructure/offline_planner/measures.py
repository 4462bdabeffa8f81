"""What is measured: an aggregate and its column, money, how much was sold, how many there are."""

from typing import cast

from contexts.analytics.domain.query_spec import Aggregate, Measure
from contexts.analytics.infrastructure.offline_planner.counting import (
    document,
    number_of,
    quantity,
    usual,
)
from contexts.analytics.infrastructure.offline_planner.english import MONEY, words
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold

_MAKES = words("make makes made")
"""Verbs that say little but behind "how much", where they are of money."""

Found = tuple[Measure | None, list[int]]
"""A measure, and which items it takes."""


def measure_at(sentence: Sentence, at: int) -> Found:
    """A measure in words that begins there."""
    item = sentence.free(at)
    if item is None:
        return None, []
    if (together := _sales_of(sentence, at)) is not None:
        return together
    if item.is_("money") and sentence.lexicon.money is not None:
        return sentence.lexicon.money, [at]
    if item.is_("sell"):
        return quantity(sentence), [at]
    number = sentence.pick(at, "number") if item.as_(Named) is not None else None
    sign = item.sign("aggregate")
    if sign is not None and (number is None or _goes_on(sentence, at + 1)):
        if sign.value in ("count", "total_count"):
            return _number(sentence, at, total=sign.value == "total_count")
        return _aggregated(sentence, at, cast(Aggregate, sign.value))
    if number is not None and sentence.column(number).role != "identifier":
        return Measure(aggregate=usual(sentence.column(number)), column=number), [at]
    return None, []


def _sales_of(sentence: Sentence, at: int) -> tuple[Measure, list[int]] | None:
    """`ticket sales` and `sales of tickets` are pieces, `ticket revenue` is money: one figure."""
    for first, second in ((at, at + 1), (at + 1, at)):
        pieces, sales = sentence.named(first), sentence.free(second)
        if pieces is None or sales is None or pieces.choices[0].column != sentence.lexicon.quantity:
            continue
        apart = sentence.items[max(first, second)].start - sentence.items[min(first, second)].end
        if (pieces.plural and second > first) or apart > len(" of "):
            continue
        if fold(sales.text) == "sales":
            return quantity(sentence), [first, second]
        if _is_money(sentence, second) and second > first and sentence.lexicon.money is not None:
            return sentence.lexicon.money, [first, second]
    return None


def _is_money(sentence: Sentence, at: int) -> bool:
    item, money = sentence.items[at], sentence.lexicon.money
    return fold(item.text) in MONEY and (item.is_("money") or money is not None)


def _goes_on(sentence: Sentence, at: int) -> bool:
    return sentence.named(at) is not None or sentence.says(at, "money", "aggregate")


def _number(sentence: Sentence, at: int, *, total: bool) -> Found:
    """`how many`, `the number of different`, `how many total`."""
    if sentence.is_(at + 1, "aggregate", "sum") and sentence.named(at + 2) is not None:
        measure, more = number_of(sentence, at + 2, total=True)
        return measure, [at, at + 1, *more]
    if not sentence.is_(at + 1, "distinct"):
        measure, more = number_of(sentence, at + 1, total=total)
        return measure, [at, *more]
    measure, more = number_of(sentence, at + 2, total=total)
    column = sentence.pick(at + 2) if sentence.named(at + 2) is not None else None
    if column is not None:
        measure = Measure(aggregate="count_distinct", column=column)
    return measure, [at, at + 1, *more]


def _aggregated(sentence: Sentence, at: int, aggregate: Aggregate) -> Found:
    """`the average price`, `total of the invoices`, `how much did we sell`."""
    used = [at]
    if sentence.is_(at + 1, "distinct"):
        used.append(at + 1)
    after = used[-1] + 1
    if sentence.is_(after, "aggregate") and sentence.named(after) is None:
        return _of_measure(sentence, used, after, aggregate)
    if sentence.is_(after, "row") and sentence.named(after + 1) is not None:
        figure = sentence.pick(after + 1, "number")
        if figure is not None:  # "the average invoice total"
            return Measure(aggregate=aggregate, column=figure), [*used, after, after + 1]
    if aggregate == "avg" and (ticket := document(sentence, after)) is not None:
        return _of_document(sentence, used, after, ticket)
    if _qualifies(sentence, after):
        used.append(after)
        after += 1
    column = sentence.pick(after, "number") if sentence.named(after) is not None else None
    if column is not None:
        return Measure(aggregate=aggregate, column=column), [*used, after]
    if (money := _money(sentence, at, after, aggregate)) is not None:
        return money, [*used, after]
    things = sentence.says(after, "row", "person") or sentence.named(after) is not None
    if aggregate == "sum" and things:
        # "the total students of each city" are so many.
        return number_of(sentence, after, total=True)[0], [*used, after]
    return None, []


def _of_measure(sentence: Sentence, used: list[int], at: int, aggregate: Aggregate) -> Found:
    """`the average number of goals` is that of a column of numbers."""
    inner, more = measure_at(sentence, at)
    if inner is not None and inner.aggregate == "sum" and aggregate != "sum":
        inner = Measure(aggregate=aggregate, column=inner.column)
    return inner, used + more


def _qualifies(sentence: Sentence, at: int) -> bool:
    """Whether a noun only says which: the ticket of "the average ticket price"."""
    first, second = sentence.named(at), sentence.named(at + 1)
    if first is None or second is None or first.plural or document(sentence, at) is not None:
        return False
    column = sentence.pick(at + 1, "number")
    beside = sentence.items[at + 1].start - sentence.items[at].end == 1
    return beside and column is not None and sentence.column(column).role == "measure"


def _of_document(sentence: Sentence, used: list[int], at: int, ticket: str) -> Found:
    """`the average ticket`, `the average ticket value`: the money of one."""
    money = sentence.lexicon.money
    if money is None:
        return None, []
    used = [*used, at]
    named = sentence.pick(at + 1, "number") if sentence.named(at + 1) is not None else None
    if named == money.column or (named is None and sentence.is_(at + 1, "axis")):
        used.append(at + 1)
    measure = Measure(aggregate="sum", column=money.column, times=money.times, per=ticket)
    return measure, used


def _money(sentence: Sentence, at: int, after: int, aggregate: Aggregate) -> Measure | None:
    money = sentence.lexicon.money
    said = fold(sentence.items[at].text)
    if money is None:
        return None
    if sentence.is_(after, "money"):
        return Measure(aggregate=aggregate, column=money.column, times=money.times)
    if said == "how much" and sentence.is_(after, "sell"):
        return money
    return money if said in ("total of", "sum of") and sentence.is_(after, "row") else None


def read_measures(sentence: Sentence) -> None:
    for at in range(len(sentence)):
        item = sentence.free(at)
        if item is None:
            continue
        if item.sign("aggregate") is not None:
            _aggregates(sentence, at)
        elif (together := _sales_of(sentence, at)) is not None:
            sentence.use(*together[1])
            take(sentence, together[0])
        elif item.is_("extreme") and sentence.named(at + 1) is not None:
            _figure(sentence, at)
        elif item.is_("money") and sentence.lexicon.money is not None:
            take(sentence, sentence.lexicon.money)
            sentence.use(at)
    _sold(sentence)


def _sold(sentence: Sentence) -> None:
    """`units sold by month`: the verb tells the measure, where nothing else does."""
    sold = sentence.find("sell")
    if sold is None:
        return
    for at in range(len(sentence)):
        # The pieces of "pieces sold" are what is counted, not what it is split by.
        named = sentence.named(at)
        if named is not None and named.choices[0].column == sentence.lexicon.quantity:
            sentence.use(at)
    asked = sentence.wanted.measures or sentence.wanted.rank is not None
    if not asked and sentence.lexicon.quantity is not None:
        sentence.use(sold)
        sentence.wanted.measures.append(quantity(sentence))


def _figure(sentence: Sentence, at: int) -> None:
    """`the highest price`: the figure itself."""
    column = sentence.pick(at + 1, "number")
    if column is None or sentence.column(column).role == "identifier":
        return
    most = sentence.items[at].is_("extreme", "desc")
    sentence.use(at, at + 1)
    sentence.wanted.measures.append(Measure(aggregate="max" if most else "min", column=column))


def _aggregates(sentence: Sentence, at: int) -> None:
    item = sentence.items[at]
    sign = item.sign("aggregate")
    if sign is None or (item.as_(Named) is not None and not _goes_on(sentence, at + 1)):
        return
    measure, used = measure_at(sentence, at)
    if measure is None and _both(sentence, at, sign.value):
        return
    if measure is None and fold(item.text) == "how much":
        paid = sentence.find("money")
        if paid is not None:
            measure, used = sentence.lexicon.money, [at, paid]  # "how much did Otto earn"
        elif any(fold(each.text) in _MAKES for each in sentence.all):
            measure, used = sentence.lexicon.money, [at]  # "how much did opera make"
    if measure is None:
        column = sentence.pick(at - 1, "number") if sentence.named(at - 1) is not None else None
        if column is None or sign.value == "count":
            return
        # "the price on average"
        measure = Measure(aggregate=cast(Aggregate, sign.value), column=column)
        used = [at - 1, at]
    sentence.use(*used)
    take(sentence, measure)
    _and_how_many(sentence, max(used), measure)
    if measure.column is not None and measure.aggregate != "count_distinct":
        _and_of_others(sentence, max(used), measure.aggregate)


def _both(sentence: Sentence, at: int, aggregate: str) -> bool:
    """`the maximum and minimum salary`."""
    if not sentence.is_(at + 1, "and") or not sentence.says(at + 2, "aggregate"):
        return False
    second, more = measure_at(sentence, at + 2)
    if second is None or second.column is None:
        return False
    take(sentence, Measure(aggregate=cast(Aggregate, aggregate), column=second.column))
    take(sentence, second)
    sentence.use(at, at + 1, *more)
    return True


def _and_how_many(sentence: Sentence, last: int, measure: Measure) -> None:
    """`how many channels and venues`: so many of the one, so many of the other."""
    while measure.aggregate == "count_distinct" and sentence.is_(last + 1, "and"):
        named = sentence.named(last + 2)
        close = named is not None and named.plural
        if not close or sentence.items[last + 2].start - sentence.items[last].end != len(" and "):
            return
        column = sentence.pick(last + 2)
        if column is None or sentence.numeric(column):
            return
        sentence.use(last + 1, last + 2)
        take(sentence, Measure(aggregate="count_distinct", column=column))
        last += 2


def _and_of_others(sentence: Sentence, last: int, aggregate: Aggregate) -> None:
    """`the average age and salary`."""
    while sentence.is_(last + 1, "and") and sentence.named(last + 2) is not None:
        column = sentence.pick(last + 2, "number")
        if column is None or sentence.says(last + 2, "aggregate"):
            return
        sentence.use(last + 1, last + 2)
        take(sentence, Measure(aggregate=aggregate, column=column))
        last += 2


def take(sentence: Sentence, measure: Measure) -> None:
    if measure not in sentence.wanted.measures:
        sentence.wanted.measures.append(measure)

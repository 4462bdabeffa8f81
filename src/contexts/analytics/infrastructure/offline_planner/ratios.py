"""Figures per document: `average revenue per ticket`, where several rows are one ticket."""

import msgspec

from contexts.analytics.domain.query_spec import Aggregate, Measure
from contexts.analytics.infrastructure.offline_planner.counting import document, quantity
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.measures import measure_at, take
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold


def read_ratios(sentence: Sentence) -> None:
    """`average revenue per ticket`, where a ticket is several rows: before `per` is a group."""
    for at in range(len(sentence)):
        if sentence.is_(at, "aggregate", "avg"):
            _ratio(sentence, at)
        elif sentence.free(at) is not None:
            _of_each(sentence, at)


def _of_each(sentence: Sentence, at: int) -> None:
    """`tickets per order by channel`: an order is no group where there are thousands of them."""
    measure, used = measure_at(sentence, at)
    if measure is None or measure.aggregate not in ("sum", "count") or measure.per is not None:
        return
    per = max(used) + 1
    column = document(sentence, per + 1) if sentence.is_(per, "group") else None
    if column is not None and fold(sentence.items[per].text) == "per":
        take(sentence, msgspec.structs.replace(measure, per=column))
        sentence.use(*used, per, per + 1)


def _ratio(sentence: Sentence, at: int) -> bool:
    measure, used = measure_at(sentence, at)
    if measure is None or measure.per is not None:
        return False
    per = max(used) + 1
    if sentence.is_(per, "sell"):
        used, per = [*used, per], per + 1
    if not sentence.says(per, "group", "each"):
        return False
    column = document(sentence, per + 1) or _receipt(sentence, per + 1)
    if column is None and measure.aggregate == "count_distinct" and measure.column is not None:
        things = sentence.column(measure.column).title
        sentence.wanted.cannot = f"an average number of different {things} cannot be worked out"
    if column is None and _in_time(sentence, per, measure):
        column = _day(sentence, per + 1)
        if column is None:
            grain = sentence.items[per + 1].text
            sentence.wanted.cannot = (
                f"an average per {grain} of what is added up cannot be worked out here: "
                f"ask for the total by {grain}"
            )
    if column is None:
        return False
    if measure.aggregate == "count_distinct":
        if column == sentence.lexicon.time:
            sentence.wanted.cannot = "an average number of different things cannot be told per day"
        measure = quantity(sentence)
    whole: Aggregate = "count" if measure.aggregate == "count" else "sum"
    ratio = Measure(aggregate=whole, column=measure.column, times=measure.times, per=column)
    take(sentence, ratio)
    sentence.use(*used, per, per + 1)
    return True


def _receipt(sentence: Sentence, at: int) -> str | None:
    """A number that two or three rows share, in a table too small to tell by its size."""
    named = sentence.named(at)
    column = sentence.pick(at) if named is not None else None
    if column is None or named is None or named.choices[0].whole:
        return None
    known, rows = sentence.column(column), sentence.lexicon.relation.rows
    return column if known.role == "identifier" and rows / 4 < known.distinct < rows else None


def _in_time(sentence: Sentence, per: int, measure: Measure) -> bool:
    """Whether what comes in per day is to be averaged over days, not over rows."""
    if fold(sentence.items[per].text) != "per" or not sentence.says(per + 1, "grain"):
        return False
    grain = sentence.items[per + 1].sign("grain")
    if grain is None or grain.value not in TRUNCATING:
        return False
    if measure.aggregate in ("count", "count_distinct"):
        return True
    column = sentence.column(measure.column) if measure.column is not None else None
    money = sentence.lexicon.money
    comes_in = money is not None and column is not None and column.name == money.column
    return comes_in or (column is not None and column.name == sentence.lexicon.quantity)


def _day(sentence: Sentence, at: int) -> str | None:
    time = sentence.lexicon.time
    if time is None or not sentence.is_(at, "grain", "day"):
        return None
    return time if sentence.column(time).type == "date" else None

"""Figures per document: `average revenue per ticket`, where several rows are one ticket."""

from contexts.analytics.domain.query_spec import Aggregate, Measure
from contexts.analytics.infrastructure.offline_planner.counting import document, quantity
from contexts.analytics.infrastructure.offline_planner.measures import measure_at, take
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence


def read_ratios(sentence: Sentence) -> None:
    """`average revenue per ticket`, where a ticket is several rows: before `per` is a group."""
    for at in range(len(sentence)):
        if sentence.free(at) is not None and sentence.items[at].sign("aggregate") is not None:
            _ratio(sentence, at)


def _ratio(sentence: Sentence, at: int) -> bool:
    if not sentence.is_(at, "aggregate", "avg"):
        return False
    measure, used = measure_at(sentence, at)
    if measure is None or measure.per is not None:
        return False
    per = max(used) + 1
    if not sentence.says(per, "group", "each"):
        return False
    column = document(sentence, per + 1) or _day(sentence, per + 1, measure)
    if column is None:
        return False
    if measure.aggregate == "count_distinct":
        measure = quantity(sentence)
    whole: Aggregate = "count" if measure.aggregate == "count" else "sum"
    ratio = Measure(aggregate=whole, column=measure.column, times=measure.times, per=column)
    take(sentence, ratio)
    sentence.use(*used, per, per + 1)
    return True


def _day(sentence: Sentence, at: int, measure: Measure) -> str | None:
    """The average of what comes in per day is that of days, not that of rows."""
    money, time = sentence.lexicon.money, sentence.lexicon.time
    if money is None or measure.column != money.column or not sentence.is_(at, "grain", "day"):
        return None
    return time if time is not None and sentence.column(time).type == "date" else None

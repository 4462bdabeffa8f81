"""Figures per document: `average revenue per ticket`, where several rows are one ticket."""

from contexts.analytics.domain.query_spec import Aggregate, Measure
from contexts.analytics.infrastructure.offline_planner.counting import quantity
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
    if sentence.named(at + 1) is not None and (document := _document(sentence, at + 1)):
        return _of_document(sentence, at, document)
    measure, used = measure_at(sentence, at)
    if measure is None:
        return False
    per = max(used) + 1
    if not sentence.is_(per, "group") or sentence.named(per + 1) is None:
        return False
    column = _document(sentence, per + 1)
    if column is None:
        return False
    if measure.aggregate == "count_distinct":
        measure = quantity(sentence)
    whole: Aggregate = "count" if measure.aggregate == "count" else "sum"
    ratio = Measure(aggregate=whole, column=measure.column, times=measure.times, per=column)
    sentence.wanted.measures.append(ratio)
    sentence.use(*used, per, per + 1)
    return True


def _document(sentence: Sentence, at: int) -> str | None:
    """An identifier that a few rows share, such as the number of a ticket. One looks at its
    average, not at each of thousands."""
    column = sentence.pick(at)
    rows = sentence.lexicon.relation.rows
    if column is None or sentence.column(column).role != "identifier":
        return None
    return column if max(50, rows / 50) < sentence.column(column).distinct < rows else None


def _of_document(sentence: Sentence, at: int, document: str) -> bool:
    """`the average ticket`, `the average ticket value`: the money of one."""
    money = sentence.lexicon.money
    if money is None:
        return False
    used = [at, at + 1]
    if sentence.is_(at + 2, "axis") or sentence.named(at + 2) is not None:
        named = sentence.pick(at + 2, "number") if sentence.named(at + 2) is not None else None
        if named in (money.column, None):
            used.append(at + 2)
    sentence.use(*used)
    take(sentence, Measure(aggregate="sum", column=money.column, times=money.times, per=document))
    return True

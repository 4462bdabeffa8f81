"""Between two values: numbers, times and hours of the day."""

from contexts.analytics.domain.query_spec import Filter
from contexts.analytics.infrastructure.offline_planner.filters import (
    add,
    beside,
    left_of,
    plain,
)
from contexts.analytics.infrastructure.offline_planner.periods import period
from contexts.analytics.infrastructure.offline_planner.readings import (
    Item,
    Numeral,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.thresholds import year_column


def between(sentence: Sentence, at: int) -> bool:
    """`between A and B`, `from A to B`; the column stands before, or the values tell it."""
    if not sentence.is_(at, "between") or sentence.is_(at - 1, "not"):
        return False
    second = at + 3 if sentence.is_(at + 2, "and") else at + 2
    low, high = sentence.free(at + 1), sentence.free(second)
    if low is None or high is None:
        return False
    column = left_of(sentence, at)
    taken = (
        _hours(sentence, at, low, high)
        or _times(sentence, at, column, low, high)
        or _numbers(sentence, at, column, low, high)
    )
    if taken:
        sentence.use(*range(at, second + 1))
    return taken


def _hours(sentence: Sentence, at: int, low: Item, high: Item) -> bool:
    clocks = clock_of(low), clock_of(high)
    column = clock_column(sentence)
    if clocks[0] is None or clocks[1] is None or column is None:
        return False
    _between_hours(sentence, at, column, clocks[0], clocks[1])
    return True


def _times(sentence: Sentence, at: int, column: str | None, low: Item, high: Item) -> bool:
    first, last = low.as_(Span), high.as_(Span)
    if first is None or last is None:
        return False
    if column is not None and not dates(sentence, column):
        # "turnover between April 10 and April 20": what stands before is measured.
        if sentence.lexicon.time is None:
            return False
        column = None
    if column is not None and sentence.numeric(column):
        return False
    if not period(sentence, column, first.start, last.end, f"{low.text} to {high.text}"):
        return False
    sentence.wanted.assumptions += [s.assumed for s in (first, last) if s.assumed]
    sentence.use(*(beside(sentence, at) if column else []))
    return True


def _numbers(sentence: Sentence, at: int, column: str | None, low: Item, high: Item) -> bool:
    first, last = low.as_(Numeral), high.as_(Numeral)
    left = column
    if column is None and low.as_(Span) is not None:
        column = year_column(sentence)
    if first is None or last is None or column is None or first.number > last.number:
        return False
    if not sentence.numeric(column):
        return False
    sentence.use(*(beside(sentence, at) if left else []))
    values = (plain(first.number), plain(last.number))
    add(sentence, at, Filter(column=column, operator="between", values=values))
    return True


def dates(sentence: Sentence, column: str) -> bool:
    return sentence.column(column).type in ("date", "timestamp") or sentence.year_like(column)


def clock_of(item: Item) -> str | None:
    numeral = item.as_(Numeral)
    return numeral.clock if numeral else None


def clock_column(sentence: Sentence) -> str | None:
    columns = sentence.lexicon.relation.columns
    for kind in ("time", "timestamp"):
        for column in columns:
            if column.type == kind:
                return column.name
    return None


def _between_hours(sentence: Sentence, at: int, column: str, low: str, high: str) -> None:
    """Both ends are in, as in any range; a time that has days is asked by its hours."""
    if sentence.column(column).type == "time":
        add(sentence, at, Filter(column=column, operator="between", values=(low, high)))
        return
    hours = int(low[:2]), int(high[:2]) - (high[3:] == "00")
    add(sentence, at, Filter(column=column, operator="between", values=hours, grain="hour_of_day"))

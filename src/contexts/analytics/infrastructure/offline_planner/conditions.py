"""What is compared with what: the clauses with a comparison, a range, a missing value."""

from contexts.analytics.domain.query_spec import Filter, Operator
from contexts.analytics.infrastructure.offline_planner.counting import is_flag, yes
from contexts.analytics.infrastructure.offline_planner.filters import (
    add,
    beside,
    left_of,
    listed_values,
    negated,
    values_of,
)
from contexts.analytics.infrastructure.offline_planner.periods import period
from contexts.analytics.infrastructure.offline_planner.ranges import between, clock_column, clock_of
from contexts.analytics.infrastructure.offline_planner.readings import (
    Held,
    Numeral,
    Span,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.thresholds import numbered
from contexts.analytics.infrastructure.offline_planner.words import fold

_HOURS: dict[Operator, Operator] = {"gt": "ge", "le": "lt"}
"""After nine o'clock is the hour of nine and what follows."""

_QUOTES = "'\"\u2018\u2019\u201c\u201d"

_TEMPORAL = (
    "after",
    "before",
    "since",
    "until",
    "till",
    "starting from",
    "prior to",
    "since after",
)
"""Comparisons that speak of time, whatever stands before them."""


def read_conditions(sentence: Sentence) -> None:
    for at in range(len(sentence)):
        if sentence.free(at) is not None:
            _ = (
                _flag(sentence, at)
                or _absent(sentence, at)
                or _null(sentence, at)
                or between(sentence, at)
                or _compared(sentence, at)
            )
    sentence.set_aside()


def _null(sentence: Sentence, at: int) -> bool:
    item = sentence.items[at]
    sign = item.sign("null")
    if sign is None or (column := left_of(sentence, at)) is None:
        return False
    operator: Operator = "is_null" if sign.value == "is_null" else "not_null"
    sentence.use(at - 1, at)
    add(sentence, at - 1, Filter(column=column, operator=operator))
    return True


def _flag(sentence: Sentence, at: int) -> bool:
    """`abandoned dogs`, `tickets that were refunded`, where a column says of each whether it is."""
    named = sentence.named(at)
    if named is None or sentence.says(at, "row"):
        return False
    if not is_flag(sentence.column(named.choices[0].column)):
        return False
    column = sentence.pick(at)
    if column is None or sentence.says(at - 1, "group", "each"):
        return False
    known = sentence.column(column)
    if not is_flag(known):
        return False
    of_rows = sentence.says(at + 1, "row", "person")
    beside = sentence.named(at + 1) is not None and not named.plural
    of_document = beside and sentence.items[at + 1].start - sentence.items[at].end == 1
    denied = sentence.is_(at - 1, "not")  # "without refunds"
    if not (of_rows or of_document or denied or _is_predicate(sentence, at)):
        return False
    deny = negated(sentence, at)
    if sentence.is_(at - 1, "compare", "ne"):
        deny = True
        sentence.use(at - 1)
    sentence.use(at)
    if of_rows or of_document:
        # "How many [refunded] orders": what stands around it belongs together.
        sentence.aside.append(sentence.items[at])
    add(sentence, at, yes(known, deny=deny))
    return True


def _is_predicate(sentence: Sentence, at: int) -> bool:
    """Whether it is said of something: "were refunded"."""
    place = next(i for i, item in enumerate(sentence.all) if item is sentence.items[at])
    before = sentence.all[place - 1].text.lower() if place else ""
    said = (
        "is",
        "is not",
        "was",
        "were",
        "been",
        "not",
        "never",
        "got",
        "were not",
        "was not",
        "are",
        "are not",
    )
    return before in said and at > 0


def _absent(sentence: Sentence, at: int) -> bool:
    """`have not been adopted`: there is no date of it."""
    if not sentence.is_(at, "not") or sentence.named(at + 1) is None:
        return False
    column = sentence.pick(at + 1, "time")
    if column is None and fold(sentence.items[at].text) in ("without", "has no", "have no", "no"):
        column = sentence.pick(at + 1)
        if column is None or not sentence.column(column).empty or _valued(sentence, at + 2):
            return False
    elif column is None or sentence.column(column).type not in ("date", "timestamp"):
        return False
    date = sentence.is_(at + 2, "grain", "day")
    sentence.use(at, at + 1, *([at + 2] if date else []))
    add(sentence, at, Filter(column=column, operator="is_null"))
    return True


def _valued(sentence: Sentence, at: int) -> bool:
    item = sentence.free(at)
    return item is not None and (item.as_(Held) is not None or item.as_(Numeral) is not None)


def _compared(sentence: Sentence, at: int) -> bool:
    item = sentence.items[at]
    sign = item.sign("compare")
    right = at + 1
    while sentence.is_(right, "letters"):
        right += 1
    operand = sentence.free(right)
    if sign is None or operand is None:
        return False
    operator: Operator = sign.value  # type: ignore[assignment]
    if operator in ("contains", "starts_with", "ends_with"):
        return _text(sentence, at, right, operator)
    if (relative := operand.sign("relative")) is not None and operator in ("gt", "lt", "ge", "le"):
        return _relative(sentence, at, right, operator, relative.value)
    if operator in ("eq", "ne") and (held := operand.as_(Held)) is not None:
        return _held(sentence, at, right, operator, held)
    if (clock := clock_of(operand)) is not None:
        return _clocked(sentence, at, right, operator, clock)
    return _dated(sentence, at, right, operator) or numbered(sentence, at, right, operator)


def _clocked(sentence: Sentence, at: int, right: int, operator: Operator, clock: str) -> bool:
    """`after 18:00`, `departing before 9 am`; a time that has days is asked by its hours."""
    column = clock_column(sentence)
    left = left_of(sentence, at)
    if left is not None and sentence.column(left).type in ("time", "timestamp"):
        column = left
        sentence.use(at - 1)
    if column is None:
        return False
    condition = Filter(column=column, operator=operator, values=(clock,))
    if sentence.column(column).type == "timestamp":
        bound = _HOURS.get(operator, operator)
        hour = int(clock[:2])
        condition = Filter(column=column, operator=bound, values=(hour,), grain="hour_of_day")
    sentence.use(at, right)
    add(sentence, at, condition)
    return True


def _text(sentence: Sentence, at: int, right: int, operator: Operator) -> bool:
    """The text is taken as it stands, also when no value is known that has it."""
    column = left_of(sentence, at)
    used = beside(sentence, at) if column else []
    operand = sentence.items[right]
    texts = [operand.text.strip(_QUOTES)]
    last = right
    while sentence.is_(last + 1, "or") and _is_text(sentence, last + 2):
        texts.append(sentence.items[last + 2].text.strip(_QUOTES))
        last += 2
    if column is None and sentence.named(last + 1) is not None:
        column, used = sentence.pick(last + 1), [last + 1]
    if column is None:
        held = operand.as_(Held)
        column = held.held[0][0] if held and held.held[0][0] else None
    if column is None or sentence.column(column).type != "text":
        return False
    if negated(sentence, at) and operator == "contains":
        operator = "not_contains"
    sentence.use(*range(at, last + 1), *used)
    filters = tuple(Filter(column=column, operator=operator, values=(text,)) for text in texts)
    other = next((i for i in range(max(0, at - 3), at) if sentence.is_(i, "or")), None)
    if other is not None and sentence.wanted.where:
        # "Whose name starts with A or whose name starts with B" is one condition.
        sentence.use(other)
        sentence.wanted.where[-1] += filters
    else:
        sentence.wanted.where.append(filters)
    return True


def _is_text(sentence: Sentence, at: int) -> bool:
    item = sentence.free(at)
    return item is not None and (item.as_(Held) is not None or item.sign("where") is None)


def _relative(sentence: Sentence, at: int, right: int, operator: Operator, to: str) -> bool:
    """`above average price`, `a price above the average`."""
    column, used = None, []
    if sentence.named(right + 1) is not None and (column := sentence.pick(right + 1, "number")):
        used = [right + 1]
        if left_of(sentence, at) == column:
            used.append(at - 1)
    elif (column := left_of(sentence, at)) is not None and sentence.numeric(column):
        used = [at - 1]
    if column is None or to not in ("avg", "median"):
        return False
    sentence.use(at, right, *used)
    kind = "avg" if to == "avg" else "median"
    add(sentence, at, Filter(column=column, operator=operator, relative_to=kind))  # type: ignore[arg-type]
    return True


def _held(sentence: Sentence, at: int, right: int, operator: Operator, held: Held) -> bool:
    column = left_of(sentence, at)
    known = dict(held.held)
    if column is not None and (column in known or sentence.column(column).type == "text"):
        values, last = listed_values(sentence, right, column)
        sentence.use(at - 1, at)
    elif column is None and "" not in known:
        column = held.held[0][0]
        values, last = listed_values(sentence, right, column)
        sentence.use(at)
    else:
        return False
    sentence.use(*range(right, last + 1))
    add(sentence, at, values_of(column, values, ne=operator == "ne"))
    return True


def _dated(sentence: Sentence, at: int, right: int, operator: Operator) -> bool:
    """`after October 3rd`, `hired before 1990`, `since 2015`."""
    span = sentence.items[right].as_(Span)
    if span is None:
        return False
    left = left_of(sentence, at)
    temporal = fold(sentence.items[at].text) in _TEMPORAL
    if left is not None and sentence.column(left).type not in ("date", "timestamp"):
        if sentence.year_like(left) or not temporal or sentence.lexicon.time is None:
            return False
        left = None
    if left is None and sentence.named(right + 1) is not None:
        following = sentence.pick(right + 1, "number")
        if following is not None and not sentence.year_like(following):
            return False
    bounds = {
        "gt": (span.end, None),
        "ge": (span.start, None),
        "lt": (None, span.start),
        "le": (None, span.end),
    }.get(operator)
    if bounds is None or not period(
        sentence, left, *bounds, f"{sentence.items[at].text} {span.said}"
    ):
        return False
    if span.assumed:
        sentence.wanted.assumptions.append(span.assumed)
    sentence.use(at, right, *(beside(sentence, at) if left else []))
    return True

"""Follow-ups: a fragment such as "only November" or "by seller instead" changes the last spec."""

from datetime import datetime

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, Order, QuerySpec
from contexts.analytics.infrastructure.offline_planner.counting import usual
from contexts.analytics.infrastructure.offline_planner.english import words
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import Parsed, parse
from contexts.analytics.infrastructure.offline_planner.readings import Item
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence, Wanted
from contexts.analytics.infrastructure.offline_planner.words import fold, tokens_of

_BEGINS = words(
    """
    and only just but now what how same also without excluding except by per as sort order
    rank in on for since before after top bottom show make with not instead then ok okay
    group split last first
    """
)
"""Words that a fragment may begin with."""


def follow(lexicon: Lexicon, question: str, previous: QuerySpec, now: datetime) -> Parsed | None:
    """The spec before, changed by a fragment; None when the question stands on its own."""
    items = lexicon.items(question, now)
    parsed = parse(lexicon, items, whole=False)
    if parsed.unplaced or not _is_fragment(question, items, parsed.sentence):
        return None
    spec = _patched(previous, parsed.sentence)
    if spec == previous:
        return None
    return Parsed(parsed.sentence, spec, ())


def _is_fragment(question: str, items: list[Item], sentence: Sentence) -> bool:
    """Whether it asks for no figure or list of its own."""
    wanted = sentence.wanted
    words = [token.folded for token in tokens_of(question) if token.kind == "word"]
    if not words or len(words) > 12:
        return False
    figure = wanted.measures or (wanted.rank is not None and wanted.rank.measure is not None)
    begins = words[0] in _BEGINS
    changes = (
        wanted.where or wanted.period or wanted.groups or wanted.orders or wanted.chart
        or wanted.rank or wanted.having or wanted.listed or wanted.percent or wanted.running
        or wanted.comparison
    )  # fmt: skip
    if figure and not begins:
        return False
    asks = any(item.sign("which") for item in items) and words[0] in ("which", "who", "whose")
    counts = any(item.sign("aggregate") for item in items) and not begins
    if asks or counts or not changes:
        return False
    return begins or not _lists(wanted, items)


def _lists(wanted: Wanted, items: list[Item]) -> bool:
    """`names of the players` lists something; `waiters` or `bar chart` alone does not."""
    return len(wanted.listed) > 1 or any(item.sign("row") for item in items)


def _patched(previous: QuerySpec, sentence: Sentence) -> QuerySpec:
    wanted = sentence.wanted
    asked = _dimensions(previous, sentence)
    figures = [d for d in asked if previous.measures and _adds(sentence, d)]
    groups = [d for d in asked if d not in figures]
    for figure in figures:
        # "by quantity" after "top 5 products by revenue" asks for another figure.
        aggregate = usual(sentence.column(figure.column))
        wanted.measures.append(Measure(aggregate=aggregate, column=figure.column))
    spec = msgspec.structs.replace(
        previous,
        measures=_measured(previous, wanted),
        dimensions=_regrouped(previous, groups, sentence) if groups else previous.dimensions,
        where=_narrowed(previous.where, wanted.where),
        period=wanted.period or previous.period,
        having=(*previous.having, *wanted.having),
        chart=wanted.chart or previous.chart,
        comparison=wanted.comparison or previous.comparison,
    )
    return _ordered(previous, spec, sentence, groups)


def _measured(previous: QuerySpec, wanted: Wanted) -> tuple[Measure, ...]:
    measures = tuple(wanted.measures) or previous.measures
    shown = "share" if wanted.percent else "running_total" if wanted.running else None
    if shown is None:
        return measures
    return tuple(msgspec.structs.replace(measure, shown_as=shown) for measure in measures)


def _ordered(
    previous: QuerySpec, spec: QuerySpec, sentence: Sentence, groups: list[Dimension]
) -> QuerySpec:
    wanted = sentence.wanted
    order = _order(previous, spec.dimensions, len(spec.measures), sentence)
    if order is None and (groups or wanted.measures):
        order = _kept(previous, spec.dimensions)
    changed: dict[str, object] = {} if order is None else {"order": order}
    if wanted.rank is not None:
        changed["limit"] = wanted.rank.count
        if spec.measures:
            top = Order(output=len(spec.dimensions), descending=wanted.rank.descending)
            changed["order"] = (top,)
    elif any(d.grain in TRUNCATING for d in groups):
        # A course of time is told whole, and as it went.
        changed |= {"order": (), "limit": None, "limit_per": None}
        if previous.chart == "pie" and wanted.chart is None:
            changed["chart"] = None
    return msgspec.structs.replace(spec, **changed)


def _adds(sentence: Sentence, dimension: Dimension) -> bool:
    column = sentence.column(dimension.column)
    return dimension.grain is None and column.role == "measure"


def _dimensions(previous: QuerySpec, sentence: Sentence) -> list[Dimension]:
    """What it is to be split by; a column that is just named is what it is split by, too."""
    wanted = sentence.wanted
    listed = [d for d in wanted.listed if previous.measures or not wanted.groups]
    return [*wanted.groups, *(d for d in listed if d not in wanted.groups)]


def _regrouped(
    previous: QuerySpec, groups: list[Dimension], sentence: Sentence
) -> tuple[Dimension, ...]:
    """`by waiter instead` takes the place of what there was; `also by waiter` comes beside it;
    another grain changes the time alone."""
    if not previous.measures:
        return tuple(groups)
    if any(fold(item.text) in ("also", "too", "additionally") for item in sentence.all):
        return (*previous.dimensions, *(d for d in groups if d not in previous.dimensions))
    new = {d.column: d for d in groups}
    same = [d for d in previous.dimensions if d.column in new]
    if same and all(d.column in {s.column for s in same} for d in groups):
        return tuple(new.get(d.column, d) for d in previous.dimensions)
    return tuple(groups)


def _narrowed(
    before: tuple[tuple[Filter, ...], ...], more: list[tuple[Filter, ...]]
) -> tuple[tuple[Filter, ...], ...]:
    """A condition on the same column takes the place of the one before: "and February?"."""
    denies = {"ne", "not_in", "not_contains"}
    fresh = {
        (condition.column, condition.grain)
        for group in more
        for condition in group
        if condition.operator not in denies
    }
    kept = [
        group
        for group in before
        if not any((condition.column, condition.grain) in fresh for condition in group)
    ]
    return (*kept, *(group for group in more if group not in kept))


def _order(
    previous: QuerySpec, dimensions: tuple[Dimension, ...], measures: int, sentence: Sentence
) -> tuple[Order, ...] | None:
    orders = []
    for wish in sentence.wanted.orders:
        place = next((i for i, d in enumerate(dimensions) if d.column == wish.column), None)
        if place is None and wish.column is not None:
            figures = [m.column for m in previous.measures]
            place = len(dimensions) + figures.index(wish.column) if wish.column in figures else None
        if place is None and wish.column is not None and not previous.measures:
            orders.append(Order(column=wish.column, descending=wish.descending))
            continue
        if place is None:
            place = 0 if wish.axis == "x" or not measures else len(dimensions)
        orders.append(Order(output=place, descending=wish.descending))
    return tuple(orders) or None


def _kept(previous: QuerySpec, dimensions: tuple[Dimension, ...]) -> tuple[Order, ...]:
    """An order by the first measure stays one, wherever that now stands."""
    by_measure = len(previous.dimensions)
    return tuple(
        msgspec.structs.replace(order, output=len(dimensions))
        for order in previous.order
        if order.output == by_measure
    )

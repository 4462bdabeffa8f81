"""Specs that list rows instead of measuring groups."""

from contexts.analytics.domain.query_spec import (
    Dimension,
    Measure,
    Order,
    QuerySpec,
)
from contexts.analytics.infrastructure.offline_planner.grouped import grouped
from contexts.analytics.infrastructure.offline_planner.sentence import Rank, Sentence

_COLUMNS = 12
"""How many columns "all rows" shows."""


def ranked_rows(
    sentence: Sentence, rank: Rank, groups: list[Dimension], listed: list[Dimension]
) -> QuerySpec:
    """`the oldest player`, `the product with the highest price`."""
    assert rank.column is not None
    shown = [d for d in (*groups, *listed) if d.column != rank.column]
    if not shown:
        shown = [Dimension(column=name) for name in sentence.lexicon.labels]
    if groups and any(not sentence.lexicon.unique(d.column) for d in groups):
        return _first_of_each(sentence, rank, groups, listed)
    repeated = shown and not any(sentence.lexicon.unique(d.column) for d in shown)
    if repeated and sentence.numeric(rank.column):
        figure = Measure(aggregate="max" if rank.descending else "min", column=rank.column)
        rank.measure, rank.column = figure, None
        return grouped(sentence, tuple(shown), [figure])
    dimensions = (*shown, Dimension(column=rank.column))
    order = Order(output=len(dimensions) - 1, descending=rank.descending)
    return QuerySpec(
        dimensions=dimensions,
        where=tuple(sentence.wanted.where),
        period=sentence.wanted.period,
        order=(order,),
        limit=rank.count,
        chart=sentence.wanted.chart,
    )


def _first_of_each(
    sentence: Sentence, rank: Rank, groups: list[Dimension], listed: list[Dimension]
) -> QuerySpec:
    """`the heaviest dog of each breed`."""
    assert rank.column is not None
    others = listed or [Dimension(column=name) for name in sentence.lexicon.labels]
    shown = [d for d in (*groups, *others) if d.column != rank.column]
    dimensions = (*shown, Dimension(column=rank.column))
    top = Order(output=len(dimensions) - 1, descending=rank.descending)
    return QuerySpec(
        dimensions=dimensions,
        where=tuple(sentence.wanted.where),
        period=sentence.wanted.period,
        order=(Order(output=0), top),
        limit=rank.count,
        limit_per=0,
        chart=sentence.wanted.chart,
    )


def rows(sentence: Sentence, listed: tuple[Dimension, ...]) -> QuerySpec | None:
    wanted = sentence.wanted
    if not listed:
        if not (wanted.whole_rows or wanted.where or wanted.period or wanted.rank):
            return None
        names = [column.name for column in sentence.lexicon.relation.columns[:_COLUMNS]]
        if any(item.is_("which") for item in sentence.items):
            names = sentence.lexicon.labels or names
        listed = tuple(Dimension(column=name) for name in names)
    if wanted.chart is not None and len(listed) == 2:
        first, second = listed
        # What is counted or measured stands on the second axis.
        if sentence.numeric(first.column) and not sentence.numeric(second.column):
            listed = (second, first)
    orders: list[Order] = []
    for wish in wanted.orders:
        place = next((i for i, d in enumerate(listed) if d.column == wish.column), None)
        if wish.column is not None and place is None:
            orders.append(Order(column=wish.column, descending=wish.descending))
        elif wish.measure is None:
            at = place if place is not None else min(len(listed) - 1, int(wish.axis == "y"))
            orders.append(Order(output=at, descending=wish.descending))
    rank = wanted.rank
    if rank is not None and rank.column is not None:
        orders = [Order(column=rank.column, descending=rank.descending)]
    return QuerySpec(
        dimensions=listed,
        where=tuple(wanted.where),
        period=wanted.period,
        order=tuple(orders),
        limit=rank.count if rank is not None else None,
        distinct=wanted.distinct or _only_kinds(sentence, listed),
        chart=wanted.chart,
    )


def _only_kinds(sentence: Sentence, listed: tuple[Dimension, ...]) -> bool:
    """One column that repeats: which there are, not how often."""
    one = len(listed) == 1 and sentence.wanted.chart is None
    return one and not sentence.lexicon.unique(listed[0].column)

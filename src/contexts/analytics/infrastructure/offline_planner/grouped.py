"""Specs that measure groups: their order, how many of them, and how the figures are shown."""

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Measure, Order, QuerySpec
from contexts.analytics.infrastructure.offline_planner.sentence import OrderWish, Sentence

TRUNCATING = ("year", "quarter", "month", "week", "day", "hour")


def grouped(
    sentence: Sentence, groups: tuple[Dimension, ...], measures: list[Measure]
) -> QuerySpec:
    wanted = sentence.wanted
    rates = any(measure.shown_as == "rate" for measure in measures)
    if wanted.percent and groups and not rates:
        measures = [msgspec.structs.replace(m, shown_as="share") for m in measures]
    if wanted.running and groups and not rates:
        measures = [msgspec.structs.replace(m, shown_as="running_total") for m in measures]
    if wanted.comparison is not None:
        groups = _in_time(sentence, groups)
    orders = [_order(wish, groups, measures) for wish in wanted.orders]
    spec = QuerySpec(
        measures=tuple(measures),
        dimensions=groups,
        where=tuple(wanted.where),
        period=wanted.period,
        having=tuple(wanted.having),
        order=tuple(order for order in orders if order is not None),
        comparison=wanted.comparison,
        chart=wanted.chart,
    )
    return _ranked(sentence, spec) if wanted.rank is not None and groups else spec


def _in_time(sentence: Sentence, groups: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    """What is compared with the time before needs one: by month, where the question tells none."""
    period, time = sentence.wanted.period, sentence.lexicon.time
    told = period is not None and period.start is not None and period.end is not None
    if time is None or told or any(d.grain in TRUNCATING for d in groups):
        return groups
    yearly = sentence.wanted.comparison == "previous_year"
    grain = "year" if yearly and not groups else "month"
    sentence.wanted.assumptions.append(f"each {grain} is compared with the one before")
    return (Dimension(column=time, grain="year" if grain == "year" else "month"), *groups)


def _ranked(sentence: Sentence, spec: QuerySpec) -> QuerySpec:
    """The first groups only; of two groups, one of which was asked "per", the first of each."""
    wanted, rank = sentence.wanted, sentence.wanted.rank
    assert rank is not None
    if rank.column is not None:
        figure = Measure(aggregate="max" if rank.descending else "min", column=rank.column)
        top = Order(measure=figure, descending=rank.descending)
    else:
        place = len(spec.dimensions)
        if rank.measure is not None:
            place += _place(spec.measures, rank.measure)
        top = Order(output=place, descending=rank.descending)
    of_each = len(spec.dimensions) > 1 and len(wanted.groups) == 1 and bool(wanted.listed)
    return msgspec.structs.replace(
        spec,
        order=(Order(output=0), top) if of_each else (top,),
        limit=rank.count,
        limit_per=0 if of_each else None,
    )


def _place(measures: tuple[Measure, ...], wanted: Measure) -> int:
    """Which of the measures it is, however it is shown."""
    key = (wanted.aggregate, wanted.column, wanted.times)
    keys = [(m.aggregate, m.column, m.times) for m in measures]
    return keys.index(key) if key in keys else 0


def _order(wish: OrderWish, groups: tuple[Dimension, ...], measures: list[Measure]) -> Order | None:
    """By what is shown, where it is shown; else by a figure that is not."""
    if wish.measure is not None:
        for place, measure in enumerate(measures, start=len(groups)):
            if (measure.aggregate, measure.column) == (wish.measure.aggregate, wish.measure.column):
                return Order(output=place, descending=wish.descending)
        return Order(measure=wish.measure, descending=wish.descending)
    if wish.column is not None:
        shown = [*(d.column for d in groups), *(m.column for m in measures)]
        if wish.column in shown:
            return Order(output=shown.index(wish.column), descending=wish.descending)
        hidden = Measure(aggregate="max" if wish.descending else "min", column=wish.column)
        return Order(measure=hidden, descending=wish.descending) if groups else None
    if not groups:
        return None
    return Order(output=0 if wish.axis == "x" else len(groups), descending=wish.descending)

"""Follow-ups: a fragment such as "only November" or "by seller instead" changes the last spec."""

import re
from datetime import datetime

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Measure, Order, QuerySpec
from contexts.analytics.infrastructure.offline_planner.comparing import (
    compared,
    is_days,
    is_side_by_side,
    period_before,
    without_days,
)
from contexts.analytics.infrastructure.offline_planner.counting import usual
from contexts.analytics.infrastructure.offline_planner.doubts import uncompared
from contexts.analytics.infrastructure.offline_planner.english import words
from contexts.analytics.infrastructure.offline_planner.filters import narrowed
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import Parsed, parse
from contexts.analytics.infrastructure.offline_planner.parts import reparted
from contexts.analytics.infrastructure.offline_planner.periods import say_what_there_is
from contexts.analytics.infrastructure.offline_planner.readings import Item, Named
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

_ON_ITS_OWN = words("top bottom show rank first last what how make sort order group split")
"""Those of them that whole questions begin with as well."""


_BEFORE_NAMES = words("in on for at from of with by")

_GREATEST = words("best highest most greatest biggest busiest top")
_BEST = re.compile(
    r"(?:(?:and|ok|so|but)\s+)*"
    r"(?:(?:which|who|what)\s+(?:(?P<of>(?!(?:one|is|are|was|were|did|had|has|the)\b)\w+)\s+)?)?"
    r"(?:one\s+)?(?:(?:is|are|was|were|did|had|has)\s+)?(?:the\s+)?"
    r"(?P<word>best|worst|highest|lowest|most|least|greatest|biggest|smallest|busiest|quietest)"
    r"(?:\s+one)?\W*",
    re.IGNORECASE,
)


def follow(lexicon: Lexicon, question: str, previous: QuerySpec, now: datetime) -> Parsed | None:
    """The spec before, changed by a fragment; None when the question stands on its own."""
    if (moved := period_before(question, previous)) is not None:
        sentence = Sentence(lexicon, [])
        assert moved.period is not None
        say_what_there_is(sentence, moved.period)
        return Parsed(sentence, moved, ())
    items = lexicon.items(question, now)
    parsed = parse(lexicon, items, whole=False)
    best = _BEST.fullmatch(question.strip())
    if best is not None and previous.dimensions and _is_of(previous, items, best["of"]):
        return _best_of(previous, parsed, descending=best["word"].lower() in _GREATEST)
    if parsed.unplaced or not _is_fragment(question, items, parsed.sentence):
        return None
    wanted = parsed.sentence.wanted
    ranked = wanted.rank is not None and (wanted.rank.measure is not None or wanted.groups)
    if not previous.measures and (wanted.measures or ranked):
        return None  # A figure of rows that were listed is a question of its own.
    spec = _patched(previous, parsed.sentence)
    if wanted.rank is not None and spec.measures and not spec.dimensions:
        if _is_bare(wanted):
            wanted.cannot = (
                "the answer before is one figure, of which there is no first or last: ask for a "
                "list, or split it by something"
            )
            return Parsed(parsed.sentence, None, ())
        return None  # There is nothing to be ranked.
    if spec == previous:
        return None
    wanted.cannot = wanted.cannot or next(uncompared(spec), None)
    return Parsed(parsed.sentence, spec, ())


def _is_bare(wanted: Wanted) -> bool:
    """ "Just the first 5": which of them, and of what, is not said."""
    rank = wanted.rank
    by = rank is not None and (rank.measure is not None or rank.column is not None)
    return not (by or wanted.groups or wanted.listed or wanted.where or wanted.period)


def _is_of(previous: QuerySpec, items: list[Item], named: str | None) -> bool:
    """Whether what is ranked is what the answer before was split by: the month of "which month was
    best?"; "which one" is."""
    if named is None:
        return True
    for item in items:
        if item.text.lower() != named.lower():
            continue
        column, sign = item.as_(Named), item.sign("grain")
        for dimension in previous.dimensions:
            if sign is not None and sign.value == dimension.grain:
                return True
            if column is not None and column.choices[0].column == dimension.column:
                return True
    return False


def _best_of(previous: QuerySpec, parsed: Parsed, *, descending: bool) -> Parsed | None:
    """ "And the worst?" is of what was measured before."""
    if not previous.measures:
        return None
    parsed.sentence.wanted.assumptions.clear()  # They would be of a question of its own.
    order = (Order(output=len(previous.dimensions), descending=descending),)
    spec = msgspec.structs.replace(previous, order=order, limit=1, limit_per=None)
    return Parsed(parsed.sentence, spec, ())


def _is_fragment(question: str, items: list[Item], sentence: Sentence) -> bool:
    """Whether it asks for no figure or list of its own."""
    wanted = sentence.wanted
    words = [token.folded for token in tokens_of(question) if token.kind == "word"]
    if len(words) > 12:
        return False
    if not words:
        return wanted.period is not None  # "2024" alone.
    if wanted.rank is not None and wanted.rank.column is not None:
        return False  # "The cheapest" has a figure of its own that is not among those before.
    figure = wanted.measures or (wanted.rank is not None and wanted.rank.measure is not None)
    begins = words[0] in _BEGINS
    changes = (
        wanted.where or wanted.period or wanted.groups or wanted.orders or wanted.chart
        or wanted.rank or wanted.having or wanted.listed or wanted.percent or wanted.running
        or wanted.comparison
    )  # fmt: skip
    compared = wanted.split is not None and any(_adds(sentence, d) for d in wanted.listed)
    if (figure or compared) and not begins:
        return False  # "Revenue web vs app" says all that there is to say.
    if (wanted.percent or wanted.share) and (wanted.where or wanted.listed):
        return False  # "What percentage was refunded" tells its part and its whole.
    asks = any(item.sign("which") for item in items) and words[0] in ("which", "who", "whose")
    counts = any(item.sign("aggregate") for item in items) and not begins
    if asks or counts or not changes or _is_whole(words, sentence):
        return False
    return begins or not _lists(wanted, items)


def _is_whole(words: list[str], sentence: Sentence) -> bool:
    """ "Top 3 products by quantity" and "how many orders came by phone" say all that there is to
    say, whatever was asked before; "top 3 by quantity" and "what about products" do not."""
    if words[0] not in _ON_ITS_OWN or words[:2] in (["what", "about"], ["how", "about"]):
        return False
    wanted = sentence.wanted
    figure = wanted.measures or (wanted.rank is not None and wanted.rank.measure is not None)
    figure = figure or any(_adds(sentence, named) for named in wanted.listed)
    if words[:2] in (["how", "many"], ["how", "much"]):
        kept = any(each.grain is None for group in wanted.where for each in group)
        named = kept and words[2] not in _BEFORE_NAMES
        return named or any(measure.column is not None for measure in wanted.measures)
    if words[0] == "what" and any(measure.column is not None for measure in wanted.measures):
        return True
    things = [named for named in wanted.listed if not _adds(sentence, named)]
    return bool(figure and (wanted.groups or things))


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
    measures, where, period = reparted(_measured(previous, wanted), wanted.where, wanted.period)
    time = wanted.period.column if wanted.period is not None else sentence.lexicon.time
    days = any(len(group) > 1 and is_days(group) and group[0].column == time for group in where)
    kept = previous.where
    if time is not None and (wanted.period is not None or days):
        kept = without_days(kept, time)
    spec = msgspec.structs.replace(
        previous,
        measures=measures,
        dimensions=_regrouped(previous, groups, sentence) if groups else previous.dimensions,
        where=narrowed(kept, where),
        period=period or (None if days else previous.period),
        having=(*previous.having, *wanted.having),
        chart=wanted.chart or previous.chart,
        comparison=wanted.comparison or previous.comparison,
    )
    return _ordered(previous, compared(previous, spec, sentence), sentence, groups)


def _measured(previous: QuerySpec, wanted: Wanted) -> tuple[Measure, ...]:
    ranked = (wanted.rank.measure,) if wanted.rank and wanted.rank.measure else ()
    measures = tuple(wanted.measures) or ranked or previous.measures
    shown = "share" if wanted.percent else "running_total" if wanted.running else None
    if shown is None:
        return measures
    return tuple(
        measure if measure.shown_as == "rate" else msgspec.structs.replace(measure, shown_as=shown)
        for measure in measures
    )


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
    told = {fold(item.text) for item in sentence.all}
    if is_side_by_side(previous) and not told & {"instead", "rather"}:
        others = [d for d in groups if d.column != previous.dimensions[0].column]
        if others == groups:
            return (*groups, *previous.dimensions)  # What is compared goes on being compared.
    new = {d.column: d for d in groups}
    same = [d for d in previous.dimensions if d.column in new]
    if same and all(d.column in {s.column for s in same} for d in groups):
        return tuple(new.get(d.column, d) for d in previous.dimensions)
    return tuple(groups)


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
        if place is None and wish.column is not None:
            measure = Measure(aggregate=usual(sentence.column(wish.column)), column=wish.column)
            rising = any(item.sign("direction") is not None for item in sentence.all)
            orders.append(Order(measure=measure, descending=wish.descending or not rising))
            continue
        if place is None:
            place = 0 if wish.axis == "x" or not measures else len(dimensions)
        orders.append(Order(output=place, descending=wish.descending))
    return tuple(orders) or None


def _kept(previous: QuerySpec, dimensions: tuple[Dimension, ...]) -> tuple[Order, ...]:
    """An order by the first measure stays one, wherever that now stands; rows stay in their order,
    whatever is told of each."""
    if not previous.measures:
        told = [Order(column=each.column) for each in previous.dimensions]
        return tuple(
            order
            if order.output is None
            else msgspec.structs.replace(told[order.output], descending=order.descending)
            for order in previous.order
        )
    by_measure = len(previous.dimensions)
    return tuple(
        msgspec.structs.replace(order, output=len(dimensions))
        for order in previous.order
        if order.output == by_measure
    )

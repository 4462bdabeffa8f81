"""Second thoughts: what a spec must not say, whatever words it was made of.

Each of these is an answer that nobody asks for. It means that some word was taken for another one,
so that declining is better than showing it.
"""

from collections.abc import Iterator

from contexts.analytics.domain.query_spec import Dimension, Filter, QuerySpec
from contexts.analytics.infrastructure.offline_planner.counting import is_flag
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold


def doubt(sentence: Sentence, spec: QuerySpec) -> str | None:
    """Why a spec cannot be what was meant; None if nothing speaks against it."""
    return next(_doubts(sentence, spec), None)


def _doubts(sentence: Sentence, spec: QuerySpec) -> Iterator[str]:
    yield from _sells_nothing(sentence)
    yield from uncompared(spec)
    yield from _contradictions(sentence, spec)
    if _compares_nothing(sentence, spec):
        yield "it is not clear what is to be compared: name both, and a figure of them"
    rank = sentence.wanted.rank
    best = any(item.sign("extreme") is not None for item in sentence.all)
    if rank is not None and (spec.limit is None or (best and not spec.order)):
        yield "it is not clear which of them are to come first"
    if spec.measures:
        for dimension in spec.dimensions:
            yield from _doubts_of(sentence, spec, dimension)
        yield from _unsettled(sentence, spec)


def _doubts_of(sentence: Sentence, spec: QuerySpec, dimension: Dimension) -> Iterator[str]:
    title = sentence.column(dimension.column).title
    if _measured_by_itself(spec, dimension):
        yield f"it is not clear what {title} is to be split by"
    if _nobody_split_by(sentence, spec, dimension):
        yield f"it is not clear whether the answer is to be split by {title}"
    if _fixed(sentence, spec, dimension):
        yield f"{title} cannot be narrowed and split by at once"


def _unsettled(sentence: Sentence, spec: QuerySpec) -> Iterator[str]:
    split = sentence.wanted.split
    if split is not None and sentence.compares and split not in spec.dimensions:
        yield f"it is not clear which figures of {sentence.column(split.column).title} to compare"
    if _two_grains(spec):
        yield "it is not clear by which time the answer is to be split"
    if not spec.dimensions and _asked_to_split(sentence):
        yield "it is not clear what the answer is to be split by"
    if len(spec.measures) > 1 and any(m.per for m in spec.measures) and not _joins(sentence):
        yield "it is not clear which of two figures is asked for"
    if _neither_counts_nor_lists(sentence, spec):
        yield "it is not clear whether different ones are to be counted or listed"


def uncompared(spec: QuerySpec) -> Iterator[str]:
    """What cannot stand beside the same of the period before."""
    if spec.comparison is None:
        return
    period = spec.period
    ends = period is not None and period.start is not None and period.end is not None
    if not ends and not any(d.grain in TRUNCATING for d in spec.dimensions):
        yield "it is not clear which times to compare: ask for it by month, or of a month"
    if any(m.shown_as != "value" for m in spec.measures):
        yield (
            "a percentage or a running total is not put beside that of the period before: ask for "
            "it by month"
        )


def _compares_nothing(sentence: Sentence, spec: QuerySpec) -> bool:
    """ "Vs the Weir", with nothing on the other side: its rows are no comparison."""
    wanted = sentence.wanted
    named = wanted.groups or wanted.listed or wanted.split or wanted.apart or wanted.comparison
    return sentence.compares and not spec.measures and not named


def _sells_nothing(sentence: Sentence) -> Iterator[str]:
    relation = sentence.lexicon.relation
    if not relation.sells and any(item.sign("sell") is not None for item in sentence.all):
        yield f"{relation.dataset} tells what is on offer, and not what was sold"


def _contradictions(sentence: Sentence, spec: QuerySpec) -> Iterator[str]:
    """A column that is to have two values at once has none."""
    known: dict[tuple[str, str | None], Filter] = {}
    for group in spec.where:
        if len(group) != 1 or group[0].operator not in ("eq", "in"):
            continue
        condition = group[0]
        before = known.setdefault((condition.column, condition.grain), condition)
        if not {*before.values} & {*condition.values}:
            title = sentence.column(condition.column).title
            yield f"{title} cannot be {before.values[0]} and {condition.values[0]} at once"
    conditions = len(spec.where) + (spec.period is not None)
    if conditions > 1 and any(item.is_("or", "or") and not item.used for item in sentence.items):
        yield "it is not clear which conditions the 'or' joins"
    period = spec.period
    if period is not None and period.start and period.end and period.start >= period.end:
        yield f"no time is {period.said}"


def _measured_by_itself(spec: QuerySpec, dimension: Dimension) -> bool:
    """The average price by price is the price."""
    own = [m for m in spec.measures if m.column == dimension.column and m.aggregate != "count"]
    return bool(own) and (dimension.grain is None or own[0].aggregate == "count_distinct")


def _nobody_split_by(sentence: Sentence, spec: QuerySpec, dimension: Dimension) -> bool:
    """Figures by a number or by a document that was only named: it said whose figure it is."""
    if dimension in sentence.wanted.groups or dimension.grain is not None or dimension.width:
        return False
    if sentence.wanted.chart is not None or spec.having:
        return False
    column = sentence.column(dimension.column)
    figures = any(m.aggregate not in ("count", "count_distinct") for m in spec.measures)
    number = column.role == "measure" and column.type in ("integer", "decimal")
    if spec.limit is not None:
        return figures and (number or column.type == "timestamp")
    document = column.role == "identifier" and not sentence.lexicon.unique(column.name)
    day = column.role == "time" and not sentence.wanted.groups
    return figures and (number or day or (document and column.distinct > _MANY))


_MANY = 30
"""So many groups nobody reads who did not ask for them."""


def _fixed(sentence: Sentence, spec: QuerySpec, dimension: Dimension) -> bool:
    """What is narrowed to one half of yes and no has one group only."""
    if not is_flag(sentence.column(dimension.column)):
        return False
    return any(
        condition.column == dimension.column and condition.operator == "eq"
        for group in spec.where
        for condition in group
    )


def _two_grains(spec: QuerySpec) -> bool:
    """By month and by day at once: the days are in their months anyway."""
    times = [d for d in spec.dimensions if d.grain in TRUNCATING]
    return len({d.column for d in times}) < len(times)


def _asked_to_split(sentence: Sentence) -> bool:
    """The "each" of "each drink", where drinks have been taken for a value."""
    free = [item for item in sentence.items if not item.used]
    return any(item.is_("each") or fold(item.text) in _SPLITS for item in free)


_SPLITS = frozenset(("per", "for each", "of each", "in each", "by each", "for every", "from each"))


def _joins(sentence: Sentence) -> bool:
    return any(item.sign("and", "break", "versus") is not None for item in sentence.all)


def _neither_counts_nor_lists(sentence: Sentence, spec: QuerySpec) -> bool:
    """`distinct shows per channel` could be their names or their number."""
    wanted = sentence.wanted
    told = wanted.measures or any(item.sign("aggregate") is not None for item in sentence.all)
    return wanted.distinct and bool(wanted.groups and wanted.listed) and not told

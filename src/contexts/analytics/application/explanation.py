"""Tells in words what a spec asks for, all of it, so that a misunderstanding is seen."""

from collections.abc import Sequence

from contexts.analytics.application import conditions, wording
from contexts.analytics.application.conditions import Kind
from contexts.analytics.domain.query_spec import Dimension, Having, Measure, Order, QuerySpec
from contexts.analytics.domain.relation import Relation

_COMPARED = {
    "previous_period": "beside what it was in the period before",
    "previous_year": "beside what it was a year before",
}
_CHARTS = {
    "line": "drawn as a line",
    "bar": "drawn as bars",
    "pie": "drawn as a pie",
    "table": "shown as a table",
    "none": "without a chart",
}
_FIGURES = {
    "previous": "what came before of",
    "change": "the change of",
    "change_share": "the relative change of",
}


def explain(spec: QuerySpec, relation: Relation, assumptions: Sequence[str] = ()) -> str:
    """One sentence from the spec alone, and one more for what was assumed.

    Columns go by their titles, underscores read as spaces; one that there is not, by its name.
    """
    parts = [_what(spec, relation)]
    if where := conditions.rows(spec.where, spec.period, relation):
        parts.append(f"only rows where {where}")
    parts += [_having(each, relation) for each in spec.having]
    if spec.comparison is not None:
        parts.append(_COMPARED[spec.comparison])
    parts += [_order(each, spec, relation) for each in spec.order]
    if spec.limit is not None:
        parts.append(_limit(spec, relation))
    if spec.chart is not None:
        parts.append(_CHARTS[spec.chart])
    told = wording.sentence("; ".join(parts))
    assumed = "; ".join(each.strip().rstrip(".") for each in assumptions if each.strip())
    return f"{told} {wording.sentence(f'Assumed: {assumed}')}" if assumed else told


def _what(spec: QuerySpec, relation: Relation) -> str:
    groups = [_dimension(each, relation) for each in spec.dimensions]
    if spec.measures:
        numbers = wording.listed([measure_words(each, relation) for each in spec.measures])
        return f"{numbers} by {wording.listed(groups)}" if groups else numbers
    listed = wording.listed(groups) or "all columns"
    return f"{listed} of each {relation.row_noun or 'row'}{', each once' if spec.distinct else ''}"


def measure_words(measure: Measure, relation: Relation) -> str:
    """ "total of quantity times price per ticket, as a share of all"."""
    told = _aggregate(measure, relation)
    if measure.per is not None:
        told = f"{told} per {conditions.column(measure.per, relation)}"
    if measure.where:
        only = " and ".join(conditions.condition(each, relation) for each in measure.where)
        if measure.shown_as == "rate":
            return f"part of the {told} where {only}"
        told = f"{told} (of rows where {only})"
    match measure.shown_as:
        case "share":
            return f"{told}, as a share of all"
        case "rate":
            return f"part of the {told}"
        case "running_total":
            return f"{told}, added up so far"
        case "value":
            return told


def _aggregate(measure: Measure, relation: Relation) -> str:
    if measure.column is None:
        return f"number of {wording.plural(relation.row_noun or 'row')}"
    what = conditions.column(measure.column, relation)
    timely = conditions.kind(measure.column, relation) == "time"
    if measure.times is not None:
        what = f"{what} times {conditions.column(measure.times, relation)}"
    match measure.aggregate:
        case "count":
            return f"number of {wording.plural(relation.row_noun or 'row')} that have {what}"
        case "count_distinct":
            return f"number of different values of {what}"
        case "sum":
            return what if what.lower().split(" ")[0] == "total" else f"total of {what}"
        case "min" | "max" if timely:
            return f"{'earliest' if measure.aggregate == 'min' else 'latest'} {what}"
        case _:
            return f"{conditions.AGGREGATES[measure.aggregate]} {what}"


def _dimension(dimension: Dimension, relation: Relation) -> str:
    title = conditions.column(dimension.column, relation)
    if dimension.grain is not None:
        title = f"{conditions.time_part(dimension.grain)} of {title}"
    if dimension.width is not None:
        title = f"{title} in ranges of {wording.number(dimension.width)}"
    return title


def _having(having: Having, relation: Relation) -> str:
    bound = conditions.bound(having.operator, having.values)
    return f"only groups whose {measure_words(having.measure, relation)} {bound}"


def _order(order: Order, spec: QuerySpec, relation: Relation) -> str:
    place = order.output or 0
    groups = len(spec.dimensions)
    column = order.column
    if order.measure is not None:
        told = measure_words(order.measure, relation)
    elif column is not None:
        told = conditions.column(column, relation)
    elif 0 <= place < groups:
        column = spec.dimensions[place].column
        told = _dimension(spec.dimensions[place], relation)
    elif 0 <= place - groups < len(spec.measures):
        told = measure_words(spec.measures[place - groups], relation)
        if len(spec.measures) == 1 and order.shown_as == "value":
            told = ""
    else:
        told = f"column {place + 1}"
    if figure := _FIGURES.get(order.shown_as):
        return f"{_ends('number')[order.descending]} {figure} {told} first"
    kind = conditions.kind(column, relation) if column is not None else "number"
    if kind == "text":
        return f"by {told} from {'Z to A' if order.descending else 'A to Z'}"
    return f"the {_ends(kind)[order.descending]} {told}{' ' if told else ''}first"


def _ends(kind: Kind) -> tuple[str, str]:
    """What the first and the last in its order are called."""
    return ("earliest", "latest") if kind == "time" else ("lowest", "highest")


def _limit(spec: QuerySpec, relation: Relation) -> str:
    first = "only the first" if spec.limit == 1 else f"only the first {spec.limit}"
    if spec.limit_per is None:
        return first
    within = (
        _dimension(spec.dimensions[spec.limit_per], relation)
        if 0 <= spec.limit_per < len(spec.dimensions)
        else f"column {spec.limit_per + 1}"
    )
    return f"{first} of each {within}"

"""One number for each group: aggregates, restricted, divided, as a share, added up."""

from sqlglot import exp

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import Measure
from contexts.analytics.domain.relation import Column, ColumnType, Relation
from contexts.analytics.infrastructure.sql.filters import condition, median
from contexts.analytics.infrastructure.sql.values import NUMBERS, column_of, reference

ADDED_UP = ("count", "count_distinct", "sum")


def check_measure(given: Measure, relation: Relation) -> None:
    """Raise SpecInvalid when its aggregate can't be had of its column, or not shown like that."""
    if given.column is None:
        if given.aggregate != "count":
            raise SpecInvalid(f"{given.aggregate} needs a column; only count does without")
    else:
        _check_column(given, column_of(relation, given.column), relation)
    if given.times is not None:
        if given.column is None or given.aggregate in ("count", "count_distinct"):
            raise SpecInvalid(f"{given.aggregate} multiplies nothing: leave out times, or use sum")
        _number(column_of(relation, given.times), "times", relation)
    if given.per is not None:
        column_of(relation, given.per)
        if given.aggregate not in ADDED_UP:
            raise SpecInvalid(f"{given.aggregate} can't be divided per {given.per!r}; use sum")
    if given.shown_as == "rate" and not given.where:
        raise SpecInvalid("a rate is what the measure's own where leaves; it has none")
    if given.shown_as != "value" and (given.aggregate not in ADDED_UP or given.per):
        raise SpecInvalid(
            f"a {given.shown_as} adds up counts or sums, which {given.aggregate}"
            f"{' per ' + given.per if given.per else ''} is not"
        )


def type_of(given: Measure, relation: Relation) -> ColumnType:
    if given.per or given.shown_as in ("share", "rate"):
        return "decimal"
    if given.aggregate in ("count", "count_distinct"):
        return "integer"
    if given.aggregate in ("avg", "median"):
        return "decimal"
    columns = [column_of(relation, each) for each in (given.column, given.times) if each]
    if len(columns) == 2:
        both = all(each.type == "integer" for each in columns)
        return "integer" if both else "decimal"
    return columns[0].type


def unit_of(given: Measure, relation: Relation) -> str | None:
    if given.aggregate in ("count", "count_distinct") or given.shown_as in ("share", "rate"):
        return None
    columns = [column_of(relation, each) for each in (given.column, given.times) if each]
    units = [each.unit for each in columns if each.unit is not None]
    return units[0] if len(units) == 1 else None


def is_additive(given: Measure) -> bool:
    """Whether what all groups have adds up to what the whole has."""
    parts = given.shown_as in ("value", "share")
    return given.aggregate in ("count", "sum") and not given.per and parts


def aggregate(given: Measure, relation: Relation, *, also: exp.Expr | None = None) -> exp.Expr:
    """Its value, whatever it is shown as. `also` restricts it beside its own filters.

    Nothing adds up to no value, unless `also` restricts it: what is not there then was not sold.
    """
    filters = [condition(each, relation) for each in given.where]
    filters += [] if also is None else [also.copy()]
    value = _only(_whole(given, relation), filters)
    if also is not None and given.aggregate == "sum":
        value = exp.Coalesce(this=value, expressions=[exp.Literal.number(0)])
    if given.per is None:
        return value
    each = reference(column_of(relation, given.per))
    divisor = _only(exp.Count(this=exp.Distinct(expressions=[each])), filters)
    return ratio(value, divisor)


def share(given: Measure, relation: Relation, *, grouped: bool) -> exp.Expr:
    """Of all groups; without groups, its filtered rows' part of all rows."""
    value = aggregate(given, relation)
    if grouped:
        return ratio(value, exp.Window(this=exp.Sum(this=value.copy())))
    return ratio(value, _whole(given, relation))


def rate(given: Measure, relation: Relation) -> exp.Expr:
    """Of each group, what the measure's own filters leave of it; where none is left, nothing."""
    value = aggregate(given, relation)
    if given.aggregate == "sum":
        value = exp.Coalesce(this=value, expressions=[exp.Literal.number(0)])
    return ratio(value, _whole(given, relation))


def running_total(
    given: Measure, relation: Relation, along: exp.Expr, within: list[exp.Expr]
) -> exp.Expr:
    value = exp.Sum(this=aggregate(given, relation))
    order = exp.Order(expressions=[exp.Ordered(this=along.copy(), nulls_first=False)])
    return exp.Window(this=value, partition_by=[each.copy() for each in within], order=order)


def ratio(value: exp.Expr, whole: exp.Expr) -> exp.Expr:
    """With a fraction; of nothing there is none."""
    exact = exp.cast(value, "decimal", dialect="postgres")
    return exp.Div(this=exact, expression=exp.Nullif(this=whole, expression=exp.Literal.number(0)))


def _whole(given: Measure, relation: Relation) -> exp.Expr:
    if given.column is None:
        return exp.Count(this=exp.Star())
    value: exp.Expr = reference(column_of(relation, given.column))
    if given.times is not None:
        value = exp.Mul(this=value, expression=reference(column_of(relation, given.times)))
    match given.aggregate:
        case "count":
            return exp.Count(this=value)
        case "count_distinct":
            return exp.Count(this=exp.Distinct(expressions=[value]))
        case "sum":
            return exp.Sum(this=value)
        case "avg":
            return exp.Avg(this=value)
        case "median":
            return median(value)
        case "min":
            return exp.Min(this=value)
        case "max":
            return exp.Max(this=value)


def _only(value: exp.Expr, filters: list[exp.Expr]) -> exp.Expr:
    if not filters:
        return value
    return exp.Filter(this=value, expression=exp.Where(this=exp.and_(*filters)))


def _check_column(given: Measure, column: Column, relation: Relation) -> None:
    if given.aggregate in ("sum", "avg", "median") or given.times is not None:
        _number(column, given.aggregate, relation)
    elif given.aggregate in ("min", "max") and column.type == "boolean":
        raise SpecInvalid(f"{column.name!r} is true or false and has no {given.aggregate}")


def _number(column: Column, what: str, relation: Relation) -> None:
    if column.type in NUMBERS:
        return
    others = [each.name for each in relation.columns if each.type in NUMBERS]
    instead = f"numbers are in {', '.join(others[:8])}" if others else "count its rows instead"
    raise SpecInvalid(f"{what} needs numbers, and {column.name!r} holds {column.type}; {instead}")

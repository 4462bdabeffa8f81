"""A query spec as one SELECT: built as a tree, printed so that people can read it."""

import msgspec
from sqlglot import exp

from contexts.analytics.application.ports import Compiled, SpecInvalid
from contexts.analytics.domain.query_spec import Having, QuerySpec
from contexts.analytics.domain.relation import Relation
from contexts.analytics.infrastructure.sql.comparison import (
    change,
    change_share,
    is_one_before,
    period_before,
    reaching_back,
    time_dimension,
)
from contexts.analytics.infrastructure.sql.fields import Field, Fields
from contexts.analytics.infrastructure.sql.filters import compared, rows_that, within
from contexts.analytics.infrastructure.sql.measures import aggregate, type_of
from contexts.analytics.infrastructure.sql.ordering import Key, ordering
from contexts.analytics.infrastructure.sql.statement import Statement
from contexts.analytics.infrastructure.sql.values import NUMBERS, column_of, literal, number


def compile_spec(spec: QuerySpec, relation: Relation) -> Compiled:
    """In PostgreSQL's dialect; the table is named without its schema. Raise SpecInvalid.

    Shares are of all rows that the filters and the period leave, whatever `having` and `limit`
    show of them. A share without dimensions is what the measure's own filters leave of the whole.
    """
    _check(spec)
    fields = Fields(spec, relation)
    order = ordering(spec, fields)
    having = [(each, _having_name(each, relation, fields)) for each in spec.having]
    if spec.comparison is None:
        statement = _plain(spec, relation, fields)
    elif time_dimension(spec) is None:
        statement = _beside_period_before(spec, relation, fields)
    else:
        statement = _beside_time_before(spec, relation, fields)
    for each, name in having:
        values = [number(value) for value in each.values]
        statement.keep(compared(statement.reach[name].copy(), each.operator, values))
    if spec.limit_per is not None:
        _rank(statement, spec.limit_per, spec.limit, fields, order)
    shown = [output.name for output in fields.outputs]
    limit = spec.limit if spec.limit_per is None else None
    query = statement.finished(shown, order, limit)
    return Compiled(query.sql(dialect="postgres", pretty=True), fields.outputs)


def _check(spec: QuerySpec) -> None:
    if not spec.measures and not spec.dimensions:
        raise SpecInvalid("nothing is asked for: name measures, dimensions or both")
    if spec.having and not spec.measures:
        raise SpecInvalid("a list of rows has no groups to choose from; use where")
    if spec.comparison is not None and not spec.measures:
        raise SpecInvalid("a list of rows is not compared with another period; add a measure")
    if spec.limit is not None and spec.limit < 1:
        raise SpecInvalid(f"a limit is at least 1, not {spec.limit}")
    if spec.limit_per is not None:
        if spec.limit is None:
            raise SpecInvalid("limit_per needs a limit: how many of each")
        if not 0 <= spec.limit_per < len(spec.dimensions):
            raise SpecInvalid(f"limit_per counts dimensions from 0; there is no {spec.limit_per}")
    for each in spec.having:
        _check_having(each)


def _having_name(given: Having, relation: Relation, fields: Fields) -> str:
    name = fields.of(given.measure).name
    if (kind := type_of(given.measure, relation)) not in NUMBERS:
        raise SpecInvalid(f"having compares numbers, and {name} is {kind}; use where")
    return name


def _check_having(given: Having) -> None:
    wanted = 2 if given.operator == "between" else 1
    if len(given.values) != wanted:
        raise SpecInvalid(f"{given.operator} takes {wanted} values in having")
    if any(value != value or abs(value) == float("inf") for value in given.values):
        raise SpecInvalid("having compares with numbers that are finite")


def _plain(spec: QuerySpec, relation: Relation, fields: Fields) -> Statement:
    rows = rows_that(spec.where, relation)
    rows += within(spec.period, relation) if spec.period is not None else []
    statement = Statement(relation.table, fields.all, rows, aggregated=bool(spec.measures))
    chosen = bool(spec.having) or spec.limit_per is not None
    if chosen and any(each.shown_as != "value" for each, _ in fields.measured):
        # What is a part of the whole is computed before groups are left out.
        statement.close("groups")
    return statement


def _beside_period_before(spec: QuerySpec, relation: Relation, fields: Fields) -> Statement:
    """Both periods in one pass; what is there in one of them only, stays."""
    before = period_before(spec, relation)
    assert spec.period is not None
    new = exp.and_(*within(spec.period, relation))
    old = exp.and_(*within(before, relation))
    computed: dict[str, exp.Expr] = {}
    for measure, field in fields.measured:
        computed[field.name] = aggregate(measure, relation, also=new)
        previous = fields.compared[field.name]["previous"].name
        computed[previous] = aggregate(measure, relation, also=old)
    known = [
        msgspec.structs.replace(each, value=computed.pop(each.name, each.value))
        for each in fields.all
    ]
    known += [Field(name=name, value=value) for name, value in computed.items()]
    rows = [*rows_that(spec.where, relation), exp.paren(exp.or_(new, old))]
    statement = Statement(relation.table, known, rows, aggregated=True)
    statement.close("both")
    _add_changes(statement, fields)
    return statement


def _beside_time_before(spec: QuerySpec, relation: Relation, fields: Fields) -> Statement:
    """Each group beside the same one of the time before; where that is missing, beside nothing."""
    number_of_time = time_dimension(spec)
    assert number_of_time is not None
    assert spec.comparison is not None
    longer = reaching_back(spec)
    period = longer or spec.period
    rows = rows_that(spec.where, relation)
    rows += within(period, relation) if period is not None else []
    statement = Statement(relation.table, fields.all, rows, aggregated=True)
    statement.close("groups")
    matches = []
    for place, (given, field) in enumerate(zip(spec.dimensions, fields.dimensions, strict=True)):
        new = exp.column(field.name, table="now", quoted=True)
        old = exp.column(field.name, table="before", quoted=True)
        assert field.output is not None
        if place == number_of_time:
            matches.append(is_one_before(new, old, given, field.output.type, spec.comparison))
        else:
            matches.append(exp.NullSafeEQ(this=old, expression=new))
    statement.beside_itself("now", "before", matches)
    for name, outputs in fields.compared.items():
        previous = exp.column(name, table="before", quoted=True)
        statement.reach[outputs["previous"].name] = previous
    _add_changes(statement, fields)
    if longer is not None:
        assert spec.period is not None
        assert spec.period.start is not None
        column = column_of(relation, spec.period.column)
        time = statement.reach[fields.dimensions[number_of_time].name].copy()
        statement.keep(exp.GTE(this=time, expression=literal(column, spec.period.start)))
    return statement


def _add_changes(statement: Statement, fields: Fields) -> None:
    for name, outputs in fields.compared.items():
        new, old = statement.reach[name], statement.reach[outputs["previous"].name]
        statement.reach[outputs["change"].name] = change(new, old)
        statement.reach[outputs["change_share"].name] = change_share(new, old)


def _rank(
    statement: Statement, limit_per: int, limit: int | None, fields: Fields, order: list[Key]
) -> None:
    """Keep the first `limit` of each value of that dimension."""
    group = statement.reach[fields.dimensions[limit_per].name].copy()
    keys = [
        exp.Ordered(
            this=statement.reach[key.name].copy(), desc=key.descending or None, nulls_first=False
        )
        for key in order
        if key.name != fields.sorted_by[limit_per].name
    ]
    sort = exp.Order(expressions=keys) if keys else None
    rank = fields.names.take("rank")
    statement.reach[rank] = exp.Window(this=exp.RowNumber(), partition_by=[group], order=sort)
    statement.close("ranked")
    bound = exp.Literal.number(limit)
    statement.keep(exp.LTE(this=statement.reach[rank].copy(), expression=bound))

"""A list from any place on, read from an index as fast as from its start.

A list is sorted by a column, unknown values last, and then by id: `(tenant, column, id)` is the
index for it, in both directions. PostgreSQL keeps unknown values at one end of an index and so can
read it forward as "ascending, unknown last", but not backward as "descending, unknown last". Where
that matters the list is read as the stretches it is made of, the known and the unknown, one after
the other: each is one range of the same index.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.selectable import FromClause

from shared.application.criteria import Field
from shared.application.cursors import Position
from shared.application.pages import Sort

VALUE, ID = "sort_value", "sort_id"
"""The two columns that each row has at its end: what a cursor is made of."""


class Split(NamedTuple):
    """A list in two, where an index that has it in order begins with much that is not asked for:
    sorted upward it is the `few` rows, which are found in another way and then sorted, and then the
    `rest`, which the index has in order."""

    few: ColumnElement[bool]
    rest: ColumnElement[bool]


def sort_key(field: Field, table: Table) -> ColumnElement[Any]:
    column: ColumnElement[Any] = table.c[field.column]
    if field.sorted_by is None:
        return column
    # Not a parameter: the index is of this very expression.
    return func.left(column, literal_column(str(field.sorted_by)), type_=column.type)


def walk(
    columns: Sequence[ColumnElement[Any]],
    condition: ColumnElement[bool],
    sort: Sort,
    field: Field,
    table: Table,
    *,
    start: Position | None,
    split: Split | None = None,
) -> list[Select[Any]]:
    """The list from the start on, as stretches to be read one after the other; backwards the
    nearest rows come first. Each row ends in VALUE and ID.

    Only a list by a column that is always known may be split.
    """
    by, id = sort_key(field, table), table.c.id
    up = upward(sort, start)
    rows = select(*columns, by.label(VALUE), id.label(ID)).where(condition)
    stretches = _stretches(by, id, bool(table.c[field.column].nullable), up, start)
    if split is None:
        return [_sorted(rows.where(stretch), by, id, up) for stretch in stretches]
    # The fence (offset 0) keeps PostgreSQL from looking for the few in the order of the list.
    fenced = rows.where(split.few, *stretches).offset(literal_column("0")).subquery("few")
    few = _sorted(select(fenced), fenced.c[VALUE], fenced.c[ID], up)
    rest = _sorted(rows.where(split.rest, *stretches), by, id, up)
    return [few, rest] if up else [rest, few]


def upward(sort: Sort, start: Position | None) -> bool:
    return (sort.direction == "asc") != (start is not None and start.backwards)


def again_sorted(rows: FromClause, sort: Sort, start: Position | None) -> Select[Any]:
    """The rows of one stretch in its order: that of a subquery is not promised to last."""
    return _sorted(select(rows), rows.c[VALUE], rows.c[ID], upward(sort, start))


def _sorted(
    rows: Select[Any], by: ColumnElement[Any], id: ColumnElement[Any], up: bool
) -> Select[Any]:
    return rows.order_by(by, id) if up else rows.order_by(by.desc(), id.desc())


def _stretches(
    by: ColumnElement[Any],
    id: ColumnElement[Any],
    nullable: bool,
    up: bool,
    start: Position | None,
) -> list[ColumnElement[bool]]:
    """Conditions for the parts of the list that are still to come, in the order they come in."""
    known, unknown = by.is_not(None), by.is_(None)
    if start is None:
        return [known, unknown] if nullable and not up else [true()]
    here = bindparam("after_id", start.id, type_=id.type)
    if start.value is None:
        rest: list[ColumnElement[bool]] = [unknown & (id > here if up else id < here)]
        return [*rest, known] if start.backwards else rest
    row = tuple_(by, id)
    place = tuple_(bindparam("after_value", start.value, type_=by.type), here)
    rest = [row > place if up else row < place]
    return [*rest, unknown] if nullable and not start.backwards else rest

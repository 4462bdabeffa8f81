"""Answers lists from one table: the rows by page or by cursor, and how many there are."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, Table, case, func, literal_column, select

from shared.application.context import current_context
from shared.application.criteria import Fields
from shared.application.cursors import Cursors, Position
from shared.application.lists import ListQuery
from shared.application.pages import Sort, Stretch, Total
from shared.infrastructure.lists.keyset import Split, again_sorted, walk
from shared.infrastructure.postgres import Pool, compiled

T = TypeVar("T", bound=msgspec.Struct)
Part = Mapping[str, Any]
Row = tuple[Any, ...]

COUNTED = 10_000
"""An estimate below this is replaced by a count, which stops here if the estimate was wrong."""


class Listing(Generic[T]):
    """`kind` is what a row is shown as; each of its fields is a column of the table."""

    def __init__(
        self, pool: Pool, table: Table, fields: Fields, kind: type[T], cursors: Cursors
    ) -> None:
        self._pool = pool
        self._table = table
        self._fields = fields
        self._kind = kind
        self._names = kind.__struct_fields__
        self._cursors = cursors

    async def answer(
        self,
        query: ListQuery[T | Part],
        condition: ColumnElement[bool],
        split: Split | None = None,
    ) -> Stretch[T | Part]:
        """Raise InvalidCursor for a cursor that is not one of this list."""
        start = self._start(query)
        rows, total = await self._rows(query, condition, start, split)
        size = query.page.size
        more, rows = len(rows) > size, rows[:size]
        backwards = start is not None and start.backwards
        if backwards:
            rows.reverse()
        before = more if backwards else start is not None or query.page.page > 1
        behind = backwards or more
        if query.count != "none" and start is None and not more and (rows or not query.page.offset):
            total = Total(query.page.offset + len(rows), exact=True)
        elif query.count == "estimated":
            total = await self._estimate(condition)
        elif query.count == "exact" and total.rows is None:
            total = await self._count(condition)
        return Stretch.of(
            self._shown(rows, query.fields),
            page=query.page.page if start is None else None,
            size=size,
            total=total,
            next_cursor=self._cursor(query, rows[-1]) if rows and behind else None,
            previous_cursor=self._cursor(query, rows[0], True) if rows and before else None,
        )

    async def _rows(
        self,
        query: ListQuery[Any],
        condition: ColumnElement[bool],
        start: Position | None,
        split: Split | None,
    ) -> tuple[list[Row], Total]:
        """One row more than asked for, where there is one; then also the exact total, if that was
        asked for: both are of one moment, for they are one statement."""
        stretches = walk(
            [self._table.c[name] for name in query.fields or self._names],
            condition,
            query.sort,
            self._fields[query.sort.by],
            self._table,
            start=start,
            split=split,
        )
        rows: list[Row] = []
        limit, offset = query.page.size + 1, 0 if start is not None else query.page.offset
        for stretch in stretches:
            part = stretch.limit(limit).offset(offset) if offset else stretch.limit(limit)
            if query.count == "exact":
                part = self._with_total(part, limit, condition, query.sort, start)
            found = await self._fetch(part)
            rows += found
            if len(found) == limit:
                break
            if offset and not found and stretch is not stretches[-1]:
                ((passed,),) = await self._fetch(_count_of(stretch.order_by(None)))
                offset -= passed
            else:
                offset = 0
            limit -= len(found)
        else:
            return rows, Total()
        return rows, Total(rows[-1][-1], exact=True) if query.count == "exact" else Total()

    def _with_total(
        self,
        part: Select[Any],
        limit: int,
        condition: ColumnElement[bool],
        sort: Sort,
        start: Position | None,
    ) -> Select[Any]:
        """The total is counted only where these rows do not tell it themselves."""
        listed = part.cte("listed")
        filled = _count_of(select(listed)).scalar_subquery() == limit
        total = case((filled, _count_of(self._matching(condition)).scalar_subquery()))
        return again_sorted(listed, sort, start).add_columns(total)

    async def _count(self, condition: ColumnElement[bool], limit: int | None = None) -> Total:
        ((count,),) = await self._fetch(_count_of(self._matching(condition).limit(limit)))
        return Total(count, exact=True)

    async def _estimate(self, condition: ColumnElement[bool]) -> Total:
        """What the planner expects; few rows are counted instead."""
        sql, values = compiled(self._matching(condition))
        async with self._pool.connection() as connection:
            explained = await connection.execute(b"explain (format json) " + sql, values)
            ((plan,),) = await explained.fetchall()
        expected = int(plan[0]["Plan"]["Plan Rows"])
        if expected > COUNTED:
            return Total(expected, exact=False)
        counted = await self._count(condition, COUNTED + 1)
        return counted if (counted.rows or 0) <= COUNTED else Total(counted.rows, exact=False)

    def _matching(self, condition: ColumnElement[bool]) -> Select[tuple[Any]]:
        return select(literal_column("1")).select_from(self._table).where(condition)

    async def _fetch(self, statement: Any) -> list[Row]:
        async with self._pool.connection() as connection:
            # Planned for these very values: which index is best depends on them.
            cursor = await connection.execute(*compiled(statement), prepare=False)
            return await cursor.fetchall()

    def _shown(self, rows: Sequence[Row], fields: Sequence[str] | None) -> list[T | Part]:
        if fields is not None:
            return [dict(zip(fields, row, strict=False)) for row in rows]
        return [self._kind(**dict(zip(self._names, row, strict=False))) for row in rows]

    def _start(self, query: ListQuery[Any]) -> Position | None:
        if query.cursor is None:
            return None
        kind = self._fields[query.sort.by].type
        return self._cursors.read(query.cursor, kind, of=self._list(query))

    def _cursor(self, query: ListQuery[Any], row: Row, backwards: bool = False) -> str:
        first = len(query.fields or self._names)
        value, id = row[first : first + 2]
        return self._cursors.write(Position(value, id, backwards), of=self._list(query))

    def _list(self, query: ListQuery[Any]) -> bytes:
        return msgspec.msgpack.encode(
            (str(self._table.fullname), current_context().tenant, query.list_key)
        )


def _count_of(rows: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(rows.subquery())

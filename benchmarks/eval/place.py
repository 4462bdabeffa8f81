"""Where the tables of an evaluation lie and the plans for them run: a schema of a PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from psycopg.sql import SQL, Identifier

from contexts.analytics.application.ports import Corrections, LoadOptions
from contexts.analytics.domain.answer import Cell, Result
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.relation import ColumnValues, Relation
from contexts.analytics.infrastructure.column_values import values_of
from contexts.analytics.infrastructure.loading import Loading
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from contexts.analytics.infrastructure.sql.gate import Gate
from shared.infrastructure.postgres import Pool

SCHEMA = "eval"
ROWS = 30_000


class Loaded(msgspec.Struct, frozen=True):
    relation: Relation
    values: Sequence[ColumnValues]


class Place:
    """Each table is loaded once, the way an upload is, and asked as it was understood."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loaded: dict[Path, Loaded] = {}
        self._gate = Gate()

    async def prepare(self) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                SQL("drop schema if exists {0} cascade").format(Identifier(SCHEMA))
            )
            await connection.execute(SQL("create schema {}").format(Identifier(SCHEMA)))

    async def table(self, path: Path) -> Loaded:
        if path not in self._loaded:
            content = await asyncio.to_thread(path.read_bytes)

            async def chunks() -> AsyncIterator[bytes]:
                yield content

            loaded = await Loading(self._pool).load(
                chunks,
                dataset=path.stem,
                version=1,
                schema=SCHEMA,
                table=f"t{len(self._loaded)}",
                options=LoadOptions(),
                corrections=Corrections(),
            )
            values = await values_of(self._pool, loaded.relation)
            self._loaded[path] = Loaded(loaded.relation, values)
        return self._loaded[path]

    async def run(self, spec: QuerySpec, relation: Relation) -> tuple[str, Result]:
        """The statement as the gate lets it through, and what it gives. The room's role is not what
        is measured here."""
        compiled = compile_spec(spec, relation)
        columns = {relation.table: [column.name for column in relation.columns]}
        sql = self._gate.check(compiled.sql, columns, ROWS, SCHEMA)
        async with (
            self._pool.connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            await connection.execute("set transaction read only")
            await connection.execute(f"set local search_path = {SCHEMA}")
            cursor = await connection.execute(sql.encode(), prepare=True)
            found = await cursor.fetchall()
        rows = tuple(tuple(map(_cell, row)) for row in found)
        return sql, Result(columns=compiled.outputs, rows=rows)


def _cell(value: Any) -> Cell:
    match value:
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value  # type: ignore[no-any-return]

"""Reads and writes the rows of a read model set-wise: a statement for a batch, however long."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Table

from shared.infrastructure.projections.subscriptions import Batch, Connection


def identifier(table: Table) -> Identifier:
    return Identifier(*([table.schema] if table.schema else []), table.name)


async def rows_before(
    connection: Connection, table: Table, columns: Sequence[str], batch: Batch
) -> list[tuple[Any, ...]]:
    """The rows that the streams of a batch have so far: tenant, then the columns.

    The table has the key (tenant, id), where the id is that of the stream. Each tenant is asked for
    by itself: that goes along the primary key whatever the planner believes of a table that was
    made a moment ago. A stream that begins in the batch has no row.
    """
    firsts: dict[tuple[str, UUID], int] = {}
    for recorded in batch:
        firsts.setdefault((recorded.tenant, recorded.id), recorded.version)
    ids: dict[str, list[UUID]] = {}
    for (tenant, id), version in firsts.items():
        if version > 1:
            ids.setdefault(tenant, []).append(id)
    statement = SQL("select {} from {} where tenant = %s and id = any(%s)").format(
        SQL(", ").join(SQL(column) for column in ("tenant", *columns)), identifier(table)
    )
    found: list[tuple[Any, ...]] = []
    for tenant, wanted in ids.items():
        cursor = await connection.execute(statement, (tenant, wanted))
        found += await cursor.fetchall()
    return found


async def upsert(
    connection: AsyncConnection[Any],
    table: Table,
    rows: Iterable[Mapping[str, Any]],
) -> None:
    """Insert rows, or overwrite those with the same primary key.

    A row has a value for each column that PostgreSQL does not compute.
    """
    key = [column.name for column in table.primary_key.columns]
    names = [column.name for column in table.columns if column.computed is None]
    target = identifier(table)
    columns = SQL(", ").join(map(Identifier, names))
    changes = SQL(", ").join(
        SQL("{0} = excluded.{0}").format(Identifier(name)) for name in names if name not in key
    )
    statement = SQL(
        "insert into {0} ({1}) select {1} from json_populate_recordset(null::{0}, %s::json)"
        " on conflict ({2}) do update set {3}"
    ).format(target, columns, SQL(", ").join(map(Identifier, key)), changes)
    await connection.execute(statement, (msgspec.json.encode(list(rows)).decode(),))

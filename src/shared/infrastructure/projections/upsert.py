"""Writes the rows of a read model set-wise: one statement and one parameter, however many rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import Table


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
    target = Identifier(*([table.schema] if table.schema else []), table.name)
    columns = SQL(", ").join(map(Identifier, names))
    changes = SQL(", ").join(
        SQL("{0} = excluded.{0}").format(Identifier(name)) for name in names if name not in key
    )
    statement = SQL(
        "insert into {0} ({1}) select {1} from json_populate_recordset(null::{0}, %s::json)"
        " on conflict ({2}) do update set {3}"
    ).format(target, columns, SQL(", ").join(map(Identifier, key)), changes)
    await connection.execute(statement, (msgspec.json.encode(list(rows)).decode(),))

"""The tables that queries are written against are those that the migrations make."""

import pytest
from sqlalchemy import Table

from bootstrap import Application
from contexts.events.infrastructure.catalogue import CATALOGUE
from contexts.events.infrastructure.provider_runs import RUNS

KINDS = {
    "BIGINT": {"bigint"},
    "BOOLEAN": {"boolean"},
    "DATETIME": {"timestamp with time zone", "timestamp without time zone"},
    "INTEGER": {"integer", "bigint"},
    "JSON": {"json"},
    "NUMERIC": {"numeric"},
    "TEXT": {"text"},
    "TSVECTOR": {"tsvector"},
    "UUID": {"uuid"},
    "CHAR(32)": {"uuid"},
}


@pytest.mark.parametrize("table", [CATALOGUE, RUNS])
async def test_a_table_has_the_columns_that_queries_name(
    application: Application, table: Table
) -> None:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select column_name, data_type, is_nullable from information_schema.columns"
            " where table_schema = 'events' and table_name = %s",
            (table.name,),
        )
        made = {name: (kind, nullable == "YES") for name, kind, nullable in await cursor.fetchall()}
    assert set(made) == set(table.c.keys())
    for column in table.c:
        kind, nullable = made[column.name]
        assert kind in KINDS[str(column.type)], column.name
        if table is CATALOGUE and not column.computed and column.name not in ("words", "over_at"):
            assert nullable == column.nullable, column.name

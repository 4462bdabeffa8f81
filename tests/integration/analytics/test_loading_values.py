"""Which values of a loaded table planners can look up."""

from collections.abc import AsyncIterator

import pytest

from contexts.analytics.application.ports import Corrections, LoadOptions
from contexts.analytics.domain.relation import ColumnValues, Relation
from contexts.analytics.infrastructure import column_values
from contexts.analytics.infrastructure.column_values import values_of
from contexts.analytics.infrastructure.loading import Loading
from csvs import chunks_of
from shared.infrastructure.postgres import Pool, pool


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Pool]:
    made = pool(database, name="test", size=2, statement_seconds=15, connect_seconds=10)
    await made.open(wait=True, timeout=60)
    async with made.connection() as connection:
        await connection.execute("create schema loaded")
    yield made
    await made.close()


async def loaded(connections: Pool, content: str) -> Relation:
    found = await Loading(connections).load(
        chunks_of(content),
        dataset="sales",
        version=1,
        schema="loaded",
        table="Sales 1",
        options=LoadOptions(),
        corrections=Corrections(),
    )
    return found.relation


async def test_the_values_of_text_columns_come_the_most_frequent_first(connections: Pool) -> None:
    relation = await loaded(connections, "city,n,Free seats?\nRome,1,b\nOslo,2,\nRome,3,a\n")
    assert await values_of(connections, relation) == [
        ColumnValues("city", ("Rome", "Oslo")),
        ColumnValues("free_seats", ("a", "b")),
    ]


async def test_a_column_with_too_many_values_is_not_complete(
    connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_values, "MOST", 3)
    for count, complete in ((3, True), (4, False)):
        names = [*(f"x{n}" for n in range(count)), "x1"]
        relation = await loaded(connections, "n,name\n" + "".join(f"1,{n}\n" for n in names))
        (found,) = await values_of(connections, relation)
        assert found == ColumnValues("name", ("x1", "x0", "x2"), complete)
        async with connections.connection() as connection:
            await connection.execute('drop table loaded."Sales 1"')


async def test_prose_is_left_out_and_that_is_said(connections: Pool) -> None:
    long, longest = "p" * 201, "q" * 200
    relation = await loaded(connections, f"n,note\n1,{long}\n2,{longest}\n3,ok\n4,ok\n")
    (found,) = await values_of(connections, relation)
    assert found == ColumnValues("note", ("ok", longest), complete=False)


async def test_of_very_many_values_a_part_of_the_table_is_looked_at(
    connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_values, "_TOO_MANY", 3)
    monkeypatch.setattr(column_values, "_SAMPLED", 2)
    relation = await loaded(connections, "n,name\n" + "".join(f"1,x{n}\n" for n in range(5)))
    (found,) = await values_of(connections, relation)
    assert found == ColumnValues("name", ("x0", "x1"), complete=False)

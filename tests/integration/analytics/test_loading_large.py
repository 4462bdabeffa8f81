"""Files that are larger than what is remembered of them."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest

from contexts.analytics.application.ports import Corrections, LoadOptions
from contexts.analytics.infrastructure.csv import evidence
from contexts.analytics.infrastructure.loading import Loading
from shared.infrastructure.postgres import Pool, pool

ROWS = 80_000


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Pool]:
    made = pool(database, name="test", size=2, statement_seconds=15, connect_seconds=10)
    await made.open(wait=True, timeout=60)
    async with made.connection() as connection:
        await connection.execute("create schema loaded")
    yield made
    await made.close()


async def tickets() -> AsyncIterator[bytes]:
    """Four megabytes; hardly a value of the first three columns comes twice."""
    yield b"ticket,sold_at,amount,place\n"
    for first in range(0, ROWS, 1_000):
        yield "".join(
            f"T{n:08}-{n * 7919 % 104729:06},2024-01-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:"
            f"{n // 1440 % 60:02}.{n % 1000:03},{n * 31 % 999983}.{n % 90 + 10},Hall {n % 7}\n"
            for n in range(first, first + 1_000)
        ).encode()


async def test_memory_does_not_grow_with_the_rows(
    connections: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "KEPT", 2_000)
    tracemalloc.start()
    try:
        loaded = await Loading(connections).load(
            tickets,
            dataset="tickets",
            version=1,
            schema="loaded",
            table="tickets",
            options=LoadOptions(),
            corrections=Corrections(),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    relation = loaded.relation
    assert (relation.rows, loaded.set_aside_count, loaded.warnings) == (ROWS, 0, ())
    assert [column.type for column in relation.columns] == ["text", "timestamp", "decimal", "text"]
    assert loaded.bytes > 4_000_000
    # With all of the 240,000 values of three columns it is 29 MB.
    assert peak < 20_000_000
    ticket, amount, place = (relation.column(name) for name in ("ticket", "amount", "place"))
    # What is more than is remembered is estimated, and said to be.
    assert ROWS * 0.7 < ticket.distinct <= ROWS
    assert "an estimate" in ticket.why
    assert (place.distinct, "estimate" in place.why) == (7, False)
    async with connections.connection() as connection:
        cursor = await connection.execute("select min(amount), max(amount) from loaded.tickets")
        row = await cursor.fetchone()
    assert row is not None
    assert (amount.minimum, amount.maximum) == (str(row[0]), str(row[1]))

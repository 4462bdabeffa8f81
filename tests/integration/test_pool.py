"""Connections that the server has ended are not handed out; finding out costs no round trip."""

import asyncio
import select
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shared.infrastructure.postgres import Pool, pool

SIZE = 10


@pytest.fixture
async def idle(database: str) -> AsyncIterator[Pool]:
    """A pool with ten connections that nobody uses."""
    opened = pool(database, name="test", size=SIZE, statement_seconds=10, connect_seconds=5)
    await opened.open(wait=True, timeout=60)
    connections = [await opened.getconn() for _ in range(SIZE)]
    for connection in connections:
        await opened.putconn(connection)
    yield opened
    await opened.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[AsyncConnection[Any]]:
    """The connections that were asked whether they are still there."""
    asked: list[AsyncConnection[Any]] = []
    ask = AsyncConnectionPool.check_connection

    async def check_connection(connection: AsyncConnection[Any]) -> None:
        asked.append(connection)
        await ask(connection)

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", staticmethod(check_connection))
    return asked


async def test_a_connection_that_is_well_is_not_asked(
    idle: Pool, asked: list[AsyncConnection[Any]]
) -> None:
    for _ in range(5):
        async with idle.connection() as connection:
            await connection.execute("select 1")
    assert asked == []


async def test_a_restart_is_not_noticed_by_those_who_come_after_it(
    idle: Pool, database: str
) -> None:
    before = await _pids(idle)
    async with await AsyncConnection.connect(database, autocommit=True) as other:
        for pid in before:
            cursor = await other.execute("select pg_terminate_backend(%s, 10000)", (pid,))
            assert await cursor.fetchall() == [(True,)]
    for _ in range(2 * SIZE):
        async with idle.connection() as connection:
            await connection.execute("select 1")
    assert not before & await _pids(idle)


async def test_one_with_something_to_say_is_asked_and_kept(
    idle: Pool, database: str, asked: list[AsyncConnection[Any]]
) -> None:
    async with idle.connection() as connection:
        await connection.execute("listen test")
        listener, line = connection.info.backend_pid, connection.pgconn.socket
    async with await AsyncConnection.connect(database, autocommit=True) as other:
        await other.execute("notify test")
    # The server has answered the one before it has told the other.
    assert (await asyncio.to_thread(select.select, [line], [], [], 30))[0]
    assert listener in await _pids(idle)
    assert [connection.info.backend_pid for connection in asked] == [listener]


async def test_without_a_server_one_is_told_in_time(database: str) -> None:
    hasty = pool(database, name="test", size=2, statement_seconds=10, connect_seconds=0.3)
    await hasty.open(wait=True, timeout=60)
    try:
        name = database.rpartition("/")[2]
        async with await AsyncConnection.connect(
            f"{database.rpartition('/')[0]}/postgres", autocommit=True
        ) as other:
            await other.execute(f"alter database {name} with allow_connections false".encode())
            await other.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s",
                (name,),
            )
            async with asyncio.timeout(60):
                with pytest.raises((PoolTimeout, psycopg.OperationalError)):
                    async with hasty.connection() as connection:
                        await connection.execute("select 1")
            await other.execute(f"alter database {name} with allow_connections true".encode())
    finally:
        await hasty.close()


async def _pids(idle: Pool) -> set[int]:
    connections = [await idle.getconn() for _ in range(SIZE)]
    try:
        return {connection.info.backend_pid for connection in connections}
    finally:
        for connection in connections:
            await idle.putconn(connection)

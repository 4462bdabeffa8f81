"""A transaction that takes in more than one append: it begins with the first, and ends for all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg import AsyncConnection

from shared.infrastructure.postgres import Pool

_current: ContextVar["Transaction | None"] = ContextVar("transaction", default=None)


def current_transaction() -> "Transaction | None":
    return _current.get()


def once_committed(call: Callable[[], None]) -> None:
    """Call it when what is done here has been committed: now, where nothing is being gathered."""
    if (transaction := _current.get()) is None:
        call()
    else:
        transaction.after_commit(call)


class Transaction:
    """Takes a connection when something is written first, and gives it back at its end."""

    def __init__(self, pool: Pool, places: asyncio.Semaphore) -> None:
        """`places` bounds those who hold a connection and may yet need another for a query."""
        self._pool = pool
        self._places = places
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._after_commit: list[Callable[[], None]] = []

    @property
    def has_begun(self) -> bool:
        return self._connection is not None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Whatever runs in here joins it."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection, for one at a time; nested transactions on it are savepoints."""
        async with self._turn:
            if self._connection is None:
                await self._begin()
            assert self._connection is not None
            yield self._connection

    def after_commit(self, call: Callable[[], None]) -> None:
        self._after_commit.append(call)

    async def commit(self) -> None:
        """Raise when it can't be known to have been committed."""
        if self._connection is not None:
            await self._connection.commit()
        for call in self._after_commit:
            call()

    async def end(self) -> None:
        """Give the connection back; what was not committed has not happened."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                with suppress(psycopg.Error):
                    await connection.rollback()
                await self._pool.putconn(connection)
            finally:
                self._places.release()

    async def _begin(self) -> None:
        await self._places.acquire()
        try:
            connection = await self._pool.getconn()
        except BaseException:
            self._places.release()
            raise
        self._connection = connection
        await connection.execute("begin")

"""Connections to PostgreSQL: one pool a process, bounded in number and in time."""

import asyncio
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.sql import ClauseElement

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]

GRACE = 2.0
"""Seconds that a server may take beyond its own limit for statements, to say so."""

TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What may well succeed when it is tried again: the server is away, restarting or out of
connections, or had one of two transactions give way to the other."""

DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]


class Connection(AsyncConnection[tuple[Any, ...]]):
    """Hangs up on a server that keeps the line open and says nothing, as if it had been cut.

    The server's own limit for statements is of no help against a server that stands still.
    """

    patience: float | None = None
    """Seconds that one answer may take; None: as long as it takes."""

    async def wait(self, *arguments: Any, **options: Any) -> Any:
        """What all statements wait in."""
        if self.patience is None:
            return await super().wait(*arguments, **options)
        watch = asyncio.get_running_loop().call_later(self.patience, self._hang_up)
        try:
            return await super().wait(*arguments, **options)
        finally:
            watch.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError, psycopg.Error):
            line = socket.socket(fileno=os.dup(self.pgconn.socket))
            with line:
                line.shutdown(socket.SHUT_RDWR)


@contextmanager
def however_long_it_takes(connection: AsyncConnection[Any]) -> Iterator[None]:
    """For statements that may take longer than any other, such as making an index.

    The server's limit is lifted with `set local statement_timeout = 0` or by whoever may.
    """
    assert isinstance(connection, Connection)
    patience, connection.patience = connection.patience, None
    try:
        yield
    finally:
        connection.patience = patience


class _Pool(AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]):
    """Hands out no connection that the server has ended, as it does when it restarts."""

    async def getconn(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 (the name that it has in every pool)
    ) -> AsyncConnection[tuple[Any, ...]]:
        # The pool's own check asks the server each time, and pauses after each that it finds gone.
        deadline = monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            connection = await super().getconn(max(0.0, deadline - monotonic()))
            try:
                if await _is_well(connection):
                    return connection
            except BaseException:
                await self.putconn(connection)
                raise
            await connection.close()
            # What comes back closed is replaced.
            await self.putconn(connection)


async def _is_well(connection: AsyncConnection[Any]) -> bool:
    """Nothing but its end, or a notice, comes on an idle connection: only then it is asked."""
    poll = select.poll()
    try:
        poll.register(connection.pgconn.socket, select.POLLIN)
        if poll.poll(0):
            await AsyncConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


def pool(
    url: str, *, name: str, size: int, statement_seconds: float, connect_seconds: float
) -> Pool:
    """A closed pool of at most `size` autocommitting connections.

    `name` is shown as application_name; a statement that runs longer than `statement_seconds` is
    cancelled by the server, and a server that does not even do that is hung up on; whoever waits
    `connect_seconds` for a connection gets PoolTimeout.
    """

    async def configure(connection: AsyncConnection[Any]) -> None:
        assert isinstance(connection, Connection)
        connection.patience = statement_seconds + GRACE

    return _Pool(
        url,
        connection_class=Connection,
        configure=configure,
        kwargs={
            "autocommit": True,
            "application_name": name,
            "connect_timeout": max(2, round(connect_seconds)),
            "options": f"-c statement_timeout={round(statement_seconds * 1000)} -c timezone=UTC",
        },
        min_size=1,
        max_size=size,
        open=False,
        timeout=connect_seconds,
        # Pauses between attempts double up to this: a server that is back is not waited for longer.
        reconnect_timeout=connect_seconds,
        name=name,
    )


async def own_connection(pool: Pool) -> AsyncConnection[tuple[Any, ...]]:
    """One that is made like those of the pool, and lent to nobody else."""
    assert isinstance(pool.conninfo, str)
    assert isinstance(pool.kwargs, dict)
    return await AsyncConnection.connect(pool.conninfo, **pool.kwargs)


def compiled(statement: ClauseElement) -> tuple[bytes, dict[str, Any]]:
    """A SQLAlchemy Core statement as psycopg takes it: text with placeholders, and the values."""
    form = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    return str(form).encode(), dict(form.params)

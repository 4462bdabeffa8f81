"""Connections to PostgreSQL: one pool a process, bounded in number and in time."""

from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.sql import ClauseElement

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]

TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What may well succeed when it is tried again: the server is away, restarting or out of
connections, or had one of two transactions give way to the other."""

_DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]


def pool(
    url: str, *, name: str, size: int, statement_seconds: float, connect_seconds: float
) -> Pool:
    """A closed pool of at most `size` autocommitting connections.

    `name` is shown as application_name; a statement that runs longer than `statement_seconds` is
    cancelled by the server; whoever waits `connect_seconds` for a connection gets PoolTimeout.
    """
    return AsyncConnectionPool(
        url,
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
        check=AsyncConnectionPool.check_connection,
        name=name,
    )


def compiled(statement: ClauseElement) -> tuple[bytes, dict[str, Any]]:
    """A SQLAlchemy Core statement as psycopg takes it: text with placeholders, and the values."""
    form = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(form).encode(), dict(form.params)

"""Who works on what: a lock in PostgreSQL, which ends with the connection of whoever holds it.

A worker that is killed leaves nothing claimed, and there is no time to wait out. All claims of a
process are locks of one connection; if that is cut, another may begin on the same work, and the
expected version of its stream lets only one of the two record what came of it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg

from shared.application.context import current_context
from shared.infrastructure.postgres import Pool, own_connection

# A key of 64 bits stands in two halves, and with it 1.
_IS_HELD = (
    b"select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted"
    b" and database = (select oid from pg_database where datname = current_database())"
    b" and (classid::bigint << 32) | objid::bigint = %s"
)

PATIENCE = 5.0
"""Seconds that the server may take to answer."""


class PostgresClaims:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._held: set[int] = set()
        self._talking = asyncio.Lock()

    @asynccontextmanager
    async def claim(self, work: str, id: UUID) -> AsyncIterator[bool]:
        key = _key(work, id)
        # The same connection may take a lock of its own again and again.
        if key in self._held:
            yield False
            return
        self._held.add(key)
        try:
            if not await self._ask("select pg_try_advisory_lock(%s)", key):
                yield False
                return
            try:
                yield True
            finally:
                await asyncio.shield(self._give_back(key))
        finally:
            self._held.discard(key)

    async def is_held(self, work: str, id: UUID) -> bool:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_IS_HELD, (_key(work, id),))
            return await cursor.fetchone() is not None

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _give_back(self, key: int) -> None:
        # A connection that is gone has given everything back.
        with contextlib.suppress(psycopg.Error, TimeoutError):
            await self._ask("select pg_advisory_unlock(%s)", key)

    async def _ask(self, question: str, key: int) -> bool:
        async with self._talking, asyncio.timeout(PATIENCE):
            if self._connection is None or self._connection.closed:
                self._connection = await own_connection(self._pool)
            try:
                cursor = await self._connection.execute(question.encode(), (key,))
                row = await cursor.fetchone()
            except (psycopg.OperationalError, asyncio.CancelledError):
                # What was half said on it can't be trusted any more.
                await self._connection.close()
                raise
        return bool(row and row[0])


def _key(work: str, id: UUID) -> int:
    name = f"{work} {current_context().tenant} {id}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)

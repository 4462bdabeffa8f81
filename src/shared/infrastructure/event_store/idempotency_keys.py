"""Keeps what commands were answered, beside the events that they led to."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection

from shared.application.idempotency import (
    Answer,
    AnsweredElsewhere,
    Identified,
    InFlight,
    KeyReused,
)
from shared.infrastructure.event_store.transaction import Transaction
from shared.infrastructure.postgres import TRANSIENT, Pool, own_connection

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 600.0
SWEPT_AT_ONCE = 10_000

_CLAIM = (
    "select claimed, (kept).fingerprint, (kept).status, (kept).headers::text, (kept).body,"
    " (kept).position, (kept).route from event_store.claim_key(%s, %s, %s, %s)"
)
# An answer that has expired and was not swept yet makes way; any other one stays.
_KEEP = (
    "insert into event_store.idempotency_keys as k (tenant, principal, key, fingerprint, route,"
    " status, headers, body, position, expires_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp() + %s)"
    " on conflict (tenant, principal, key) do update set fingerprint = excluded.fingerprint,"
    " route = excluded.route, status = excluded.status, headers = excluded.headers,"
    " body = excluded.body, position = excluded.position, created_at = clock_timestamp(),"
    " expires_at = excluded.expires_at where k.expires_at <= clock_timestamp()"
)
_SWEEP = (
    "delete from event_store.idempotency_keys where ctid = any(array("
    " select ctid from event_store.idempotency_keys where expires_at <= clock_timestamp()"
    " limit %s for update skip locked))"
)


class PostgresIdempotencyKeys:
    """Claims are locks of one session of this process, which the server ends with the process."""

    def __init__(self, pool: Pool, keep: timedelta) -> None:
        self._pool = pool
        self._keep = keep
        self._session: AsyncConnection[Any] | None = None
        self._connecting = asyncio.Lock()
        self._claimed: dict[tuple[str, str, str], AsyncConnection[Any]] = {}
        """By whom in this process; for the server it is all one session."""
        self._claiming: set[tuple[str, str, str]] = set()
        self._places = asyncio.Semaphore(max(1, pool.max_size - 1))

    async def claim(self, request: Identified) -> Answer | None:
        name = _name(request)
        if name in self._claiming:
            raise InFlight("a request with this Idempotency-Key is being worked on")
        self._claiming.add(name)
        try:
            answer = await self._claim(request)
        except BaseException:
            self._claiming.discard(name)
            raise
        if answer is not None:
            self._claiming.discard(name)
        return answer

    async def release(self, request: Identified) -> None:
        name = _name(request)
        session = self._claimed.pop(name, None)
        try:
            if session is not None and not session.closed:
                await session.execute("select pg_advisory_unlock(%s)", (_lock(name),))
        except psycopg.Error:
            # All of its locks go with it. They spare work; that nothing is done twice is up to the
            # table.
            if session is not None:
                await session.close()
        finally:
            self._claiming.discard(name)

    @asynccontextmanager
    async def working(self) -> AsyncIterator["_Work"]:
        transaction = Transaction(self._pool, self._places)
        try:
            with transaction.entered():
                yield _Work(transaction, self._pool, self._keep)
        finally:
            await transaction.end()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _claim(self, request: Identified) -> Answer | None:
        name = _name(request)
        session = await self._open_session()
        try:
            cursor = await session.execute(_CLAIM, (*name, _lock(name)))
            row = await cursor.fetchone()
        except BaseException:
            # It may hold the lock, and nobody would release it.
            await session.close()
            raise
        assert row is not None
        claimed, fingerprint, status, headers, body, position, route = row
        if claimed:
            self._claimed[name] = session
            return None
        if fingerprint is None:
            raise InFlight("a request with this Idempotency-Key is being worked on")
        if fingerprint != request.fingerprint:
            raise KeyReused("another request was sent with this Idempotency-Key before")
        pairs = msgspec.json.decode(headers, type=list[tuple[str, str]])
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
        return Answer(status, encoded, body, position, route)

    async def _open_session(self) -> AsyncConnection[Any]:
        async with self._connecting:
            if self._session is None or self._session.closed:
                self._session = await own_connection(self._pool)
            return self._session


class _Work:
    def __init__(self, transaction: Transaction, pool: Pool, keep: timedelta) -> None:
        self._transaction = transaction
        self._pool = pool
        self._keep = keep

    async def keep(self, request: Identified, answer: Answer) -> None:
        if not self._transaction.has_begun:
            async with self._pool.connection() as connection:
                await self._insert(connection, request, answer)
            return
        async with self._transaction.connection() as connection:
            await self._insert(connection, request, answer)
        await self._transaction.commit()

    async def _insert(
        self, connection: AsyncConnection[Any], request: Identified, answer: Answer
    ) -> None:
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers
        ]
        cursor = await connection.execute(
            _KEEP,
            (
                *_name(request),
                request.fingerprint,
                answer.route,
                answer.status,
                msgspec.json.encode(pairs).decode(),
                answer.body,
                answer.position,
                self._keep,
            ),
        )
        if cursor.rowcount == 0:
            raise AnsweredElsewhere


async def sweep(pool: Pool) -> int:
    """Forget the answers that have expired; return how many there were."""
    swept = 0
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(_SWEEP, (SWEPT_AT_ONCE,))
        swept += cursor.rowcount
        if cursor.rowcount < SWEPT_AT_ONCE:
            return swept


async def keep_swept(pool: Pool) -> None:
    """For ever, now and then. Workers may all do it: none waits for another."""
    while True:
        try:
            if swept := await sweep(pool):
                logger.info("forgot expired answers", extra={"count": swept})
        except TRANSIENT as error:
            logger.warning("could not forget expired answers", extra={"error": str(error)})
        await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.8, 1.2))


def _name(request: Identified) -> tuple[str, str, str]:
    return request.tenant, request.principal, request.key


def _lock(name: tuple[str, str, str]) -> int:
    digest = blake2b("\0".join(name).encode(), digest_size=8, person=b"idempotency")
    return int.from_bytes(digest.digest(), signed=True)

"""Moves keys of subjects from one key encryption key to another, and sees that none is missing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from shared.application.personal import RewrapKeys
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.postgres import Pool

TOGETHER = 500
"""Keys wrapped anew in one transaction."""

# Leaps over the index from one id to the next: there are few of them, and many subjects. Of each
# there is one subject, whose key tells whether the right one is set.
_ONE_OF_EACH = """
with recursive used as (
    (select kek, tenant, id, key from personal.subjects where key is not null order by kek limit 1)
    union all
    select s.kek, s.tenant, s.id, s.key from used cross join lateral (
        select * from personal.subjects where key is not null and kek > used.kek
        order by kek limit 1) s
)
select kek, tenant, id, key from used
"""
_COUNT = "select kek, count(*) from personal.subjects where key is not null group by kek"
_LOCK = (
    "select tenant, id, kek, key from personal.subjects where key is not null and kek = any(%s)"
    " order by tenant, id limit %s for update"
)
_WRAP = "update personal.subjects set kek = %s, key = %s where tenant = %s and id = %s"


async def must_open(connection: AsyncConnection[Any], ring: KeyRing) -> None:
    """Raise KeyMissing when keys of subjects are wrapped in one that is not set."""
    for kek, tenant, id, wrapped in await _one_of_each(connection):
        ring.unwrap(tenant, id, kek, bytes(wrapped))


async def _one_of_each(
    connection: AsyncConnection[Any],
) -> Sequence[tuple[str, str, UUID, bytes]]:
    return await (await connection.execute(_ONE_OF_EACH)).fetchall()


class Rotation:
    def __init__(self, pool: Pool, ring: KeyRing) -> None:
        self._pool = pool
        self._ring = ring

    async def rewrap(self, command: RewrapKeys) -> int:
        """Of all tenants. What was done stays done when it breaks off."""
        done = 0
        while others := [kek for kek in await self._used() if kek != self._ring.first]:
            done += await self._rewrap_some(others)
        return done

    async def counts(self) -> Mapping[str, int]:
        """Of each key encryption key that is set or in use, how many keys are wrapped in it."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_COUNT)).fetchall()
        return {**dict.fromkeys(self._ring, 0), **dict(rows)}

    async def _used(self) -> Sequence[str]:
        async with self._pool.connection() as connection:
            return [kek for kek, *_ in await _one_of_each(connection)]

    async def _rewrap_some(self, others: Sequence[str]) -> int:
        first = self._ring.first
        async with self._pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(_LOCK, (others, TOGETHER))).fetchall()
            wrapped = []
            for tenant, id, kek, key in rows:
                plain = self._ring.unwrap(tenant, id, kek, bytes(key))
                wrapped.append((first, self._ring.wrap(tenant, id, plain), tenant, id))
            async with connection.cursor() as cursor:
                await cursor.executemany(_WRAP, wrapped)
        return len(rows)

"""Keys of data subjects in PostgreSQL, and what is sealed and opened with them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.application.context import current_context
from shared.application.encryption_keys import BYTES
from shared.application.personal import FindSubject, SubjectGone
from shared.domain.personal import Sealed
from shared.infrastructure.personal.boxes import bound_to, opened, sealed
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.postgres import Pool

logger = logging.getLogger(__name__)

KEPT_SECONDS = 10.0
"""How long a process goes on with a key that another one has destroyed."""

MOST_KEPT = 5_000
"""Keys, and ids of those who were erased."""

_FIND = "select id from personal.subjects where tenant = %s and name = %s"
# Of two that come at once the second waits for the first, and gets the same id. Should that row
# lose its name just then, this makes another.
_ADD = (
    "insert into personal.subjects (tenant, id, name, key, kek) values (%s, %s, %s, %s, %s)"
    " on conflict (tenant, name) where name is not null do update set name = excluded.name"
    " returning id"
)
_KEYS = "select id, kek, key from personal.subjects where tenant = %s and id = any(%s)"

_Of = tuple[str, UUID]


class PostgresVault:
    """Its statements go by connections of their own: who is seen first stays known, whatever
    becomes of the request."""

    def __init__(self, pool: Pool, ring: KeyRing, now: Callable[[], float] = monotonic) -> None:
        """`now` tells seconds that only grow."""
        self._pool = pool
        self._ring = ring
        self._now = now
        self._kept: dict[_Of, tuple[AESGCM, float]] = {}
        """With the time until which; in the order of that."""
        self._gone: dict[_Of, None] = {}

    async def find_subject(self, query: FindSubject) -> UUID | None:
        return await self.find(query.name)

    async def find(self, name: str) -> UUID | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FIND, (current_context().tenant, name))
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def subject(self, name: str) -> UUID:
        if (found := await self.find(name)) is not None:
            return found
        tenant, id = current_context().tenant, uuid4()
        wrapped = self._ring.wrap(tenant, id, AESGCM.generate_key(BYTES * 8))
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_ADD, (tenant, id, name, wrapped, self._ring.first))
            row = await cursor.fetchone()
        assert row is not None
        return UUID(str(row[0]))

    async def seal(self, subject: UUID, *texts: bytes) -> tuple[Sealed, ...]:
        tenant = current_context().tenant
        key = (await self._keys(tenant, [subject])).get(subject)
        if key is None:
            raise SubjectGone("whoever this is about was erased: nothing more is kept of them")
        bound = bound_to(tenant, subject)
        return tuple(Sealed(subject, sealed(key, text, bound)) for text in texts)

    async def open(self, *sealed: Sealed) -> tuple[bytes | None, ...]:
        tenant = current_context().tenant
        keys = await self._keys(tenant, {each.subject for each in sealed})
        return tuple(
            opened(key, each.box, bound_to(tenant, each.subject))
            if (key := keys.get(each.subject)) is not None
            else None
            for each in sealed
        )

    def forget(self, tenant: str, subject: UUID) -> None:
        """The key was destroyed: for this process, from now on."""
        self._kept.pop((tenant, subject), None)
        self._gone[tenant, subject] = None
        if len(self._gone) > MOST_KEPT:
            del self._gone[next(iter(self._gone))]

    async def _keys(self, tenant: str, subjects: Iterable[UUID]) -> Mapping[UUID, AESGCM]:
        """Of those who have one; asks the database once at most."""
        now, found, unknown = self._now(), {}, []
        for subject in subjects:
            key, until = self._kept.get((tenant, subject), (None, now))
            if key is not None and until > now:
                found[subject] = key
            elif (tenant, subject) not in self._gone:
                unknown.append(subject)
        if unknown:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_KEYS, (tenant, unknown))
                rows = await cursor.fetchall()
            if len(rows) < len(unknown):
                # They are as good as erased; after a restore it may be that a table is missing.
                about = {"tenant": tenant, "count": len(unknown) - len(rows)}
                logger.warning("nothing is known of subjects that data is sealed for", extra=about)
            for id, kek, wrapped in rows:
                if wrapped is None:
                    self.forget(tenant, id)
                # Somebody may have been erased here while we asked.
                elif (tenant, id) not in self._gone:
                    key = AESGCM(self._ring.unwrap(tenant, id, kek, bytes(wrapped)))
                    found[id] = key
                    self._keep((tenant, id), key, now)
        return found

    def _keep(self, of: _Of, key: AESGCM, now: float) -> None:
        self._kept.pop(of, None)
        self._kept[of] = key, now + KEPT_SECONDS
        while True:
            first = next(iter(self._kept))
            if self._kept[first][1] > now and len(self._kept) <= MOST_KEPT:
                break
            del self._kept[first]

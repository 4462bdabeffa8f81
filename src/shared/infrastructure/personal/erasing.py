"""Erases a subject: the key is gone and the log says so, or neither."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from shared.application.caller import principal_of
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.event_store import EventStore
from shared.application.personal import EraseSubject, Erasure
from shared.application.repository import Repository
from shared.domain.errors import NotFound
from shared.domain.personal import Subject
from shared.infrastructure.event_store.transaction import Transaction, current_transaction
from shared.infrastructure.personal.vault import PostgresVault
from shared.infrastructure.postgres import Pool

_FIND = (
    "select id, name from personal.subjects"
    " where tenant = %(tenant)s and (id = %(id)s or name = %(name)s)"
    " order by id = %(id)s desc limit 1"
)
# Of two that come at once the second waits here until the first is done, and then finds its event.
_ERASE = (
    "update personal.subjects set name = null, key = null, erased_at = %s"
    " where tenant = %s and id = %s and key is not null"
)
# They hold what he was answered.
_FORGET_ANSWERS = "delete from event_store.idempotency_keys where tenant = %s and principal = %s"


class Erasing:
    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        codec: Codec,
        vault: PostgresVault,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._store = store
        self._subjects = Repository(Subject, store, codec)
        self._vault = vault
        self._clock = clock
        # Each needs one connection and no other beside it, and they are rare.
        self._places = asyncio.Semaphore(1)

    async def erase(self, command: EraseSubject) -> Erasure:
        if (transaction := current_transaction()) is not None:
            return await self._erase_in(transaction, command.subject)
        transaction = Transaction(self._pool, self._places)
        try:
            with transaction.entered():
                erasure = await self._erase_in(transaction, command.subject)
                await transaction.commit()
            return erasure
        finally:
            await transaction.end()

    async def _erase_in(self, transaction: Transaction, subject: str) -> Erasure:
        tenant, now = current_context().tenant, self._clock()
        async with transaction.connection() as connection:
            about = {"tenant": tenant, "id": _id(subject), "name": _name(subject)}
            row = await (await connection.execute(_FIND, about)).fetchone()
            if row is None:
                raise NotFound("nothing is kept of anybody by that id or name")
            id, name = row
            await connection.execute(_ERASE, (now, tenant, id))
            if name is not None:
                await connection.execute(_FORGET_ANSWERS, (tenant, principal_of(name)))
        found = (await self._subjects.get_many([id])).get(id) or Subject(id)
        found.erase(now=now)
        await self._subjects.save(found)
        transaction.after_commit(partial(self._vault.forget, tenant, id))
        stream = f"{Subject.stream}-{id}"
        return Erasure(id, (await self._store.read([stream]))[stream][-1].position)


def _name(subject: str) -> str | None:
    """None for what nobody is called, and the database can't even be asked for."""
    return subject if subject.isascii() and subject.isprintable() else None


def _id(subject: str) -> UUID | None:
    try:
        return UUID(subject)
    except ValueError:
        return None

"""The conversations, in PostgreSQL: the table, what fills it, what is asked of it.

Titles and words stand here in clear, so that they are found, until their owner is erased. What was
said stays sealed in the log, and a conversation is folded from there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.sql import SQL
from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON, TSVECTOR

from contexts.conversations.application.content import ERASED
from contexts.conversations.application.folding import Opened, sealed_in
from contexts.conversations.application.queries import (
    CONVERSATION_FIELDS,
    ConversationListed,
    ListConversations,
)
from contexts.conversations.domain.conversation import ConversationChange
from contexts.conversations.infrastructure.conversation_rows import Row, fold
from shared.application.context import current_context, running_in
from shared.application.cursors import Cursors
from shared.application.pages import Stretch
from shared.application.personal import Vault
from shared.domain.aggregate import kinds_of
from shared.domain.personal import SubjectErased
from shared.infrastructure.lists.criteria_sql import where
from shared.infrastructure.lists.listing import Listing
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import identifier, rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

CONVERSATIONS = Table(
    "conversations",
    MetaData(schema="conversations"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("owner", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("titled_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("running", Boolean, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("open_runs", JSON, nullable=False),
    Column("open_since", DateTime(timezone=True)),
    Column("folded_title", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column(
        "words",
        TSVECTOR,
        Computed("to_tsvector('simple', folded_title || ' ' || said)", persisted=True),
    ),
)
"""`open_runs` has for each run that has not ended when it was requested, and `open_since` the first
of these. `said` has each word of what was said once; few lists are so long that an index of the
words would pay for being kept with every message."""
for _name in ("updated_at", "started_at"):
    _columns = [CONVERSATIONS.c[name] for name in ("tenant", "owner", _name, "id")]
    Index(f"conversations_by_{_name}", *_columns)
Index(
    "conversations_open",
    CONVERSATIONS.c.open_since,
    postgresql_where=CONVERSATIONS.c.open_since.is_not(None),
)

FORGOTTEN = Table(
    "forgotten",
    CONVERSATIONS.metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("erased_at", DateTime(timezone=True), nullable=False),
)
"""Owners who were erased: a process that still has the key of one may come late with a text."""

_KEPT = [column.name for column in CONVERSATIONS.c if column.computed is None]
_READ = [name if name != "open_runs" else "open_runs::text" for name in _KEPT if name != "tenant"]

_FORGET = SQL(
    "update {} set title = %s, titled_by = 'erased', folded_title = '', said = ''"
    " where tenant = %s and owner = any(%s) and titled_by not in ('nobody', 'erased')"
)
_FORGOTTEN = SQL("select id from {} where tenant = %s and id = any(%s)")


class Conversations(PostgresProjection):
    """One row for each conversation that was not deleted.

    Whoever is erased is forgotten in all rows of his, which stay. A box that does not open any more
    makes the same of its row, so that the log makes the same rows before and after.
    """

    name = "conversations.conversations"
    handles = (*kinds_of(ConversationChange), SubjectErased)
    tables = (CONVERSATIONS, FORGOTTEN)
    batch_size = 200
    """An import is one event with all that was said, of some megabytes."""

    def __init__(self, pool: Pool, vault: Vault, cursors: Cursors) -> None:
        self._pool = pool
        self._vault = vault
        self._listing = Listing(
            pool, CONVERSATIONS, CONVERSATION_FIELDS, ConversationListed, cursors
        )

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        changes = [each for each in batch if not isinstance(each.event, SubjectErased)]
        table = into[CONVERSATIONS]
        rows: dict[tuple[str, UUID], Row | None] = {
            (tenant, row[0]): Row.read(dict(zip(_KEPT[1:], row, strict=True)))
            for tenant, *row in await rows_before(connection, table, _READ, changes)
        }
        opened = await self._opened(changes)
        for recorded in changes:
            key = recorded.tenant, recorded.id
            rows[key] = fold(rows.get(key), recorded, opened[recorded.tenant])
        await upsert(
            connection, table, (row.stored(tenant) for (tenant, _), row in rows.items() if row)
        )
        await _delete(connection, table, [key for key, row in rows.items() if row is None])
        await self._forget_erased(batch, rows, connection, into)

    async def _forget_erased(
        self,
        batch: Batch,
        rows: Mapping[tuple[str, UUID], Row | None],
        connection: Connection,
        into: Into,
    ) -> None:
        owners = [(tenant, row.owner) for (tenant, _), row in rows.items() if row is not None]
        erased = [
            (recorded.tenant, recorded.event)
            for recorded in batch
            if isinstance(recorded.event, SubjectErased)
        ]
        if erased:
            owners += ((tenant, event.subject_id) for tenant, event in erased)
            columns = (
                {"tenant": tenant, "id": event.subject_id, "erased_at": event.erased_at}
                for tenant, event in erased
            )
            await upsert(connection, into[FORGOTTEN], columns)
        statement = _FORGOTTEN.format(identifier(into[FORGOTTEN]))
        for tenant, ids in _by_tenant(owners).items():
            found = await connection.execute(statement, (tenant, ids))
            gone = [id for (id,) in await found.fetchall()]
            await _forget(connection, into[CONVERSATIONS], tenant, gone)

    async def differences(
        self, instance: int, history: Batch, connection: Connection
    ) -> Sequence[str]:
        """A key may be gone already where the event that says so has not been taken in yet."""
        changes = [each for each in history if not isinstance(each.event, SubjectErased)]
        for tenant, opened in (await self._opened(changes)).items():
            gone = {box.subject for box, content in opened.items() if content is None}
            await _forget(connection, self._of(instance)[CONVERSATIONS], tenant, list(gone))
        return await super().differences(instance, history, connection)

    async def list_conversations(
        self, query: ListConversations
    ) -> Stretch[ConversationListed | Mapping[str, Any]]:
        columns = CONVERSATIONS.c
        mine = (columns.tenant == current_context().tenant) & (columns.owner == query.owner)
        return await self._listing.answer(
            query, where(query.criteria, CONVERSATION_FIELDS, CONVERSATIONS) & mine
        )

    async def left_open(self, seconds: float, limit: int = 2_000) -> Sequence[tuple[str, UUID]]:
        """Tenant and id of conversations with a run that was requested longer ago than this and
        has not ended; most of them are being answered."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select tenant, id from conversations.conversations where open_since is not null"
                " and open_since < clock_timestamp() - %s order by open_since limit %s",
                (timedelta(seconds=seconds), limit),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def _opened(self, batch: Batch) -> Mapping[str, Opened]:
        """What is in all boxes of a batch, by tenant."""
        opened: dict[str, Opened] = {}
        for tenant in {recorded.tenant for recorded in batch}:
            boxes = [
                box
                for recorded in batch
                if recorded.tenant == tenant
                for box in sealed_in(recorded.event)
            ]
            with running_in(msgspec.structs.replace(current_context(), tenant=tenant)):
                contents = await self._vault.open(*boxes) if boxes else ()
            opened[tenant] = dict(zip(boxes, contents, strict=True))
        return opened


async def _delete(connection: Connection, table: Table, keys: Sequence[tuple[str, UUID]]) -> None:
    for tenant, ids in _by_tenant(keys).items():
        statement = SQL("delete from {} where tenant = %s and id = any(%s)")
        await connection.execute(statement.format(identifier(table)), (tenant, ids))


async def _forget(
    connection: Connection, table: Table, tenant: str, owners: Sequence[UUID]
) -> None:
    if owners:
        await connection.execute(_FORGET.format(identifier(table)), (ERASED, tenant, owners))


def _by_tenant(pairs: Iterable[tuple[str, UUID]]) -> Mapping[str, list[UUID]]:
    found: dict[str, list[UUID]] = {}
    for tenant, id in pairs:
        found.setdefault(tenant, []).append(id)
    return found

"""The catalogue read model in PostgreSQL: its table, what fills it, what is asked of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from contexts.events.application.queries import (
    EVENT_FIELDS,
    EventFound,
    EventListed,
    EventShown,
    ListEvents,
    SearchEvents,
)
from contexts.events.application.showing import show
from contexts.events.domain.event import EventChange
from shared.application.context import current_context
from shared.application.pages import Page
from shared.domain.aggregate import kinds_of
from shared.infrastructure.criteria_sql import fold_text, order_by, where
from shared.infrastructure.postgres import Pool, compiled
from shared.infrastructure.projections import Batch, Connection, PostgresProjection
from shared.infrastructure.upsert import upsert

CATALOGUE = Table(
    "catalogue",
    MetaData(schema="events"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("folded_title", Text, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    Column("status", Text, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("ever_online", Boolean, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column("over_at", DateTime(timezone=True), nullable=False),
    Column("local_starts_at", DateTime, nullable=False),
    Column("local_ends_at", DateTime),
    Column("timezone", Text, nullable=False),
    Column("min_price", Numeric),
    Column("max_price", Numeric),
    Column("available_min_price", Numeric),
    Column("available_max_price", Numeric),
    Column("places", Integer, nullable=False),
    Column("sold_out", Boolean, nullable=False),
    Column("sell_mode", Text, nullable=False),
    Column("sell_from", DateTime),
    Column("sell_to", DateTime),
    Column("provider", Text),
    Column("base_id", Text),
    Column("plan_id", Text),
    Column("organizer", Text),
    Column("cancellation_reason", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
_GENERATED = ("words", "over_at")
_OURS = ("tenant", "folded_title")
_SHOWN = [c.name for c in CATALOGUE.c if c.name not in (*_GENERATED, *_OURS)]
_LISTED = [CATALOGUE.c[name] for name in EventListed.__struct_fields__]
_FOUND = [CATALOGUE.c[name] for name in EventFound.__struct_fields__]


class Catalogue(PostgresProjection):
    """One row for each event, in the tenant it belongs to. The zones stay in the log."""

    name = "events.catalogue"
    handles = kinds_of(EventChange)

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def project(self, batch: Batch, connection: Connection) -> None:
        rows = await self._rows(batch, connection)
        for recorded in batch:
            key = recorded.tenant, recorded.id
            rows[key] = show(rows.get(key), recorded)
        await upsert(connection, CATALOGUE, _GENERATED, (_row(*each) for each in rows.items()))

    async def list_events(self, query: ListEvents) -> Page[EventListed]:
        condition = where(query.criteria, EVENT_FIELDS, CATALOGUE) & self._on_offer()
        rows = (
            select(*_LISTED)
            .where(condition)
            .order_by(*order_by(query.sort, EVENT_FIELDS, CATALOGUE))
            .limit(query.page.size)
            .offset(query.page.offset)
        )
        async with self._pool.connection() as connection, connection.transaction():
            # The page and the count are of one moment.
            await connection.execute("set transaction isolation level repeatable read, read only")
            cursor = await connection.execute(
                *compiled(select(func.count()).select_from(CATALOGUE).where(condition))
            )
            total = (await cursor.fetchone() or (0,))[0]
            async with connection.cursor(row_factory=class_row(EventListed)) as listed:
                await listed.execute(*compiled(rows))
                return Page.of(await listed.fetchall(), query.page, total)

    async def search(self, query: SearchEvents) -> list[EventFound]:
        condition = self._on_offer() & (CATALOGUE.c.status != "cancelled")
        if query.starts_at is not None:
            condition &= CATALOGUE.c.starts_at >= query.starts_at
        if query.ends_at is not None:
            condition &= CATALOGUE.c.over_at <= query.ends_at
        rows = select(*_FOUND).where(condition).order_by(CATALOGUE.c.starts_at, CATALOGUE.c.id)
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(EventFound)) as found,
        ):
            await found.execute(*compiled(rows))
            return await found.fetchall()

    async def listed(self, provider: str) -> Sequence[UUID]:
        """The events that a provider still lists, as far as this read model has come."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select id from events.catalogue"
                " where tenant = %s and provider = %s and status = 'listed'",
                (current_context().tenant, provider),
            )
            return [row[0] for row in await cursor.fetchall()]

    def _on_offer(self) -> ColumnElement[bool]:
        return (CATALOGUE.c.tenant == current_context().tenant) & CATALOGUE.c.ever_online

    async def _rows(
        self, batch: Batch, connection: Connection
    ) -> dict[tuple[str, UUID], EventShown]:
        keys = sorted({(recorded.tenant, recorded.id) for recorded in batch})
        columns = ", ".join(f"c.{name}" for name in _SHOWN)
        cursor = await connection.execute(
            f"select c.tenant, {columns} from events.catalogue c"  # noqa: S608 (constants)
            " join unnest(%s::text[], %s::uuid[]) as k(tenant, id) using (tenant, id)",
            ([tenant for tenant, _ in keys], [id for _, id in keys]),
        )
        return {
            (tenant, shown["id"]): EventShown(**shown, zones=())
            for tenant, *values in await cursor.fetchall()
            for shown in [dict(zip(_SHOWN, values, strict=True))]
        }


def _row(key: tuple[str, UUID], shown: EventShown) -> dict[str, Any]:
    row = msgspec.structs.asdict(shown)
    del row["zones"]
    return {**row, "tenant": key[0], "folded_title": fold_text(shown.title)}

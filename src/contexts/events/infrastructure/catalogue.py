"""The catalogue read model in PostgreSQL: its table, what fills it, what is asked of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    Index,
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
    CRITERIA_FIELDS,
    EVENT_FIELDS,
    EventFound,
    EventListed,
    EventShown,
    ListEvents,
    SearchEvents,
)
from contexts.events.application.showing import show
from contexts.events.domain.event import EventChange
from contexts.events.infrastructure.catalogue_times import implied, split, times
from shared.application.context import current_context
from shared.application.cursors import Cursors
from shared.application.pages import Stretch
from shared.domain.aggregate import kinds_of
from shared.infrastructure.lists.criteria_sql import fold_text, where
from shared.infrastructure.lists.listing import Listing
from shared.infrastructure.postgres import Pool, compiled
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

CATALOGUE = Table(
    "catalogue",
    MetaData(schema="events"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("folded_title", Text, nullable=False),
    Column("words", TSVECTOR, Computed("to_tsvector('simple', folded_title)", persisted=True)),
    Column("status", Text, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("ever_online", Boolean, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column(
        "over_at",
        DateTime(timezone=True),
        Computed("coalesce(ends_at, starts_at)", persisted=True),
        nullable=False,
    ),
    Column("local_starts_at", DateTime, nullable=False),
    Column("local_ends_at", DateTime),
    Column("timezone", Text, nullable=False),
    Column("min_price", Numeric),
    Column("max_price", Numeric),
    Column("available_min_price", Numeric),
    Column("available_max_price", Numeric),
    Column("places", BigInteger, nullable=False),
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
"""Whoever changes it, or its indexes, raises the version of the projection: it is built anew."""


def _order(name: str, column: ColumnElement[Any], include: Sequence[str] = ()) -> None:
    """An order of the catalogue, read in both directions: for one tenant, by a column, then by id.
    Only what was ever online is shown."""
    Index(
        f"catalogue_by_{name}",
        CATALOGUE.c.tenant,
        column,
        CATALOGUE.c.id,
        postgresql_include=list(include),
        postgresql_where=CATALOGUE.c.ever_online,
    )


# Beside the order that most lists have stands what lists are narrowed by, so that rows can be
# counted without being read.
_NARROWING = ("over_at", "status", "available", "provider", "min_price", "max_price")
_order("start", CATALOGUE.c.starts_at, include=_NARROWING)
_order("end", CATALOGUE.c.over_at)
_order("title", func.left(CATALOGUE.c.title, 200))
_order("min_price", CATALOGUE.c.min_price, include=("max_price",))
_order("max_price", CATALOGUE.c.max_price)
_order("available_min_price", CATALOGUE.c.available_min_price)
_order("available_max_price", CATALOGUE.c.available_max_price)
_order("status", CATALOGUE.c.status)
_order("provider", CATALOGUE.c.provider)
_order("update", CATALOGUE.c.updated_at)
Index(
    "catalogue_by_word",
    CATALOGUE.c.words,
    postgresql_using="gin",
    postgresql_where=CATALOGUE.c.ever_online,
)
# What is going on at some time, or in some range of it.
Index(
    "catalogue_by_time",
    func.tstzrange(
        CATALOGUE.c.starts_at, func.greatest(CATALOGUE.c.starts_at, CATALOGUE.c.over_at), "[]"
    ),
    postgresql_using="gist",
    postgresql_where=CATALOGUE.c.ever_online,
)
# Few different keys, which are stored once each: the smallest index there is, and so the one for
# counting. Also for what a feed still lists, which need not be on offer.
Index(
    "catalogue_by_kind",
    *[CATALOGUE.c[name] for name in ("tenant", "provider", "status", "available", "ever_online")],
)

_OURS = ("tenant", "folded_title")
_SHOWN = [c.name for c in CATALOGUE.c if c.computed is None and c.name not in _OURS]
_FOUND = [CATALOGUE.c[name] for name in EventFound.__struct_fields__]


class Catalogue(PostgresProjection):
    """One row for each event, in the tenant it belongs to. The zones stay in the log."""

    name = "events.catalogue"
    handles = kinds_of(EventChange)
    tables = (CATALOGUE,)

    def __init__(self, pool: Pool, cursors: Cursors) -> None:
        self._pool = pool
        self._listing = Listing(pool, CATALOGUE, EVENT_FIELDS, EventListed, cursors)

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        rows = await _rows(batch, connection, into[CATALOGUE])
        for recorded in batch:
            key = recorded.tenant, recorded.id
            rows[key] = show(rows.get(key), recorded)
        await upsert(connection, into[CATALOGUE], (_row(*each) for each in rows.items()))

    async def list_events(self, query: ListEvents) -> Stretch[EventListed | Mapping[str, Any]]:
        bounds = times(query.criteria)
        condition = where(query.criteria, CRITERIA_FIELDS, CATALOGUE) & self._on_offer()
        return await self._listing.answer(
            query,
            condition & implied(bounds, CATALOGUE, sorted_by=query.sort.by),
            split(bounds, CATALOGUE) if query.sort.by == "starts_at" else None,
        )

    async def search(self, query: SearchEvents) -> list[EventFound]:
        condition = self._on_offer() & (CATALOGUE.c.status != "cancelled")
        if query.starts_at is not None:
            condition &= CATALOGUE.c.starts_at >= query.starts_at
        if query.ends_at is not None:
            condition &= CATALOGUE.c.over_at <= query.ends_at
            condition &= CATALOGUE.c.starts_at <= query.ends_at  # Implied; one range of the index.
        rows = select(*_FOUND).where(condition).order_by(CATALOGUE.c.starts_at, CATALOGUE.c.id)
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(EventFound)) as found,
        ):
            # Planned for these very times: which index is best depends on them.
            await found.execute(*compiled(rows), prepare=False)
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
    batch: Batch, connection: Connection, catalogue: Table
) -> dict[tuple[str, UUID], EventShown]:
    return {
        (tenant, shown["id"]): EventShown(**shown, zones=())
        for tenant, *values in await rows_before(connection, catalogue, _SHOWN, batch)
        for shown in [dict(zip(_SHOWN, values, strict=True))]
    }


def _row(key: tuple[str, UUID], shown: EventShown) -> dict[str, Any]:
    row = msgspec.structs.asdict(shown)
    del row["zones"]
    return {**row, "tenant": key[0], "folded_title": fold_text(shown.title)}

"""The datasets, in PostgreSQL: the table, what fills it, what is asked of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Boolean, Column, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON

from contexts.analytics.application.keeping import Catalogue
from contexts.analytics.application.queries import (
    DatasetListed,
    DatasetShown,
    GetDataset,
    ListDatasets,
)
from contexts.analytics.application.showing import show_dataset
from contexts.analytics.domain.dataset import (
    CATALOGUE,
    Dataset,
    DatasetChange,
    LoadOptions,
    NoSuchDataset,
    dataset_id,
)
from contexts.analytics.domain.relation import Relation
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.event_store import EventStore
from shared.domain.aggregate import kinds_of
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

DATASETS = Table(
    "datasets",
    MetaData(schema="analytics"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("exists", Boolean, nullable=False),
    Column("loading_since", DateTime(timezone=True)),
    Column("shown", JSON),
)
Index("datasets_by_name", DATASETS.c.tenant, DATASETS.c.name)
Index(
    "datasets_loading",
    DATASETS.c.loading_since,
    postgresql_where=DATASETS.c.loading_since.is_not(None),
)


class Datasets(PostgresProjection):
    name = "analytics.datasets"
    handles = kinds_of(DatasetChange)
    tables = (DATASETS,)

    def __init__(self, pool: Pool, store: EventStore, codec: Codec, catalogue: Catalogue) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self._catalogue = catalogue

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        found = await rows_before(connection, into[DATASETS], ["id", "shown::text"], batch)
        shown = {
            (tenant, id): msgspec.json.decode(text, type=DatasetShown | None) if text else None
            for tenant, id, text in found
        }
        names = {}
        for recorded in batch:
            key = recorded.tenant, recorded.id
            names[key] = recorded.event.name
            shown[key] = show_dataset(shown.get(key), recorded)
        await upsert(
            connection,
            into[DATASETS],
            (_row(key, names[key], shown[key]) for key in names),
        )

    async def list_datasets(self, query: ListDatasets) -> list[DatasetListed]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                'select shown::text from analytics.datasets where tenant = %s and "exists"',
                (current_context().tenant,),
            )
            rows = await cursor.fetchall()
        listed = [msgspec.json.decode(row[0], type=DatasetListed) for row in rows]
        listed.append(_listed(await self._shown_catalogue()))
        return sorted(listed, key=lambda each: each.name)

    async def get(self, query: GetDataset) -> DatasetShown:
        """Folded from the log, so that a dataset is shown as soon as it was uploaded."""
        if query.name == CATALOGUE:
            return await self._shown_catalogue()
        stream = f"{Dataset.stream}-{dataset_id(query.name)}"
        shown = None
        for stored in (await self._store.read([stream])).get(stream, ()):
            shown = show_dataset(shown, self._codec.recorded(stored))
        if shown is None:
            raise NoSuchDataset(f"there is no dataset {query.name!r}")
        return shown

    async def names(self) -> Sequence[str]:
        """Those that were uploaded."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                'select name from analytics.datasets where tenant = %s and "exists" order by name',
                (current_context().tenant,),
            )
            return [row[0] for row in await cursor.fetchall()]

    async def left_open(self, seconds: float, limit: int = 100) -> Sequence[tuple[str, UUID]]:
        """Tenant and id of datasets that have waited longer than this to be loaded."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select tenant, id from analytics.datasets"
                " where loading_since < clock_timestamp() - %s order by loading_since limit %s",
                (timedelta(seconds=seconds), limit),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def _shown_catalogue(self) -> DatasetShown:
        return _of_catalogue(await self._catalogue.relation(), await self._catalogue.updated_at())


def _row(key: tuple[str, UUID], name: str, shown: DatasetShown | None) -> dict[str, Any]:
    return {
        "tenant": key[0],
        "id": key[1],
        "name": name,
        "exists": shown is not None,
        "loading_since": shown.loading.since if shown and shown.loading else None,
        "shown": shown,
    }


def _listed(shown: DatasetShown) -> DatasetListed:
    return DatasetListed(**{n: getattr(shown, n) for n in DatasetListed.__struct_fields__})


def _of_catalogue(relation: Relation, updated_at: Any) -> DatasetShown:
    return DatasetShown(
        name=relation.dataset,
        status="loaded",
        version=relation.version,
        rows=relation.rows,
        columns=len(relation.columns),
        set_aside=0,
        filename=None,
        updated_at=updated_at,
        asked=relation.columns,
        revision=relation.revision,
        row_noun=relation.row_noun,
        measure=relation.measure,
        time=relation.time,
        encoding=None,
        delimiter=None,
        bytes=None,
        options=LoadOptions(),
        rows_set_aside=(),
        warnings=(),
        uploaded_at=None,
        loaded_at=None,
        loading=None,
        failure=None,
    )

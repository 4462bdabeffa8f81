"""The catalogue as a dataset: a view, in each room, of what the events context publishes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from psycopg.sql import SQL, Identifier, Literal

from contexts.analytics.domain import dataset
from contexts.analytics.domain.relation import Column, Relation
from contexts.events.published import CATALOGUE, COLUMNS, OFFERED, PublishedColumn
from shared.application.context import current_context
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.instances import generation_of

_WHY = "the catalogue says so"

# No condition of a question may be looked at before the tenant's is.
_CREATE = SQL(
    "create or replace view {} with (security_barrier)"
    " as select {} from {} where tenant = {} and {}"
)


class CatalogueDataset:
    """`schema_of` tells where a tenant's room is."""

    def __init__(self, pool: Pool, schema_of: Callable[[], Awaitable[str]]) -> None:
        self._pool = pool
        self._schema_of = schema_of
        self._known: dict[str, tuple[str, Relation]] = {}

    async def version(self) -> str:
        return await generation_of(self._pool, CATALOGUE)

    async def updated_at(self) -> datetime:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                SQL("select max(updated_at) from {} where tenant = %s").format(_source()),
                (current_context().tenant,),
            )
            row = await cursor.fetchone()
        return (row and row[0]) or datetime.fromtimestamp(0, UTC)

    async def relation(self) -> Relation:
        """What is known of the columns is looked up again whenever the catalogue has changed."""
        tenant, version = current_context().tenant, await self.version()
        known = self._known.get(tenant)
        if known is None or known[0] != version:
            known = version, await self._look(tenant, version)
            self._known[tenant] = known
        await self._have_view(tenant, known[1].schema)
        return known[1]

    async def _have_view(self, tenant: str, schema: str) -> None:
        """It goes when the view that it is made of gets other columns."""
        view = Identifier(schema, dataset.CATALOGUE)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select to_regclass(%s) is null", (view.as_string(connection),)
            )
            if (await cursor.fetchone() or (False,))[0]:
                await connection.execute(
                    _CREATE.format(
                        view,
                        SQL(", ").join(
                            SQL("{} as {}").format(Identifier(each.source), Identifier(each.name))
                            for each in COLUMNS
                        ),
                        _source(),
                        Literal(tenant),
                        Identifier(OFFERED),
                    )
                )

    async def _look(self, tenant: str, version: str) -> Relation:
        ranged = [each for each in COLUMNS if each.kind in ("measure", "time")]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                SQL("select count(*), {} from {} where tenant = %s and {}").format(
                    SQL(", ").join(
                        SQL("min({0})::text, max({0})::text").format(Identifier(each.source))
                        for each in ranged
                    ),
                    _source(),
                    Identifier(OFFERED),
                ),
                (tenant,),
            )
            row: tuple[Any, ...] = await cursor.fetchone() or ()
        ends = {
            each.name: (row[1 + 2 * place], row[2 + 2 * place]) for place, each in enumerate(ranged)
        }
        instance, *generations = (int(part) for part in (version or "0").split("."))
        return Relation(
            dataset=dataset.CATALOGUE,
            version=instance,
            revision=sum(generations),
            schema=await self._schema_of(),
            table=dataset.CATALOGUE,
            rows=row[0],
            columns=tuple(_column(each, *ends.get(each.name, (None, None))) for each in COLUMNS),
            row_noun="event",
            time="starts_at",
            sells=False,
        )


def _column(column: PublishedColumn, minimum: str | None, maximum: str | None) -> Column:
    return Column(
        name=column.name,
        title=column.name.replace("_", " ").capitalize(),
        type=column.type,
        role=column.kind,
        why=_WHY,
        synonyms=column.synonyms,
        minimum=minimum,
        maximum=maximum,
    )


def _source() -> Identifier:
    return Identifier(*CATALOGUE.split("."))

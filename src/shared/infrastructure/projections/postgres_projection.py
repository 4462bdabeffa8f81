"""A read model in PostgreSQL: the batch and the checkpoint commit together.

The tables that a projection names are views for whoever asks; behind each stands the table of the
active instance, named with its number: `events.catalogue` shows `events.catalogue_3`.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast

import psycopg
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import MetaData, Table
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import quoted_name

from shared.application.event_store import Recorded
from shared.infrastructure.postgres import DIALECT
from shared.infrastructure.projections.rows import identifier
from shared.infrastructure.projections.subscriptions import Batch, Connection, ReadModel, Shard

Into: TypeAlias = Mapping[Table, Table]
"""For each table that a projection names, the table that it is to write to."""

_DIFFERENCES_SHOWN = 10


class PostgresProjection(ReadModel):
    tables: tuple[Table, ...]
    """What it owns: columns, key and indexes, as they are created and as they are asked."""

    @abstractmethod
    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        """Fold the batch in memory and write it set-wise."""

    async def take_in(
        self, batch: Batch, *, shard: Shard, after: int, upto: int, connection: Connection
    ) -> None:
        if batch:
            await self.project(batch, connection, self._of(shard.instance))

    async def replay(
        self, recorded: Recorded[Any], *, shard: Shard, connection: Connection
    ) -> None:
        await self.project([recorded], connection, self._of(shard.instance))

    async def create(self, instance: int, connection: Connection) -> None:
        for table in self._of(instance).values():
            await connection.execute(_ddl(CreateTable(table)))

    async def index(self, instance: int, connection: Connection) -> None:
        for table in self._of(instance).values():
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                await connection.execute(_ddl(CreateIndex(index, if_not_exists=True)))
            await connection.execute(SQL("analyze {}").format(identifier(table)))

    async def serve(self, instance: int, connection: Connection) -> None:
        """What others have built on a view stays, as long as its columns are what they were."""
        for table, behind in self._of(instance).items():
            view, shown = identifier(table), identifier(behind)
            create = SQL("create or replace view {} as select * from {}").format(view, shown)
            try:
                async with connection.transaction():
                    await connection.execute(create)
            except psycopg.errors.InvalidTableDefinition:
                await connection.execute(SQL("drop view {} cascade").format(view))
                await connection.execute(create)

    async def drop(self, instance: int, connection: Connection) -> None:
        for table in self._of(instance).values():
            await connection.execute(SQL("drop table if exists {}").format(identifier(table)))

    async def counts(self, instance: int, connection: Connection) -> Mapping[str, int]:
        counts = {}
        for table, behind in self._of(instance).items():
            cursor = await connection.execute(
                SQL("select count(*) from {}").format(identifier(behind))
            )
            (counts[table.name],) = cast(tuple[int], await cursor.fetchone())
        return counts

    async def differences(
        self, instance: int, history: Batch, connection: Connection
    ) -> Sequence[str]:
        made = {table: _scratch(table) for table in self.tables}
        found: list[str] = []
        for table, behind in self._of(instance).items():
            await connection.execute(
                SQL("create temporary table {} (like {} including all) on commit drop").format(
                    identifier(made[table]), identifier(behind)
                )
            )
        await self.project(history, connection, made)
        for table, behind in self._of(instance).items():
            cursor = await connection.execute(_compare(table, made[table], behind))
            found += [
                f"{table.name} {key}: the log makes {ours}, there is {theirs or 'nothing'}"
                for key, ours, theirs in await cursor.fetchall()
            ]
            await connection.execute(SQL("drop table {}").format(identifier(made[table])))
        return found[:_DIFFERENCES_SHOWN]

    def _of(self, instance: int) -> Into:
        return {table: _of_instance(table, instance) for table in self.tables}


@lru_cache(maxsize=256)
def _of_instance(table: Table, instance: int) -> Table:
    made = table.to_metadata(MetaData(), name=f"{table.name}_{instance}")
    for index in made.indexes:
        index.name = quoted_name(f"{index.name}_{instance}", quote=None)
    return made


def _scratch(table: Table) -> Table:
    """A table of this connection alone."""
    made = table.to_metadata(MetaData(), name=f"made_again_{table.name}")
    made.schema = None
    return made


def _compare(table: Table, made: Table, behind: Table) -> Composed:
    """The rows of `made` that `behind` has otherwise or not at all: key, the one, the other."""
    key = [column.name for column in table.primary_key.columns]
    return SQL(
        "select concat_ws('/', {0}), left(m::text, 500), left(t::text, 500) from {1} m"
        " left join {2} t using ({3}) where m::text is distinct from t::text limit {4}"
    ).format(
        SQL(", ").join(Identifier("m", name) for name in key),
        identifier(made),
        identifier(behind),
        SQL(", ").join(map(Identifier, key)),
        _DIFFERENCES_SHOWN,
    )


def _ddl(statement: CreateTable | CreateIndex) -> bytes:
    return str(statement.compile(dialect=DIALECT)).encode()

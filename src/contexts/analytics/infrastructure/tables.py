"""The tables of datasets in a tenant's room: one for each version that may still be asked."""

import re
from typing import Protocol

from psycopg.sql import SQL, Identifier

from shared.application.context import current_context
from shared.infrastructure.postgres import Pool


class _Place(Protocol):
    @property
    def schema(self) -> str: ...


class _Rooms(Protocol):
    async def room_of(self, tenant: str) -> _Place: ...


class RoomTables:
    def __init__(self, pool: Pool, rooms: _Rooms) -> None:
        self._pool = pool
        self._rooms = rooms

    async def schema(self) -> str:
        return (await self._rooms.room_of(current_context().tenant)).schema

    async def drop(self, dataset: str, *, since: int = 0, before: int | None = None) -> None:
        schema = await self.schema()
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select tablename from pg_tables where schemaname = %s and tablename ~ %s",
                (schema, f"^{re.escape(dataset)}_v[0-9]+$"),
            )
            for (table,) in await cursor.fetchall():
                version = int(table.rpartition("_v")[2])
                if version >= since and (before is None or version < before):
                    await connection.execute(
                        SQL("drop table if exists {}").format(Identifier(schema, table))
                    )

"""A room on a database of its own, with what may be read in it and what may not beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg

from contexts.analytics.application.ports import Limits
from contexts.analytics.domain.relation import Column, Relation
from contexts.analytics.infrastructure.room import PostgresRoom
from contexts.analytics.infrastructure.rooms import RoomPlace, Rooms
from contexts.analytics.infrastructure.sql.gate import Gate
from shared.infrastructure.postgres import Pool, pool

PLANTED = "Palimpsest"
"""Stands in all the places that a room may not read."""

NEIGHBOUR = "neighbour"
"""Another tenant."""

QUICK = Limits(seconds=1.0, rows=1_000, bytes=1_000_000, cost=1e30)


class Stage(msgspec.Struct):
    url: str
    pool: Pool
    rooms: Rooms
    room: PostgresRoom
    place: RoomPlace
    other: RoomPlace

    def relation(self, table: str, **columns: Any) -> Relation:
        return Relation(
            dataset=table,
            version=1,
            schema=self.place.schema,
            table=table,
            rows=1,
            columns=tuple(
                Column(name=name, title=name, type=kind, role="dimension")
                for name, kind in columns.items()
            ),
        )

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """As the program's own user; ROOM and OTHER stand for the schemas of the two rooms."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(self.named(sql).encode())
            return cursor.fetchall() if cursor.description else []

    def named(self, sql: str) -> str:
        return sql.replace("ROOM", self.place.schema).replace("OTHER", self.other.schema)

    async def read(self, sql: str, limits: Limits = QUICK) -> list[tuple[Any, ...]]:
        """As the room's login, without the gate."""
        rows: list[tuple[Any, ...]] = []

        def take(row: tuple[Any, ...]) -> bool:
            rows.append(row)
            return len(rows) < limits.rows

        await self.room.read(self.named(sql), limits, take)
        return rows


@asynccontextmanager
async def entered(url: str) -> AsyncIterator[Stage]:
    own = pool(url, name="test", size=4, statement_seconds=15, connect_seconds=5)
    await own.open(wait=True)
    rooms = Rooms(own, url)
    try:
        place, other = await rooms.room_of("default"), await rooms.room_of(NEIGHBOUR)
        yield Stage(url, own, rooms, PostgresRoom(rooms, Gate()), place, other)
    finally:
        await rooms.close()
        await own.close()


def furnish(stage: Stage) -> None:
    """Tables of both tenants, an event, and a table and a migration of the program's own."""
    stage.execute(
        """
        create table ROOM.hires as
            select 'boat ' || n % 7 as boat, n * 0.5 as fee from generate_series(1, 2000) n;
        create table OTHER.hires as select 'PLANTED'::text as boat, 1.0 as fee;
        create table OTHER.private as select 'PLANTED'::text as word;
        create schema planted;
        create table planted.words as select 'PLANTED'::text as word;
        insert into event_store.events (tenant, stream, version, type, data, metadata)
            values ('default', 'planted', 1, 'planted', '{"word": "PLANTED"}', '{}');
        insert into public.marquee_migrations (name, checksum) values ('PLANTED', '');
        analyze
        """.replace("PLANTED", PLANTED)
    )

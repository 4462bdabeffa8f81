"""The second wall: for each tenant a login that can read that tenant's datasets and nothing else.

A login of its own, not SET ROLE: what a session may become it can also undo. Its password is
derived from that of the program's own user, so every process knows it and it is stored nowhere.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader
from psycopg_pool import AsyncConnectionPool

from contexts.analytics.application.ports import QueryFaulted
from shared.infrastructure.postgres import TRANSIENT, Connection, Pool

MOST_CONNECTIONS = 4
"""Of one process to one room."""
IDLE_SECONDS = 60.0
CONNECT_SECONDS = 5.0

_NOT_ALLOWED = "MQ403"
"""What analytics.make_room raises when the program's user may not make logins."""

_AS_TEXT = ("numeric", "date", "time", "timestamp", "timestamptz", "interval")
"""Types that Python can't hold all values of; they are taken as PostgreSQL writes them."""


class RoomPlace(msgspec.Struct, frozen=True):
    """Where a tenant's datasets lie, and the login that may read them."""

    schema: str
    role: str


class NoRoom(QueryFaulted):
    """There is no room for a tenant and none can be made; says in one line what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, transient=False)


class _Open(msgspec.Struct):
    place: RoomPlace
    pool: Pool


class Rooms:
    """Makes rooms, and opens them when somebody first goes in.

    `pool` is the program's own, whose user makes the logins: a superuser, or one with CREATEROLE
    that may create schemas. `database_url` is what it connects with.
    """

    def __init__(self, pool: Pool, database_url: str) -> None:
        self._pool = pool
        self._url = database_url
        self._places: dict[str, RoomPlace] = {}
        self._open: dict[str, _Open] = {}
        self._opening = asyncio.Lock()

    async def room_of(self, tenant: str) -> RoomPlace:
        """The tenant's room, made if there is none. Raise NoRoom, or QueryFaulted."""
        if tenant not in self._places:
            async with self._opening, _faults_told():
                await self._close_doors()
                found = await self._look(tenant)
                if found is None or not await self._lets_in(*found):
                    found = await self._make(tenant)
                self._places[tenant] = found[0]
        return self._places[tenant]

    @asynccontextmanager
    async def connection(self, tenant: str) -> AsyncIterator[AsyncConnection[Any]]:
        """A session of the tenant's login, in autocommit. What it leaves behind is discarded."""
        place = await self.room_of(tenant)
        async with _faults_told():
            room = await self._opened(tenant, place)
        async with room.pool.connection() as connection:
            yield connection

    async def close(self) -> None:
        rooms, self._open = list(self._open.values()), {}
        for room in rooms:
            await room.pool.close()

    async def _opened(self, tenant: str, place: RoomPlace) -> _Open:
        async with self._opening:
            if tenant not in self._open:
                secret = await self._secret(tenant)
                pool = self._new_pool(place, secret)
                await pool.open()
                self._open[tenant] = _Open(place, pool)
            return self._open[tenant]

    def _new_pool(self, place: RoomPlace, secret: str) -> Pool:
        return AsyncConnectionPool(
            self._conninfo(place.role, secret),
            connection_class=Connection,
            configure=_configure,
            reset=_discard,
            kwargs={"autocommit": True},
            min_size=0,
            max_size=MOST_CONNECTIONS,
            max_idle=IDLE_SECONDS,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,
            open=False,
            name=place.role,
        )

    async def _look(self, tenant: str) -> tuple[RoomPlace, str] | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select schema_name, role_name, secret::text from analytics.rooms"
                " where tenant = %s",
                (tenant,),
            )
            row = await cursor.fetchone()
        return None if row is None else (RoomPlace(row[0], row[1]), row[2])

    async def _secret(self, tenant: str) -> str:
        found = await self._look(tenant)
        assert found is not None
        return found[1]

    async def _close_doors(self) -> None:
        """What was opened for all when the database was copied or restored is closed again."""
        if not self._places:
            async with self._pool.connection() as connection:
                await connection.execute("select analytics.close_doors()")

    async def _lets_in(self, place: RoomPlace, secret: str) -> bool:
        """Whether the login is there with our password, and sees its schema."""
        with suppress(psycopg.OperationalError):
            async with await AsyncConnection.connect(self._conninfo(place.role, secret)) as inside:
                cursor = await inside.execute(
                    "select coalesce(has_schema_privilege(to_regnamespace(%s), 'usage'), false)",
                    (place.schema,),
                )
                row = await cursor.fetchone()
                return row is not None and bool(row[0])
        return False

    async def _make(self, tenant: str) -> tuple[RoomPlace, str]:
        """Two steps, for the password rests on what the first one draws."""
        async with self._pool.connection() as connection:
            await connection.execute("select analytics.make_room(%s, null)", (tenant,))
            found = await self._look(tenant)
            assert found is not None
            place, secret = found
            verifier = connection.pgconn.encrypt_password(
                self._password(place.role, secret).encode(), place.role.encode(), b"scram-sha-256"
            )
            await connection.execute(
                "select analytics.make_room(%s, %s)", (tenant, verifier.decode())
            )
        return found

    def _password(self, role: str, secret: str) -> str:
        own = str(conninfo_to_dict(self._url).get("password") or "")
        return hmac.new(own.encode(), f"{role}:{secret}".encode(), hashlib.sha256).hexdigest()

    def _conninfo(self, role: str, secret: str) -> str:
        parts: dict[str, Any] = dict(conninfo_to_dict(self._url))
        for own in ("options", "passfile", "service"):
            parts.pop(own, None)
        parts |= {
            "user": role,
            "password": self._password(role, secret),
            "application_name": "marquee-room",
            "connect_timeout": round(CONNECT_SECONDS),
        }
        return make_conninfo(**parts)


@asynccontextmanager
async def _faults_told() -> AsyncIterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate == _NOT_ALLOWED:
            raise NoRoom(error.diag.message_primary or str(error)) from None
        transient = isinstance(error, TRANSIENT)
        raise QueryFaulted(
            f"the room can't be opened: {_first(error)}", transient=transient
        ) from None
    except TRANSIENT as error:
        raise QueryFaulted(f"the room can't be opened: {_first(error)}", transient=True) from None


async def _configure(connection: AsyncConnection[Any]) -> None:
    for name in _AS_TEXT:
        connection.adapters.register_loader(name, TextLoader)


async def _discard(connection: AsyncConnection[Any]) -> None:
    """Settings, prepared statements, locks and cursors go; a pool closes what can't be cleared."""
    await connection.execute("discard all", prepare=False)


def _first(error: Exception) -> str:
    return str(error).strip().split("\n")[0]

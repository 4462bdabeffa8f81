"""How rooms come to be: by migration and on demand, by whoever may, and again after a restore."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from contexts.analytics.infrastructure.rooms import NoRoom, Rooms
from rooms import Stage, entered, furnish
from shared.infrastructure.migrations import migrate
from shared.infrastructure.postgres import pool
from stored import MIGRATIONS


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Rooms]:
    own = pool(url, name="test", size=2, statement_seconds=15, connect_seconds=5)
    await own.open(wait=True)
    rooms = Rooms(own, url)
    try:
        yield rooms
    finally:
        await rooms.close()
        await own.close()


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with entered(database) as stage:
        furnish(stage)
        yield stage


@pytest.fixture
def ordinary(empty_database: str) -> tuple[str, str]:
    """The URL of a database whose owner is no superuser, and that owner's name."""
    name = f"owner_{uuid4().hex}"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        database = connection.info.dbname
        connection.execute(SQL("create role {} login password 'own'").format(Identifier(name)))
        connection.execute(
            SQL("alter database {} owner to {}").format(Identifier(database), Identifier(name))
        )
    return make_conninfo(empty_database, user=name, password="own"), name


async def test_the_first_tenant_has_a_room_from_the_beginning(database: str) -> None:
    with psycopg.connect(database) as connection:
        rows = connection.execute("select tenant from analytics.rooms").fetchall()
    assert rows == [("default",)]


async def test_a_room_is_made_when_a_tenant_first_needs_one_and_then_stays(
    database: str,
) -> None:
    async with opened(database) as rooms:
        place = await rooms.room_of("somebody new")
        assert await rooms.room_of("somebody new") == place
        assert place != await rooms.room_of("default")
    async with opened(database) as others:
        assert await others.room_of("somebody new") == place


async def test_processes_that_make_a_room_at_once_agree_on_it(database: str) -> None:
    async with opened(database) as one, opened(database) as two, opened(database) as three:
        places = await asyncio.gather(*(each.room_of("rushed") for each in (one, two, three)))
    assert len(set(places)) == 1


async def test_a_login_is_nothing_more_than_a_login(stage: Stage) -> None:
    rows = stage.execute(
        "select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
        " rolcanlogin, rolconnlimit, rolpassword like 'SCRAM-SHA-256$%',"
        " (select count(*) from pg_auth_members where member = a.oid)"
        " from pg_authid a where rolname = 'marquee_' || 'ROOM'"
    )
    assert rows == [(False, False, False, False, False, False, True, 40, True, 0)]


async def test_a_login_sees_its_own_schema_and_no_other_of_ours(stage: Stage) -> None:
    rows = await stage.read(
        "select nspname::text from pg_namespace where has_schema_privilege(oid, 'usage')"
        " and nspname not like 'pg\\_%' and nspname <> 'information_schema'"
    )
    assert rows == [(stage.place.schema,)]


async def test_a_password_that_was_lost_is_set_again(stage: Stage) -> None:
    stage.execute(f"alter role {stage.place.role} password 'another'")
    async with opened(stage.url) as rooms, rooms.connection("default") as connection:
        cursor = await connection.execute("select current_user")
        assert await cursor.fetchone() == (stage.place.role,)


async def test_a_login_that_a_restore_left_behind_is_made_again(stage: Stage) -> None:
    role = stage.place.role
    await stage.rooms.close()
    stage.execute(f"drop owned by {role}")
    with psycopg.connect(stage.url, autocommit=True) as connection:
        # Other databases of this cluster were copied from the same one and know it too.
        connection.execute(SQL("alter role {} nologin").format(Identifier(role)))
    async with opened(stage.url) as rooms, rooms.connection("default") as connection:
        cursor = await connection.execute("select count(*) from hires")
        assert await cursor.fetchone() == (2000,)


async def test_doors_that_a_copy_of_the_database_leaves_open_are_closed(
    database: str,
) -> None:
    temporary = "select has_database_privilege('public', current_database(), 'temporary')"
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute(temporary).fetchone() == (True,)
        async with opened(database) as rooms:
            await rooms.room_of("default")
        assert connection.execute(temporary).fetchone() == (False,)


async def test_a_login_that_was_given_more_is_not_let_in_again(stage: Stage) -> None:
    role = stage.place.role
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute(SQL("alter role {} createdb password null").format(Identifier(role)))
        try:
            async with opened(stage.url) as rooms:
                with pytest.raises(NoRoom, match="may do more than read"):
                    await rooms.room_of("default")
        finally:
            connection.execute(SQL("alter role {} nocreatedb").format(Identifier(role)))


async def test_an_owner_who_may_make_logins_needs_to_be_no_superuser(
    ordinary: tuple[str, str], empty_database: str
) -> None:
    url, name = ordinary
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(SQL("alter role {} createrole").format(Identifier(name)))
    migrate(url, MIGRATIONS)
    async with opened(url) as rooms:
        place = await rooms.room_of("default")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                SQL("create table {} as select 1 as n").format(Identifier(place.schema, "t"))
            )
        async with rooms.connection("default") as inside:
            assert await (await inside.execute("select n from t")).fetchall() == [(1,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await inside.execute("select * from event_store.events")
            # What only a superuser can close stays open: a session gives back what it took.
            await inside.execute("select pg_advisory_lock(77001, 1)")
            pid = inside.info.backend_pid
        async with rooms.connection("default") as inside:
            assert inside.info.backend_pid == pid
            cursor = await inside.execute(
                "select count(*) from pg_locks where locktype = 'advisory' and pid = %s", (pid,)
            )
            assert await cursor.fetchone() == (0,)


async def test_who_may_not_make_logins_is_told_what_an_administrator_has_to_run(
    ordinary: tuple[str, str], empty_database: str
) -> None:
    url, name = ordinary
    assert migrate(url, MIGRATIONS)
    async with opened(url) as rooms:
        with pytest.raises(NoRoom, match=f"run: ALTER ROLE {name} CREATEROLE$") as refused:
            await rooms.room_of("default")
        assert "\n" not in str(refused.value)
        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute(str(refused.value).partition("run: ")[2].encode())
        assert (await rooms.room_of("default")).role

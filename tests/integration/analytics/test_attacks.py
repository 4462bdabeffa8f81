"""Every attack on each of the two walls alone, and on both: what comes of it is nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from attacks import ATTACKS
from contexts.analytics.application.ports import (
    Compiled,
    QueryFaulted,
    QueryRefused,
)
from contexts.analytics.domain.answer import Output
from rooms import PLANTED, QUICK, Stage, entered, furnish

BOUND = 60.0
"""Seconds within which each attack must have come to its end; far more than any limit allows."""

STATE = """
    select
        (select md5(string_agg(h::text, ',' order by h::text)) from ROOM.hires h),
        (select md5(string_agg(h::text, ',')) from OTHER.hires h),
        (select md5(string_agg(w::text, ',')) from OTHER.private w),
        (select md5(string_agg(w::text, ',')) from planted.words w),
        (select md5(string_agg(e::text, ',')) from event_store.events e),
        (select md5(string_agg(m::text, ',' order by name)) from public.marquee_migrations m),
        (select md5(string_agg(r::text, ',' order by tenant)) from analytics.rooms r),
        (select md5(string_agg(a::text, ',' order by a.oid)) from pg_authid a
            where a.rolname in (select role_name from analytics.rooms)),
        (select md5(string_agg(s::text, ',' order by s::text)) from pg_db_role_setting s),
        (select md5(string_agg(n::text, ',' order by n.oid)) from pg_namespace n),
        (select md5(string_agg(c.oid || c.relname || coalesce(c.relacl::text, ''), ','
            order by c.oid)) from pg_class c),
        (select count(*) from pg_proc),
        (select count(*) from pg_largeobject_metadata),
        (select count(*) from pg_extension),
        (select count(*) from pg_description),
        (select count(*) from pg_prepared_xacts),
        (select count(*) from pg_replication_slots),
        (select last_value from event_store.position)
"""
"""All that an attack could have changed."""

HELD = """
    select l.locktype, l.mode from pg_locks l join pg_stat_activity a using (pid)
    where a.usename like 'marquee_room_%' and a.datname = current_database()
      and (l.locktype = 'advisory' or a.state <> 'idle')
"""
"""What sessions of rooms hold or do, once nobody asks them anything."""


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with entered(database) as stage:
        furnish(stage)
        yield stage


async def nothing_came_of_it(stage: Stage, attack: str, rows: list[Any], before: object) -> None:
    text = repr(rows)
    assert PLANTED not in text, attack
    assert "root:" not in text, attack
    assert stage.execute(STATE) == before, attack
    bounds = await stage.read(
        "select current_user, current_setting('transaction_read_only'),"
        " current_setting('statement_timeout'), current_setting('search_path')"
    )
    assert bounds == [(stage.place.role, "on", "1s", stage.place.schema)], attack


async def all_is_still(stage: Stage) -> None:
    """A session that was stopped takes a moment to go."""
    async with asyncio.timeout(BOUND):
        while stage.execute(HELD):
            await asyncio.sleep(0.02)


async def test_the_login_alone_holds_against_every_attack(stage: Stage) -> None:
    before = stage.execute(STATE)
    refused = 0
    for attack in ATTACKS:
        rows: list[Any] = []
        try:
            async with asyncio.timeout(BOUND):
                rows = await stage.read(attack.sql)
        except (QueryRefused, QueryFaulted):
            refused += 1
        await nothing_came_of_it(stage, attack.sql, rows, before)
    await all_is_still(stage)
    assert refused > len(ATTACKS) * 3 / 4


async def test_both_walls_hold_against_every_attack(stage: Stage) -> None:
    before = stage.execute(STATE)
    relation = stage.relation("hires", boat="text", fee="decimal")
    outputs = (Output(name="boat", title="Boat", type="text", kind="dimension"),)
    for attack in ATTACKS:
        with pytest.raises(QueryRefused):
            await stage.room.run(Compiled(stage.named(attack.sql), outputs), relation, QUICK)
    assert stage.execute(STATE) == before
    await all_is_still(stage)


async def test_a_session_of_the_login_reads_and_changes_nothing_that_is_not_its_own(
    stage: Stage,
) -> None:
    """Worse than what there is: no transaction around it, and several statements at a time."""
    before = stage.execute(STATE)
    told = []
    for attack in ATTACKS:
        if attack.kind == "exhaustion" or "loop end" in attack.sql:
            continue
        async with stage.rooms.connection("default") as connection:
            try:
                cursor = await connection.execute(stage.named(attack.sql).encode())
                rows = await cursor.fetchall() if cursor.description else []
            except psycopg.Error:
                rows = []
            await connection.close()
        if PLANTED in repr(rows) or "root:" in repr(rows):
            told.append(attack.sql)
        after = stage.execute(STATE)
        assert after == before, attack.sql
    assert told == []


async def test_a_login_that_lifts_its_own_limits_still_changes_nothing(stage: Stage) -> None:
    before = stage.execute(STATE)
    lifted = "set default_transaction_read_only = off; set statement_timeout = 0; "
    for sql in [
        "delete from hires",
        "insert into hires values ('x', 1)",
        "create table x (a int)",
        "create temporary table x (a int)",
        "create table public.x (a int)",
        "create schema x",
        "select lo_create(0)",
        "select pg_advisory_lock(77001, 1)",
        "do $$ begin perform 1; end $$",
        "select * from OTHER.private",
        "set role postgres",
        "create role x",
        "alter role postgres password 'x'",
        "copy hires to '/tmp/marquee_attack'",
    ]:
        async with stage.rooms.connection("default") as connection:
            with pytest.raises(psycopg.Error):
                await connection.execute((lifted + stage.named(sql)).encode())
            await connection.close()
    assert stage.execute(STATE) == before

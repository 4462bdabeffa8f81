"""What comes out of a room, what it takes no part in, and what it does when it is stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import psycopg
import pytest

from contexts.analytics.application.ports import Compiled, Limits, QueryFaulted, QueryRefused
from contexts.analytics.domain.answer import Output
from contexts.analytics.domain.query_spec import Dimension, Measure, QuerySpec
from contexts.analytics.domain.relation import ColumnType
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from rooms import NEIGHBOUR, QUICK, Stage, entered, furnish
from shared.application.context import Context, running_in

PATIENCE = 60.0
FOREVER = "select count(*) from hires a, hires b, hires c, hires d"


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with entered(database) as stage:
        furnish(stage)
        yield stage


def asked(**columns: ColumnType) -> tuple[Output, ...]:
    return tuple(
        Output(name=name, title=name, type=kind, kind="dimension") for name, kind in columns.items()
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


def is_busy(stage: Stage) -> bool:
    return bool(
        stage.execute(
            "select 1 from pg_stat_activity where usename like 'marquee_room_%'"
            " and datname = current_database() and state = 'active'"
        )
    )


async def test_cells_come_as_they_stand_in_json(stage: Stage) -> None:
    stage.execute(
        """
        create table ROOM.kinds (word text, whole bigint, part numeric, near float8, yes boolean,
            day date, at timestamp, clock time, ticked time, fine timestamp, far date, no numeric);
        insert into ROOM.kinds values ('Ärger "1"', 12, 12.50, 0.1, true, '2024-11-01',
            '2024-11-01 16:55', '16:55', '16:55:30', '2024-11-01 16:55:00.25', 'infinity', 'NaN'),
            (null, null, null, 'infinity', null, null, null, null, null, null, null, null)
        """
    )
    kinds: dict[str, ColumnType] = {
        "word": "text", "whole": "integer", "part": "decimal", "near": "decimal",
        "yes": "boolean", "day": "date", "at": "timestamp", "clock": "time", "ticked": "time",
        "fine": "timestamp", "far": "date", "no": "decimal",
    }  # fmt: skip
    relation = stage.relation("kinds", **kinds)
    spec = QuerySpec(dimensions=tuple(Dimension(column=name) for name in kinds))
    ran = await stage.room.run(compile_spec(spec, relation), relation, QUICK)
    first, second = sorted(ran.result.rows, key=lambda row: row[0] is None)
    assert first == (
        'Ärger "1"', 12, 12.5, 0.1, True, "2024-11-01", "2024-11-01 16:55:00", "16:55", "16:55:30",
        "2024-11-01 16:55:00.25", "infinity", None,
    )  # fmt: skip
    assert second == (None,) * 12
    assert type(first[1]) is int


async def test_sums_of_whole_numbers_are_whole(stage: Stage) -> None:
    stage.execute("create table ROOM.counts as select 9000000000000000000 as n union all select 5")
    relation = stage.relation("counts", n="integer")
    spec = QuerySpec(measures=(Measure(aggregate="sum", column="n"),))
    ran = await stage.room.run(compile_spec(spec, relation), relation, QUICK)
    assert ran.result.rows == ((9_000_000_000_000_000_005,),)


async def test_what_ran_is_told_as_the_gate_printed_it(stage: Stage) -> None:
    relation = stage.relation("hires", boat="text", fee="decimal")
    spec = QuerySpec(measures=(Measure(aggregate="count"),))
    ran = await stage.room.run(compile_spec(spec, relation), relation, QUICK)
    assert ran.sql == 'SELECT\n  COUNT(*) AS "count"\nFROM "hires"\nLIMIT 1001'
    assert ran.result.rows == ((2000,),)
    assert not ran.result.truncated


async def test_rows_bytes_and_cells_are_cut_at_their_limits_and_it_is_told(stage: Stage) -> None:
    relation = stage.relation("hires", boat="text")
    every = Compiled("select boat from hires", asked(boat="text"))
    few = Limits(rows=3)
    ran = await stage.room.run(every, relation, few)
    assert (len(ran.result.rows), ran.result.truncated) == (3, True)
    ran = await stage.room.run(every, relation, Limits(rows=2_000))
    assert (len(ran.result.rows), ran.result.truncated) == (2_000, False)
    ran = await stage.room.run(every, relation, Limits(bytes=100, rows=2_000))
    assert ran.result.truncated
    assert 0 < len(ran.result.rows) < 20
    ran = await stage.room.run(every, relation, Limits(cell_bytes=5, rows=2_000))
    assert ran.result.rows[0] == ("bo…",)
    assert ran.result.truncated


async def test_what_would_cost_too_much_is_not_begun(stage: Stage) -> None:
    with pytest.raises(QueryRefused, match="estimated at a cost"):
        await stage.read(FOREVER, Limits(cost=1_000))


async def test_what_takes_too_long_is_ended_and_says_how_to_ask(stage: Stage) -> None:
    with pytest.raises(QueryRefused, match=r"longer than 0\.3 s.*ask about fewer rows"):
        await stage.read(FOREVER, msgspec.structs.replace(QUICK, seconds=0.3))
    await until(lambda: not is_busy(stage))


async def test_a_statement_that_lifts_the_servers_limit_is_ended_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the role had been able to: the server's own limit is an hour."""
    monkeypatch.setattr(
        "contexts.analytics.infrastructure.room._BEGIN",
        "begin read only; set local statement_timeout = '1h' -- {milliseconds}",
    )
    with pytest.raises(QueryRefused, match="longer than"):
        await stage.read(FOREVER, msgspec.structs.replace(QUICK, seconds=0.1))
    await until(lambda: not is_busy(stage))


async def test_a_reader_who_leaves_takes_the_statement_along(stage: Stage) -> None:
    slow = msgspec.structs.replace(QUICK, seconds=600)
    reading = asyncio.create_task(stage.read(FOREVER, slow))
    await until(lambda: is_busy(stage))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: not is_busy(stage))
    assert await stage.read("select 1") == [(1,)]


async def test_a_reader_who_has_enough_stops_the_statement(stage: Stage) -> None:
    rows = await stage.read(
        "select a.boat from hires a, hires b, hires c",
        msgspec.structs.replace(QUICK, rows=5, seconds=600),
    )
    assert len(rows) == 5
    await until(lambda: not is_busy(stage))


async def test_statements_come_one_at_a_time(stage: Stage) -> None:
    with pytest.raises(QueryFaulted, match="multiple commands"):
        await stage.read("select 1; select 2")


async def test_a_session_is_handed_on_as_if_nobody_had_been_in_it(stage: Stage) -> None:
    async with stage.rooms.connection("default") as connection:
        pid = connection.info.backend_pid
        await connection.execute("set work_mem = '1GB'")
        await connection.execute("prepare mine as select 1")
    async with stage.rooms.connection("default") as connection:
        assert connection.info.backend_pid == pid
        cursor = await connection.execute(
            "select current_setting('work_mem'), (select count(*) from pg_prepared_statements)"
        )
        assert await cursor.fetchone() == ("16MB", 0)


async def test_a_dataset_of_another_tenant_is_refused(stage: Stage) -> None:
    relation = stage.relation("hires", boat="text")
    every = Compiled("select boat from hires", asked(boat="text"))
    with running_in(Context(correlation_id="x", tenant=NEIGHBOUR)):
        with pytest.raises(QueryRefused, match="does not lie in this tenant's room"):
            await stage.room.run(every, relation, QUICK)
        theirs = msgspec.structs.replace(relation, schema=stage.other.schema)
        assert len((await stage.room.run(every, theirs, QUICK)).result.rows) == 1


async def test_a_table_that_is_made_later_may_be_read_at_once(stage: Stage) -> None:
    stage.execute("create table ROOM.later as select 1 as n")
    assert await stage.read("select n from later") == [(1,)]


async def test_a_dataset_that_is_gone_is_a_fault_that_does_not_pass(stage: Stage) -> None:
    with pytest.raises(QueryFaulted, match='"gone" does not exist') as faulted:
        await stage.read("select 1 from gone")
    assert not faulted.value.transient


async def test_a_dataset_that_is_being_replaced_is_a_fault_that_passes(stage: Stage) -> None:
    with psycopg.connect(stage.url) as connection:
        connection.execute(stage.named("lock table ROOM.hires in access exclusive mode").encode())
        with pytest.raises(QueryFaulted, match="being replaced") as faulted:
            await stage.read("select boat from hires", msgspec.structs.replace(QUICK, seconds=10))
    assert faulted.value.transient


async def test_a_session_that_the_server_ends_is_a_fault_that_passes(stage: Stage) -> None:
    slow = msgspec.structs.replace(QUICK, seconds=600)
    reading = asyncio.create_task(stage.read(FOREVER, slow))
    await until(lambda: is_busy(stage))
    stage.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'marquee_room_%'"
        " and datname = current_database()"
    )
    with pytest.raises(QueryFaulted) as faulted:
        await reading
    assert faulted.value.transient
    assert await stage.read("select 1") == [(1,)]


async def test_appenders_are_not_held_up_by_whoever_reads(stage: Stage) -> None:
    async with stage.rooms.connection("default") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("select pg_advisory_lock(77001, 1)")
        stage.execute("set lock_timeout = '5s'; select event_store.enter_fence()")


async def test_a_question_is_asked_in_its_own_tenants_room(stage: Stage) -> None:
    with running_in(Context(correlation_id="x", tenant=NEIGHBOUR)):
        assert await stage.read("select current_user, current_schema") == [
            (stage.other.role, stage.other.schema)
        ]

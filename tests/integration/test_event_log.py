"""The log in parts: what was there stays, nothing is changed, and each statement finds its part."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from bootstrap import Application
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contracts.event_store import happened
from shared.application.event_store import Append
from shared.application.projections import GetProjection
from shared.infrastructure.event_store import log_reading
from shared.infrastructure.event_store import postgres_event_store as store_module
from shared.infrastructure.event_store.appending import order, send
from shared.infrastructure.event_store.log_reading import read_log
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

ANNOUNCE = AnnounceEvent("Jazz", datetime(2100, 7, 3, 21), "UTC")
PARTS = [f"events_live_{n}" for n in range(8)]
TYPES = ["test.happened"]
STREAMS, VERSIONS = 12_000, 5


def test_what_was_in_the_log_before_it_had_parts_is_still_there(empty_database: str) -> None:
    first = [each for each in MIGRATIONS if each.name == "shared/0001_event_store.sql"]
    migrate(empty_database, first)
    log = "select position, tenant, stream, version, type, data::text, metadata::text, recorded_at"
    log += " from event_store.events order by position"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for n in range(50):
            _append_by_hand(connection, f"tenant-{n % 2}", f"a-{n % 20}", n // 20)
        connection.execute("select nextval('event_store.position')")
        before = connection.execute(log).fetchall()
        migrate(empty_database, MIGRATIONS)
        assert connection.execute(log).fetchall() == before
        assert len(before) == 50
        assert _append_by_hand(connection, "tenant-0", "a-0", 3) == 52
        with pytest.raises(psycopg.DatabaseError, match="a-0 is at version 4, not 3"):
            _append_by_hand(connection, "tenant-0", "a-0", 3)


@pytest.mark.parametrize("table", ["events", "events_live", "events_archive", *PARTS])
async def test_no_part_of_the_log_can_be_changed(application: Application, table: str) -> None:
    store = application.store()
    for n in range(40):
        await store.append([Append(f"a-{n}", 0, happened("one"))])
    await store.archive([f"a-{n}" for n in range(5)])
    changes = [
        f"update event_store.{table} set type = 'other'",  # noqa: S608 (constants)
        f"update event_store.{table} set archived = not archived",  # noqa: S608
        f"delete from event_store.{table}",  # noqa: S608
        f"truncate event_store.{table}",
    ]
    async with application.pool().connection() as connection:
        for change in changes:
            with pytest.raises(psycopg.errors.RestrictViolation, match="only added to"):
                await connection.execute(change.encode())


async def test_that_something_was_archived_opens_no_door(application: Application) -> None:
    """Not even in the transaction of the archiving itself."""
    await application.store().append([Append("a-1", 0, happened("one"))])
    async with application.pool().connection() as connection, connection.transaction():
        await connection.execute("select event_store.archive('default', array['a-1'])")
        with pytest.raises(psycopg.errors.RestrictViolation):
            async with connection.transaction():
                await connection.execute("update event_store.events set archived = false")


@pytest.fixture
async def grown(database: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A log of some size, and a connection that has no transaction open."""
    async with await AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata)"
            " select 'a-' || n, v, (array['test.happened', 'test.other'])[1 + n %% 2], '{}', '{}'"
            " from generate_series(1, %s) v, generate_series(1, %s) n",
            (VERSIONS, STREAMS),
        )
        ended = [f"a-{n}" for n in range(1, STREAMS, 10)]
        await connection.execute("select event_store.archive('default', %s)", (ended,))
        await connection.execute("vacuum analyze event_store.events")
        yield connection


ANY_PLAN = pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])


@ANY_PLAN
async def test_a_read_looks_only_where_the_streams_can_be(
    grown: AsyncConnection[Any], plan: str
) -> None:
    await grown.execute(f"set plan_cache_mode = {plan}".encode())
    for streams in (["a-4"], ["a-4", "a-5", "a-6"]):

        async def read(streams: list[str] = streams) -> None:
            if len(streams) == 1:
                cursor = await grown.execute(store_module._READ_ONE, ("default", streams[0]))
            else:
                cursor = await grown.execute(store_module._READ_MANY, (streams, "default"))
            assert len(await cursor.fetchall()) == VERSIONS * len(streams)

        async def heads(streams: list[str] = streams) -> None:
            cursor = await grown.execute(store_module._HEADS, (streams, "default"))
            assert len(await cursor.fetchall()) == len(streams)

        expected = {"events_archive", *await _homes(grown, streams)}
        assert await _looked_into(grown, read) == expected
        assert await _looked_into(grown, heads) == expected


async def test_an_append_looks_only_where_its_stream_is(grown: AsyncConnection[Any]) -> None:
    async def append(*streams: str, expected: int = VERSIONS) -> None:
        orders = [order([Append(stream, expected, happened("one"))]) for stream in streams]
        assert all(isinstance(answer, int) for answer in await send(grown, orders))

    for streams in (["a-4"], ["a-5"], ["a-12", "a-13"]):
        looked_into = await _looked_into(grown, partial(append, *streams))
        assert looked_into == await _homes(grown, streams), "the archive is not even asked"
    # A new stream might be there.
    await append("b-1", expected=0)
    looked_into = await _looked_into(grown, partial(append, "b-2", expected=0))
    assert looked_into == {"events_archive"}


@ANY_PLAN
@pytest.mark.parametrize("back", [STREAMS * VERSIONS, STREAMS, 5])
async def test_the_log_is_followed_along_its_indexes(
    grown: AsyncConnection[Any], plan: str, back: int
) -> None:
    await grown.execute(f"set plan_cache_mode = {plan}".encode())
    cursor = await grown.execute("select last_value from event_store.position")
    ((last,),) = await cursor.fetchall()

    async def follow() -> None:
        log = await read_log(grown, last - back, upto=last, types=TYPES, limit=500)
        assert log.events

    assert await _looked_into(grown, follow) == {"events_archive", *PARTS}


async def _homes(connection: AsyncConnection[Any], streams: list[str]) -> set[str]:
    """The parts in which these streams are."""
    cursor = await connection.execute(
        "select distinct tableoid::regclass::text from event_store.events"
        " where tenant = 'default' and stream = any(%s)",
        (streams,),
    )
    return {name.removeprefix("event_store.") for (name,) in await cursor.fetchall()}


async def _looked_into(
    connection: AsyncConnection[Any], work: Callable[[], Awaitable[None]]
) -> set[str]:
    """The parts whose indexes were looked into; none may be read through."""
    before = await _scans(connection)
    await work()
    after = await _scans(connection)
    assert [name for name in after if after[name][0] > before[name][0]] == []
    return {name for name in after if after[name][1] > before[name][1]}


async def _scans(connection: AsyncConnection[Any]) -> dict[str, tuple[int, int]]:
    await connection.execute("select pg_stat_force_next_flush()")
    cursor = await connection.execute(
        "select relname, seq_scan, idx_scan from pg_stat_user_tables"
        " where schemaname = 'event_store' and relname ~ '^events_' order by relname"
    )
    return {name: (seq, idx) for name, seq, idx in await cursor.fetchall()}


def _append_by_hand(
    connection: psycopg.Connection[Any], tenant: str, stream: str, expected: int
) -> int:
    row = connection.execute(
        "select event_store.append(%(t)s, array[%(s)s], array[%(v)s], array[%(s)s],"
        " array[%(v)s + 1], array['test.happened'], array['{\"é\": 1}'], array['{}'])",
        {"t": tenant, "s": stream, "v": expected},
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_rare_event_is_found_however_far_it_lies(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call looks through so many positions at a time, and goes on until there is one."""
    monkeypatch.setattr(log_reading, "STRETCH", 3)
    for _ in range(10):
        await application.bus()(ANNOUNCE)
    announced = await application.bus()(ANNOUNCE)
    await application.bus()(CancelEvent(announced.id, "storm"))
    kinds = ["events.event_cancelled"]
    log = await application.store().follow(0, types=kinds, limit=10)
    assert ([stored.position for stored in log.events], log.upto) == ([12], 12)
    kinds.append("events.event_announced")
    log = await application.store().follow(2, types=kinds, limit=5)
    assert ([stored.position for stored in log.events], log.upto) == ([3, 4, 5, 6, 7], 7)
    kinds.pop()
    assert (await application.store().follow(12, types=kinds, limit=10)).upto == 12
    await application.runner().catch_up("events.catalogue")
    shown = await application.bus()(GetProjection("events.catalogue"))
    assert (shown.position, shown.lag_events) == (12, 0)

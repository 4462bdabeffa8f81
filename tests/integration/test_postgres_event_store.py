"""The real event store: the contract, and what only a database can promise."""

import asyncio

import psycopg
import pytest

from bootstrap import Application
from contracts.event_store import EventStoreContract, happened, names
from shared.application.event_store import Append, EventStore
from shared.infrastructure.event_store.high_water_mark import HighWaterMark

TYPES = ["test.happened"]


class TestPostgresEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, application: Application) -> EventStore:
        return application.store()


@pytest.mark.parametrize(
    "change",
    [
        "update event_store.events set type = 'other'",
        "delete from event_store.events",
        "truncate event_store.events",
    ],
)
async def test_the_log_is_only_added_to(application: Application, change: str) -> None:
    await application.store().append([Append("a-1", 0, happened("one"))])
    async with application.pool().connection() as connection:
        with pytest.raises(psycopg.errors.RestrictViolation, match="only added to"):
            await connection.execute(change.encode())


async def test_an_uncommitted_append_holds_the_mark_and_is_named(
    application: Application, database: str
) -> None:
    """What was drawn before it but commits after it must not be skipped."""
    store = application.store()
    async with await psycopg.AsyncConnection.connect(database, application_name="slow") as slow:
        await _append_by_hand(slow, "a-slow")
        await store.append([Append("a-1", 0, happened("later"))])
        assert (await store.follow(0, types=TYPES, limit=10)).events == []
        (holder,) = await _holders(application)
        assert holder == ("slow", slow.info.backend_pid)
        await slow.commit()
    followed = await store.follow(0, types=TYPES, limit=10)
    assert names(followed.events) == ["by hand", "later"]


async def test_a_rolled_back_append_leaves_a_hole_that_nobody_waits_for(
    application: Application, database: str
) -> None:
    store = application.store()
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_by_hand(slow, "a-slow")
        await store.append([Append("a-1", 0, happened("later"))])
        await slow.rollback()
    followed = await store.follow(0, types=TYPES, limit=10)
    assert names(followed.events) == ["later"]
    assert followed.upto == followed.events[0].position == 2


async def test_a_long_transaction_of_a_stranger_holds_nobody_up(
    application: Application, database: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database) as stranger:
        await stranger.execute("create table other (id int)")
        await stranger.execute("insert into other select 1")
        await application.store().append([Append("a-1", 0, happened("one"))])
        followed = await application.store().follow(0, types=TYPES, limit=10)
        assert names(followed.events) == ["one"]


async def test_the_mark_goes_up_to_where_a_slow_appender_came_in(
    application: Application, database: str
) -> None:
    store = application.store()
    await store.append([Append("a-1", 0, happened("before"))])
    await store.follow(0, types=TYPES, limit=10)
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_by_hand(slow, "a-slow")
        await store.append([Append("a-1", 1, happened("after"))])
        assert names((await store.follow(0, types=TYPES, limit=10)).events) == ["before"]


async def test_an_older_look_does_not_free_a_newer_sample(database: str) -> None:
    """The sample of 7 knows of appender B; a look from before B came in must not free it."""
    mark = HighWaterMark()
    mark._take_in(5, frozenset({"A"}))
    mark._take_in(7, frozenset({"A", "B"}))
    mark._take_in(7, frozenset({"B"}))
    assert mark._mark == 5
    mark._take_in(9, frozenset({"C"}))
    assert mark._mark == 7


async def test_appenders_do_not_wait_for_one_another(
    application: Application, database: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_by_hand(slow, "a-slow")
        await asyncio.wait_for(
            application.store().append([Append("a-1", 0, happened("one"))]), timeout=60
        )


async def _append_by_hand(connection: psycopg.AsyncConnection, stream: str) -> None:
    await connection.execute(
        "select event_store.append('default', array[%(s)s], array[0], array[%(s)s], array[1],"
        " array['test.happened'], array['{\"name\": \"by hand\"}'], array['{}'])",
        {"s": stream},
    )


async def _holders(application: Application) -> list[tuple[str, int]]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select application_name, pid from event_store.fence_holders"
        )
        return await cursor.fetchall()

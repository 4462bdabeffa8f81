"""Appends that go together: each is judged by itself, and none suffers for another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

import shared.infrastructure.event_store.appending as appending
from bootstrap import Application
from contracts.event_store import happened, names
from shared.application.context import Context, running_in
from shared.application.event_store import Append, NewEvent, VersionConflict
from shared.infrastructure.event_store.appending import OutcomeUnknown
from shared.infrastructure.event_store.group_commit import GROUPS
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.postgres_event_store import PostgresEventStore

TYPES = ["test.happened"]


def one(stream: str, expected: int = 0) -> list[Append]:
    return [Append(stream, expected, happened(f"{stream} {expected + 1}"))]


async def test_appends_that_arrive_together_share_transactions(application: Application) -> None:
    store = application.store()
    positions = await asyncio.gather(*(store.append(one(f"a-{n}")) for n in range(50)))
    assert len(set(positions)) == 50
    found = await store.read([f"a-{n}" for n in range(50)])
    assert [found[f"a-{n}"][0].position for n in range(50)] == positions
    ((transactions,),) = await _sql(
        application, "select count(distinct xmin::text) from event_store.events"
    )
    assert transactions == GROUPS + 1, "the first go alone, the others together"


async def test_of_those_that_go_together_each_is_accepted_or_refused_by_itself(
    application: Application,
) -> None:
    store = application.store()
    await store.append(one("a-7"))
    results = await asyncio.gather(
        *(store.append(one(f"a-{n}")) for n in range(20)), return_exceptions=True
    )
    refused = {n: result for n, result in enumerate(results) if isinstance(result, Exception)}
    assert list(refused) == [7]
    assert isinstance(refused[7], VersionConflict)
    assert str(refused[7]) == "a-7 is at version 1, not 0"
    assert len(await store.read([f"a-{n}" for n in range(20)])) == 20


async def test_an_append_to_many_streams_stays_whole_among_others(
    application: Application,
) -> None:
    store = application.store()
    await store.append(one("a-7"))
    whole = [*one("b-1"), *one("a-7"), *one("b-2")]
    results = await asyncio.gather(
        *(store.append(one(f"c-{n}")) for n in range(5)),
        store.append(whole),
        store.append([*one("d-1"), *one("d-2")]),
        return_exceptions=True,
    )
    assert isinstance(results[5], VersionConflict)
    found = await store.read(["b-1", "b-2", "d-1", "d-2", "c-4"])
    assert list(found) == ["d-1", "d-2", "c-4"]
    assert results[6] == max(found["d-1"][0].position, found["d-2"][0].position)


async def test_each_append_keeps_its_own_tenant_and_metadata(application: Application) -> None:
    store = application.store()

    async def append(tenant: str) -> None:
        with running_in(Context(correlation_id=f"for {tenant}", actor=tenant, tenant=tenant)):
            await store.append([Append("a-1", 0, happened(tenant), fingerprint=f"f-{tenant}")])

    tenants = [f"tenant-{n}" for n in range(12)]
    await asyncio.gather(*map(append, tenants))
    for tenant in tenants:
        with running_in(Context(correlation_id="c", tenant=tenant)):
            (event,) = (await store.read(["a-1"]))["a-1"]
        assert names([event]) == [tenant]
        assert event.metadata.correlation_id == f"for {tenant}"
        assert (event.metadata.actor, event.metadata.fingerprint) == (tenant, f"f-{tenant}")


async def test_text_of_any_kind_comes_back_as_it_went_in(application: Application) -> None:
    store = application.store()
    odd = ['"', "\\", '\\"', "{", "},{", ",", "NULL", "", "é\u2028\U0001f3b7", "'", "a\nb\tc"]
    context = Context(correlation_id="c", actor='a "quoted" \\ {actor}, NULL')
    with running_in(context):
        await asyncio.gather(
            *(
                store.append([Append(f"a-{n}{each}", 0, happened(*odd))])
                for n, each in enumerate(odd)
            )
        )
        found = await store.read([f"a-{n}{each}" for n, each in enumerate(odd)])
    assert len(found) == len(odd)
    assert all(names(history) == odd for history in found.values())
    assert {event.metadata.actor for (event, *_) in found.values()} == {context.actor}


async def test_what_can_not_be_stored_does_not_hurt_those_it_went_with(
    application: Application,
) -> None:
    store = application.store()
    broken = [Append("a-broken", 0, [NewEvent(TYPES[0], b'{"type":')])]
    impossible = [Append("a-\0", 0, happened("one"))]
    results = await asyncio.gather(
        *(store.append(one(f"a-{n}")) for n in range(5)),
        store.append(broken),
        store.append(impossible),
        return_exceptions=True,
    )
    assert all(isinstance(result, int) for result in results[:5])
    assert isinstance(results[5], psycopg.errors.InvalidTextRepresentation)
    assert isinstance(results[6], ValueError)
    assert len(await store.read([f"a-{n}" for n in range(5)])) == 5


async def test_one_that_waits_for_another_process_holds_up_none_that_went_with_it(
    application: Application, database: str
) -> None:
    store = application.store()
    async with await psycopg.AsyncConnection.connect(database) as other:
        await _append_by_hand(other, "a-3")
        others = [asyncio.create_task(store.append(one(f"b-{n}"))) for n in range(GROUPS)]
        late = [asyncio.create_task(store.append(one(f"a-{n}"))) for n in range(8)]
        done, waiting = await _all_but_one([*others, *late])
        assert waiting == {late[3]}
        assert all(isinstance(task.result(), int) for task in done)
        await store.append(one("c-1"))
        await other.commit()
        with pytest.raises(VersionConflict):
            await asyncio.wait_for(late[3], timeout=60)


async def test_writers_to_one_stream_wait_for_their_turn_and_not_for_the_database(
    application: Application,
) -> None:
    """A hot stream: every accepted append was decided on the state it names."""
    store = application.store()

    async def count(times: int) -> None:
        while times:
            history = (await store.read(["a-hot"])).get("a-hot", [])
            try:
                await store.append(one("a-hot", len(history)))
            except VersionConflict:
                continue
            times -= 1

    await asyncio.gather(*(count(5) for _ in range(16)))
    history = (await store.read(["a-hot"]))["a-hot"]
    assert names(history) == [f"a-hot {n}" for n in range(1, 81)]


async def test_whoever_leaves_before_it_began_has_not_appended(application: Application) -> None:
    async with _stuck(application) as until_stuck:
        store = application.store()
        first = [asyncio.create_task(store.append(one(f"a-{n}"))) for n in range(GROUPS)]
        queued = [asyncio.create_task(store.append(one(f"b-{n}"))) for n in range(4)]
        await until_stuck()
        queued[1].cancel()
        await asyncio.wait([queued[1]])
    assert queued[1].cancelled()
    queued.pop(1)
    await asyncio.gather(*first, *queued)
    assert sorted(await store.read([f"b-{n}" for n in range(4)])) == ["b-0", "b-2", "b-3"]


async def test_whoever_leaves_on_the_way_takes_nobody_along(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "PATIENCE", 0)
    woken: list[int] = []
    store = PostgresEventStore(
        application.pool(), HighWaterMark(), lambda position, types: woken.append(position)
    )
    async with _stuck(application, "b-0") as until_stuck:
        # They fill the first groups, so that the others go together.
        first = [asyncio.create_task(store.append(one(f"a-{n}"))) for n in range(GROUPS)]
        together = [asyncio.create_task(store.append(one(f"b-{n}"))) for n in range(4)]
        await until_stuck()
        together[1].cancel()
        await asyncio.wait([together[1]])
    leaver = together.pop(1)
    positions = await asyncio.gather(*first, *together)
    assert leaver.cancelled()
    found = await store.read([f"b-{n}" for n in range(4)])
    assert len(found) == 4, "it had begun, and was one of them"
    assert sorted(woken) == sorted([*positions, found["b-1"][0].position])


async def test_a_connection_lost_on_the_way_is_an_error_for_all_who_were_on_it(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "PATIENCE", 0)
    store = application.store()
    async with _stuck(application, "b-0") as until_stuck:
        first = [asyncio.create_task(store.append(one(f"a-{n}"))) for n in range(GROUPS)]
        together = [asyncio.create_task(store.append(one(f"b-{n}"))) for n in range(4)]
        pid = await until_stuck()
        await _sql(application, "select pg_terminate_backend(%s, 10000)", pid)
        results = await asyncio.gather(*together, return_exceptions=True)
        assert [type(result) for result in results] == [OutcomeUnknown] * 4
        assert not await store.read([f"b-{n}" for n in range(4)]), "it was not tried again"
    await asyncio.gather(*first)
    await store.append(one("b-0"))


@pytest.mark.parametrize("together", [False, True])
async def test_whoever_appends_stands_inside_the_fence(
    application: Application, together: bool
) -> None:
    store = application.store()
    await store.append(one("z-1"))
    assert len((await store.follow(0, types=TYPES, limit=10)).events) == 1
    streams = [*one("b-0"), *(one("b-1") if together else [])]
    async with _stuck(application, "b-0") as until_stuck:
        late = asyncio.create_task(store.append(streams))
        pid = await until_stuck()
        await store.append(one("z-2"))
        holders = await _sql(application, "select pid from event_store.fence_holders")
        assert holders == [(pid,)]
        followed = await store.follow(0, types=TYPES, limit=10)
        assert names(followed.events) == ["z-1 1"], "b-0 has drawn, and may come before z-2"
    await late
    followed = await store.follow(0, types=TYPES, limit=10)
    assert len(followed.events) == 3 + together


async def _all_but_one(
    tasks: list[asyncio.Task[int]],
) -> tuple[set[asyncio.Task[int]], set[asyncio.Task[int]]]:
    async with asyncio.timeout(60):
        pending = set(tasks)
        done: set[asyncio.Task[int]] = set()
        while len(pending) > 1:
            more, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            done |= more
    return done, pending


@asynccontextmanager
async def _stuck(
    application: Application, stream: str | None = None
) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Whoever has inserted into this stream (or into any) waits; until then, the pid of one."""
    condition = "true" if stream is None else f"new.stream = '{stream}'"
    await _sql(
        application,
        "create function wait_for_test() returns trigger language plpgsql set lock_timeout = 0 as"
        f" $$ begin if {condition} then perform pg_advisory_xact_lock_shared(4242); end if;"
        " return new; end $$",
    )
    await _sql(
        application,
        "create trigger wait_for_test before insert on event_store.events"
        " for each row execute function wait_for_test()",
    )

    async def until_stuck() -> int:
        async with asyncio.timeout(60):
            while True:
                found = await _sql(
                    application,
                    "select pid from pg_locks where locktype = 'advisory' and not granted"
                    " and objid = 4242 and database ="
                    " (select oid from pg_database where datname = current_database())",
                )
                if found:
                    return int(found[0][0])
                await asyncio.sleep(0.01)

    url = application.settings().database()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as holder:
        await holder.execute("select pg_advisory_lock(4242)")
        yield until_stuck


async def _append_by_hand(connection: psycopg.AsyncConnection, stream: str) -> None:
    await connection.execute(
        "select event_store.append_to_stream('default', %s, 0, '{}', array['test.happened'],"
        ' array[\'{"name": "by hand"}\'])',
        (stream,),
    )


async def _sql(application: Application, statement: str, *values: object) -> list[tuple]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(statement.encode(), values or None)
        return await cursor.fetchall() if cursor.description else []

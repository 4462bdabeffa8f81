"""A read model is built anew beside the one that is read, proved, and switched to at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from litestar.testing import AsyncTestClient
from psycopg.errors import UndefinedTable
from psycopg.sql import SQL, Identifier

from api.app import create_app
from bootstrap import Application
from settings import Settings
from shared.application.parked_events import DiscardParkedEvent, ListParkedEvents
from shared.application.projections import (
    CannotRebuild,
    DropInstance,
    InstanceListed,
    RebuildProjection,
    SwitchProjection,
    UnknownProjection,
)
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.projections import rebuilds as rebuilds_module
from shared.infrastructure.projections.instances import have_instances
from shared.infrastructure.projections.parked_events import ParkedEvents
from shared.infrastructure.projections.postgres_projection import Into
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import Runner
from shared.infrastructure.projections.subscriptions import Batch, Connection, Subscription
from tallies import (
    RedisTally,
    Tally,
    append,
    counts_of,
    empty_redis,
    new_stream,
    redis_tally_of,
    runner_of,
    shown_of,
)


class NewTally(Tally):
    """What the next version of the program makes of the same events."""

    version = 2


class Operator:
    """One process: a runner, and what an operator can ask it to do."""

    def __init__(self, application: Application, *subscriptions: Subscription) -> None:
        self.runner = runner_of(application, *subscriptions)
        self.rebuilds = Rebuilds(application.pool(), HighWaterMark(), self.runner)

    async def start(self, name: str) -> int:
        return await self.rebuilds.start(RebuildProjection(name))

    async def switch(self, name: str, instance: int | None = None, *, anyway: bool = False) -> int:
        return await self.rebuilds.switch(SwitchProjection(name, instance, anyway))

    async def drop(self, name: str, instance: int) -> None:
        await self.rebuilds.drop(DropInstance(name, instance))


@pytest.fixture
async def tally(application: Application) -> Tally:
    tally = Tally()
    await have_instances(application.pool(), [tally])
    return tally


@pytest.fixture
async def redis_tally(application: Application) -> RedisTally:
    tally = redis_tally_of(application)
    await have_instances(application.pool(), [tally])
    return tally


async def test_it_is_built_beside_the_one_that_is_read_and_then_read_itself(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    await append(application, *"aab")
    await operator.runner.catch_up(tally.name)
    await _damage(application, "update tally_1 set events = 7 where name = 'a'")
    assert await operator.start(tally.name) == 2
    assert await counts_of(application) == {"a": 7, "b": 1}
    await operator.rebuilds.go_on()
    assert await counts_of(application) == {"a": 2, "b": 1}
    assert await _states(application, tally) == {2: "active", 1: "kept"}


async def test_nobody_who_reads_meanwhile_is_failed_or_told_less_than_before(
    application: Application, tally: Tally
) -> None:
    """Appends, reads and projecting go on while it is built, switched, rolled back and forth."""
    operator, other = Operator(application, tally), runner_of(application, tally)
    tally.batch_size = 50
    for _ in range(10):
        await append(application, *["a"] * 40)
    await operator.runner.catch_up(tally.name)
    async with _busy(application, other, tally) as seen:
        await operator.start(tally.name)
        for _ in range(3):
            await _until_active(application, operator, tally, 2)
            assert await operator.switch(tally.name) == 1
            assert await operator.switch(tally.name) == 2
    assert len(seen) > 10
    assert seen == sorted(seen), "a reader was shown an older state"
    await operator.runner.catch_up(tally.name)
    assert await _states(application, tally) == {2: "active", 1: "kept"}
    for instance in (1, 2):
        assert await _total(application, instance) == await _appended(application)


async def test_the_one_before_is_kept_current_for_going_back(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    await append(application, "a")
    await operator.start(tally.name)
    await operator.rebuilds.go_on()
    await append(application, "a")
    await operator.runner.catch_up(tally.name)
    assert await _total(application, 1) == 2
    assert await operator.switch(tally.name) == 1
    assert await counts_of(application) == {"a": 2}
    assert await _states(application, tally) == {1: "active", 2: "kept"}


async def test_one_way_back_is_kept(application: Application, tally: Tally) -> None:
    operator = Operator(application, tally)
    await append(application, "a")
    for _ in range(3):
        await operator.start(tally.name)
        await operator.rebuilds.go_on()
    assert await _states(application, tally) == {4: "active", 3: "kept"}
    assert await _tables(application) == ["tally_3", "tally_4"]


async def test_what_is_not_read_can_be_dropped_and_what_is_read_can_not(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    await append(application, "a")
    await operator.start(tally.name)
    await operator.rebuilds.go_on()
    with pytest.raises(CannotRebuild, match="the one that is read"):
        await operator.drop(tally.name, 2)
    await operator.drop(tally.name, 1)
    assert await _tables(application) == ["tally_2"]
    await append(application, "a")
    await operator.runner.catch_up(tally.name)
    assert await counts_of(application) == {"a": 2}
    with pytest.raises(CannotRebuild, match="active before"):
        await operator.switch(tally.name)
    with pytest.raises(UnknownProjection):
        await operator.switch(tally.name, 1)


async def test_an_instance_that_lacks_rows_is_not_switched_to_unless_it_is_wanted_anyway(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    await append(application, "a", "b")
    await operator.runner.catch_up(tally.name)
    await operator.start(tally.name)
    await operator.runner.catch_up(tally.name, states=("building",))
    await _damage(application, "delete from tally_2 where name = 'a'")
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {1: "active", 2: "built"}
    checks = {each.name: each for each in (await _instance(application, tally, 2)).checks}
    assert not checks["no fewer rows"].passed
    assert not checks["as the log makes it"].passed
    assert "tally a" in checks["as the log makes it"].found
    with pytest.raises(CannotRebuild, match="no fewer rows"):
        await operator.switch(tally.name, 2)
    with pytest.raises(CannotRebuild, match="switch to it or drop it"):
        await operator.start(tally.name)
    assert await operator.switch(tally.name, 2, anyway=True) == 2
    assert await counts_of(application) == {"b": 1}


async def test_an_instance_with_parked_events_is_not_switched_to(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    await append(application, "a", "bad")
    await operator.runner.catch_up(tally.name)
    tally.course.poison = {"bad"}
    await operator.start(tally.name)
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {1: "active", 2: "built"}
    assert await counts_of(application) == {"a": 1, "bad": 1}
    checks = (await _instance(application, tally, 2)).checks
    assert next(each.name for each in checks if not each.passed) == "nothing parked"


async def test_an_instance_that_can_not_be_folded_anew_is_not_switched_to(
    application: Application, tally: Tally
) -> None:
    class Fickle(Tally):
        async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
            if any(table.name.startswith("made_again") for table in into.values()):
                raise ZeroDivisionError
            await super().project(batch, connection, into)

    operator = Operator(application, Fickle())
    await append(application, *"aab")
    await operator.runner.catch_up(tally.name)
    await operator.start(tally.name)
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {1: "active", 2: "built"}
    with pytest.raises(CannotRebuild, match="folded anew"):
        await operator.switch(tally.name, 2)


async def test_what_was_discarded_is_left_out_of_what_is_built_later(
    application: Application, tally: Tally
) -> None:
    operator = Operator(application, tally)
    tally.course.poison = {"bad"}
    await append(application, "a", "bad", "b")
    await operator.runner.catch_up(tally.name)
    service = ParkedEvents(application.pool(), operator.runner)
    parked = (await service.list_parked(ListParkedEvents())).data
    for each in parked:
        await service.discard(DiscardParkedEvent(each.id, "no use"))
    await operator.start(tally.name)
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {2: "active", 1: "kept"}
    assert await counts_of(application) == {"a": 1}


async def test_a_changed_version_is_built_by_itself_while_the_old_program_goes_on(
    application: Application, tally: Tally
) -> None:
    old, new = Operator(application, tally), Operator(application, NewTally())
    await append(application, "a")
    await old.runner.catch_up(tally.name)
    await new.rebuilds.start_changed()
    await append(application, "b")
    await old.runner.catch_up(tally.name)
    assert await counts_of(application) == {"a": 1, "b": 1}
    assert (await _shown_to(application, new)).outdated
    await new.rebuilds.go_on()
    assert await _states(application, tally) == {2: "active", 1: "kept"}
    assert not (await _shown_to(application, new)).outdated
    # A process of the old version that starts late, or again, turns nothing back.
    await old.rebuilds.start_changed()
    await old.rebuilds.go_on()
    await new.rebuilds.start_changed()
    assert await _states(application, tally) == {2: "active", 1: "kept"}


async def test_another_programs_instance_is_not_moved_on(
    application: Application, tally: Tally
) -> None:
    old, new = Operator(application, tally), Operator(application, NewTally())
    await append(application, "a")
    await new.rebuilds.start_changed()
    await old.runner.catch_up(tally.name)
    await old.rebuilds.go_on()
    assert (await _instance(application, tally, 2)).position == 0
    await new.rebuilds.go_on()
    await append(application, "b")
    await new.runner.catch_up(tally.name)
    assert await _total(application, 1) == 1
    with pytest.raises(CannotRebuild, match="another version of the program"):
        await new.switch(tally.name, 1)
    assert await old.switch(tally.name, 1) == 1


async def test_a_switch_that_is_far_behind_waits_for_the_catching_up(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilds_module, "CLOSE", 3)
    operator = Operator(application, tally)
    await append(application, *"abcde")
    await operator.runner.catch_up(tally.name)
    await operator.start(tally.name)
    with pytest.raises(CannotRebuild, match="instance 2 is 5 positions behind the log"):
        await operator.switch(tally.name, 2)
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {2: "active", 1: "kept"}


async def test_a_reader_in_the_way_puts_the_switch_off_and_is_not_cut(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilds_module, "LOCK_TIMEOUT", "50ms")
    operator = Operator(application, tally)
    await append(application, "a")
    await operator.start(tally.name)
    async with application.pool().connection() as reader, reader.transaction():
        await reader.execute("select * from tally")
        await operator.rebuilds.go_on()
        assert (await _states(application, tally))[1] == "active"
        assert await (await reader.execute("select count(*) from tally")).fetchone() == (0,)
    await operator.rebuilds.go_on()
    assert await _states(application, tally) == {2: "active", 1: "kept"}


async def test_of_many_workers_each_event_is_built_in_once(
    application: Application, tally: Tally
) -> None:
    tally.batch_size = 5
    for _ in range(20):
        await append(application, *"abcdefg")
    operators = [Operator(application, tally) for _ in range(6)]
    await operators[0].start(tally.name)
    await asyncio.gather(*(each.rebuilds.go_on() for each in operators))
    await operators[0].rebuilds.go_on()
    assert await _states(application, tally) == {2: "active", 1: "kept"}
    assert await counts_of(application) == dict.fromkeys("abcdefg", 20)


async def test_a_build_that_stops_does_not_stop_the_others(
    application: Application, tally: Tally, redis_tally: RedisTally
) -> None:
    operator = Operator(application, tally, redis_tally)
    await append(application, "a")
    tally.course.fault = UndefinedTable("bad luck")
    for each in (tally, redis_tally):
        await operator.start(each.name)
    with pytest.raises(UndefinedTable):
        await operator.rebuilds.go_on()
    assert await _states(application, tally) == {1: "active", 2: "building"}
    assert await _states(application, redis_tally) == {2: "active", 1: "kept"}


async def test_what_sends_commands_is_not_built_anew(application: Application) -> None:
    with pytest.raises(CannotRebuild, match="must not be sent again"):
        await application.bus()(RebuildProjection("reactions"))
    with pytest.raises(UnknownProjection, match=r"known are events\.catalogue"):
        await application.bus()(RebuildProjection("events.katalog"))


# In Redis


async def test_a_read_model_in_redis_is_built_anew_likewise(
    application: Application, redis_tally: RedisTally
) -> None:
    operator = Operator(application, redis_tally)
    await append(application, *"aab")
    await operator.runner.catch_up(redis_tally.name)
    redis, first = application.redis(), redis_tally.prefix
    await redis.hset(f"{first}:events", "a", 7)
    await operator.start(redis_tally.name)
    await operator.rebuilds.go_on()
    await append(application, "c")
    await operator.runner.catch_up(redis_tally.name)
    # Whoever has yet to look which one is read finds the one before kept current.
    assert await redis.hgetall(f"{first}:events") == {b"a": b"7", b"b": b"1", b"c": b"1"}
    await application.active().look(application.pool())
    assert await redis_tally.counts_by_name() == {"a": 2, "b": 1, "c": 1}
    await operator.switch(redis_tally.name)
    await application.active().look(application.pool())
    assert (await redis_tally.counts_by_name())["a"] == 7
    await operator.drop(redis_tally.name, 2)
    assert [key async for key in redis.scan_iter(f"{first.removesuffix('1')}2:*")] == []


async def test_an_instance_in_redis_that_is_not_what_the_log_makes_is_not_switched_to(
    application: Application, redis_tally: RedisTally
) -> None:
    operator = Operator(application, redis_tally)
    await append(application, *"ab")
    await operator.start(redis_tally.name)
    await operator.runner.catch_up(redis_tally.name, states=("building",))
    key = redis_tally.prefix.removesuffix("1") + "2:events"
    await application.redis().hset(key, "a", 9)
    await operator.rebuilds.go_on()
    assert await _states(application, redis_tally) == {1: "active", 2: "built"}
    (failed,) = [
        each for each in (await _instance(application, redis_tally, 2)).checks if not each.passed
    ]
    assert failed.name == "as the log makes it"
    await empty_redis(application)
    await operator.runner.catch_up(redis_tally.name, states=("built",))
    assert await operator.switch(redis_tally.name, 2) == 2


# Shards


class Sharded(Tally):
    name = "test.sharded"
    shards = 4


async def test_shards_take_in_each_event_once_and_each_stream_in_order(
    application: Application,
) -> None:
    sharded = Sharded()
    sharded.batch_size = 3
    streams = [new_stream() for _ in range(60)]
    for step in range(4):
        for number, stream in enumerate(streams):
            await append(application, f"{number}.{step}", stream=stream, expected=step)
    runners = [runner_of(application, sharded) for _ in range(5)]
    await asyncio.gather(*(each.catch_up(sharded.name) for each in runners))
    await runners[0].catch_up(sharded.name)
    taken = [name for batch in sharded.course.batches for name in batch]
    assert len(taken) == len(set(taken)) == 240
    for number in range(len(streams)):
        assert [name for name in taken if name.startswith(f"{number}.")] == [
            f"{number}.{step}" for step in range(4)
        ]
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select count(*), count(*) filter (where generation > 0) from event_store.checkpoints"
            " where projection = %s",
            (sharded.name,),
        )
        assert await cursor.fetchone() == (4, 4), "the work was not spread"


async def test_a_shard_that_is_busy_does_not_hold_up_the_others(application: Application) -> None:
    sharded = Sharded()
    for number in range(40):
        await append(application, str(number))
    runner = runner_of(application, sharded)
    async with application.pool().connection() as connection:
        await runner.catch_up(sharded.name, states=())
        async with connection.transaction():
            await connection.execute(
                "select from event_store.checkpoints where projection = %s and shard = 0"
                " for update",
                (sharded.name,),
            )
            await runner.catch_up(sharded.name)
            taken = sum(len(batch) for batch in sharded.course.batches)
            assert 0 < taken < 40
    await runner.catch_up(sharded.name)
    assert sum(len(batch) for batch in sharded.course.batches) == 40


async def test_another_number_of_shards_is_a_rebuild(application: Application) -> None:
    sharded = Sharded()
    operator = Operator(application, sharded)
    for number in range(10):
        await append(application, str(number))
    await operator.runner.catch_up(sharded.name)
    wider = Sharded()
    wider.shards = 7
    changed = Operator(application, wider)
    await changed.rebuilds.start_changed()
    await changed.rebuilds.go_on()
    assert await _states(application, wider) == {2: "active", 1: "kept"}
    assert (await _instance(application, wider, 2)).shards == 7
    assert sum((await counts_of(application)).values()) == 10


# Over HTTP


async def test_a_rebuild_is_asked_for_and_followed_over_http(
    application: Application, settings: Settings
) -> None:
    async with AsyncTestClient(create_app(settings)) as client:
        asked = await client.post("/projections/events.catalogue/rebuilds")
        assert (asked.status_code, asked.json()) == (
            202,
            {"projection": "events.catalogue", "instance": 2},
        )
        assert asked.headers["location"] == "/projections/events.catalogue"
        again = await client.post("/projections/events.catalogue/rebuilds")
        assert (again.status_code, again.json()["type"]) == (409, "about:blank#cannot_rebuild")
        shown = (await client.get("/projections/events.catalogue")).json()
        assert [each["state"] for each in shown["instances"]] == ["active", "building"]
        await application.rebuilds().go_on()
        shown = (await client.get("/projections/events.catalogue")).json()
        assert [(each["instance"], each["state"]) for each in shown["instances"]] == [
            (2, "active"),
            (1, "kept"),
        ]
        assert all(check["passed"] for check in shown["instances"][0]["checks"])
        back = await client.post("/projections/events.catalogue/switch", json={})
        assert (back.status_code, back.json()["instance"]) == (200, 1)
        refused = await client.delete("/projections/events.catalogue/instances/1")
        assert refused.status_code == 409
        assert (await client.delete("/projections/events.catalogue/instances/2")).status_code == 204
        assert (await client.post("/projections/no.such/rebuilds")).status_code == 404
        assert (await client.get("/projections/no.such")).status_code == 404
        listed = (await client.get("/projections")).json()
        assert [each["name"] for each in listed["queues"]] == ["projections", "feeds", "analytics"]


@asynccontextmanager
async def _busy(application: Application, runner: Runner, tally: Tally) -> AsyncIterator[list[int]]:
    """Somebody appends, somebody projects, somebody reads: what was read, one after the other."""
    seen: list[int] = []
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            await append(application, "a", "b")

    async def project() -> None:
        while not stop.is_set():
            await runner.catch_up(tally.name)
            await asyncio.sleep(0.001)

    async def read() -> None:
        while not stop.is_set():
            seen.append(sum((await counts_of(application)).values()))
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(each()) for each in (write, project, read)]
    try:
        yield seen
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _until_active(
    application: Application, operator: Operator, tally: Tally, instance: int
) -> None:
    async with asyncio.timeout(60):
        while (await _states(application, tally)).get(instance) != "active":
            await operator.rebuilds.go_on()


async def _states(application: Application, subscription: Subscription) -> dict[int, str]:
    shown = await shown_of(application, subscription)
    return {each.instance: each.state for each in shown.instances}


async def _instance(
    application: Application, subscription: Subscription, number: int
) -> InstanceListed:
    shown = await shown_of(application, subscription)
    return next(each for each in shown.instances if each.instance == number)


async def _shown_to(application: Application, operator: Operator):  # type: ignore[no-untyped-def]
    (subscription,) = operator.runner.subscriptions.values()
    return await shown_of(application, subscription)


async def _damage(application: Application, statement: str) -> None:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(statement.encode())
        assert cursor.rowcount == 1


async def _total(application: Application, instance: int) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            SQL("select sum(events) from {}").format(Identifier(f"tally_{instance}"))
        )
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _appended(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select count(*) from event_store.events")
        row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _tables(application: Application) -> list[str]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select relname from pg_class where relname ~ '^tally_[0-9]+$' order by relname"
        )
        return [row[0] for row in await cursor.fetchall()]

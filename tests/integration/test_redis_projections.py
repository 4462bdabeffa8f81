"""Whatever happens to a runner or to Redis, a read model in Redis has taken in each event once."""

from datetime import datetime

import msgspec
import psycopg
import pytest
from psycopg.errors import UndefinedTable

from bootstrap import Application, running
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.application.ports import Plan
from contexts.events.application.queries import GetEvent
from contexts.events.application.taking_in import TakeInPlans
from contexts.events.domain.event import PlanRef
from settings import Settings
from shared.infrastructure.migrations import migrate
from shared.infrastructure.projections.subscriptions import LostRace, Shard
from stored import MIGRATIONS
from tallies import (
    CODEC,
    RedisTally,
    append,
    checkpoint_of,
    disconnect_the_runner,
    empty_redis,
    in_the_middle,
    kept_in_redis,
    redis_tally_of,
    runner_of,
    shown_of,
)

JULY = datetime(2100, 7, 3, 21)
ANNOUNCE = AnnounceEvent(title="Jazz", starts_at=JULY, timezone="UTC")


@pytest.fixture
def redis_tally(application: Application) -> RedisTally:
    return redis_tally_of(application)


async def test_a_batch_in_redis_and_its_checkpoint_become_visible_together(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, "a", "b")
    async with in_the_middle(runner_of(application, redis_tally), redis_tally):
        assert (
            await redis_tally.counts_by_name(),
            await redis_tally.position(Shard(), 0, drawn=9),
        ) == ({}, 0)
    assert (
        await redis_tally.counts_by_name(),
        await redis_tally.position(Shard(), 0, drawn=9),
    ) == (
        {"a": 1, "b": 1},
        2,
    )
    assert await checkpoint_of(application, redis_tally) == 2


async def test_a_batch_that_fails_leaves_nothing_in_redis(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, "a")
    redis_tally.course.fault = UndefinedTable("bad luck")
    with pytest.raises(UndefinedTable, match="bad luck"):
        await runner_of(application, redis_tally).catch_up(redis_tally.name)
    assert (
        await redis_tally.counts_by_name(),
        await redis_tally.position(Shard(), 0, drawn=9),
    ) == ({}, 0)


async def test_a_batch_that_another_has_written_already_is_thrown_away(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, "a")
    await runner_of(application, redis_tally).catch_up(redis_tally.name)
    async with application.pool().connection() as connection:
        log = await application.store().follow(0, types=["test.counted"], limit=10)
        stale = [CODEC.recorded(stored) for stored in log.events]
        with pytest.raises(LostRace):
            await redis_tally.take_in(stale, shard=Shard(), after=0, upto=1, connection=connection)
    assert await redis_tally.counts_by_name() == {"a": 1}


async def test_a_batch_that_another_writes_meanwhile_is_thrown_away(
    application: Application, redis_tally: RedisTally
) -> None:
    """The first runner loses its connection to PostgreSQL, and with it the lock, and goes on."""
    await append(application, "a")
    runner = runner_of(application, redis_tally)
    async with in_the_middle(runner, redis_tally, ends_in=LostRace):
        await disconnect_the_runner(application)
        second = redis_tally_of(application)
        assert await runner_of(application, second).catch_up(second.name) == 1
    assert await redis_tally.counts_by_name() == {"a": 1}
    assert (await shown_of(application, redis_tally)).error is None, (
        "nothing is wrong with the event"
    )


async def test_a_batch_that_redis_has_and_postgres_does_not_know_of_is_not_repeated(
    application: Application, redis_tally: RedisTally
) -> None:
    """The runner dies after the MULTI and before the commit."""
    await append(application, "a")
    runner = runner_of(application, redis_tally)
    async with in_the_middle(runner, redis_tally, ends_in=psycopg.OperationalError):
        await disconnect_the_runner(application)
    assert (await redis_tally.counts_by_name(), await checkpoint_of(application, redis_tally)) == (
        {"a": 1},
        0,
    )
    until = await append(application, "b")
    assert await runner.catch_up(redis_tally.name) == until
    assert await redis_tally.counts_by_name() == {"a": 1, "b": 1}


async def test_an_emptied_redis_is_filled_again_from_the_log_by_itself(
    application: Application,
) -> None:
    for title in ("Jazz", "Rock"):
        changed = await application.bus()(msgspec.structs.replace(ANNOUNCE, title=title))
    await application.bus()(CancelEvent(changed.id, "storm"))
    await application.runner().catch_up("events.cards")
    before = await kept_in_redis(application)
    assert len(before["events.cards:1:of:default"]) == 2
    await empty_redis(application)
    assert await kept_in_redis(application) == {}
    await application.runner().catch_up("events.cards")
    assert await kept_in_redis(application) == before


async def test_an_emptied_redis_is_filled_again_in_batches(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, *"abcabca")
    runner = runner_of(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    await empty_redis(application)
    redis_tally.batch_size = 3
    await runner.catch_up(redis_tally.name)
    assert await redis_tally.counts_by_name() == {"a": 3, "b": 2, "c": 2}


async def test_a_log_that_was_restored_to_an_earlier_state_is_followed_anew(
    application: Application, redis_tally: RedisTally
) -> None:
    """Redis went on while PostgreSQL came back from a dump: what it holds may never have been."""
    until = await append(application, "a")
    redis = application.redis()
    await redis.set(redis_tally.checkpoint(Shard()), until + 10)
    await redis.set(f"{redis_tally.prefix}:never", "happened")
    assert await runner_of(application, redis_tally).catch_up(redis_tally.name) == until
    assert await redis_tally.counts_by_name() == {"a": 1}
    assert not await redis.exists(f"{redis_tally.prefix}:never")


async def test_two_logs_in_one_redis_do_not_mix(
    application: Application, settings: Settings, empty_database: str
) -> None:
    migrate(empty_database, MIGRATIONS)
    elsewhere = msgspec.structs.replace(settings, database_url=empty_database)
    async with running(elsewhere, "marquee-other") as other:
        for each, title in ((application, "Jazz"), (other, "Rock")):
            await each.bus()(TakeInPlans("acme", "UTC", (_plan(title),)))
            await each.runner().catch_up("events.cards")
        id = PlanRef("acme", "1", "1").event_id
        assert (await application.bus()(GetEvent(id))).title == "Jazz"
        assert (await other.bus()(GetEvent(id))).title == "Rock"
        await empty_redis(other)
        assert len(await kept_in_redis(application)) == 2


async def test_the_error_goes_away_even_when_the_position_stays(
    application: Application, redis_tally: RedisTally
) -> None:
    """As it does when a read model in Redis has been filled again."""
    await append(application, "a")
    runner = runner_of(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    await empty_redis(application)
    redis_tally.course.fault = UndefinedTable("bad luck")
    with pytest.raises(UndefinedTable, match="bad luck"):
        await runner.catch_up(redis_tally.name)
    assert (await shown_of(application, redis_tally)).error == "UndefinedTable: bad luck"
    redis_tally.course.fault = None
    await runner.catch_up(redis_tally.name)
    assert (await shown_of(application, redis_tally)).error is None


def _plan(title: str) -> Plan:
    return Plan(
        base_id="1",
        plan_id="1",
        title=title,
        starts_at=JULY,
        ends_at=None,
        sell_mode="online",
        sell_from=None,
        sell_to=None,
        sold_out=False,
        organizer=None,
        zones=(),
    )

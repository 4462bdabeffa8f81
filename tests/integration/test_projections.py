"""Whatever happens to a runner, a read model in PostgreSQL has taken in each event once."""

import asyncio

import msgspec
import psycopg
import pytest
from psycopg.errors import UndefinedTable

from bootstrap import Application, running
from settings import Settings
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.projections import runner as runner_module
from tallies import (
    CODEC,
    Looking,
    Tally,
    append,
    append_slowly,
    checkpoint_of,
    counts_of,
    disconnect_the_runner,
    in_the_middle,
    runner_of,
    shown_of,
    until_it_is_so,
)


@pytest.fixture
def tally() -> Tally:
    return Tally()


# A batch and its checkpoint


async def test_a_batch_and_its_checkpoint_become_visible_together(
    application: Application, tally: Tally
) -> None:
    await append(application, "a", "b")
    async with in_the_middle(runner_of(application, tally), tally):
        assert (await counts_of(application), await checkpoint_of(application, tally)) == ({}, 0)
    assert await counts_of(application) == {"a": 1, "b": 1}
    assert await checkpoint_of(application, tally) == 2


async def test_a_batch_that_no_event_is_to_blame_for_leaves_no_data_and_nocheckpoint_of(
    application: Application, tally: Tally
) -> None:
    await append(application, "a")
    tally.course.fault = UndefinedTable("bad luck")
    with pytest.raises(UndefinedTable, match="bad luck"):
        await runner_of(application, tally).catch_up(tally.name)
    assert (await counts_of(application), await checkpoint_of(application, tally)) == ({}, 0)


async def test_the_error_is_shown_until_its_cause_is_gone(
    application: Application, tally: Tally
) -> None:
    await append(application, "a")
    runner = runner_of(application, tally)
    tally.course.fault = UndefinedTable("bad luck")
    with pytest.raises(UndefinedTable, match="bad luck"):
        await runner.catch_up(tally.name)
    shown = await shown_of(application, tally)
    assert (shown.error, shown.position, shown.lag_events) == ("UndefinedTable: bad luck", 0, 1)
    assert shown.failed_at is not None
    tally.course.fault = None
    assert await runner.catch_up(tally.name) == 1
    shown = await shown_of(application, tally)
    assert (shown.error, shown.failed_at, shown.position) == (None, None, 1)
    assert await counts_of(application) == {"a": 1}


@pytest.mark.parametrize(
    ("fault", "noted"),
    [
        (psycopg.errors.QueryCanceled("too long"), "QueryCanceled: too long"),
        (psycopg.errors.DeadlockDetected("gave way"), None),
    ],
)
async def test_a_batch_that_takes_too_long_is_shown_and_a_passing_fault_is_not(
    application: Application, tally: Tally, fault: Exception, noted: str | None
) -> None:
    await append(application, "a")
    tally.course.fault = fault
    with pytest.raises(type(fault)):
        await runner_of(application, tally).catch_up(tally.name)
    assert (await shown_of(application, tally)).error == noted


async def test_a_runner_that_dies_in_the_middle_leaves_the_batch_to_the_next(
    application: Application, tally: Tally
) -> None:
    await append(application, "a")
    runner = runner_of(application, tally)
    async with in_the_middle(runner, tally, ends_in=psycopg.OperationalError):
        await disconnect_the_runner(application)
    assert (await counts_of(application), await checkpoint_of(application, tally)) == ({}, 0)
    assert (await shown_of(application, tally)).error is None, "nothing is wrong with the event"
    await runner.catch_up(tally.name)
    assert await counts_of(application) == {"a": 1}


async def test_a_batch_is_as_long_as_the_projection_wants(
    application: Application, tally: Tally
) -> None:
    await append(application, *"abcde")
    tally.batch_size = 2
    assert await runner_of(application, tally).catch_up(tally.name) == 5
    assert tally.course.batches == [["a", "b"], ["c", "d"], ["e"]]


# What is delivered


async def test_only_the_types_asked_for_are_delivered_and_the_checkpoint_passes_the_others(
    application: Application, tally: Tally
) -> None:
    await append(application, "a")
    await append(application, None, None)
    await append(application, "b")
    last = await append(application, None)
    catching_up = runner_of(application, tally).catch_up(tally.name)
    assert await asyncio.wait_for(catching_up, timeout=60) == last == 5
    assert tally.course.batches == [["a", "b"]]
    assert await checkpoint_of(application, tally) == last


async def test_what_lies_behind_an_appender_inside_the_fence_is_left_alone(
    application: Application, tally: Tally, database: str
) -> None:
    runner = runner_of(application, tally)
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await append_slowly(slow, "slow")
        await append(application, "later")
        assert await runner.catch_up(tally.name) == 0
        assert await counts_of(application) == {}
        await slow.commit()
    assert await runner.catch_up(tally.name) == 2
    assert tally.course.batches == [["slow", "later"]]


# One runner at a time


async def test_of_two_runners_one_takes_in_the_batch(
    application: Application, tally: Tally
) -> None:
    await append(application, "a")
    async with in_the_middle(runner_of(application, tally), tally):
        assert await runner_of(application, tally).catch_up(tally.name) == 0
    assert await counts_of(application) == {"a": 1}
    assert tally.course.batches == [["a"]]


async def test_any_number_of_runners_at_once_take_in_each_event_once(
    application: Application, tally: Tally
) -> None:
    tally.batch_size = 7
    runners = [runner_of(application, tally) for _ in range(8)]
    for _ in range(10):
        until = await append(application, *"abcdefghij")
        await asyncio.gather(*(each.catch_up(tally.name, until=until) for each in runners))
    assert await counts_of(application) == dict.fromkeys("abcdefghij", 10)


async def test_a_wake_up_waits_for_its_event_while_another_runner_is_in_the_way(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other runner has read the log before the event was in it."""
    monkeypatch.setattr(runner_module, "PATIENCE", 30)
    await append(application, "a")
    woken = Looking(application.pool(), HighWaterMark(), CODEC, [tally])
    async with in_the_middle(runner_of(application, tally), tally):
        until = await append(application, "b")
        waiting = asyncio.create_task(woken.catch_up(tally.name, until=until))
        await until_it_is_so(lambda: woken.looks >= 3)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, timeout=60) == until
    assert await counts_of(application) == {"a": 1, "b": 1}


async def test_a_wake_up_waits_for_an_event_that_an_appender_holds_back(
    application: Application, tally: Tally, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "PATIENCE", 30)
    woken = Looking(application.pool(), HighWaterMark(), CODEC, [tally])
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await append_slowly(slow, "slow")
        until = await append(application, "later")
        waiting = asyncio.create_task(woken.catch_up(tally.name, until=until))
        await until_it_is_so(lambda: woken.looks >= 3)
        assert not waiting.done()
        await slow.commit()
    assert await asyncio.wait_for(waiting, timeout=60) == until
    assert await counts_of(application) == {"slow": 1, "later": 1}


async def test_a_wake_up_does_not_wait_forever(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "PATIENCE", 0.05)
    until = await append(application, "a")
    async with in_the_middle(runner_of(application, tally), tally):
        catching_up = runner_of(application, tally).catch_up(tally.name, until=until)
        assert await asyncio.wait_for(catching_up, timeout=60) == 0


async def test_a_projection_that_never_ran_begins_at_once(
    application: Application, tally: Tally
) -> None:
    until = await append(application, "a")
    assert await runner_of(application, tally).catch_up(tally.name) == until


async def test_a_runner_that_finds_another_in_the_way_needs_no_second_connection(
    settings: Settings, application: Application, tally: Tally
) -> None:
    """Else a process whose every connection waits for one more would stand still."""
    await append(application, "a")
    narrow = msgspec.structs.replace(settings, database_connections=1)
    async with (
        running(narrow, "marquee-narrow") as other,
        in_the_middle(runner_of(application, tally), tally),
    ):
        runner = runner_of(other, tally)
        assert await asyncio.gather(*(runner.catch_up(tally.name) for _ in range(4))) == [0] * 4

"""Every due time of a report is run or skipped once, whoever leads and whatever becomes of them."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.analytics.application.report_queries import GetReport
from contexts.analytics.application.reporting import RunDueReport
from report_leaders import (
    BEGIN,
    Leader,
    Stop,
    asked,
    decided,
    leader_process,
    leaders,
    overdue,
)
from settings import Settings
from stage import staged, until


async def test_what_is_due_is_run_once_and_asks_one_question(application: Application) -> None:
    async with leaders(application, 1) as (leader,):
        id = await leader.report()
        assert await leader.look(0.99) == 0
        assert await leader.look(1) == 1
        assert await decided(application, id) == ["12:01 due"]
        assert await asked(application, id) == 1
        assert await leader.look(1.5) == 0
        assert await leader.look(2) == 1
        assert await decided(application, id) == ["12:01 due", "12:02 due"]
        assert await asked(application, id) == 2


async def test_what_a_read_model_does_not_show_yet_is_not_run_again(
    application: Application,
) -> None:
    async with leaders(application, 1) as (leader,):
        id = await leader.report()
        for seconds in range(5):
            assert await leader.look(1 + seconds / 60) == 1
        assert await decided(application, id) == ["12:01 due"]
        assert await leader.look(2) == 1
        assert await decided(application, id) == ["12:01 due", "12:02 due"]


async def test_one_leads_and_when_it_goes_another_does(application: Application) -> None:
    async with leaders(application, 3) as (first, second, third):
        id = await first.report()
        assert [await each.look(1) for each in (first, second, third)] == [1, 0, 0]
        await caught_up(application)
        assert [await each.look(2) for each in (second, third, first)] == [0, 0, 1]
        await caught_up(application)
        await first.schedule.close()
        await third.takes_over(3)
        assert [await each.look(3) for each in (second, first)] == [0, 0]
        assert await decided(application, id) == ["12:01 due", "12:02 due", "12:03 due"]


async def test_a_leader_that_lost_its_connection_does_not_lead_on(
    application: Application,
) -> None:
    async with leaders(application, 2) as (first, second):
        id = await first.report()
        assert await first.look(1) == 1
        await caught_up(application)
        await first.disconnect()
        assert await second.look(2) == 1
        with pytest.raises(psycopg.OperationalError):
            await first.look(2)
        assert await first.look(2) == 0
        assert await decided(application, id) == ["12:01 due", "12:02 due"]


async def test_of_two_who_lead_at_once_one_runs_what_is_due(application: Application) -> None:
    """The first is cut off from the database in the moment between looking and sending."""
    async with leaders(application, 2) as (first, second):
        id = await first.report()
        first.office.go_on.clear()
        late = asyncio.create_task(first.look(1))
        await first.office.reached.wait()
        await first.disconnect()
        assert await second.look(1) == 1
        first.office.go_on.set()
        assert await late == 1
        assert first.office.sent == second.office.sent == [id]
        assert await decided(application, id) == ["12:01 due"]
        assert await asked(application, id) == 1


async def test_many_who_send_for_a_report_in_the_same_moment_run_it_once(
    application: Application,
) -> None:
    async with leaders(application, 4) as several:
        id = await several[0].report()
        for minute in range(1, 6):
            for each in several:
                each.now = BEGIN + timedelta(minutes=minute)
            await asyncio.gather(*(each.office(RunDueReport(id)) for each in several))
        assert await decided(application, id) == [f"12:0{minute} due" for minute in range(1, 6)]
        assert await asked(application, id) == 5


async def test_a_report_that_fails_keeps_no_other_waiting_and_is_tried_again(
    application: Application,
) -> None:
    async with leaders(application, 1) as (leader,):
        bad, good = await leader.report(), await leader.report()
        leader.office.faults[bad] = psycopg.OperationalError("bad luck")
        assert await leader.look(1) == 2
        assert await decided(application, bad) == []
        assert await decided(application, good) == ["12:01 due"]
        leader.office.faults.clear()
        await caught_up(application)
        assert await leader.look(1.5) == 1
        assert await decided(application, bad) == ["12:01 due"]


async def test_after_an_outage_the_latest_is_caught_up_with_or_all_is_skipped(
    application: Application,
) -> None:
    async with leaders(application, 1) as (leader,):
        latest = await leader.report("*/30 * * * *")
        skip = await leader.report("*/30 * * * *", missed="skip")
        assert await leader.look(190.5) == 2
        assert await decided(application, latest) == ["12:30-14:30 missed", "15:00 caught_up"]
        assert await decided(application, skip) == ["12:30-15:00 missed"]
        assert (await asked(application, latest), await asked(application, skip)) == (1, 0)
        assert await leader.look(209) == 0
        assert await leader.look(210) == 2
        assert (await decided(application, skip))[1:] == ["15:30 due"]


async def test_a_leader_that_stands_still_is_deposed(application: Application) -> None:
    async with leaders(application, 1) as (second,):
        first = Leader(application, deposed_after=0.05)
        try:
            id = await first.report()
            assert await first.look(1) == 1
            await caught_up(application)
            await second.takes_over(2)
            assert await decided(application, id) == ["12:01 due", "12:02 due"]
        finally:
            await first.schedule.close()


async def test_when_it_is_next_due_is_found_along_an_index(application: Application) -> None:
    async with application.pool().connection() as connection:
        await connection.execute("set enable_seqscan = off")
        cursor = await connection.execute(
            "explain select tenant, id from analytics.reports where next_due <= now()"
            " order by next_due"
        )
        assert "reports_due" in str(await cursor.fetchall())
        await connection.execute("reset enable_seqscan")


@pytest.mark.parametrize("stop", ["before", "after"])
async def test_a_leader_killed_around_its_command_loses_and_doubles_nothing(
    application: Application, settings: Settings, tmp_path: Path, stop: Stop
) -> None:
    async with leaders(application, 1) as (here,):
        id = await here.report()
        async with leader_process(settings, tmp_path, stop) as killed:
            assert await killed.look(1) == "stands"
            assert await here.look(1) == 0, "it leads as long as it lives"
            await killed.kill()
            await here.takes_over(1)
        assert await decided(application, id) == ["12:01 due"]
        assert await asked(application, id) == 1


async def test_leaders_killed_again_and_again_lose_and_double_nothing(
    application: Application, settings: Settings, tmp_path: Path
) -> None:
    """The clock goes on a minute with each; those that nobody was there for are caught up with."""
    async with leaders(application, 1) as (here,):
        id = await here.report()
        stops: list[Stop] = ["after", "before", "never", "before", "after"]
        for minute, stop in enumerate(stops, start=1):
            async with leader_process(settings, tmp_path, stop) as killed:
                found = await killed.look(minute)
                assert found == ("1" if stop == "never" else "stands")
                await killed.kill()
            await caught_up(application)
        await here.takes_over(6)
        assert await decided(application, id) == [
            "12:01 due",
            "12:02-12:02 missed",
            "12:03 due",
            "12:04-12:04 missed",
            "12:05 due",
            "12:06 due",
        ]
        assert await asked(application, id) == 4
        shown = await application.bus()(GetReport(id))
        assert shown.decided_until == BEGIN + timedelta(minutes=6)


async def test_workers_run_what_is_due_and_go_on_when_the_one_that_leads_is_killed(
    settings: Settings, tmp_path: Path
) -> None:
    async with staged(settings, tmp_path, {}) as world:
        application, reports = world.application, []
        leader = await world.worker()
        for _ in range(2):
            id = await overdue(application)
            await until(lambda id=id: _has_run(application, id))
            reports.append(id)
            follower = await world.worker()
            leader.kill()
            await leader.wait()
            leader = follower
        for id in reports:
            (run,) = (await decided(application, id))[1:]
            assert run.endswith("caught_up")
            assert await asked(application, id) == 1


async def _has_run(application: Application, id: UUID) -> bool:
    return len(await decided(application, id)) > 1

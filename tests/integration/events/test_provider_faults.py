"""Providers that misbehave, workers that die, messages that get lost: what people see of it.

The workers are real processes, Redis and the providers' servers are real, and the API is asked over
HTTP. "While a provider hangs, cuts or sends rubbish, /search answers as before, and the run says
what went wrong."
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import msgspec
import psycopg
import pytest

from contexts.events.domain.event import PlanRef
from misbehaving import Answer, drip, hang, ok, says, wire_to
from settings import Settings
from shared.application.context import Context, running_in
from shared.infrastructure.broker import FEEDS, FETCH_FEED, send
from stage import World, feed, staged, until

HOUR = 3600.0

GOOD = feed({"1": "Jazz", "2": "Rock"})
HALF = feed({str(n): "New" for n in range(300)}).replace(b"</planList>", b"<base_plan></plan>")
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE planList [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    b'<planList><base_plan base_plan_id="1" title="&c;"/></planList>'
)

FAULTS: Mapping[str, tuple[Answer, str]] = {
    "hangs": (hang, "the provider sent nothing for 2 s"),
    "drips": (drip, "the feed did not arrive whole within 4 s"),
    "cuts": (
        says(f"200 OK\r\nContent-Length: {len(GOOD)}", GOOD[: len(GOOD) // 2]),
        "the connection broke off: ",
    ),
    "announces-less": (
        says(f"200 OK\r\nContent-Length: {len(GOOD) // 2}", GOOD),
        "the feed is not well-formed XML: ",
    ),
    "announces-more": (
        says(f"200 OK\r\nContent-Length: {2 * len(GOOD)}", GOOD),
        "the connection broke off: ",
    ),
    "html": (ok(b"<!DOCTYPE html><html>Sorry</html>"), "the feed is an HTML page"),
    "empty": (ok(b""), "the feed is empty"),
    "no-plans": (ok(b"<planList/>"), "the feed is well-formed but has no plans in it"),
    "renamed": (
        ok(GOOD.replace(b"planList", b"programme")),
        "the root element is 'programme', not eventList or planList",
    ),
    "busy": (
        says("503 Busy\r\nRetry-After: 1800"),
        "the provider answered 503 Service Unavailable",
    ),
    "entity-bomb": (ok(BOMB), "the feed declares a document type, which feeds don't"),
    "gzip-bomb": (
        ok(gzip.compress(bytes(20_000_000)), "Content-Encoding: gzip"),
        "the feed is larger than 1000000 bytes",
    ),
    "breaks-halfway": (ok(HALF), "the feed is not well-formed XML: "),
}
"""By the name of the provider: what it does, and how the reason begins that its run gives."""


class Stage(Protocol):
    """Opens a world with these providers, each with its interval in seconds."""

    def __call__(self, intervals: Mapping[str, float]) -> AbstractAsyncContextManager[World]: ...


@pytest.fixture
def stage(settings: Settings, tmp_path: Path) -> Stage:
    return partial(staged, settings, tmp_path)


# What a provider does


async def test_while_providers_misbehave_search_answers_as_before_and_the_runs_say_why(
    stage: Stage,
) -> None:
    async with stage({**dict.fromkeys(FAULTS, HOUR), "busy": 300}) as world:
        for name in FAULTS:
            world.providers.says[name] = ok(feed({"1": name}))
        await world.worker()
        before = await world.shows(*FAULTS)
        await world.was_read(*FAULTS)
        position = await world.last_position()

        for name, (fault, _) in FAULTS.items():
            world.providers.says[name] = fault
        locations = {name: await world.ask(name) for name in FAULTS}
        answers: list[bytes] = []

        async def all_have_ended() -> bool:
            answers.append(await world.search())
            runs = [await world.run(location) for location in locations.values()]
            return all(run["status"] != "requested" for run in runs)

        await until(all_have_ended)
        assert set(answers) == {before}

        runs = {name: await world.run(location) for name, location in locations.items()}
        assert {run["status"] for run in runs.values()} == {"failed"}
        wrong = {
            name: runs[name]["reason"]
            for name, (_, reason) in FAULTS.items()
            if not runs[name]["reason"].startswith(reason)
        }
        assert wrong == {}
        appended = await world.sql(
            "select distinct type from event_store.events where position > %s order by 1", position
        )
        assert appended == [("events.run_failed",), ("events.run_requested",)]
        await world.was_read(*FAULTS)
        listed = [await world.provider(name) for name in FAULTS]
        assert {each["failures"] for each in listed} == {1}
        busy = await world.provider("busy")
        waits = datetime.fromisoformat(busy["due_at"]) - datetime.fromisoformat(
            busy["last_checked_at"]
        )
        assert 1790 < waits.total_seconds() < 2000
        assert await world.search() == before

        for name in FAULTS:
            world.providers.says[name] = ok(feed({"1": f"{name} again"}))
        locations = {name: await world.ask(name) for name in FAULTS}
        healed = [await world.ended(location) for location in locations.values()]
        assert {(run["status"], run["report"]["changed"]) for run in healed} == {("completed", 1)}
        await world.shows(*(f"{name} again" for name in FAULTS))
        await world.was_read(*FAULTS)
        assert {(await world.provider(name))["failures"] for name in FAULTS} == {0}


async def test_feeds_are_looked_at_by_themselves_and_unchanged_ones_append_nothing(
    stage: Stage,
) -> None:
    async with stage({"tagged": 1.0, "plain": 1.0}) as world:
        asked = world.providers.asked

        def tagged(tag: str, body: bytes) -> Answer:
            async def answer(writer: asyncio.StreamWriter) -> None:
                known = f'if-none-match: "{tag}"'.encode() in asked["tagged"][-1].lower()
                full = ok(body, f'ETag: "{tag}"')
                await (says("304 Not Modified") if known else full)(writer)

            return answer

        async def looks(count: int) -> None:
            """Wait until so many more looks at each feed have come to their end."""
            goal = {name: len(asked[name]) + count for name in ("tagged", "plain")}

            async def reached() -> bool:
                return all(len(asked[name]) >= goal[name] for name in goal)

            await until(reached)
            await world.was_read("tagged", "plain")

        world.providers.says["tagged"] = tagged("t1", feed({"1": "Tagged"}))
        world.providers.says["plain"] = ok(feed({"1": "Plain"}))
        await world.worker()
        await world.shows("Tagged", "Plain")
        await looks(1)
        position, begun = await world.last_position(), len(asked["tagged"])
        await looks(3)
        assert await world.last_position() == position
        assert len(asked["tagged"]) >= begun + 3
        for request in asked["tagged"][1:]:
            assert b'if-none-match: "t1"' in request.lower()
        for name in ("tagged", "plain"):
            assert (await world.provider(name))["last_outcome"] == "unchanged"

        world.providers.says["tagged"] = tagged("t2", feed({"1": "Retagged"}))
        await world.shows("Retagged", "Plain")
        appended = await world.sql(
            "select type from event_store.events where position > %s order by position", position
        )
        assert appended == [("events.event_renamed",), ("events.run_completed",)]


# Who does it


async def test_two_workers_never_read_the_same_due_feed_twice(stage: Stage) -> None:
    names = [f"p{n}" for n in range(6)]
    async with stage(dict.fromkeys(names, HOUR)) as world:
        for name in names:
            world.providers.says[name] = ok(GOOD)
        await world.worker()
        await world.worker()
        asked = world.providers.asked
        for times in range(1, 6):

            async def all_asked(times: int = times) -> bool:
                idle = not world.queued() and not world.put_off()
                return idle and all(len(asked[name]) >= times for name in names)

            await until(all_asked)
            assert {name: len(asked[name]) for name in names} == dict.fromkeys(names, times)
            await world.sql("update events.feeds set due_at = clock_timestamp()")


async def test_a_run_that_was_asked_for_carries_the_request_into_all_it_appends(
    stage: Stage,
) -> None:
    async with stage({"acme": HOUR}) as world:
        world.providers.says["acme"] = ok(feed({"1": "Jazz"}))
        await world.worker()
        await world.shows("Jazz")
        world.providers.says["acme"] = ok(feed({"1": "Blues", "2": "Rock"}))
        location = await world.ask("acme", correlation_id="story-1")
        run = await world.ended(location)
        assert (run["status"], run["report"]["announced"]) == ("completed", 1)
        found = await world.sql(
            "select type from event_store.events where metadata->>'correlation_id' = 'story-1'"
            " order by position"
        )
        first, *between, last = [type for (type,) in found]
        assert (first, last) == ("events.run_requested", "events.run_completed")
        assert sorted(between) == ["events.event_announced", "events.event_renamed"]


async def test_a_run_of_a_provider_that_is_not_set_up_is_not_found(stage: Stage) -> None:
    async with stage({"acme": HOUR}) as world:
        response = await world.client.post("/providers/nobody/runs")
        assert response.status_code == 404
        assert response.json()["type"].endswith("#events.unknown_provider")
        assert await world.last_position() == 0


async def test_a_run_that_is_asked_for_while_another_reads_the_feed_is_done_after_it(
    stage: Stage,
) -> None:
    async with stage({"acme": HOUR}) as world:
        go, reading, most = asyncio.Event(), 0, 0

        async def slow(writer: asyncio.StreamWriter) -> None:
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            await go.wait()
            await ok(GOOD)(writer)
            reading -= 1

        world.providers.says["acme"] = ok(GOOD)
        await world.worker(MARQUEE_FEED_READ_SECONDS="60", MARQUEE_FEED_TOTAL_SECONDS="60")
        await world.was_read("acme")
        world.providers.says["acme"] = slow
        first = await world.ask("acme")

        async def is_reading() -> bool:
            return reading == 1

        await until(is_reading)
        second = await world.ask("acme")

        async def put_off() -> bool:
            return world.put_off() == 1

        await until(put_off)
        assert (await world.run(second))["status"] == "requested"
        go.set()
        runs = [await world.ended(first), await world.ended(second)]
        assert [run["status"] for run in runs] == ["completed", "completed"]
        assert runs[1]["report"]["started_at"] > runs[0]["finished_at"]
        assert most == 1
        assert "Traceback" not in world.log.read_text()


async def test_a_run_that_took_too_long_leaves_the_feed_to_its_successor(stage: Stage) -> None:
    async with stage({"acme": HOUR}) as world:
        go, reading = asyncio.Event(), asyncio.Event()

        async def slow(writer: asyncio.StreamWriter) -> None:
            reading.set()
            await go.wait()
            await ok(feed({"1": "Late"}))(writer)

        world.providers.says["acme"] = ok(feed({"1": "Jazz"}))
        await world.worker(MARQUEE_FEED_READ_SECONDS="60", MARQUEE_FEED_TOTAL_SECONDS="60")
        before = await world.shows("Jazz")
        await world.was_read("acme")
        world.providers.says["acme"] = slow
        location = await world.ask("acme")
        await asyncio.wait_for(reading.wait(), timeout=60)
        await world.pass_time(HOUR)
        successor = uuid4()
        assert await world.application.events.feeds().claim("acme", successor)
        go.set()
        run = await world.ended(location)
        assert (run["status"], run["report"]["events"]) == ("failed", 0)
        assert run["reason"] == "the run took so long that another one has begun"
        assert (await world.provider("acme"))["running_run_id"] == str(successor)
        assert await world.search() == before


async def test_a_message_that_is_delivered_twice_is_recorded_once(stage: Stage) -> None:
    async with stage({"acme": HOUR}) as world:
        go, reading = asyncio.Event(), 0

        async def slow(writer: asyncio.StreamWriter) -> None:
            nonlocal reading
            reading += 1
            await go.wait()
            await ok(feed({str(n): "Jazz" for n in range(250)}))(writer)

        async def both_are_reading() -> bool:
            return reading == 2

        async def all_done() -> bool:
            return not world.queued() and not world.put_off()

        def deliver_again() -> None:
            with running_in(Context(correlation_id="again")):
                send(world.application.broker(), FEEDS, FETCH_FEED, "acme", run_id)

        world.providers.says["acme"] = ok(GOOD)
        await world.worker(MARQUEE_FEED_READ_SECONDS="60", MARQUEE_FEED_TOTAL_SECONDS="60")
        await world.was_read("acme")
        world.providers.says["acme"] = slow
        location = await world.ask("acme")
        run_id = location.rpartition("/")[2]
        deliver_again()
        await until(both_are_reading)
        go.set()
        await world.ended(location)
        deliver_again()
        await until(all_done)
        recorded = [event.type for event in await world.history(location)]
        assert recorded == ["events.run_requested", "events.run_completed"]
        await exactly_once(world, events=251, plans=250)


async def exactly_once(world: World, *, events: int, plans: int) -> None:
    """So many events of so many plans, their versions without a gap; and /search shows them."""
    broken = await world.sql(
        "select stream from event_store.events group by tenant, stream"
        " having min(version) <> 1 or max(version) <> count(*)"
    )
    assert broken == []
    found = await world.sql(
        "select count(*), count(distinct stream) from event_store.events"
        " where stream like 'event-%%'"
    )
    assert found == [(events, plans)]

    async def all_shown() -> bool:
        shown = msgspec.json.decode(await world.search())["data"]["events"]
        return len(shown) == plans

    await until(all_shown)


# What dies, and what gets lost

LOCK = 4242


@asynccontextmanager
async def stuck_at(world: World, ref: PlanRef) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Whoever appends to this event waits; the backend that does, once there is one."""
    await world.sql(
        "create function wait_for_test() returns trigger language plpgsql as $$ begin"
        f" if new.stream = 'event-{ref.event_id}' then"
        f" perform pg_advisory_xact_lock({LOCK}); end if; return new; end $$"
    )
    await world.sql(
        "create trigger wait_for_test before insert on event_store.events"
        " for each row execute function wait_for_test()"
    )
    waiting = (
        "select coalesce(min(pid), 0) from pg_locks where locktype = 'advisory' and not granted"
        " and objid = %s and database = (select oid from pg_database"
        " where datname = current_database())"
    )

    async def pid() -> int:
        return int((await world.sql(waiting, LOCK))[0][0])

    url = world.application.settings().database()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as holder:
        await holder.execute("select pg_advisory_lock(%s)", (LOCK,))
        yield lambda: until(pid)


@pytest.mark.parametrize("message", ["delivered again", "lost"])
async def test_a_run_whose_worker_is_killed_is_finished_by_another(
    stage: Stage, message: str
) -> None:
    plans = {str(n): "Jazz" for n in range(1, 451)}
    async with stage({"acme": HOUR}) as world:
        world.providers.says["acme"] = ok(feed({"1": "Jazz"}))
        killed = await world.worker()
        await world.shows("Jazz")
        await world.was_read("acme")
        world.providers.says["acme"] = ok(feed(plans))
        async with stuck_at(world, PlanRef("acme", "300", "300")) as backend:
            location = await world.ask("acme", correlation_id="story-2")
            pid = await backend()
            killed.kill()
            await killed.wait()
            await world.sql("select pg_terminate_backend(%s)", pid)
        announced = await world.sql(
            "select count(*) from event_store.events where stream like 'event-%%'"
        )
        assert announced == [(201,)], "it was to be killed in its second batch"
        assert (await world.provider("acme"))["running_run_id"] == location.rpartition("/")[2]
        if message == "lost":
            world.empty_redis()
            await world.pass_time(HOUR)
        await world.worker()
        run = await world.ended(location)
        assert (run["status"], run["report"]["plans"]) == ("completed", 450)
        assert (run["report"]["announced"], run["report"]["unchanged"]) == (249, 201)
        recorded = await world.history(location)
        assert [event.metadata.correlation_id for event in recorded] == ["story-2", "story-2"]
        await exactly_once(world, events=450, plans=450)


async def test_a_run_whose_message_got_lost_is_queued_again(stage: Stage) -> None:
    async with stage({"acme": HOUR}) as world:
        world.providers.says["acme"] = ok(feed({"1": "Jazz"}))
        reader = await world.worker()
        await world.shows("Jazz")
        await world.was_read("acme")

        async def nothing_is_queued() -> bool:
            return world.queued() == 0

        # What it has done is acknowledged a moment later.
        await until(nothing_is_queued)
        reader.kill()
        await reader.wait()
        await world.worker("--queue", "projections")
        world.providers.says["acme"] = ok(feed({"1": "Blues"}))
        location = await world.ask("acme", correlation_id="story-3")

        async def is_queued() -> bool:
            return world.queued() == 1

        async def is_projected() -> bool:
            shown = (await world.client.get("/providers/acme/runs")).json()["data"]
            return any(run["status"] == "requested" for run in shown)

        await until(is_queued)
        await until(is_projected)
        world.empty_redis()
        await world.worker("--queue", "feeds")
        assert (await world.run(location))["status"] == "requested"
        await world.pass_time(HOUR)
        assert (await world.ended(location))["status"] == "completed"
        recorded = await world.history(location)
        assert [event.metadata.correlation_id for event in recorded] == ["story-3", "story-3"]
        await world.shows("Blues")
        assert len(world.providers.asked["acme"]) == 2


async def test_what_is_asked_for_or_due_while_redis_is_away_is_done_when_it_is_back(
    stage: Stage,
) -> None:
    async with (
        stage({"acme": HOUR, "bravo": HOUR}) as world,
        wire_to(world.application.settings().redis()) as wire,
    ):
        world.providers.says.update(acme=ok(feed({"1": "Jazz"})), bravo=ok(feed({"1": "Rock"})))
        await world.worker(REDIS_URL=wire.url)
        await world.shows("Jazz", "Rock")
        await world.was_read("acme", "bravo")
        wire.cut()
        world.providers.says.update(acme=ok(feed({"1": "Blues"})), bravo=ok(feed({"1": "Folk"})))
        location = await world.ask("acme")
        await world.sql(
            "update events.feeds set due_at = clock_timestamp() where provider = 'bravo'"
        )
        requested = (await world.history(location))[0].position

        async def both_were_tried_in_vain() -> bool:
            reacted = world.logged("tick failed", tick="reactions")
            return reacted > 0 and world.logged("schedule failed") > 0

        await until(both_were_tried_in_vain)
        reacted = await world.sql(
            "select position, error from event_store.checkpoints where projection = 'reactions'"
        )
        assert reacted[0][0] < requested
        assert reacted[0][1] is None, "nothing is wrong with the event"
        assert (await world.run(location))["status"] == "requested"
        wire.mend()
        assert (await world.ended(location))["status"] == "completed"
        await world.shows("Blues", "Folk")
        assert {name: len(asked) for name, asked in world.providers.asked.items()} == {
            "acme": 2,
            "bravo": 2,
        }

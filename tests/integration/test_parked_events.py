"""An event that can't be taken in is parked, with what follows in its stream; the rest goes on."""

import pytest
import redis
from litestar.testing import AsyncTestClient

from api.app import create_app
from bootstrap import Application
from settings import Settings
from shared.application.context import Context, running_in
from shared.application.pages import Page
from shared.application.parked_events import (
    CannotReplay,
    DiscardParkedEvent,
    GetParkedEvent,
    ListParkedEvents,
    ParkedEvent,
    ReplayParkedEvent,
    UnknownParkedEvent,
)
from shared.domain.errors import Invalid
from shared.infrastructure.projections import parking
from shared.infrastructure.projections.parked_events import ParkedEvents
from shared.infrastructure.projections.parking import TooManyParked
from tallies import (
    RedisTally,
    Tally,
    append,
    checkpoint_of,
    counts_of,
    empty_redis,
    new_stream,
    redis_tally_of,
    runner_of,
    shown_of,
)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def redis_tally(application: Application) -> RedisTally:
    return redis_tally_of(application)


async def test_the_event_and_those_behind_it_are_parked_and_other_streams_go_on(
    application: Application, tally: Tally
) -> None:
    stream = new_stream()
    await append(application, "a", "b")
    await append(application, "c", "bad", "d", stream=stream)
    await append(application, "e", stream=stream, expected=3)
    last = await append(application, "f")
    tally.course.poison = {"bad"}
    assert await runner_of(application, tally).catch_up(tally.name) == last
    assert await counts_of(application) == dict.fromkeys("abcf", 1)
    parked = await _parked(application, tally)
    assert [(each.stream, each.version, each.attempts) for each in parked] == [
        (stream, 2, 1),
        (stream, 3, 0),
        (stream, 4, 0),
    ]
    assert [each.error for each in parked] == ["ValueError: bad is poison", None, None]
    shown = await shown_of(application, tally)
    assert (shown.parked, shown.error, shown.lag_events) == (3, None, 0)


async def test_what_comes_later_waits_behind_what_is_parked(
    application: Application, tally: Tally
) -> None:
    stream = new_stream()
    tally.course.poison = {"bad"}
    await append(application, "bad", stream=stream)
    runner = runner_of(application, tally)
    await runner.catch_up(tally.name)
    tally.course.poison = set()
    last = await append(application, "later", "last", stream=stream, expected=1)
    await append(application, "other")
    assert await runner.catch_up(tally.name) == last + 1
    assert await counts_of(application) == {"other": 1}
    assert [each.version for each in await _parked(application, tally)] == [1, 2, 3]


async def test_a_replay_takes_in_the_stream_in_order_once(
    application: Application, tally: Tally
) -> None:
    parked = await _one_parked_stream(application, tally, "a", "bad", "b", "c")
    tally.course.poison, tally.course.batches = set(), []
    # Any of them stands for its stream.
    replayed = await _service(application, tally).replay(ReplayParkedEvent(parked[2].id))
    assert (replayed.replayed, replayed.parked, replayed.error) == (3, 0, None)
    assert tally.course.batches == [["bad"], ["b"], ["c"]]
    assert await counts_of(application) == {"a": 1, "bad": 1, "b": 1, "c": 1}
    assert await _parked(application, tally) == []
    with pytest.raises(UnknownParkedEvent):
        await _service(application, tally).replay(ReplayParkedEvent(parked[0].id))
    assert sum((await counts_of(application)).values()) == 4


async def test_a_replay_stops_at_what_fails_again_and_counts_the_attempt(
    application: Application, tally: Tally
) -> None:
    parked = await _one_parked_stream(application, tally, "bad", "b", "worse", "c")
    tally.course.poison = {"worse"}
    replayed = await _service(application, tally).replay(ReplayParkedEvent(parked[0].id))
    assert (replayed.replayed, replayed.parked) == (2, 2)
    assert replayed.error == "ValueError: worse is poison"
    left = await _parked(application, tally)
    assert [(each.version, each.attempts, each.error) for each in left] == [
        (3, 1, "ValueError: worse is poison"),
        (4, 0, None),
    ]
    assert await counts_of(application) == {"bad": 1, "b": 1}


async def test_a_discarded_event_is_done_without_and_its_reason_stays(
    application: Application, tally: Tally
) -> None:
    parked = await _one_parked_stream(application, tally, "bad", "b")
    service = _service(application, tally)
    with running_in(Context(correlation_id="c", actor="ann")):
        await service.discard(DiscardParkedEvent(parked[0].id, " it never happened "))
    assert (await service.replay(ReplayParkedEvent(parked[1].id))).replayed == 1
    assert await counts_of(application) == {"b": 1}
    (discarded,) = (await service.list_parked(ListParkedEvents(tally.name, discarded=True))).data
    assert (discarded.reason, discarded.discarded_by) == ("it never happened", "ann")
    assert discarded.discarded_at is not None
    with pytest.raises(CannotReplay, match="was discarded"):
        await service.replay(ReplayParkedEvent(discarded.id))
    with pytest.raises(CannotReplay, match="was discarded"):
        await service.discard(DiscardParkedEvent(discarded.id, "twice"))


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
async def test_nothing_is_discarded_without_a_reason(
    application: Application, tally: Tally, reason: str
) -> None:
    parked = await _one_parked_stream(application, tally, "bad")
    with pytest.raises(Invalid, match="reason"):
        await _service(application, tally).discard(DiscardParkedEvent(parked[0].id, reason))
    assert len(await _parked(application, tally)) == 1


async def test_what_can_not_be_decoded_is_parked_too(
    application: Application, tally: Tally
) -> None:
    stream = new_stream()
    async with application.pool().connection() as connection:
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata)"
            " values (%s, 1, 'test.counted', '{\"type\": \"test.counted\"}', '{}')",
            (stream,),
        )
    await append(application, "a")
    await runner_of(application, tally).catch_up(tally.name)
    assert await counts_of(application) == {"a": 1}
    (parked,) = await _parked(application, tally)
    assert parked.error is not None
    assert "name" in parked.error
    shown = await _service(application, tally).get(GetParkedEvent(parked.id))
    assert shown.data == {"type": "test.counted"}


async def test_a_projection_that_fails_at_everything_stops_and_parks_no_more(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "MAX_FAILED", 3)
    tally.course.poison = {"bad"}
    for _ in range(6):
        await append(application, "bad")
    with pytest.raises(TooManyParked):
        await runner_of(application, tally).catch_up(tally.name)
    assert len(await _parked(application, tally)) == 3
    assert await checkpoint_of(application, tally) == 3
    error = (await shown_of(application, tally)).error
    assert error is not None
    assert error.startswith("TooManyParked: 3 events are parked already")


async def test_a_passing_fault_parks_nothing(application: Application, tally: Tally) -> None:
    await append(application, "a")
    tally.course.fault = redis.exceptions.ConnectionError("cable")
    with pytest.raises(redis.exceptions.ConnectionError):
        await runner_of(application, tally).catch_up(tally.name)
    assert await _parked(application, tally) == []


# In Redis


async def test_in_redis_too_the_rest_goes_on_and_a_replay_takes_in_each_event_once(
    application: Application, redis_tally: RedisTally
) -> None:
    stream = new_stream()
    await append(application, "a", "bad", "b", stream=stream)
    await append(application, "c")
    redis_tally.course.poison = {"bad"}
    runner = runner_of(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    assert await redis_tally.counts_by_name() == {"a": 1, "c": 1}
    redis_tally.course.poison = set()
    parked = await _parked(application, redis_tally)
    service = ParkedEvents(application.pool(), runner)
    assert (await service.replay(ReplayParkedEvent(parked[0].id))).replayed == 2
    assert await redis_tally.counts_by_name() == dict.fromkeys(("a", "b", "bad", "c"), 1)


async def test_a_replay_that_redis_has_and_postgres_does_not_know_of_is_not_repeated(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, "bad")
    redis_tally.course.poison = {"bad"}
    runner = runner_of(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    redis_tally.course.poison = set()
    async with application.pool().connection() as connection:
        # As if the process had died between the MULTI and the commit.
        await connection.execute("create table kept as select * from event_store.parked_events")
        (parked,) = await _parked(application, redis_tally)
        service = ParkedEvents(application.pool(), runner)
        await service.replay(ReplayParkedEvent(parked.id))
        await connection.execute(
            "insert into event_store.parked_events overriding system value select * from kept"
        )
    assert (await service.replay(ReplayParkedEvent(parked.id))).replayed == 1
    assert await redis_tally.counts_by_name() == {"bad": 1}


async def test_an_emptied_redis_is_filled_again_without_what_is_parked_or_discarded(
    application: Application, redis_tally: RedisTally
) -> None:
    await append(application, "a", "bad", "b")
    await append(application, "worse")
    redis_tally.course.poison = {"bad", "worse"}
    runner = runner_of(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    service = ParkedEvents(application.pool(), runner)
    parked = await _parked(application, redis_tally)
    await service.discard(DiscardParkedEvent(parked[-1].id, "no use"))
    redis_tally.course.poison = set()
    await empty_redis(application)
    await runner.catch_up(redis_tally.name)
    assert await redis_tally.counts_by_name() == {"a": 1}
    assert len(await _parked(application, redis_tally)) == 2


# Over HTTP


async def test_parked_events_are_shown_replayed_and_discarded_over_http(
    application: Application, settings: Settings
) -> None:
    async with application.pool().connection() as connection:
        for stream, data in (("event-018f3a9e-0000-7000-8000-000000000001", '{"type": 1}'),):
            await connection.execute(
                "insert into event_store.events (stream, version, type, data, metadata)"
                " values (%s, 1, 'events.event_announced', %s, '{}'),"
                ' (%s, 2, \'events.event_cancelled\', \'{"type": "events.event_cancelled",'
                ' "reason": "storm"}\', \'{}\')',
                (stream, data, stream),
            )
    await application.runner().catch_up("events.catalogue")
    async with AsyncTestClient(create_app(settings)) as client:
        listed = (await client.get("/parked-events?projection=events.catalogue")).json()
        assert listed["totalRows"] == 2
        first = listed["data"][0]
        assert first["error"] is not None
        assert first["data"] is None
        shown = (await client.get(f"/parked-events/{first['id']}")).json()
        assert shown["data"] == {"type": 1}
        ready = await client.get("/health/ready")
        assert ready.status_code == 200, "one event is no reason to serve nobody"
        assert ready.json()["status"] == "degraded"
        assert ready.json()["checks"]["parked"] == "events.catalogue has 2"
        assert (
            'marquee_projection_parked{projection="events.catalogue"} 2.0'
            in (await client.get("/metrics")).text
        )
        replayed = await client.post(f"/parked-events/{first['id']}/replay")
        assert (replayed.status_code, replayed.json()["replayed"]) == (200, 0)
        assert (await client.get(f"/parked-events/{first['id']}")).json()["attempts"] == 2
        empty = await client.post(f"/parked-events/{first['id']}/discard", json={"reason": " "})
        assert empty.status_code == 400
        for each in listed["data"]:
            done = await client.post(
                f"/parked-events/{each['id']}/discard", json={"reason": "imported by mistake"}
            )
            assert done.status_code == 204
        again = await client.post(f"/parked-events/{first['id']}/replay")
        assert (again.status_code, again.json()["type"]) == (409, "about:blank#cannot_replay")
        assert (await client.get("/parked-events")).json()["totalRows"] == 0
        kept = (await client.get("/parked-events?discarded=true")).json()["data"]
        assert {each["reason"] for each in kept} == {"imported by mistake"}
        assert (await client.get("/parked-events/4711")).status_code == 404
        assert (await client.get("/parked-events?projektion=x")).status_code == 400


def _service(application: Application, tally: Tally) -> ParkedEvents:
    return ParkedEvents(application.pool(), runner_of(application, tally))


async def _parked(application: Application, subscription: Tally | RedisTally) -> list[ParkedEvent]:
    service = ParkedEvents(application.pool(), runner_of(application, subscription))
    page: Page[ParkedEvent] = await service.list_parked(ListParkedEvents(subscription.name))
    return list(page.data)


async def _one_parked_stream(
    application: Application, tally: Tally, *names: str
) -> list[ParkedEvent]:
    await append(application, *names)
    tally.course.poison = {"bad"}
    await runner_of(application, tally).catch_up(tally.name)
    return await _parked(application, tally)

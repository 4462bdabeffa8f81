"""Whatever happens to a runner, what follows the log has taken in each event once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import dramatiq
import msgspec
import psycopg
import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from bootstrap import MIGRATIONS, Application, running
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.application.ports import Plan
from contexts.events.application.queries import GetEvent
from contexts.events.application.taking_in import TakeInPlans
from contexts.events.domain.event import EventCancelled, PlanRef
from contexts.events.domain.provider_run import ProviderRun
from settings import Settings
from shared.application.bus import Bus, Command, Message
from shared.application.codec import Codec
from shared.application.context import Context, current_context, running_in
from shared.application.event_store import Append
from shared.application.projections import Following, ListProjections, ProjectionListed
from shared.application.reactions import Reactions
from shared.domain.aggregate import DomainEvent, tag_of
from shared.infrastructure import runner as runner_module
from shared.infrastructure.broker import FEEDS, FETCH_FEED
from shared.infrastructure.high_water_mark import HighWaterMark
from shared.infrastructure.log_identity import LogIdentity
from shared.infrastructure.migrations import migrate
from shared.infrastructure.projection_status import ProjectionStatus
from shared.infrastructure.projections import (
    Batch,
    Connection,
    LostRace,
    PostgresProjection,
    ReactionSubscription,
    RedisProjection,
    Subscription,
)
from shared.infrastructure.runner import Runner, Step


class Counted(DomainEvent, tag="test.counted"):
    name: str


class Passed(DomainEvent, tag="test.passed"):
    """Nobody here wants it."""


CODEC = Codec([Counted, Passed])
JULY = datetime(2100, 7, 3, 21)
ANNOUNCE = AnnounceEvent(title="Jazz", starts_at=JULY, timezone="UTC")


class Course:
    """What a test does to a projection in the middle of a batch, once all of it is written."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.fault: Exception | None = None
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def pass_through(self, batch: Batch) -> None:
        self.batches.append([recorded.event.name for recorded in batch])
        self.entered.set()
        await self.go_on.wait()
        if self.fault:
            raise self.fault


class Tally(PostgresProjection):
    """Counts: what is taken in twice shows."""

    name = "test.tally"
    handles = (Counted,)

    def __init__(self) -> None:
        self.course = Course()

    async def project(self, batch: Batch, connection: Connection) -> None:
        await connection.execute(
            "insert into tally as t select name, count(*) from unnest(%s::text[]) as n(name)"
            " group by name on conflict (name) do update set events = t.events + excluded.events",
            ([recorded.event.name for recorded in batch],),
        )
        await self.course.pass_through(batch)


class RedisTally(RedisProjection):
    """The same in a Redis hash."""

    name = "test.redis_tally"
    handles = (Counted,)

    def __init__(self, redis: Redis, log: LogIdentity) -> None:
        super().__init__(redis, log)
        self.course = Course()

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline) -> None:
        for recorded in batch:
            writes.hincrby(f"{self.prefix}:events", recorded.event.name, 1)
        await self.course.pass_through(batch)

    async def counts(self) -> dict[str, int]:
        found: Any = await self._redis.hgetall(f"{self.prefix}:events")
        return {name.decode(): int(events) for name, events in found.items()}


class Looking(Runner):
    """A runner that counts how often it has looked."""

    looks = 0

    async def _step(self, subscription: Subscription) -> Step:
        step = await super()._step(subscription)
        self.looks += 1
        return step


@pytest.fixture
async def tally(application: Application) -> Tally:
    async with application.pool().connection() as connection:
        await connection.execute("create table tally (name text primary key, events bigint)")
    return Tally()


@pytest.fixture
def redis_tally(application: Application) -> RedisTally:
    return RedisTally(application.redis(), application.log())


# A batch and its checkpoint


async def test_a_batch_and_its_checkpoint_become_visible_together(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a", "b")
    async with _in_the_middle(_runner(application, tally), tally):
        assert (await _counts(application), await _checkpoint(application, tally)) == ({}, 0)
    assert await _counts(application) == {"a": 1, "b": 1}
    assert await _checkpoint(application, tally) == 2


async def test_a_batch_that_fails_leaves_no_data_and_no_checkpoint(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a")
    tally.course.fault = ValueError("bad luck")
    with pytest.raises(ValueError, match="bad luck"):
        await _runner(application, tally).catch_up(tally.name)
    assert (await _counts(application), await _checkpoint(application, tally)) == ({}, 0)


async def test_the_error_is_shown_until_its_cause_is_gone(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a")
    runner = _runner(application, tally)
    tally.course.fault = ValueError("bad luck")
    with pytest.raises(ValueError, match="bad luck"):
        await runner.catch_up(tally.name)
    shown = await _shown(application, tally)
    assert (shown.error, shown.position, shown.lag_events) == ("ValueError: bad luck", 0, 1)
    assert shown.failed_at is not None
    tally.course.fault = None
    assert await runner.catch_up(tally.name) == 1
    shown = await _shown(application, tally)
    assert (shown.error, shown.failed_at, shown.position) == (None, None, 1)
    assert await _counts(application) == {"a": 1}


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
    await _append(application, "a")
    tally.course.fault = fault
    with pytest.raises(type(fault)):
        await _runner(application, tally).catch_up(tally.name)
    assert (await _shown(application, tally)).error == noted


async def test_the_error_goes_away_even_when_the_position_stays(
    application: Application, redis_tally: RedisTally
) -> None:
    """As it does when a read model in Redis has been filled again."""
    await _append(application, "a")
    runner = _runner(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    await _empty(application)
    redis_tally.course.fault = ValueError("bad luck")
    with pytest.raises(ValueError, match="bad luck"):
        await runner.catch_up(redis_tally.name)
    assert (await _shown(application, redis_tally)).error == "ValueError: bad luck"
    redis_tally.course.fault = None
    await runner.catch_up(redis_tally.name)
    assert (await _shown(application, redis_tally)).error is None


async def test_a_runner_that_dies_in_the_middle_leaves_the_batch_to_the_next(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a")
    runner = _runner(application, tally)
    async with _in_the_middle(runner, tally, ends_in=psycopg.OperationalError):
        await _disconnect_the_runner(application)
    assert (await _counts(application), await _checkpoint(application, tally)) == ({}, 0)
    assert (await _shown(application, tally)).error is None, "nothing is wrong with the event"
    await runner.catch_up(tally.name)
    assert await _counts(application) == {"a": 1}


async def test_a_batch_is_as_long_as_the_projection_wants(
    application: Application, tally: Tally
) -> None:
    await _append(application, *"abcde")
    tally.batch_size = 2
    assert await _runner(application, tally).catch_up(tally.name) == 5
    assert tally.course.batches == [["a", "b"], ["c", "d"], ["e"]]


# What is delivered


async def test_only_the_types_asked_for_are_delivered_and_the_checkpoint_passes_the_others(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a")
    await _append(application, None, None)
    await _append(application, "b")
    last = await _append(application, None)
    catching_up = _runner(application, tally).catch_up(tally.name)
    assert await asyncio.wait_for(catching_up, timeout=10) == last == 5
    assert tally.course.batches == [["a", "b"]]
    assert await _checkpoint(application, tally) == last


async def test_what_lies_behind_an_appender_inside_the_fence_is_left_alone(
    application: Application, tally: Tally, database: str
) -> None:
    runner = _runner(application, tally)
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_slowly(slow, "slow")
        await _append(application, "later")
        assert await runner.catch_up(tally.name) == 0
        assert await _counts(application) == {}
        await slow.commit()
    assert await runner.catch_up(tally.name) == 2
    assert tally.course.batches == [["slow", "later"]]


# One runner at a time


async def test_of_two_runners_one_takes_in_the_batch(
    application: Application, tally: Tally
) -> None:
    await _append(application, "a")
    async with _in_the_middle(_runner(application, tally), tally):
        assert await _runner(application, tally).catch_up(tally.name) == 0
    assert await _counts(application) == {"a": 1}
    assert tally.course.batches == [["a"]]


async def test_any_number_of_runners_at_once_take_in_each_event_once(
    application: Application, tally: Tally
) -> None:
    tally.batch_size = 7
    runners = [_runner(application, tally) for _ in range(8)]
    for _ in range(10):
        until = await _append(application, *"abcdefghij")
        await asyncio.gather(*(each.catch_up(tally.name, until=until) for each in runners))
    assert await _counts(application) == dict.fromkeys("abcdefghij", 10)


async def test_a_wake_up_waits_for_its_event_while_another_runner_is_in_the_way(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other runner has read the log before the event was in it."""
    monkeypatch.setattr(runner_module, "PATIENCE", 30)
    await _append(application, "a")
    woken = Looking(application.pool(), HighWaterMark(), CODEC, [tally])
    async with _in_the_middle(_runner(application, tally), tally):
        until = await _append(application, "b")
        waiting = asyncio.create_task(woken.catch_up(tally.name, until=until))
        await _until(lambda: woken.looks >= 3)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, timeout=10) == until
    assert await _counts(application) == {"a": 1, "b": 1}


async def test_a_wake_up_waits_for_an_event_that_an_appender_holds_back(
    application: Application, tally: Tally, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "PATIENCE", 30)
    woken = Looking(application.pool(), HighWaterMark(), CODEC, [tally])
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_slowly(slow, "slow")
        until = await _append(application, "later")
        waiting = asyncio.create_task(woken.catch_up(tally.name, until=until))
        await _until(lambda: woken.looks >= 3)
        assert not waiting.done()
        await slow.commit()
    assert await asyncio.wait_for(waiting, timeout=10) == until
    assert await _counts(application) == {"slow": 1, "later": 1}


async def test_a_wake_up_does_not_wait_forever(
    application: Application, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "PATIENCE", 0.05)
    until = await _append(application, "a")
    async with _in_the_middle(_runner(application, tally), tally):
        catching_up = _runner(application, tally).catch_up(tally.name, until=until)
        assert await asyncio.wait_for(catching_up, timeout=10) == 0


async def test_a_projection_that_never_ran_begins_at_once(
    application: Application, tally: Tally
) -> None:
    until = await _append(application, "a")
    assert await _runner(application, tally).catch_up(tally.name) == until


async def test_a_runner_that_finds_another_in_the_way_needs_no_second_connection(
    settings: Settings, application: Application, tally: Tally
) -> None:
    """Else a process whose every connection waits for one more would stand still."""
    await _append(application, "a")
    narrow = msgspec.structs.replace(settings, database_connections=1)
    async with (
        running(narrow, "marquee-narrow") as other,
        _in_the_middle(_runner(application, tally), tally),
    ):
        runner = _runner(other, tally)
        assert await asyncio.gather(*(runner.catch_up(tally.name) for _ in range(4))) == [0] * 4


# Redis


async def test_a_batch_in_redis_and_its_checkpoint_become_visible_together(
    application: Application, redis_tally: RedisTally
) -> None:
    await _append(application, "a", "b")
    async with _in_the_middle(_runner(application, redis_tally), redis_tally):
        assert (await redis_tally.counts(), await redis_tally.position(0, drawn=9)) == ({}, 0)
    assert (await redis_tally.counts(), await redis_tally.position(0, drawn=9)) == (
        {"a": 1, "b": 1},
        2,
    )
    assert await _checkpoint(application, redis_tally) == 2


async def test_a_batch_that_fails_leaves_nothing_in_redis(
    application: Application, redis_tally: RedisTally
) -> None:
    await _append(application, "a")
    redis_tally.course.fault = ValueError("bad luck")
    with pytest.raises(ValueError, match="bad luck"):
        await _runner(application, redis_tally).catch_up(redis_tally.name)
    assert (await redis_tally.counts(), await redis_tally.position(0, drawn=9)) == ({}, 0)


async def test_a_batch_that_another_has_written_already_is_thrown_away(
    application: Application, redis_tally: RedisTally
) -> None:
    await _append(application, "a")
    await _runner(application, redis_tally).catch_up(redis_tally.name)
    async with application.pool().connection() as connection:
        log = await application.store().follow(0, types=["test.counted"], limit=10)
        stale = [CODEC.recorded(stored) for stored in log.events]
        with pytest.raises(LostRace):
            await redis_tally.take_in(stale, after=0, upto=1, connection=connection)
    assert await redis_tally.counts() == {"a": 1}


async def test_a_batch_that_another_writes_meanwhile_is_thrown_away(
    application: Application, redis_tally: RedisTally
) -> None:
    """The first runner loses its connection to PostgreSQL, and with it the lock, and goes on."""
    await _append(application, "a")
    runner = _runner(application, redis_tally)
    async with _in_the_middle(runner, redis_tally, ends_in=LostRace):
        await _disconnect_the_runner(application)
        second = RedisTally(application.redis(), application.log())
        assert await _runner(application, second).catch_up(second.name) == 1
    assert await redis_tally.counts() == {"a": 1}
    assert (await _shown(application, redis_tally)).error is None, "nothing is wrong with the event"


async def test_a_batch_that_redis_has_and_postgres_does_not_know_of_is_not_repeated(
    application: Application, redis_tally: RedisTally
) -> None:
    """The runner dies after the MULTI and before the commit."""
    await _append(application, "a")
    runner = _runner(application, redis_tally)
    async with _in_the_middle(runner, redis_tally, ends_in=psycopg.OperationalError):
        await _disconnect_the_runner(application)
    assert (await redis_tally.counts(), await _checkpoint(application, redis_tally)) == (
        {"a": 1},
        0,
    )
    until = await _append(application, "b")
    assert await runner.catch_up(redis_tally.name) == until
    assert await redis_tally.counts() == {"a": 1, "b": 1}


async def test_an_emptied_redis_is_filled_again_from_the_log_by_itself(
    application: Application,
) -> None:
    for title in ("Jazz", "Rock"):
        changed = await application.bus()(msgspec.structs.replace(ANNOUNCE, title=title))
    await application.bus()(CancelEvent(changed.id, "storm"))
    await application.runner().catch_up("events.cards")
    before = await _kept(application)
    assert len(before["events.cards:default"]) == 2
    await _empty(application)
    assert await _kept(application) == {}
    await application.runner().catch_up("events.cards")
    assert await _kept(application) == before


async def test_an_emptied_redis_is_filled_again_in_batches(
    application: Application, redis_tally: RedisTally
) -> None:
    await _append(application, *"abcabca")
    runner = _runner(application, redis_tally)
    await runner.catch_up(redis_tally.name)
    await _empty(application)
    redis_tally.batch_size = 3
    await runner.catch_up(redis_tally.name)
    assert await redis_tally.counts() == {"a": 3, "b": 2, "c": 2}


async def test_a_log_that_was_restored_to_an_earlier_state_is_followed_anew(
    application: Application, redis_tally: RedisTally
) -> None:
    """Redis went on while PostgreSQL came back from a dump: what it holds may never have been."""
    until = await _append(application, "a")
    redis = application.redis()
    await redis.set(f"{redis_tally.prefix}:checkpoint", until + 10)
    await redis.set(f"{redis_tally.prefix}:never", "happened")
    assert await _runner(application, redis_tally).catch_up(redis_tally.name) == until
    assert await redis_tally.counts() == {"a": 1}
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
        await _empty(other)
        assert len(await _kept(application)) == 2


# Reactions


class Note(Command[None], frozen=True):
    name: str


class Door(Bus):
    """Remembers what came in, and in which context."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.contexts: list[Context] = []
        self.then: Callable[[str], Awaitable[None]] | None = None
        self.serve({Note: self._note})

    async def __call__(self, message: Message[Any]) -> Any:
        self.contexts.append(current_context())
        return await super().__call__(message)

    async def _note(self, command: Note) -> None:
        self.sent.append(command.name)
        if self.then:
            await self.then(command.name)


def _twice(event: Counted) -> Sequence[Note]:
    return [Note(event.name), Note(event.name.upper())]


def _once_more(event: Counted) -> Sequence[Note]:
    return [Note(f"{event.name} again")]


@pytest.fixture
def door() -> Door:
    return Door()


async def test_commands_are_sent_in_the_order_of_the_log(
    application: Application, door: Door
) -> None:
    subscription = _reactions(door, _twice, _once_more)
    subscription.batch_size = 2
    await _append(application, "a", "b")
    await _append(application, None, "c")
    runner = _runner(application, subscription)
    assert await runner.catch_up(subscription.name) == 4
    assert door.sent == ["a", "A", "a again", "b", "B", "b again", "c", "C", "c again"]
    await runner.catch_up(subscription.name)
    assert len(door.sent) == 9


async def test_a_command_is_sent_in_the_conversation_of_the_event_and_because_of_it(
    application: Application, door: Door
) -> None:
    context = Context(
        correlation_id="c", causation_id="b", actor="me", traceparent="t", tenant="acme"
    )
    stream = _stream()
    with running_in(context):
        await _append(application, "a", "b", stream=stream)
    subscription = _reactions(door, _twice)
    await _runner(application, subscription).catch_up(subscription.name)
    assert [each.causation_id for each in door.contexts] == [
        *[f"{stream}@1"] * 2,
        *[f"{stream}@2"] * 2,
    ]
    same = {msgspec.structs.replace(each, causation_id="b") for each in door.contexts}
    assert same == {context}


async def test_a_command_that_fails_holds_the_checkpoint_and_is_sent_again(
    application: Application, door: Door
) -> None:
    async def refuse(name: str) -> None:
        if name == "b again":
            raise ValueError("bad luck")

    await _append(application, "a", "b", "c")
    subscription = _reactions(door, _once_more)
    runner = _runner(application, subscription)
    door.then = refuse
    with pytest.raises(ValueError, match="bad luck"):
        await runner.catch_up(subscription.name)
    assert door.sent == ["a again", "b again"]
    shown = await _shown(application, subscription)
    assert (shown.position, shown.error) == (0, "ValueError: bad luck")
    door.then, door.sent = None, []
    assert await runner.catch_up(subscription.name) == 3
    assert door.sent == ["a again", "b again", "c again"]
    assert (await _shown(application, subscription)).error is None


async def test_commands_are_sent_again_when_the_runner_dies_before_the_checkpoint(
    application: Application, door: Door
) -> None:
    async def die(name: str) -> None:
        await _disconnect_the_runner(application)

    await _append(application, "a")
    subscription = _reactions(door, _once_more)
    runner = _runner(application, subscription)
    door.then = die
    with pytest.raises(psycopg.OperationalError):
        await runner.catch_up(subscription.name)
    door.then = None
    await runner.catch_up(subscription.name)
    assert door.sent == ["a again", "a again"]


async def test_a_run_that_was_asked_for_is_queued_for_the_workers(
    application: Application,
) -> None:
    run = ProviderRun.request(uuid4(), "acme", now=datetime.now(UTC))
    with running_in(Context(correlation_id="c", tenant="acme")):
        await application.events.runs().save(run)
    await application.runner().catch_up("reactions")
    redis, queue = application.broker().client, f"{application.settings().broker_namespace}:{FEEDS}"
    (queued,) = map(dramatiq.Message.decode, redis.hvals(f"{queue}.msgs"))
    assert (queued.actor_name, queued.args) == (FETCH_FEED, ("acme", str(run.id)))
    context = msgspec.convert(queued.kwargs["context"], Context)
    assert (context.correlation_id, context.tenant) == ("c", "acme")


# What is told of all that


async def test_the_lag_tells_of_the_events_that_a_projection_wants_and_has_not_taken_in(
    application: Application,
) -> None:
    changed = await application.bus()(ANNOUNCE)
    await application.runner().catch_up("events.catalogue")
    await _cancelled_an_hour_ago(application, f"event-{changed.id}")
    await application.bus()(ANNOUNCE)
    shown = await _projections(application)
    assert list(shown) == ["events.cards", "events.catalogue", "events.provider_runs", "reactions"]
    catalogue = shown["events.catalogue"]
    assert (catalogue.position, catalogue.lag_events) == (1, 2)
    assert 3_600 <= catalogue.lag_seconds < 3_660
    assert (shown["events.cards"].position, shown["events.cards"].lag_events) == (0, 3)
    assert (shown["reactions"].lag_events, shown["reactions"].lag_seconds) == (0, 0)
    await application.runner().catch_up("events.catalogue")
    catalogue = (await _projections(application))["events.catalogue"]
    assert (catalogue.position, catalogue.lag_events, catalogue.lag_seconds) == (3, 0, 0)


async def test_whoever_holds_the_mark_is_named(application: Application, database: str) -> None:
    await application.bus()(ANNOUNCE)
    assert (await _list(application)).held_by == []
    async with await psycopg.AsyncConnection.connect(database, application_name="slow") as slow:
        await _append_slowly(slow, "slow")
        await application.bus()(ANNOUNCE)
        following = await _list(application)
        (holder,) = following.held_by
        assert (holder.pid, holder.application_name) == (slow.info.backend_pid, "slow")
        assert holder.state == "idle in transaction"
        assert holder.query is not None
        assert "event_store.append" in holder.query
        assert holder.seconds is not None
        assert holder.seconds > 0
        assert (following.high_water_mark, following.last_position) == (1, 3)
        await slow.commit()
    following = await _list(application)
    assert (following.held_by, following.high_water_mark) == ([], 3)


async def test_the_mark_is_known_to_a_process_that_has_only_just_begun_to_look(
    application: Application, settings: Settings, database: str
) -> None:
    await application.bus()(ANNOUNCE)
    await application.runner().catch_up("events.catalogue")
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await _append_slowly(slow, "slow")
        async with running(settings, "marquee-later") as later:
            assert (await _list(later)).high_water_mark == 1


def _runner(application: Application, *subscriptions: Subscription) -> Runner:
    """One that has seen nothing of the log yet, as if of another process."""
    return Runner(application.pool(), HighWaterMark(), CODEC, subscriptions)


def _reactions(door: Door, *reactions: Callable[[Counted], Sequence[Note]]) -> Subscription:
    return ReactionSubscription("test.reactions", Reactions(door, {Counted: reactions}))


@asynccontextmanager
async def _in_the_middle(
    runner: Runner, projection: Tally | RedisTally, *, ends_in: type[Exception] | None = None
) -> AsyncIterator[None]:
    """While the runner stands in a batch; then it goes on, and must end well, or in this error."""
    course = projection.course
    course.entered.clear()
    course.go_on.clear()
    caught_up = asyncio.create_task(runner.catch_up(projection.name))
    try:
        await asyncio.wait_for(course.entered.wait(), timeout=10)
        async with asyncio.timeout(20):
            yield
    finally:
        course.go_on.set()
        await asyncio.wait([caught_up])
    with pytest.raises(ends_in) if ends_in else nullcontext():
        caught_up.result()


async def _disconnect_the_runner(application: Application) -> None:
    """End the one session that stands in a transaction, as if its process had been killed."""
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and state = 'idle in transaction'"
        )
        assert await cursor.fetchall() == [(True,)]


def _stream() -> str:
    return f"test-{uuid4()}"


async def _append(application: Application, *names: str | None, stream: str | None = None) -> int:
    """Append an event for each name, of the kind that nobody wants for None."""
    events = [Passed() if name is None else Counted(name=name) for name in names]
    return await application.store().append(
        [Append(stream or _stream(), 0, [CODEC.encode(event) for event in events])]
    )


async def _append_slowly(connection: psycopg.AsyncConnection, name: str) -> None:
    """Append and do not commit."""
    event = CODEC.encode(Counted(name=name))
    await connection.execute(
        "select event_store.append('default', array[%(stream)s], array[0], array[%(stream)s],"
        " array[1], array[%(type)s], array[%(data)s], array['{}'])",
        {"stream": _stream(), "type": event.type, "data": event.data.decode()},
    )


async def _counts(application: Application) -> dict[str, int]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select name, events from tally")
        return dict(await cursor.fetchall())


async def _checkpoint(application: Application, subscription: Subscription) -> int:
    return (await _shown(application, subscription)).position


async def _shown(application: Application, subscription: Subscription) -> ProjectionListed:
    status = ProjectionStatus(
        application.pool(), HighWaterMark(), _runner(application, subscription)
    )
    (shown,) = (await status.list_projections(ListProjections())).projections
    return shown


async def _list(application: Application) -> Following:
    return await application.bus()(ListProjections())


async def _projections(application: Application) -> dict[str, ProjectionListed]:
    return {each.name: each for each in (await _list(application)).projections}


async def _cancelled_an_hour_ago(application: Application, stream: str) -> None:
    async with application.pool().connection() as connection:
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata, recorded_at)"
            " values (%s, 2, %s, %s, '{}', clock_timestamp() - interval '1 hour')",
            (stream, tag_of(EventCancelled), '{"type": "events.event_cancelled", "reason": "-"}'),
        )


async def _keys(application: Application) -> list[bytes]:
    pattern = f"marquee:{{{application.log().id}}}:*"
    return [key async for key in application.redis().scan_iter(pattern, count=1_000)]


async def _kept(application: Application) -> dict[str, Any]:
    """All that Redis holds of this log, by the key without what names the log."""
    redis, kept = application.redis(), {}
    for key in await _keys(application):
        value: Any = redis.hgetall(key) if await redis.type(key) == b"hash" else redis.get(key)
        kept[key.decode().partition("}:")[2]] = await value
    return kept


async def _empty(application: Application) -> None:
    assert await application.redis().delete(*await _keys(application)) > 0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.002)


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

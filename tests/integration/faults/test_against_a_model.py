"""Random lives of the store and of a projection, compared with a simple model after every step."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.sql import SQL, Identifier
from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from bootstrap import Application, running
from faults.life_model import Event, Model
from settings import Settings
from shared.application.event_store import Append, StreamArchived, VersionConflict
from shared.application.parked_events import DiscardParkedEvent, ReplayParkedEvent
from shared.application.projections import (
    CannotRebuild,
    DropInstance,
    RebuildProjection,
    SwitchProjection,
)
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.postgres_event_store import PostgresEventStore
from shared.infrastructure.projections.instances import have_instances
from shared.infrastructure.projections.parked_events import ParkedEvents
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import FOLLOWED
from shared.infrastructure.projections.subscriptions import Batch, Connection
from tallies import CODEC, Counted, Course, disconnect_the_runner, new_stream, runner_of

T = TypeVar("T")

STREAMS = st.integers(0, 3)
NAMES = st.sampled_from("abcdef")
TYPES = ["test.counted"]
IN_CI = "CI" in os.environ
"""There it is the same lives each time, and the one that fails is shown as it is: to find a shorter
one takes minutes."""

WRONG = st.sampled_from([-1, 1, 2])
"""How far an expected version is off."""

TAKEN = Table(
    "taken",
    MetaData(),
    Column("stream", Text, primary_key=True),
    Column("versions", ARRAY(BigInteger), nullable=False),
)


class Taken(PostgresProjection):
    """The versions of each stream, in the order in which they were taken in."""

    name = "test.taken"
    handles = (Counted,)
    tables = (TAKEN,)
    batch_size = 3

    def __init__(self) -> None:
        self.course = Course()

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        for recorded in batch:
            await connection.execute(
                f"insert into {into[TAKEN]} as t values (%s, array[%s::bigint])"  # noqa: S608
                " on conflict (stream) do update set versions = t.versions || excluded.versions",
                (recorded.stream, recorded.version),
            )
        # What is folded anew to be compared was taken in before; it does not turn poison then.
        if into[TAKEN].name.startswith(TAKEN.name):
            await self.course.pass_through(batch)


class Life(RuleBasedStateMachine):
    def __init__(self, application: Application, run: Callable[[Any], Any]) -> None:
        super().__init__()
        self.application = application
        self.run = run
        self.model = Model()
        self.streams = [new_stream() for _ in range(4)]
        self.projection = Taken()
        self.stores = [
            PostgresEventStore(application.pool(), HighWaterMark(), lambda *_: None)
            for _ in range(2)
        ]
        self.start_a_new_process()
        self.do(have_instances(application.pool(), [self.projection]))

    def do(self, coroutine: Awaitable[T]) -> T:
        found: T = self.run(coroutine)
        return found

    @initialize(
        histories=st.lists(st.lists(NAMES, min_size=1, max_size=5), min_size=3, max_size=4),
        poison=st.sets(NAMES, max_size=1),
    )
    def begin(self, histories: list[list[str]], poison: set[str]) -> None:
        """With something in the log: nothing much can go wrong with an empty one."""
        self._append([(number, 0, names) for number, names in enumerate(histories)])
        self.poison(poison)
        self.project()

    # The log

    @rule(stream=STREAMS, names=st.lists(NAMES, min_size=1, max_size=4))
    def append(self, stream: int, names: list[str]) -> None:
        self._append([(stream, 0, names)])

    @rule(stream=STREAMS, off=WRONG, names=st.lists(NAMES, min_size=1, max_size=2))
    def append_with_a_wrong_version(self, stream: int, off: int, names: list[str]) -> None:
        self._append([(stream, off, names)])

    @rule(
        appends=st.lists(
            st.tuples(
                STREAMS, st.one_of(st.just(0), st.just(0), WRONG), st.lists(NAMES, min_size=1)
            ),
            min_size=2,
            max_size=3,
            unique_by=lambda each: each[0],
        )
    )
    def append_to_many_streams(self, appends: list[tuple[int, int, list[str]]]) -> None:
        self._append(appends)

    @rule(stream=STREAMS, what=NAMES)
    def append_twice_at_once(self, stream: int, what: str) -> None:
        """The same, so that what comes after does not depend on who wins."""
        name = self.streams[stream]
        expected = self.model.version(name)

        async def both() -> list[int | BaseException]:
            return await asyncio.gather(
                *(store.append([_append(name, expected, [what])]) for store in self.stores),
                return_exceptions=True,
            )

        outcomes = self.do(both())
        if name in self.model.archived:
            assert [type(each) for each in outcomes] == [StreamArchived] * 2
            return
        (position,) = [each for each in outcomes if isinstance(each, int)]
        assert any(isinstance(each, VersionConflict) for each in outcomes)
        self.model.log.append(Event(position, name, expected + 1, what))

    @rule(stream=STREAMS)
    def archive(self, stream: int) -> None:
        name = self.streams[stream]
        moved = 0 if name in self.model.archived else self.model.version(name)
        assert self.do(self.stores[0].archive([name])) == moved
        if moved:
            self.model.archived.add(name)

    @rule(skipped=st.integers(0, 100), limit=st.integers(1, 6))
    def follow(self, skipped: int, limit: int) -> None:
        log = self.model.log
        after = log[skipped % len(log)].position if log else 0
        found = self.do(self.stores[0].follow(after, types=TYPES, limit=limit))
        expected = [event.position for event in log if event.position > after][:limit]
        assert [event.position for event in found.events] == expected
        assert found.upto >= (expected[-1] if expected else after)

    @rule()
    def read(self) -> None:
        found = self.do(self.stores[0].read(self.streams))
        assert {stream: [each.position for each in events] for stream, events in found.items()} == {
            stream: [event.position for event in self.model.log if event.stream == stream]
            for stream in self.streams
            if self.model.version(stream)
        }

    # The projection

    @rule()
    def project(self) -> None:
        self.do(self.runner.catch_up(self.projection.name))
        self.model.catch_up(FOLLOWED)

    @rule()
    def start_a_new_process(self) -> None:
        self.runner = runner_of(self.application, self.projection)
        self.rebuilds = Rebuilds(self.application.pool(), HighWaterMark(), self.runner)
        self.parked = ParkedEvents(self.application.pool(), self.runner)

    @rule()
    def crash_in_a_batch(self) -> None:
        """What was not committed is as if it had never been; another process goes on."""
        self.do(self._crash())
        self.start_a_new_process()
        self.project()

    @rule(names=st.sets(NAMES, max_size=1))
    def poison(self, names: set[str]) -> None:
        """What was poison before is good again."""
        self.projection.course.poison = self.model.poison = names

    @precondition(lambda self: self._parked())
    @rule(which=st.integers(0, 100))
    def replay(self, which: int) -> None:
        number, event = self._one_parked(which)
        replayed = self.do(self.parked.replay(ReplayParkedEvent(self._id(number, event))))
        assert (replayed.replayed, replayed.parked) == self.model.replay(number, event.stream)

    @precondition(lambda self: self._parked())
    @rule(which=st.integers(0, 100))
    def discard(self, which: int) -> None:
        self._discard(*self._one_parked(which))

    @precondition(lambda self: self._parked())
    @rule(which=st.integers(0, 100))
    def discard_all_of_a_stream(self, which: int) -> None:
        number, first = self._one_parked(which)
        for event in self.model.instances[number].waiting(first.stream):
            self._discard(number, event)

    @rule(poison=st.sets(NAMES, max_size=1), at_once=st.booleans())
    def rebuild(self, poison: set[str], at_once: bool) -> None:
        """What could be taken in before may be poison to the new instance, or the other way."""
        self.project()
        self.poison(poison)
        command = self.rebuilds.start(RebuildProjection(self.projection.name))
        if (number := self.model.start()) is None:
            self._refused(command)
        else:
            assert self.do(command) == number
        if at_once:
            self.go_on()

    @precondition(lambda self: self.model.in_state("building", "built"))
    @rule()
    def go_on(self) -> None:
        self.do(self.rebuilds.go_on())
        self.model.go_on()

    @precondition(lambda self: len(self.model.instances) > 1)
    @rule(which=st.integers(0, 100), anyway=st.booleans())
    def switch(self, which: int, anyway: bool) -> None:
        number = sorted(self.model.instances)[which % len(self.model.instances)]
        command = self.rebuilds.switch(SwitchProjection(self.projection.name, number, anyway))
        if self.model.switch(number, anyway=anyway):
            assert self.do(command) == number
        else:
            self._refused(command)

    @rule()
    def roll_back(self) -> None:
        command = self.rebuilds.switch(SwitchProjection(self.projection.name))
        number = self.model.before
        if number is not None and self.model.switch(number, anyway=False):
            assert self.do(command) == number
        else:
            self._refused(command)

    @precondition(lambda self: len(self.model.instances) > 1)
    @rule(which=st.integers(0, 100))
    def drop(self, which: int) -> None:
        number = sorted(self.model.instances)[which % len(self.model.instances)]
        command = self.rebuilds.drop(DropInstance(self.projection.name, number))
        if self.model.drop(number):
            self.do(command)
        else:
            self._refused(command)

    # What has to be so

    @invariant()
    def is_as_the_model_has_it(self) -> None:
        log, instances, taken, parked = self.do(self._found())
        assert log == self.model.log
        model = self.model.instances
        assert instances == {number: each.state for number, each in model.items()}
        assert taken == {number: each.taken for number, each in model.items()}
        assert parked == {
            (number, event.position) for number, each in model.items() for event in each.parked
        }
        assert self.do(self._read_now()) == model[self.model.active].taken

    def teardown(self) -> None:
        self.do(self._forget())

    def _append(self, appends: Sequence[tuple[int, int, list[str]]]) -> None:
        """For each the number of the stream, how far the expected version is off, and names."""
        model, wanted, refusals = self.model, [], set[type[Exception]]()
        for number, off, names in appends:
            stream = self.streams[number]
            version = model.version(stream)
            expected = version + (off if version + off >= 0 else 1)
            if stream in model.archived:
                refusals.add(StreamArchived)
            elif expected != version:
                refusals.add(VersionConflict)
            wanted.append(_append(stream, expected, names))
        command = self.stores[0].append(wanted)
        if refusals:
            with pytest.raises(tuple(refusals)):
                self.do(command)
            return
        last = self.do(command)
        # In one order, whatever the order in which they were asked for.
        events = [
            (each.stream, each.expected + n, name)
            for each, (_, _, names) in sorted(
                zip(wanted, appends, strict=True), key=lambda pair: pair[0].stream
            )
            for n, name in enumerate(names, start=1)
        ]
        first = last - len(events) + 1
        model.log += [Event(first + n, *event) for n, event in enumerate(events)]

    def _refused(self, command: Awaitable[Any]) -> None:
        with pytest.raises(CannotRebuild):
            self.do(command)

    def _parked(self) -> list[tuple[int, Event]]:
        return [(n, event) for n, each in self.model.instances.items() for event in each.parked]

    def _one_parked(self, which: int) -> tuple[int, Event]:
        parked = self._parked()
        return parked[which % len(parked)]

    def _discard(self, number: int, event: Event) -> None:
        self.do(self.parked.discard(DiscardParkedEvent(self._id(number, event), "no use")))
        self.model.discard(number, event)

    def _id(self, instance: int, event: Event) -> int:
        found = self.do(
            self._rows(
                "select id from event_store.parked_events where instance = %s and position = %s",
                instance,
                event.position,
            )
        )
        return int(found[0][0])

    async def _crash(self) -> None:
        """End the session of the first batch in which something is written, if there is one."""
        course = self.projection.course
        course.entered.clear()
        course.go_on.clear()
        caught_up = asyncio.create_task(self.runner.catch_up(self.projection.name))
        entered = asyncio.create_task(course.entered.wait())
        await asyncio.wait([caught_up, entered], return_when=asyncio.FIRST_COMPLETED)
        if not caught_up.done():
            await disconnect_the_runner(self.application)
        entered.cancel()
        course.go_on.set()
        with suppress(psycopg.OperationalError):
            await caught_up

    async def _found(self) -> tuple[list[Event], dict[int, str], dict[int, Any], set[Any]]:
        log = await self._rows(
            "select position, stream, version, data->>'name' from event_store.events"
            " order by position"
        )
        instances = dict(
            await self._rows(
                "select instance, state from event_store.instances"
                " where projection = %s and state <> 'dropped'",
                self.projection.name,
            )
        )
        taken = {number: await self._taken(f"taken_{number}") for number in instances}
        parked = await self._rows(
            "select instance, position from event_store.parked_events where discarded_at is null"
        )
        return [Event(*row) for row in log], instances, taken, set(parked)

    async def _read_now(self) -> dict[str, list[int]]:
        return await self._taken("taken")

    async def _taken(self, table: str) -> dict[str, list[int]]:
        return dict(
            await self._rows(SQL("select stream, versions from {}").format(Identifier(table)))
        )

    async def _rows(self, query: Any, *values: object) -> list[Any]:
        async with self.application.pool().connection() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def _forget(self) -> None:
        """As if nothing had ever happened, only that positions go on."""
        tables = await self._rows("select relname from pg_class where relname ~ '^taken_[0-9]+$'")
        async with self.application.pool().connection() as connection, connection.transaction():
            # The log's own rules forbid it.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute(
                "truncate event_store.events, event_store.parked_events, event_store.checkpoints,"
                " event_store.instances"
            )
            await connection.execute("drop view if exists taken")
            for (name,) in tables:
                await connection.execute(SQL("drop table {}").format(Identifier(name)))


def _append(stream: str, expected: int, names: Sequence[str]) -> Append:
    return Append(stream, expected, [CODEC.encode(Counted(name=name)) for name in names])


def test_whatever_is_done_the_log_and_the_projection_are_as_the_model_has_them(
    settings: Settings,
) -> None:
    with asyncio.Runner() as loop:
        opened = running(settings, f"life-{uuid4().hex[:8]}")
        application = loop.run(opened.__aenter__())
        try:
            run_state_machine_as_test(
                lambda: Life(application, loop.run),
                settings=examples(
                    max_examples=60,
                    stateful_step_count=40,
                    deadline=None,
                    database=None,
                    derandomize=IN_CI,
                    phases=[Phase.generate] if IN_CI else [Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            loop.run(opened.__aexit__(None, None, None))

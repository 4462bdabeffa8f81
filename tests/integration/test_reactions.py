"""The commands that events call for are sent, in order and at least once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import dramatiq
import msgspec
import psycopg
import pytest
from psycopg.errors import UndefinedTable

from bootstrap import Application
from contexts.events.domain.provider_run import ProviderRun
from shared.application.bus import Bus, Command, Message
from shared.application.context import Context, current_context, running_in
from shared.application.reactions import Reactions
from shared.infrastructure.broker import FEEDS, FETCH_FEED
from shared.infrastructure.projections.subscriptions import ReactionSubscription, Subscription
from tallies import Counted, append, disconnect_the_runner, new_stream, runner_of, shown_of


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
    await append(application, "a", "b")
    await append(application, None, "c")
    runner = runner_of(application, subscription)
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
    stream = new_stream()
    with running_in(context):
        await append(application, "a", "b", stream=stream)
    subscription = _reactions(door, _twice)
    await runner_of(application, subscription).catch_up(subscription.name)
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
            raise UndefinedTable("bad luck")

    await append(application, "a", "b", "c")
    subscription = _reactions(door, _once_more)
    runner = runner_of(application, subscription)
    door.then = refuse
    with pytest.raises(UndefinedTable, match="bad luck"):
        await runner.catch_up(subscription.name)
    assert door.sent == ["a again", "b again"]
    shown = await shown_of(application, subscription)
    assert (shown.position, shown.error) == (0, "UndefinedTable: bad luck")
    door.then, door.sent = None, []
    assert await runner.catch_up(subscription.name) == 3
    assert door.sent == ["a again", "b again", "c again"]
    assert (await shown_of(application, subscription)).error is None


async def test_commands_are_sent_again_when_the_runner_dies_before_thecheckpoint_of(
    application: Application, door: Door
) -> None:
    async def die(name: str) -> None:
        await disconnect_the_runner(application)

    await append(application, "a")
    subscription = _reactions(door, _once_more)
    runner = runner_of(application, subscription)
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


def _reactions(door: Door, *reactions: Callable[[Counted], Sequence[Note]]) -> Subscription:
    return ReactionSubscription("test.reactions", Reactions(door, {Counted: reactions}))

"""What the broker is told after a commit: about what, how often, on whose behalf; or without it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from dramatiq import Message
from prometheus_client import REGISTRY

from bootstrap import Application, running
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.domain.event import EventCancelled
from contexts.events.domain.provider_run import ProviderRun, RunReport
from settings import Settings
from shared.application.context import Context, running_in
from shared.application.event_store import Append, VersionConflict
from shared.domain.aggregate import tag_of
from shared.infrastructure import wakeups
from shared.infrastructure.broker import CATCH_UP, PROJECTIONS

ANNOUNCE = AnnounceEvent(title="Jazz", starts_at=datetime(2100, 7, 3, 21), timezone="UTC")
LONG = 0.3
"""A pause in seconds that a few appends fit in."""


async def test_after_a_commit_those_are_woken_who_want_such_events(
    application: Application,
) -> None:
    await application.bus()(ANNOUNCE)
    assert await _woken(application) == {"events.catalogue": [1], "events.cards": [1]}


async def test_whoever_follows_the_runs_of_providers_is_woken_by_those(
    application: Application,
) -> None:
    now = datetime.now(UTC)
    run = ProviderRun.request(uuid4(), "acme", now=now)
    await application.events.runs().save(run)
    assert await _woken(application) == {"events.provider_runs": [1], "reactions": [1]}
    run.fail("acme", "gone", RunReport(source="-", started_at=now, finished_at=now))
    await application.events.runs().save(run)
    assert await _woken(application) == {"events.provider_runs": [1, 2], "reactions": [1]}


async def test_a_refused_append_wakes_nobody(application: Application) -> None:
    event = application.codec().encode(EventCancelled(reason="storm"))
    with pytest.raises(VersionConflict):
        await application.store().append([Append(f"event-{uuid4()}", 7, [event])])
    assert await _woken(application) == {}


async def test_appends_close_together_share_a_wake_up_for_the_last_of_them(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "PAUSE", LONG)
    began = perf_counter()
    await asyncio.gather(*(application.bus()(ANNOUNCE) for _ in range(100)))
    woken = (await _woken(application))["events.catalogue"]
    rounds = (perf_counter() - began) / LONG
    assert woken[-1] == max(woken) == await _last_position(application)
    assert len(woken) <= rounds + 1 < 50


async def test_a_burst_is_one_wake_up_for_its_last_position(application: Application) -> None:
    """Commits are told of in any order."""
    for position in (1, 3, 1_000, 2):
        application.wakeups()(position, frozenset({tag_of(EventCancelled)}))
    assert await _woken(application) == {"events.catalogue": [1_000], "events.cards": [1_000]}


async def test_a_wake_up_carries_the_context_of_the_request(application: Application) -> None:
    context = Context(correlation_id="c", actor="me", traceparent="t", tenant="acme")
    with running_in(context):
        changed = await application.bus()(ANNOUNCE)
        (stored,) = (await application.store().read([f"event-{changed.id}"])).popitem()[1]
    for message in await _messages(application):
        sent = msgspec.convert(message.kwargs["context"], Context)
        assert sent == msgspec.structs.replace(context, causation_id=stored.metadata.causation_id)


async def test_in_a_row_of_wake_ups_each_carries_its_own_context(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "PAUSE", LONG)
    for name in ("first", "second"):
        with running_in(Context(correlation_id=name)):
            await application.bus()(ANNOUNCE)
        await _until(lambda name=name: _conversations(application).count(name) == 2)
    assert _conversations(application) == ["first", "first", "second", "second"]


async def test_without_redis_an_append_succeeds_and_the_lost_wake_ups_are_counted(
    settings: Settings,
) -> None:
    async with _without_redis(settings, "redis://127.0.0.1:1/0") as application:
        before = _failed()
        changed = await application.bus()(ANNOUNCE)
        await application.wakeups().close()
        assert _failed() == before + 2
        await application.bus()(CancelEvent(changed.id, "storm"))
        await application.wakeups().close()
        assert _failed() == before + 4
        assert len(await application.store().read([f"event-{changed.id}"])) == 1


async def test_nobody_waits_for_a_redis_that_does_not_answer(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        async with _without_redis(settings, url) as application:
            before = _failed()
            await asyncio.wait_for(application.bus()(ANNOUNCE), timeout=4)
            assert _failed() == before, "the wake-up was meant to be on its way still"
            deaf.close()
            await asyncio.wait_for(application.wakeups().close(), timeout=60)
            assert _failed() == before + 2


@asynccontextmanager
async def _without_redis(settings: Settings, url: str) -> AsyncIterator[Application]:
    lost = msgspec.structs.replace(settings, redis_url=url)
    async with running(lost, "marquee-test") as application:
        yield application


async def _woken(application: Application) -> dict[str, list[int]]:
    """For each projection the positions it was woken for, once all that is due has been sent."""
    woken: dict[str, list[int]] = {}
    for message in await _messages(application):
        name, position = message.args
        woken.setdefault(name, []).append(position)
    return woken


async def _messages(application: Application) -> list[Message[Any]]:
    await application.wakeups().close()
    return _queued(application)


def _conversations(application: Application) -> list[str]:
    return [message.kwargs["context"]["correlation_id"] for message in _queued(application)]


def _queued(application: Application) -> list[Message[Any]]:
    """What waits in the queue, the oldest first; it must all be for the actor that catches up."""
    redis = application.broker().client
    queue = f"{application.settings().broker_namespace}:{PROJECTIONS}"
    ids = redis.lrange(queue, 0, -1)
    messages = [Message.decode(data) for data in redis.hmget(f"{queue}.msgs", ids)] if ids else []
    assert {message.actor_name for message in messages} <= {CATCH_UP}
    return sorted(messages, key=lambda message: message.message_timestamp)


async def _last_position(application: Application) -> int:
    following = await application.store().follow(
        0, types=application.runner().types["events.catalogue"], limit=1_000
    )
    return following.events[-1].position


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def _failed() -> float:
    return REGISTRY.get_sample_value("marquee_wakeups_failed_total") or 0.0

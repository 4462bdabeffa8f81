"""Redis is emptied, stopped, slow, stalled and cut off: commands and queries go on without it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import msgspec
from redis.asyncio import Redis

from bootstrap import Application, running
from faults.api_process import served
from faults.callers import Callers, calling
from faults.outcome import all_at_the_end, nothing_is_lost_or_doubled, pairs
from faults.own_servers import own_redis
from faults.worker_group import PATIENCE, working
from misbehaving import wire_to
from settings import Settings

EACH = 30
"""Commands that are answered well between two faults."""


async def test_an_emptied_and_a_stopped_redis_fail_nobody_and_are_filled_again(
    settings: Settings, tmp_path: Path
) -> None:
    async with own_redis() as redis:
        settings = msgspec.structs.replace(settings, redis_url=redis.url)
        async with (
            working(settings, tmp_path),
            served(settings, tmp_path) as client,
            running(settings, "marquee-test") as application,
        ):
            async with calling(client) as callers, _asking(client) as answers:
                for _ in range(3):
                    await callers.more_accepted(EACH)
                    await _empty(redis.url)
                    await callers.more_accepted(EACH)
                    await _until_cards_are_filled(application)
                for _ in range(2):
                    await redis.kill()
                    await callers.more_accepted(EACH)
                    await _is_listed_without_a_wake_up(client, callers)
                    await redis.start()
                    await callers.more_accepted(EACH)
                    await _until_cards_are_filled(application)
            assert callers.statuses.keys() == {201}
            assert answers, "somebody asked all the time"
            await callers.each_is_in_the_log_once(application)
            await all_at_the_end(application)
        async with running(settings, "marquee-test") as application:
            await nothing_is_lost_or_doubled(application)


async def test_a_slow_a_stalled_and_a_cut_off_redis_fail_nobody(
    settings: Settings, tmp_path: Path
) -> None:
    async with wire_to(settings.redis()) as wire:
        through = msgspec.structs.replace(settings, redis_url=wire.url)
        async with (
            working(through, tmp_path),
            served(through, tmp_path) as client,
            running(settings, "marquee-test") as application,
        ):
            async with calling(client) as callers, _asking(client) as answers:
                wire.delay = 0.02
                await callers.more_accepted(EACH)
                wire.stall()
                await callers.more_accepted(EACH)
                await _is_listed_without_a_wake_up(client, callers)
                wire.mend()
                wire.cut()
                await callers.more_accepted(EACH)
                await _is_listed_without_a_wake_up(client, callers)
                wire.mend()
                wire.delay = 0
                await callers.more_accepted(EACH)
            assert callers.statuses.keys() == {201}
            assert answers, "somebody asked all the time"
            await callers.each_is_in_the_log_once(application)
            await all_at_the_end(application)
    async with running(settings, "marquee-test") as application:
        await nothing_is_lost_or_doubled(application)


async def _empty(url: str) -> None:
    redis = Redis.from_url(url)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await redis.dbsize():
                await asyncio.sleep(0.02)
        await redis.flushall()
    finally:
        await redis.aclose()


async def _until_cards_are_filled(application: Application) -> None:
    """As many as events were announced when this begins, or more."""
    announced = await pairs(application, "select 1, count(distinct stream) from event_store.events")
    key = f"{application.events.cards().prefix}:of:default"
    async with asyncio.timeout(PATIENCE):
        while await application.redis().hlen(key) < announced[1]:
            await asyncio.sleep(0.02)


async def _is_listed_without_a_wake_up(client: httpx2.AsyncClient, callers: Callers) -> None:
    """What was announced while nobody could be woken is in the catalogue after a tick."""
    title = list(callers.accepted)[-1]
    async with asyncio.timeout(PATIENCE):
        while not (await client.get("/events", params={"q": title})).json()["data"]:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _asking(client: httpx2.AsyncClient) -> AsyncIterator[list[str]]:
    """Ask for lists and for single events all the time; each is answered, with or without Redis."""
    answers: list[str] = []
    stop = asyncio.Event()

    async def ask() -> None:
        while not stop.is_set():
            listed = await client.get("/events?pageSize=2&sortBy=title")
            assert listed.status_code == 200, listed.text
            for each in listed.json()["data"]:
                shown = await client.get(f"/events/{each['id']}")
                assert shown.status_code == 200, shown.text
                answers.append(shown.json()["title"])
            assert (await client.get("/search")).status_code == 200

    asking = asyncio.create_task(ask())
    try:
        yield answers
    finally:
        stop.set()
        await asking

"""One connection hears all channels, and comes back whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from faults.own_servers import own_redis
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from bootstrap import Application
from contexts.conversations.infrastructure import channels as module
from contexts.conversations.infrastructure.channels import Channels
from listening import PATIENCE
from misbehaving import wire_to


class Ear:
    """Fits Subscriber."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.missed_times = 0

    def hear(self, message: bytes) -> None:
        self.heard.append(message)

    def missed(self) -> None:
        self.missed_times += 1

    async def until(self, *messages: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.heard != list(messages):
                await asyncio.sleep(0.005)

    async def until_missed(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.missed_times < times:
                await asyncio.sleep(0.005)


@pytest.fixture
async def channels(application: Application) -> AsyncIterator[Channels]:
    made = Channels(application.settings().redis())
    yield made
    await made.close()


async def test_whoever_listens_hears_what_is_sent_from_then_on(
    application: Application, channels: Channels
) -> None:
    redis, a, b = application.redis(), Ear(), Ear()
    async with channels.listening("t:a", a), channels.listening("t:b", b):
        await redis.publish("t:a", b"to a")
        await redis.publish("t:b", b"\x00\xff")
        await a.until(b"to a")
        await b.until(b"\x00\xff")


async def test_a_subscriber_who_listens_twice_hears_once_until_he_has_left_twice(
    application: Application, channels: Channels
) -> None:
    redis, ear = application.redis(), Ear()
    async with channels.listening("t:c", ear):
        async with channels.listening("t:c", ear):
            await redis.publish("t:c", b"1")
            await ear.until(b"1")
        await redis.publish("t:c", b"2")
        await ear.until(b"1", b"2")
    async with channels.listening("t:other", Ear()):
        assert await redis.publish("t:c", b"3") == 0


async def test_a_connection_that_broke_is_made_again_and_everybody_told(
    application: Application, channels: Channels
) -> None:
    redis, ear = application.redis(), Ear()
    async with channels.listening("t:d", ear):
        before = ear.missed_times
        assert await redis.client_kill_filter(_type="pubsub") >= 1
        await ear.until_missed(before + 1)
        await redis.publish("t:d", b"again")
        await ear.until(b"again")


@pytest.mark.parametrize("from_the_start", [True, False])
async def test_a_line_that_stays_open_and_says_nothing_is_given_up(
    application: Application, monkeypatch: pytest.MonkeyPatch, from_the_start: bool
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.1)
    monkeypatch.setattr(module, "CONNECTED", 0.2)
    redis, ear = application.redis(), Ear()
    async with wire_to(application.settings().redis()) as wire:
        channels = Channels(wire.url)
        if from_the_start:
            wire.stall()
        try:
            async with channels.listening("t:e", ear):
                lost, heard = _lost(), ear.missed_times
                wire.stall()
                async with asyncio.timeout(PATIENCE):
                    while _lost() == lost:
                        await asyncio.sleep(0.005)
                # A busy machine is silent for as long.
                monkeypatch.setattr(module, "SILENCE", PATIENCE)
                monkeypatch.setattr(module, "CONNECTED", PATIENCE)
                wire.mend()
                await ear.until_missed(heard + 1)
                await redis.publish("t:e", b"again")
                await ear.until(b"again")
        finally:
            await channels.close()


def _lost() -> float:
    return REGISTRY.get_sample_value("marquee_channels_lost_total") or 0.0


async def test_a_redis_that_was_away_from_the_start_is_found_when_it_comes() -> None:
    async with own_redis() as server:
        await server.kill()
        channels, ear = Channels(server.url), Ear()
        try:
            async with channels.listening("t:f", ear):
                assert ear.missed_times == 0
                await server.start()
                await ear.until_missed(1)
                redis = Redis.from_url(server.url)
                await redis.publish("t:f", b"hello")
                await redis.aclose()
                await ear.until(b"hello")
        finally:
            await channels.close()

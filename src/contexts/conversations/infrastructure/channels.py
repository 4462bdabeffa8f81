"""Pub/sub of Redis: one connection of a process for all channels that anybody in it listens to."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context as Variables
from typing import Protocol

import msgspec
import prometheus_client
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

logger = logging.getLogger(__name__)

CONNECTED = 2.0
"""Seconds that a connection may take to be made."""
SUBSCRIBED = 0.5
"""Seconds that Redis may take to say that somebody is subscribed now."""
SILENCE = 5.0
"""Seconds after which Redis is asked whether it is still there; it has as long to say so."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
"""Seconds between attempts to connect."""

LOST = prometheus_client.Counter("marquee_channels_lost", "Connections for pub/sub that broke")


class Subscriber(Protocol):
    """Both are called in the loop, and neither blocks."""

    def hear(self, message: bytes) -> None: ...

    def missed(self) -> None:
        """From here on everything is heard again; what came before may not have been."""


class _Channel(msgspec.Struct, eq=False):
    """A subscriber may listen several times, and hears everything once."""

    subscribers: Counter[Subscriber] = msgspec.field(default_factory=Counter)
    confirmed: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class Channels:
    """Connects when somebody listens first, and again whenever the connection breaks."""

    def __init__(self, url: str) -> None:
        # This protocol answers everything in lists, also what is not a message.
        self._pool: ConnectionPool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        self._channels: dict[bytes, _Channel] = {}
        self._connection: AbstractConnection | None = None
        self._living: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, name: str, subscriber: Subscriber) -> AsyncIterator[None]:
        """What is sent from here on is heard; when Redis does not say so in time, `missed` is
        called once it has."""
        key = name.encode()
        if (known := self._channels.get(key)) is None:
            self._channels[key] = _Channel()
        channel = self._channels[key]
        channel.subscribers[subscriber] += 1
        if self._living is None:
            # In nobody's context: it works for all who listen.
            loop = asyncio.get_running_loop()
            self._living = loop.create_task(self._live(), context=Variables())
        try:
            if known is None:
                await self._say("SUBSCRIBE", key)
            with suppress(TimeoutError):
                async with asyncio.timeout(SUBSCRIBED):
                    await channel.confirmed.wait()
            yield
        finally:
            channel.subscribers[subscriber] -= 1
            if not channel.subscribers[subscriber]:
                del channel.subscribers[subscriber]
            if not channel.subscribers:
                del self._channels[key]
                await self._say("UNSUBSCRIBE", key)

    async def close(self) -> None:
        if (living := self._living) is not None:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)

    async def _live(self) -> None:
        pause, failing = FIRST_PAUSE, False
        while True:
            try:
                async with self._connected() as connection:
                    pause, failing = FIRST_PAUSE, False
                    await self._hear(connection)
            except (RedisError, OSError, TimeoutError) as error:
                LOST.inc()
                if not failing:
                    logger.warning("nothing is heard from redis", extra={"error": repr(error)})
                failing = True
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, LONGEST_PAUSE)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AbstractConnection]:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(CONNECTED):
                await connection.connect()  # type: ignore[no-untyped-call]
            self._connection = connection
            if self._channels:
                await connection.send_command("SUBSCRIBE", *self._channels, check_health=False)
            yield connection
        finally:
            self._connection = None
            for channel in self._channels.values():
                channel.confirmed.clear()
            await connection.disconnect(nowait=True)

    async def _hear(self, connection: AbstractConnection) -> None:
        asked = False
        while True:
            said = await connection.read_response(timeout=SILENCE, disconnect_on_error=False)
            if said is None:
                if asked:
                    raise ConnectionError("redis has not answered a ping")
                asked = True
                await connection.send_command("PING", check_health=False)
                continue
            asked = False
            match said:
                case [b"message", name, message]:
                    if (channel := self._channels.get(name)) is not None:
                        for subscriber in tuple(channel.subscribers):
                            subscriber.hear(message)
                case [b"subscribe", name, _]:
                    if (channel := self._channels.get(name)) is not None:
                        channel.confirmed.set()
                        for subscriber in tuple(channel.subscribers):
                            subscriber.missed()

    async def _say(self, command: str, name: bytes) -> None:
        """A connection that breaks here is found broken by whoever reads from it."""
        if (connection := self._connection) is not None:
            with suppress(RedisError, OSError):
                await connection.send_command(command, name, check_health=False)

"""Frames over Redis: a stream of each run for whoever comes late, pub/sub for whoever is there."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from redis.asyncio import Redis

from contexts.conversations.application.content import Part
from contexts.conversations.application.frames import Ended, Frame
from contexts.conversations.application.ports import Writer
from contexts.conversations.application.told import Gapless, Told
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.channels import Channels
from contexts.conversations.infrastructure.run_listeners import RunListeners
from contexts.conversations.infrastructure.run_streams import RunStreams, StreamLimits
from contexts.conversations.infrastructure.run_writer import RedisWriter
from shared.application.personal import Vault
from shared.infrastructure.event_store.log_identity import LogIdentity

logger = logging.getLogger(__name__)

TICK = 0.5
"""Seconds after which a listener to whom nothing comes is told so."""
READ_AGAIN = 3.0
"""Seconds after which such a listener looks whether anything was lost on its way."""
CLOSE_GAP = 0.2
"""Seconds between two looks for what closes a gap."""
READERS = 16
"""Streams that a process reads at once."""
ANSWER = 1.0
"""Seconds that a read may take."""
PAUSE = 1.0
"""Seconds for which nothing is read after a read that failed."""


class RedisFrames:
    def __init__(
        self,
        redis: Redis,
        log: LogIdentity,
        vault: Vault,
        channels: Channels,
        limits: StreamLimits | None = None,
    ) -> None:
        self._limits = limits or StreamLimits()
        self._streams = RunStreams(redis, log, vault, self._limits)
        self._listeners = RunListeners(self._streams, channels)
        self._readers = asyncio.Semaphore(READERS)
        self._left_alone_until = 0.0
        self._failing = False

    def sending(self, run: RunId, owner: UUID, attempt: int) -> AbstractAsyncContextManager[Writer]:
        return RedisWriter(self._streams, self._limits, run, owner, attempt).at_work()

    async def follow(
        self, run: RunId, owner: UUID, after: int
    ) -> AsyncGenerator[Frame | None, None]:
        key, gapless = self._streams.key(owner, run), Gapless(after)
        async with self._listeners.listening(key, owner) as listener:
            heard = read = _now()
            while True:
                came: Sequence[Frame] | None = None
                if listener.behind:
                    listener.behind, read = False, _now()
                    came = await self._read(key, owner, gapless.last)
                    listener.behind |= came is None
                if not came:
                    came = await listener.next(TICK)
                told = [each for frame in came for each in gapless.take(frame)]
                for each in told:
                    yield each
                    if isinstance(each.event, Ended):
                        return
                now = _now()
                if told:
                    heard = now
                elif now - read >= (CLOSE_GAP if gapless.waiting else READ_AGAIN):
                    listener.behind |= gapless.waiting or now - heard >= READ_AGAIN
                if not told:
                    yield None

    async def parts(self, run: RunId, owner: UUID) -> tuple[Part, ...]:
        key, told = self._streams.key(owner, run), Told()
        for frame in await self._read(key, owner, 0) or ():
            told.take_in(frame.event)
        return told.parts

    async def forget(self, owner: UUID) -> None:
        """Raise what Redis raises: it is to be tried again then."""
        await self._streams.forget(owner)

    async def _read(self, key: str, owner: UUID, after: int) -> Sequence[Frame] | None:
        """None where there is no answer in time."""
        async with self._readers:
            if _now() < self._left_alone_until:
                return None
            try:
                async with asyncio.timeout(ANSWER):
                    frames = await self._streams.since(key, owner, after)
            except Exception as error:
                self._left_alone_until = _now() + PAUSE
                if not self._failing:
                    logger.warning("frames not read", extra={"error": type(error).__name__})
                self._failing = True
                return None
            self._failing = False
            return frames


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Whoever in this process listens to a run: each frame is opened once for all of them."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context as Variables
from uuid import UUID

from prometheus_client import Gauge

from contexts.conversations.application.frames import Frame
from contexts.conversations.infrastructure.channels import Channels
from contexts.conversations.infrastructure.run_streams import RunStreams
from shared.application.context import Context, current_context, new_id, running_in

logger = logging.getLogger(__name__)

LISTENERS = Gauge("marquee_run_listeners", "Listeners to runs")

HELD = 256
"""Frames that are held for a listener who is slow. One who is slower reads them from the stream
when he is ready."""


class Listener:
    """`behind`: it does not have, or may not have, all that was sent, and has to read it."""

    def __init__(self) -> None:
        self.behind = True
        self._held: deque[Frame] = deque()
        self._arrived = asyncio.Event()

    def hear(self, frames: Sequence[Frame]) -> None:
        if len(self._held) + len(frames) > HELD:
            self.miss()
        else:
            self._held.extend(frames)
            self._arrived.set()

    def miss(self) -> None:
        self.behind = True
        self._held.clear()
        self._arrived.set()

    async def next(self, seconds: float) -> Sequence[Frame]:
        """What has come; nothing when nothing comes in time, or when it is behind."""
        if not self._arrived.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
            except TimeoutError:
                return ()
        self._arrived.clear()
        frames, self._held = self._held, deque()
        return frames


class _Room:
    """Fits Subscriber."""

    def __init__(self, streams: RunStreams, owner: UUID) -> None:
        self.listeners: set[Listener] = set()
        self._streams = streams
        self._owner = owner
        self._tenant = current_context().tenant
        self._boxes: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None

    def hear(self, message: bytes) -> None:
        self._boxes.append(message)
        if len(self._boxes) > HELD:
            self._boxes.clear()
            self.missed()
        elif self._opening is None:
            # In nobody's context: it works for all who listen.
            loop = asyncio.get_running_loop()
            self._opening = loop.create_task(self._open(), context=Variables())

    def missed(self) -> None:
        for listener in self.listeners:
            listener.miss()

    async def _open(self) -> None:
        try:
            with running_in(Context(correlation_id=new_id(), tenant=self._tenant)):
                while self._boxes:
                    boxes, self._boxes = self._boxes, []
                    frames = await self._streams.opened(self._owner, *boxes)
                    for listener in self.listeners:
                        listener.hear(frames)
        except Exception as error:
            logger.warning("frames can't be opened", extra={"error": type(error).__name__})
            self.missed()
        finally:
            self._opening = None


class RunListeners:
    def __init__(self, streams: RunStreams, channels: Channels) -> None:
        self._streams = streams
        self._channels = channels
        self._rooms: dict[str, _Room] = {}

    @asynccontextmanager
    async def listening(self, key: str, owner: UUID) -> AsyncIterator[Listener]:
        """What is sent to the stream of a key from here on is heard, or missed."""
        if (room := self._rooms.get(key)) is None:
            room = self._rooms[key] = _Room(self._streams, owner)
        listener = Listener()
        room.listeners.add(listener)
        LISTENERS.inc()
        try:
            async with self._channels.listening(key, room):
                yield listener
        finally:
            LISTENERS.dec()
            room.listeners.discard(listener)
            if not room.listeners and self._rooms.get(key) is room:
                del self._rooms[key]

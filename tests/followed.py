"""A run that is followed, with its frames and its log in memory."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID, uuid4

import msgspec

from contexts.conversations.application.content import Part
from contexts.conversations.application.following import Following
from contexts.conversations.application.frames import Frame
from contexts.conversations.application.posting import CancelRun
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.application.stream_heads import StreamHeads
from contexts.conversations.domain.run import RunId
from listening import PATIENCE, new_run, shown
from shared.application.bus import Bus
from shared.application.event_store import Append, NewEvent
from shared.domain.errors import NotFound
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore


class FramesByHand:
    """In place of Frames: tells what it is given, and else that nothing comes."""

    def __init__(self) -> None:
        self.arrived: list[Frame] = []
        self.listeners = 0

    async def follow(
        self, run: RunId, owner: UUID, after: int
    ) -> AsyncGenerator[Frame | None, None]:
        self.listeners += 1
        at = 0
        try:
            while True:
                await asyncio.sleep(0.001)
                while at < len(self.arrived):
                    at += 1
                    if self.arrived[at - 1].sequence > after:
                        yield self.arrived[at - 1]
                yield None
        finally:
            self.listeners -= 1


class Log(MemoryEventStore):
    """Counts how often it is looked at."""

    looks = 0

    async def heads(self, streams: Sequence[str]) -> object:  # type: ignore[override]
        self.looks += 1
        return await super().heads(streams)


class Followed:
    """A run that is at work, and all that is known of it."""

    def __init__(self) -> None:
        self.id, self.owner = new_run(), uuid4()
        self.log, self.frames, self.bus = Log(), FramesByHand(), Bus()
        self.heads = StreamHeads(self.log, 0.01)
        self.following = Following(self.bus, self.frames, self.heads)  # type: ignore[arg-type]
        self.shown = shown(self.id)
        self.gone = False
        self.cancelled = 0
        self.asked = 0
        self.bus.serve({GetRun: self._get, CancelRun: self._cancel})

    async def change(self, to: RunShown | None) -> None:
        """Record something in the conversation that makes of the run what is given; None: nobody
        may see it any more."""
        self.shown, self.gone = to or self.shown, to is None
        stream = f"conversation-{self.id.conversation_id}"
        head = (await MemoryEventStore.heads(self.log, [stream])).get(stream)
        expected = head.version if head else 0
        await self.log.append([Append(stream, expected, [NewEvent("conversations.x", b"{}")])])

    async def end(self, sequence: int, *parts: Part) -> None:
        await self.change(shown(self.id, sequence, parts))

    async def listen(self, after: int = 0, known: RunShown | None = None) -> list[Frame]:
        """All that comes until it ends, to somebody who knew the run so."""
        frames = self.following.follow(self.owner, known or self.shown, after)
        async with asyncio.timeout(PATIENCE), aclosing(frames):
            return [frame async for frame in frames if frame is not None]

    def listening(self, after: int = 0) -> "asyncio.Task[list[Frame]]":
        return asyncio.create_task(self.listen(after))

    async def until_heard(self, listeners: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.frames.listeners < listeners:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)

    async def _get(self, query: GetRun) -> RunShown:
        self.asked += 1
        if self.gone or (query.run, query.owner) != (self.id, self.owner):
            raise NotFound(f"no run {query.run}")
        return self.shown

    async def _cancel(self, command: CancelRun) -> None:
        await self._get(GetRun(command.run, command.owner))
        self.cancelled += 1
        await self.change(msgspec.structs.replace(self.shown, cancelling=True))

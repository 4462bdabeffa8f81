"""Listening to a run until it has ended, whatever becomes of its frames on the way."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from functools import partial
from uuid import UUID

import msgspec

from contexts.conversations.application.frames import Ended, Frame
from contexts.conversations.application.ports import Frames
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.application.stream_heads import StreamHeads
from contexts.conversations.application.told import closing, end_for
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.run import RunId
from shared.application.bus import Bus
from shared.application.context import current_context
from shared.domain.errors import NotFound

CLOSING = 1.5
"""Seconds that streams have to end when the process stops."""
HEARTBEAT = 10.0
"""Seconds of silence after which a listener is told that we are still there."""


class _InLog(msgspec.Struct, eq=False):
    """A run as the log has it, for all in this process who listen to it."""

    shown: RunShown
    watch: ExitStack = msgspec.field(default_factory=ExitStack)
    listeners: int = 0
    gone: bool = False


class Following:
    """Frames come the fast way, and may be lost there. The log tells how a run has ended: whoever
    has not heard of it within a second or two hears it from the log, with all that he missed."""

    def __init__(self, bus: Bus, frames: Frames, heads: StreamHeads) -> None:
        self._bus = bus
        self._frames = frames
        self._heads = heads
        self._in_log: dict[tuple[str, RunId], _InLog] = {}
        self._nobody_listens = asyncio.Event()
        self._nobody_listens.set()
        self._closed = False

    async def follow(
        self, owner: UUID, shown: RunShown, after: int = 0
    ) -> AsyncGenerator[Frame | None, None]:
        """Frames behind the sequence `after`, the last of them Ended; None now and then when
        nothing comes.

        `shown` is the run as its owner sees it (GetRun). Nothing comes of one whose end he was
        told already, and no end of one that nobody can see any more, or when this process stops.
        """
        if told_all(shown, after):
            return
        last = after
        if not shown.ended:
            run = RunId.read(shown.id)
            with self._watching(owner, run, shown) as in_log:
                async with aclosing(self._live(owner, run, after, in_log)) as frames:
                    async for frame in frames:
                        yield frame
                        if frame is None:
                            continue
                        if isinstance(frame.event, Ended):
                            return
                        last = frame.sequence
            shown = in_log.shown
        if shown.ended:
            for missed in closing(shown, last):
                yield missed

    async def close(self) -> None:
        """Let all streams end, which takes a moment; whoever listens goes on elsewhere."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._nobody_listens.wait()

    async def _live(
        self, owner: UUID, run: RunId, after: int, in_log: _InLog
    ) -> AsyncGenerator[Frame | None, None]:
        """Until there is no more to wait for."""
        heard = _now()
        async with aclosing(self._frames.follow(run, owner, after)) as frames:
            async for frame in frames:
                if frame is not None or _now() - heard >= HEARTBEAT:
                    heard = _now()
                    yield frame
                if in_log.shown.ended or in_log.gone or self._closed:
                    return

    @contextmanager
    def _watching(self, owner: UUID, run: RunId, shown: RunShown) -> Iterator[_InLog]:
        key = current_context().tenant, run
        if (in_log := self._in_log.get(key)) is None:
            in_log = self._in_log[key] = _InLog(shown)
            self._nobody_listens.clear()
            stream = f"{Conversation.stream}-{run.conversation_id}"
            look = partial(self._look, owner, run, in_log)
            in_log.watch.enter_context(self._heads.watch(stream, look))
        in_log.listeners += 1
        try:
            yield in_log
        finally:
            in_log.listeners -= 1
            if not in_log.listeners:
                del self._in_log[key]
                in_log.watch.close()
            if not self._in_log:
                self._nobody_listens.set()

    async def _look(self, owner: UUID, run: RunId, in_log: _InLog) -> None:
        try:
            in_log.shown = await self._bus(GetRun(run, owner))
        except NotFound:
            in_log.gone = True


def told_all(shown: RunShown, after: int) -> bool:
    """Whether a listener who was told up to `after` has nothing to come."""
    return shown.ended and after == end_for(shown, after)


def _now() -> float:
    return asyncio.get_running_loop().time()

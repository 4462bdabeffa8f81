"""Sends what a worker tells of a run: gathered where it comes fast, told whole after a fault."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context as Variables
from uuid import UUID

import msgspec
from prometheus_client import Counter

from contexts.conversations.application.content import ToolPart
from contexts.conversations.application.frames import (
    ATTEMPT_FRAMES,
    Delta,
    Ended,
    Frame,
    FrameEvent,
    Snapshot,
    Started,
    ToolReturned,
)
from contexts.conversations.application.told import Told
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.run_streams import RunStreams, StreamLimits
from shared.application.context import Context, current_context, new_id, running_in
from shared.application.personal import SubjectGone

logger = logging.getLogger(__name__)

SENT = Counter("marquee_run_frames", "Frames of runs that were sent")
FAILED = Counter("marquee_run_frames_failed", "Attempts at sending frames that failed")


class RedisWriter:
    """Fits Writer. Sequences are given when something is said and not when it is sent, so that a
    worker knows the last of them whatever becomes of it on the way.

    One task sends, in order. While Redis is away nothing waits for it but that task.
    """

    def __init__(
        self, streams: RunStreams, limits: StreamLimits, run: RunId, owner: UUID, attempt: int
    ) -> None:
        self.last = self._said = self._confirmed = self._whole = attempt * ATTEMPT_FRAMES - 1
        self._streams = streams
        self._limits = limits
        self._run = run
        self._owner = owner
        self._key = streams.key(owner, run)
        self._told = Told()
        self._start: Frame | None = None
        self._end: Frame | None = None
        self._due: list[Frame] = []
        self._arrived = asyncio.Event()
        self._urgent = asyncio.Event()
        self._tried = asyncio.Event()
        self._pieces_sent_at = 0.0
        self._missing = False
        """Whether something was not sent, so that the whole has to be."""
        self._over = False
        self._gone: SubjectGone | None = None

    async def send(self, event: FrameEvent) -> None:
        self._must_be_there()
        if isinstance(event, ToolReturned):
            event = ToolReturned(self._shortened(event.part))
        if (
            self._due
            and isinstance(last := self._due[-1].event, Delta)
            and isinstance(event, Delta)
        ):
            self._due[-1] = Frame(self.last, Delta(last.text + event.text))
        else:
            recorded = event.run.sequence if isinstance(event, Ended) else 0
            self.last = max(self.last + 1, recorded)
            self._due.append(Frame(self.last, event))
        self._remember(self._due[-1], event)
        self._arrived.set()
        if not isinstance(event, Delta):
            self._urgent.set()

    async def flush(self) -> None:
        self._tried.clear()
        self._arrived.set()
        self._urgent.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._limits.answer):
                await self._tried.wait()
        self._must_be_there()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["RedisWriter"]:
        # It sends in the tenant of whoever is answered, and in nobody's transaction.
        context = Context(correlation_id=new_id(), tenant=current_context().tenant)
        loop = asyncio.get_running_loop()
        sending = loop.create_task(self._keep_sending(context), context=Variables())
        try:
            yield self
        finally:
            with suppress(SubjectGone):
                await self.flush()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _must_be_there(self) -> None:
        if self._gone is not None:
            raise self._gone

    def _remember(self, frame: Frame, event: FrameEvent) -> None:
        self._told.take_in(event)
        if isinstance(event, Started):
            self._start = frame
        if isinstance(event, Ended):
            self._end = frame
        else:
            self._said = frame.sequence

    def _shortened(self, part: ToolPart) -> ToolPart:
        size = len(msgspec.json.encode(part.result))
        if size <= self._limits.result:
            return part
        return msgspec.structs.replace(part, result={"omitted_bytes": size})

    async def _keep_sending(self, context: Context) -> None:
        with running_in(context):
            while not self._over:
                await self._arrived.wait()
                if not self._urgent.is_set():
                    # The first piece goes at once, and so does one that comes alone.
                    await self._rest(self._pieces_sent_at + self._limits.gather - _now())
                self._arrived.clear()
                self._urgent.clear()
                if not await self._send_due():
                    self._arrived.set()
                    await self._rest(self._limits.retry)
            while True:
                # Nobody is told any more; nobody waits for it either.
                self._due.clear()
                self._tried.set()
                self._arrived.clear()
                await self._arrived.wait()

    async def _rest(self, seconds: float) -> None:
        """Unless something comes that can't wait."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._urgent.wait()

    async def _send_due(self) -> bool:
        """False where it has to be tried again after a while."""
        if frames := self._frames():
            self._due = []
            try:
                async with asyncio.timeout(self._limits.answer):
                    said = await self._streams.append(
                        self._key, self._owner, frames, self._confirmed
                    )
            except SubjectGone as gone:
                self._gone, self._over = gone, True
                return True
            except Exception as error:
                self._fail(error)
                return False
            if said == b"gap":
                self._missing = True
                self._arrived.set()
                self._urgent.set()
                return True
            if said == b"overtaken":
                logger.warning("another worker is at this run", extra={"run": str(self._run)})
                self._over = True
                return True
            self._have_sent(frames)
        if not self._due:
            self._tried.set()
        return True

    def _frames(self) -> Sequence[Frame]:
        """What is due; or what tells the whole, where something is missing or it is time to."""
        due = self._due
        many = self._said - self._whole >= self._limits.snapshot_every
        if not self._missing and not (due and many and self._end is None):
            return due
        # The start may be missing, too; where it is not, it is not kept twice.
        frames = [self._start] if self._missing and self._start is not None else []
        if self._end is not None:
            # It has the whole answer in it.
            frames.append(self._end)
        elif self._start is None or self._said > self._start.sequence:
            frames.append(Frame(self._said, Snapshot(self._told.parts, self._told.calls)))
        return frames

    def _have_sent(self, frames: Sequence[Frame]) -> None:
        SENT.inc(len(frames))
        self._missing = False
        self._confirmed = frames[-1].sequence
        for frame in frames:
            if isinstance(frame.event, Started | Snapshot):
                self._whole = frame.sequence
        if isinstance(frames[-1].event, Delta):
            self._pieces_sent_at = _now()

    def _fail(self, error: Exception) -> None:
        FAILED.inc()
        if not self._missing:
            logger.warning(
                "frames not sent", extra={"run": str(self._run), "error": type(error).__name__}
            )
        self._missing = True
        self._tried.set()


def _now() -> float:
    return asyncio.get_running_loop().time()

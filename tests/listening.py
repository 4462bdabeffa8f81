"""Frames on their way over a real Redis: whoever sends them, and whoever listens."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID, uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bootstrap import Application
from contexts.conversations.application.content import Message, Part, TextPart
from contexts.conversations.application.frames import Ended, Frame, FrameEvent, Started
from contexts.conversations.application.queries import RunShown
from contexts.conversations.application.told import Told
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.channels import Channels
from contexts.conversations.infrastructure.redis_frames import RedisFrames
from contexts.conversations.infrastructure.run_streams import StreamLimits
from shared.application.personal import Vault
from shared.infrastructure.event_store.log_identity import LogIdentity

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PATIENCE = 60.0

Heard: TypeAlias = list[Frame]


def new_run() -> RunId:
    return RunId(uuid4(), 1)


def started(run: RunId, attempt: int = 1) -> Started:
    return Started(str(run), run.conversation_id, uuid4(), attempt)


def shown(run: RunId, sequence: int = 0, parts: Sequence[Part] | None = None) -> RunShown:
    """A run as the log has it: completed with these parts, or still at work."""
    answer = None
    if parts is not None:
        answer = Message(
            id=uuid4(), parent_id=None, author="assistant", parts=tuple(parts), written_at=NOON
        )
    return RunShown(
        id=str(run),
        conversation_id=run.conversation_id,
        question_id=uuid4(),
        answer_id=uuid4(),
        status="running" if parts is None else "completed",
        requested_at=NOON,
        answer=answer,
        sequence=sequence,
    )


def ended(run: RunId, sequence: int, text: str) -> Ended:
    return Ended(shown(run, sequence, [TextPart(text)]))


@asynccontextmanager
async def process(
    url: str, log: LogIdentity, vault: Vault, limits: StreamLimits | None = None
) -> AsyncIterator[RedisFrames]:
    """Frames as another process has them, with connections of its own."""
    redis = Redis.from_url(
        url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
    )
    channels = Channels(url)
    try:
        yield RedisFrames(redis, log, vault, channels, limits)
    finally:
        await channels.close()
        await redis.aclose()


@asynccontextmanager
async def process_of(
    application: Application, limits: StreamLimits | None = None
) -> AsyncIterator[RedisFrames]:
    url = application.settings().redis()
    async with process(url, application.log(), application.vault(), limits) as frames:
        yield frames


class Listening:
    """Somebody who listens to a run from `after` on; `heard` is what he was told."""

    def __init__(self, frames: RedisFrames, run: RunId, owner: UUID, after: int = 0) -> None:
        self.heard: Heard = []
        self._frames = frames.follow(run, owner, after)
        self._listening = asyncio.create_task(self._listen())

    async def until(self, *kinds: type[FrameEvent], text: str | None = None) -> None:
        """Wait until he has heard one of these kinds, or has this text."""
        async with asyncio.timeout(PATIENCE):
            while not (
                any(isinstance(frame.event, kinds) for frame in self.heard)
                or (text is not None and self.text == text)
            ):
                await asyncio.sleep(0.005)

    async def to_the_end(self) -> Heard:
        async with asyncio.timeout(PATIENCE):
            await self._listening
        return self.heard

    async def hang_up(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    @property
    def text(self) -> str:
        """What he has of the answer."""
        return text_of(self.heard)

    @property
    def sequences(self) -> list[int]:
        return [frame.sequence for frame in self.heard]

    async def _listen(self) -> None:
        async with aclosing(self._frames) as frames:
            async for frame in frames:
                if frame is not None:
                    self.heard.append(frame)


def text_of(frames: Sequence[Frame]) -> str:
    told = Told()
    for frame in frames:
        told.take_in(frame.event)
    return "".join(part.text for part in told.parts if isinstance(part, TextPart))


def without_gaps(frames: Sequence[Frame], after: int = 0) -> bool:
    """Whether each follows the one before, or needs none before it."""
    for frame in frames:
        alone = type(frame.event).__name__ in ("Started", "Snapshot")
        if frame.sequence <= after or not (alone or frame.sequence == after + 1):
            return False
        after = frame.sequence
    return True

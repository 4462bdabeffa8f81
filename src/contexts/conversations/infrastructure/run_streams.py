"""The stream of a run in Redis: sealed frames in order, with a limit and a time to live."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from contexts.conversations.application.frames import (
    ATTEMPT_FRAMES,
    Delta,
    Ended,
    Frame,
    FrameEvent,
    Snapshot,
    Started,
    ToolCalled,
    ToolReturned,
)
from contexts.conversations.domain.run import RunId
from shared.application.personal import Vault
from shared.domain.personal import Sealed
from shared.infrastructure.event_store.log_identity import LogIdentity

Kind: TypeAlias = Literal["start", "whole", "piece", "end"]
"""What stands beside a frame in clear: whether one has to read what came before it."""

Appended: TypeAlias = Literal[b"ok", b"gap", b"overtaken"]

PAGE = 500
"""Entries that are read at once."""

_KINDS: dict[type[FrameEvent], Kind] = {
    Started: "start",
    Snapshot: "whole",
    Ended: "end",
    Delta: "piece",
    ToolCalled: "piece",
    ToolReturned: "piece",
}

_APPEND = """
local limit, seconds, before = ARGV[1], ARGV[2], tonumber(ARGV[3])
local tail = redis.call('xrevrange', KEYS[1], '+', '-', 'count', 1)[1]
local last = tail and tonumber(string.match(tail[1], '^%d+')) or -1
if last > tonumber(ARGV[#ARGV - 2]) then return 'overtaken' end
if last < before and ARGV[5] == 'piece' then return 'gap' end
for at = 4, #ARGV, 3 do
    if tonumber(ARGV[at]) > last then
        local id = ARGV[at] .. '-0'
        redis.call('xadd', KEYS[1], 'maxlen', '~', limit, id, ARGV[at + 1], ARGV[at + 2])
        redis.call('publish', KEYS[1], ARGV[at + 2])
    end
end
redis.call('expire', KEYS[1], seconds)
return 'ok'
"""
"""Entries are (sequence, kind, box), behind the limit, the seconds to live and the sequence of the
frame before them. A sequence is the id of its entry, so what was sent twice is there once.

"gap": the frame before them is not there, so Redis was emptied, or is an older copy of itself, and
frames that rest on others would be of no use. "overtaken": another attempt is further on."""

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Frame).decode


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes."""

    frames: int = 5_000
    """Of a run that are kept, about; the oldest give way."""
    snapshot_every: int = 500
    """Frames after which one of them tells the whole: of those that are kept one always does."""
    running: float = 3_600.0
    """How long they are kept after the last of them, while the run goes on."""
    ended: float = 900.0
    """How long they are kept behind its end."""
    result: int = 64_000
    """A result of a tool larger than this is left to the log; frames say how large it is."""
    gather: float = 0.02
    """For how long pieces of text that follow one another closely are gathered into one frame."""
    answer: float = 0.5
    """How long Redis may take for an answer."""
    retry: float = 0.25
    """How long it is left alone by a writer after it has not answered."""


class RunStreams:
    """Each under `marquee:{log}:conversations:run:<owner>:<run>`, which is also the name of the
    channel on which its frames are published. All methods act in the tenant of the current
    context."""

    def __init__(self, redis: Redis, log: LogIdentity, vault: Vault, limits: StreamLimits) -> None:
        self._redis = redis
        self._log = log
        self._vault = vault
        self._limits = limits
        self._append = redis.register_script(_APPEND)

    def key(self, owner: UUID, run: RunId | str) -> str:
        return f"marquee:{{{self._log.id}}}:conversations:run:{owner}:{run}"

    async def append(self, key: str, owner: UUID, frames: Sequence[Frame], before: int) -> Appended:
        """Seal, keep and publish frames. Raise SubjectGone, or whatever vault and Redis raise."""
        boxes = await self._vault.seal(owner, *map(_encode, frames))
        ended = isinstance(frames[-1].event, Ended)
        seconds = self._limits.ended if ended else self._limits.running
        arguments: list[Any] = [self._limits.frames, round(seconds), before]
        for frame, sealed in zip(frames, boxes, strict=True):
            arguments += frame.sequence, _KINDS[type(frame.event)], sealed.box
        said: Appended = await self._append(keys=[key], args=arguments)
        return said

    async def since(self, key: str, owner: UUID, after: int) -> Sequence[Frame]:
        """What a listener needs who was told up to a sequence: the frames behind it, beginning with
        the last that tells the whole, if there is any, and before that with the start of its
        attempt. Raise whatever vault and Redis raise."""
        found: list[bytes] = []
        upto, kind = "+", b"piece"
        while kind == b"piece":
            page: list[Any] = await self._redis.xrevrange(  # type: ignore[assignment]
                key, max=upto, min=f"{after + 1}-0", count=PAGE
            )
            for id, entry in page:
                ((kind, box),) = entry.items()
                found.append(box)
                if kind != b"piece":
                    break
                upto = f"{_sequence(id) - 1}-0"
            if len(page) < PAGE:
                break
        if kind == b"whole":
            found += await self._start(key, _sequence(id), after)
        return await self.opened(owner, *reversed(found))

    async def opened(self, owner: UUID, *boxes: bytes) -> Sequence[Frame]:
        """Frames as they were sealed, without those that nobody can open any more."""
        if not boxes:
            return ()
        opened = await self._vault.open(*(Sealed(owner, box) for box in boxes))
        return [_decode(content) for content in opened if content is not None]

    async def forget(self, owner: UUID) -> None:
        keys = self._redis.scan_iter(match=self.key(owner, "*"), count=1_000)
        async for key in keys:
            await self._redis.unlink(key)

    async def _start(self, key: str, sequence: int, after: int) -> Sequence[bytes]:
        """That of the attempt which a frame is of, unless it was trimmed or told."""
        first = sequence // ATTEMPT_FRAMES * ATTEMPT_FRAMES
        if first <= after:
            return ()
        entries: list[Any] = await self._redis.xrange(key, min=f"{first}-0", max=f"{first}-0")  # type: ignore[assignment]
        return [box for _, entry in entries for box in entry.values()]


def _sequence(id: bytes) -> int:
    return int(id.partition(b"-")[0])

"""What a worker tells of a run is sent in order, gathered where it comes fast, whole after a
fault."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from redis.exceptions import ConnectionError

from contexts.conversations.application.content import TextPart, ToolPart
from contexts.conversations.application.frames import (
    Delta,
    Ended,
    Frame,
    Snapshot,
    Started,
    ToolCalled,
    ToolReturned,
)
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.run_streams import RunStreams, StreamLimits
from contexts.conversations.infrastructure.run_writer import RedisWriter
from listening import ended, new_run, started, text_of, without_gaps
from shared.application.personal import SubjectGone

FIRST = 1_000_000
CALL = ToolCalled("1", "search", {})
LIMITS = StreamLimits(gather=0.03, answer=0.2, retry=0.01)


class Stream:
    """In place of RunStreams: does in order what `answers` say, and then takes all it is given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.tried: list[list[Frame]] = []
        self.kept: list[Frame] = []
        self.before: list[int] = []

    async def until(self, kept: int = 0, tried: int = 0) -> None:
        async with asyncio.timeout(60.0):
            while len(self.kept) < kept or len(self.tried) < tried:
                await asyncio.sleep(0)

    def key(self, owner: UUID, run: RunId) -> str:
        return str(run)

    async def append(self, key: str, owner: UUID, frames: Sequence[Frame], before: int) -> bytes:
        self.tried.append(list(frames))
        self.before.append(before)
        answer = self.answers.pop(0) if self.answers else b"ok"
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer != b"ok":
            return cast(bytes, answer)
        self.kept += frames
        return b"ok"


RUN = new_run()


@asynccontextmanager
async def writing(stream: Stream, limits: StreamLimits = LIMITS) -> AsyncIterator[RedisWriter]:
    writer = RedisWriter(cast(RunStreams, stream), limits, RUN, uuid4(), 1)
    async with writer.at_work():
        yield writer


def sequences(frames: Sequence[Frame]) -> list[int]:
    return [frame.sequence for frame in frames]


async def test_the_first_piece_goes_at_once_and_those_right_behind_it_go_together() -> None:
    stream = Stream()
    async with writing(stream, msgspec.structs.replace(LIMITS, gather=60.0)) as writer:
        await writer.send(started(RUN))
        await writer.send(Delta("a"))
        await stream.until(kept=2)
        for piece in ("b", "c", "d"):
            await writer.send(Delta(piece))
            await asyncio.sleep(0)
        assert (len(stream.kept), writer.last) == (2, FIRST + 2)
    assert [frame.event for frame in stream.kept[1:]] == [Delta("a"), Delta("bcd")]
    assert sequences(stream.kept) == [FIRST, FIRST + 1, FIRST + 2]


async def test_what_is_no_piece_of_text_waits_for_nothing_and_overtakes_nothing() -> None:
    stream = Stream()
    async with writing(stream, msgspec.structs.replace(LIMITS, gather=60.0)) as writer:
        await writer.send(Delta("a"))
        await stream.until(kept=1)
        await writer.send(Delta("b"))
        await asyncio.sleep(0)
        await writer.send(CALL)
        await stream.until(kept=3)
        assert [frame.event for frame in stream.kept] == [Delta("a"), Delta("b"), CALL]


async def test_once_it_is_flushed_the_last_sequence_is_that_of_what_was_sent() -> None:
    stream = Stream()
    async with writing(stream) as writer:
        assert writer.last == FIRST - 1
        await writer.send(started(RUN))
        for piece in "abc":
            await writer.send(Delta(piece))
        await writer.flush()
        assert writer.last == stream.kept[-1].sequence
        await writer.send(ended(RUN, writer.last + 1, "abc"))
    assert stream.kept[-1].sequence == writer.last == FIRST + 2


@pytest.mark.parametrize("fault", [ConnectionError("away"), b"gap", OSError("reset")])
async def test_after_a_fault_the_whole_is_told_and_then_what_follows(fault: Any) -> None:
    stream = Stream(b"ok", fault)
    async with writing(stream) as writer:
        begun = started(RUN)
        await writer.send(begun)
        await writer.flush()
        await writer.send(Delta("a"))
        await writer.send(CALL)
        await stream.until(tried=2)
        await stream.until(kept=3)
        await writer.send(Delta("b"))
    whole = Snapshot((TextPart("a"),), (CALL,))
    assert [frame.event for frame in stream.kept[1:]] == [begun, whole, Delta("b")]
    assert sequences(stream.kept[1:]) == [FIRST, FIRST + 2, FIRST + 3]


async def test_an_answer_of_redis_that_does_not_come_is_not_waited_for() -> None:
    never, stream = asyncio.Event(), Stream()
    stream.answers = [never]
    async with writing(stream, msgspec.structs.replace(LIMITS, answer=0.02)) as writer:
        for piece in "abcdef":
            await writer.send(Delta(piece))
            await asyncio.sleep(0.01)
    assert text_of(stream.kept) == "abcdef"
    assert isinstance(stream.kept[0].event, Snapshot)


async def test_an_end_that_could_not_be_sent_is_sent_when_that_is_possible() -> None:
    stream = Stream(b"ok", ConnectionError("away"), ConnectionError("away"))
    async with writing(stream) as writer:
        await writer.send(started(RUN))
        await writer.send(Delta("a"))
        await writer.flush()
        end = ended(RUN, writer.last + 1, "a")
        await writer.send(end)
        await stream.until(tried=4)
    assert stream.kept[-1] == Frame(FIRST + 2, end)


async def test_the_end_has_the_sequence_that_was_recorded() -> None:
    stream = Stream()
    async with writing(stream) as writer:
        await writer.send(started(RUN))
        await writer.send(ended(RUN, FIRST + 7, "a"))
    assert sequences(stream.kept) == [FIRST, FIRST + 7]


async def test_the_whole_is_told_every_so_many_frames() -> None:
    stream = Stream()
    async with writing(
        stream, msgspec.structs.replace(LIMITS, snapshot_every=10, gather=0.0)
    ) as writer:
        await writer.send(started(RUN))
        for _ in range(35):
            await writer.send(Delta("x"))
            await writer.flush()
    wholes = [frame.sequence for frame in stream.kept if isinstance(frame.event, Snapshot)]
    assert wholes == [FIRST + 10, FIRST + 20, FIRST + 30]
    assert (text_of(stream.kept), without_gaps(stream.kept)) == ("x" * 35, True)


async def test_a_result_that_is_too_large_for_frames_is_left_to_the_log() -> None:
    stream = Stream()
    part = ToolPart(id="1", name="ask", arguments={}, result={"rows": ["x" * 100]})
    async with writing(stream, msgspec.structs.replace(LIMITS, result=50)) as writer:
        await writer.send(ToolReturned(part))
    (frame,) = stream.kept
    shortened = msgspec.structs.replace(part, result={"omitted_bytes": 113})
    assert frame.event == ToolReturned(shortened)


async def test_a_worker_that_another_has_overtaken_sends_nothing_more() -> None:
    stream = Stream(b"ok", b"overtaken")
    async with writing(stream) as writer:
        await writer.send(started(RUN))
        await writer.flush()
        await writer.send(Delta("a"))
        await writer.flush()
        await writer.send(Delta("b"))
        await writer.flush()
    assert (len(stream.tried), len(stream.kept)) == (2, 1)


async def test_whoever_writes_for_somebody_who_was_erased_learns_it() -> None:
    stream = Stream(b"ok", SubjectGone("erased"))
    async with writing(stream) as writer:
        await writer.send(started(RUN))
        await writer.flush()
        await writer.send(Delta("a"))
        with pytest.raises(SubjectGone):
            await writer.flush()
        with pytest.raises(SubjectGone):
            await writer.send(Delta("b"))
    assert [type(frame.event) for frame in stream.kept] == [Started]


async def test_frames_that_follow_name_the_one_before_them() -> None:
    stream = Stream()
    async with writing(stream) as writer:
        await writer.send(started(RUN))
        await writer.flush()
        await writer.send(CALL)
        await writer.flush()
        await writer.send(Ended(ended(RUN, FIRST + 2, "a").run))
    assert stream.before == [FIRST - 1, FIRST, FIRST + 1]

"""Nobody who listens to a run is left hanging: what its frames do not tell, the log does."""

import asyncio
from contextlib import aclosing

import pytest

from contexts.conversations.application import following
from contexts.conversations.application.content import TextPart
from contexts.conversations.application.following import Following, told_all
from contexts.conversations.application.frames import Delta, Ended, Frame, Snapshot
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.application.stream_heads import StreamHeads
from followed import Followed
from listening import PATIENCE, ended, started, text_of, without_gaps
from shared.application.bus import Bus
from shared.application.event_store import Append, NewEvent
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore

FIRST = 1_000_000
ONE = TextPart("One.")


async def test_frames_are_passed_on_until_the_end() -> None:
    run = Followed()
    run.frames.arrived = [
        Frame(FIRST, started(run.id)),
        Frame(FIRST + 1, Delta("One.")),
        Frame(FIRST + 2, ended(run.id, FIRST + 2, "One.")),
        Frame(FIRST + 3, Delta("never told")),
    ]
    assert await run.listen() == run.frames.arrived[:3]


async def test_an_end_that_only_the_log_tells_of_is_heard_with_all_that_was_missed() -> None:
    run = Followed()
    run.frames.arrived = [Frame(FIRST, started(run.id)), Frame(FIRST + 1, Delta("On"))]
    listening = run.listening()
    await run.until_heard()
    await run.end(FIRST + 3, ONE)
    heard = await listening
    assert heard[2:] == [
        Frame(FIRST + 2, Snapshot((ONE,))),
        Frame(FIRST + 3, Ended(run.shown)),
    ]
    assert (text_of(heard), without_gaps(heard)) == ("One.", True)


async def test_whoever_missed_nothing_hears_only_the_end_from_the_log() -> None:
    run = Followed()
    run.frames.arrived = [Frame(FIRST, started(run.id)), Frame(FIRST + 1, Delta("One."))]
    listening = run.listening()
    await run.until_heard()
    await run.end(FIRST + 2, ONE)
    assert (await listening)[2:] == [Frame(FIRST + 2, Ended(run.shown))]


async def test_of_a_run_that_has_ended_the_log_tells_all() -> None:
    run = Followed()
    await run.end(FIRST + 9, ONE)
    heard = await run.listen()
    assert [frame.sequence for frame in heard] == [FIRST + 8, FIRST + 9]
    assert text_of(heard) == "One."
    assert [frame.sequence for frame in await run.listen(FIRST + 8)] == [FIRST + 9]


async def test_whoever_was_told_the_end_is_told_nothing() -> None:
    run = Followed()
    await run.end(FIRST + 9, ONE)
    assert told_all(run.shown, FIRST + 9)
    assert await run.listen(FIRST + 9) == []


async def test_whoever_was_told_of_an_attempt_that_does_not_count_is_told_the_end_once() -> None:
    run = Followed()
    await run.end(FIRST + 9, ONE)
    heard = await run.listen(2 * FIRST + 3)
    assert text_of(heard) == "One."
    assert [type(frame.event) for frame in heard] == [Snapshot, Ended]
    assert min(frame.sequence for frame in heard) > 2 * FIRST + 3
    assert await run.listen(heard[-1].sequence) == []


async def test_a_run_that_ended_before_anything_was_sent_is_told_once() -> None:
    run = Followed()
    await run.end(0)
    heard = await run.listen()
    assert [frame.sequence for frame in heard] == [0, 1]
    assert await run.listen(heard[-1].sequence) == []


async def test_an_end_that_was_recorded_just_before_anybody_listened_is_heard() -> None:
    run = Followed()
    before = run.shown
    await run.end(FIRST + 9, ONE)
    assert text_of(await run.listen(known=before)) == "One."


async def test_any_number_of_listeners_cost_one_look_at_the_log() -> None:
    run = Followed()
    listeners = [run.listening() for _ in range(50)]
    await run.until_heard(50)
    looks, asked = run.log.looks, run.asked
    await run.end(FIRST, ONE)
    for listener in listeners:
        assert text_of(await listener) == "One."
    assert run.asked - asked == 1
    assert run.log.looks - looks < 50


async def test_when_nobody_listens_nobody_looks() -> None:
    run = Followed()
    listening = run.listening()
    await run.until_heard()
    await run.end(FIRST, ONE)
    await listening
    await asyncio.sleep(0.03)
    looks = run.log.looks
    await asyncio.sleep(0.05)
    assert (run.log.looks, run.frames.listeners) == (looks, 0)


async def test_a_run_that_nobody_may_see_any_more_is_not_told_of() -> None:
    run = Followed()
    listening = run.listening()
    await run.until_heard()
    await run.change(None)
    assert await listening == []


async def test_a_log_that_can_not_be_read_for_a_while_is_read_again() -> None:
    run = Followed()
    broken: list[Exception] = [OSError("away"), OSError("away")]

    async def get(query: GetRun) -> RunShown:
        if broken:
            raise broken.pop()
        return run.shown

    run.bus = Bus()
    run.bus.serve({GetRun: get})
    run.following = Following(run.bus, run.frames, run.heads)  # type: ignore[arg-type]
    listening = run.listening()
    await run.until_heard()
    await run.end(FIRST, ONE)
    assert text_of(await listening) == "One."
    assert not broken


async def test_what_goes_wrong_for_one_keeps_nobody_else_waiting() -> None:
    store = MemoryEventStore()
    heads, told = StreamHeads(store, 0.005), asyncio.Event()
    for stream in ("a-1", "b-1"):
        await store.append([Append(stream, 0, [NewEvent("x", b"{}")])])

    async def breaks() -> None:
        raise ValueError("always")

    async def tells() -> None:
        told.set()

    with heads.watch("a-1", breaks), heads.watch("b-1", tells):
        async with asyncio.timeout(PATIENCE):
            await told.wait()


async def test_streams_end_soon_when_the_process_stops() -> None:
    run = Followed()
    listening = run.listening()
    await run.until_heard()
    await run.following.close()
    assert await listening == []


async def test_a_listener_is_told_now_and_then_that_nothing_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "HEARTBEAT", 0.02)
    run = Followed()
    async with aclosing(run.following.follow(run.owner, run.shown)) as frames:
        assert [await anext(frames) for _ in range(3)] == [None] * 3

"""Frames reach everybody who listens to a run, in order and without a gap, whatever Redis does."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest

from bootstrap import Application
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
from contexts.conversations.infrastructure.redis_frames import RedisFrames
from contexts.conversations.infrastructure.run_listeners import HELD
from contexts.conversations.infrastructure.run_streams import StreamLimits
from listening import (
    PATIENCE,
    Listening,
    ended,
    new_run,
    process,
    process_of,
    started,
    text_of,
    without_gaps,
)
from listings import CLOSED
from shared.application.personal import EraseSubject, SubjectGone, Vault
from shared.domain.personal import Sealed

FIRST = 1_000_000
EAGER = StreamLimits(gather=0.0)
"""Every piece is a frame of its own, if it is sent before the next is said."""


@pytest.fixture
async def owner(application: Application) -> UUID:
    return await application.vault().subject(uuid4().hex)


@pytest.fixture
async def here(application: Application) -> AsyncIterator[RedisFrames]:
    async with process_of(application, EAGER) as frames:
        yield frames


class CountingVault:
    """Fits Vault; `opened` is how many boxes were."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.opened = 0
        self.subject, self.find, self.seal = vault.subject, vault.find, vault.seal

    async def open(self, *sealed: Sealed) -> tuple[bytes | None, ...]:
        self.opened += len(sealed)
        return await self._vault.open(*sealed)


async def empty(application: Application) -> None:
    """Every key of this log, as if Redis had lost them; others work on the same Redis."""
    redis = application.redis()
    for key in await redis.keys(f"marquee:{{{application.log().id}}}*"):
        await redis.delete(key)


async def test_a_listener_hears_every_frame_in_order_until_the_end(
    here: RedisFrames, owner: UUID
) -> None:
    run = new_run()
    part = ToolPart(id="1", name="search", arguments={"q": "jazz"}, result={"rows": [1]})
    listener = Listening(here, run, owner)
    async with here.sending(run, owner, 1) as writer:
        events = [
            started(run),
            Delta("Look"),
            ToolCalled("1", "search", {"q": "jazz"}),
            ToolReturned(part),
            Delta("One."),
        ]
        for event in events:
            await writer.send(event)
            await writer.flush()
        assert writer.last == FIRST + 4
        events.append(ended(run, FIRST + 5, "One."))
        await writer.send(events[-1])
    heard = await listener.to_the_end()
    assert [frame.event for frame in heard] == events
    assert listener.sequences == list(range(FIRST, FIRST + 6))


async def test_a_listener_who_comes_late_or_back_hears_the_rest_from_another_process(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run = new_run()
    async with here.sending(run, owner, 1) as writer, process_of(application, EAGER) as there:
        await writer.send(started(run))
        for word in ("a", "b", "c"):
            await writer.send(Delta(word))
            await writer.flush()
        late, back = Listening(there, run, owner), Listening(there, run, owner, FIRST + 2)
        await late.until(text="abc")
        await writer.send(Delta("d"))
        await back.until(text="cd")
        await writer.send(ended(run, writer.last + 1, "abcd"))
        assert [frame.sequence for frame in await late.to_the_end()] == [*range(FIRST, FIRST + 6)]
        assert [frame.sequence for frame in await back.to_the_end()] == [
            *range(FIRST + 3, FIRST + 6)
        ]


async def test_frames_survive_redis_emptied_in_the_middle_of_an_answer(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run = new_run()
    async with process_of(application) as there, here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        await writer.send(Delta("Before, "))
        near, far = Listening(here, run, owner), Listening(there, run, owner)
        await near.until(text="Before, ")
        await far.until(text="Before, ")
        await empty(application)
        await writer.send(Delta("after."))
        late = Listening(there, run, owner)
        for listener in (near, far, late):
            await listener.until(text="Before, after.")
        await writer.send(ended(run, writer.last + 1, "Before, after."))
        for listener in (near, far, late):
            heard = await listener.to_the_end()
            assert without_gaps(heard), listener.sequences
        assert isinstance(late.heard[0].event, Started), "it is told again for whoever comes late"


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_a_connection_that_is_cut_in_the_middle_costs_no_frame(
    application: Application, here: RedisFrames, owner: UUID, kind: str
) -> None:
    run = new_run()
    async with process_of(application) as there, here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        listener = Listening(there, run, owner)
        await listener.until(Started)
        text = ""
        for n in range(60):
            text += f"{n} "
            await writer.send(Delta(f"{n} "))
            if n % 20 == 10:
                await application.redis().client_kill_filter(_type=kind, skipme=True)
            await asyncio.sleep(0.002)
        await writer.send(ended(run, writer.last + 1, text))
        heard = await listener.to_the_end()
        told_live = [frame for frame in heard if not isinstance(frame.event, Ended)]
        assert text_of(told_live) == text
        assert without_gaps(heard)


async def test_a_stream_that_was_trimmed_begins_with_the_whole(
    application: Application, owner: UUID
) -> None:
    run, few = new_run(), StreamLimits(frames=20, snapshot_every=10, gather=0.0)
    async with process_of(application, few) as frames, frames.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        for n in range(400):
            await writer.send(Delta(f"{n} "))
            await writer.flush()
        key = f"marquee:{{{application.log().id}}}:conversations:run:{owner}:{run}"
        kept = await application.redis().xlen(key)
        assert kept < 400
        late, back = Listening(frames, run, owner), Listening(frames, run, owner, FIRST + 5)
        whole = "".join(f"{n} " for n in range(400))
        for listener in (late, back):
            await listener.until(text=whole)
            assert len(listener.heard) <= 11, "no more than it takes"
            assert isinstance(listener.heard[0].event, Snapshot)
            await listener.hang_up()


async def test_whoever_comes_late_hears_the_start_and_then_the_whole(
    application: Application, owner: UUID
) -> None:
    run, often = new_run(), StreamLimits(snapshot_every=10, gather=0.0)
    async with process_of(application, often) as frames, frames.sending(run, owner, 1) as writer:
        begun = started(run)
        await writer.send(begun)
        for n in range(25):
            await writer.send(Delta(f"{n} "))
            await writer.flush()
        late, back = Listening(frames, run, owner), Listening(frames, run, owner, FIRST + 12)
        await late.until(text="".join(f"{n} " for n in range(25)))
        await back.until(text=late.text)
        assert late.heard[0] == Frame(FIRST, begun)
        assert late.sequences[1:] == back.sequences == [*range(FIRST + 20, FIRST + 26)]
        await late.hang_up()
        await back.hang_up()


async def test_a_worker_that_takes_over_takes_back_what_the_first_has_told(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run = new_run()
    async with process_of(application, EAGER) as there:
        async with here.sending(run, owner, 1) as lost:
            await lost.send(started(run))
            await lost.send(Delta("Wrong"))
            await lost.flush()
            listener = Listening(here, run, owner)
            await listener.until(text="Wrong")
            assert await there.parts(run, owner) == (TextPart("Wrong"),)
            async with there.sending(run, owner, 2) as writer:
                await writer.send(started(run, 2))
                await writer.send(Delta("Right"))
                await writer.flush()
                await lost.send(Delta(", and more of it"))
                await lost.flush()
                await listener.until(text="Right")
                assert await here.parts(run, owner) == (TextPart("Right"),)
                await writer.send(ended(run, writer.last + 1, "Right"))
        heard = await listener.to_the_end()
    assert [frame.sequence for frame in heard] == [
        *(FIRST, FIRST + 1),
        *(2 * FIRST, 2 * FIRST + 1, 2 * FIRST + 2),
    ]


async def test_a_slow_listener_holds_little_and_misses_nothing(
    here: RedisFrames, owner: UUID
) -> None:
    run, several = new_run(), 3 * HELD
    async with here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        slow = here.follow(run, owner, 0)
        heard = [await anext(slow)]
        quick = Listening(here, run, owner)
        for n in range(several):
            await writer.send(Delta(f"{n} "))
            await writer.flush()
        await quick.until(text="".join(f"{n} " for n in range(several)))
        await writer.send(ended(run, writer.last + 1, quick.text))
        await quick.to_the_end()
        heard += [frame async for frame in slow]
    frames = [frame for frame in heard if frame is not None]
    assert text_of(frames) == quick.text
    assert without_gaps(frames)
    assert len(frames) < len(quick.heard), "it was spared what a later frame told as well"


async def test_any_number_of_listeners_share_one_connection_and_one_opening_of_a_frame(
    application: Application, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    counting = CountingVault(application.vault())
    url, log = application.settings().redis(), application.log()
    async with (
        process_of(application, EAGER) as elsewhere,
        process(url, log, counting, EAGER) as here,
        elsewhere.sending(run, owner, 1) as writer,
    ):
        await writer.send(started(run))
        listeners = [Listening(here, run, owner) for _ in range(100)]
        for listener in listeners:
            await listener.until(Started)
        key = f"marquee:{{{log.id}}}:conversations:run:{owner}:{run}"
        assert await redis.pubsub_numsub(key) == [(key.encode(), 1)]
        counting.opened = 0
        for n in range(20):
            await writer.send(Delta(f"{n} "))
            await writer.flush()
        for listener in listeners:
            await listener.until(text="".join(f"{n} " for n in range(20)))
        assert counting.opened == 20
        await writer.send(ended(run, writer.last + 1, listeners[0].text))
        for listener in listeners:
            assert without_gaps(await listener.to_the_end())


async def test_channels_that_nobody_listens_to_any_more_are_left(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    first, second = Listening(here, run, owner), Listening(here, run, owner)
    async with here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        await first.until(Started)
        await second.until(Started)
        await first.hang_up()
        await writer.send(Delta("still here"))
        await second.until(text="still here")
        await second.hang_up()
    async with asyncio.timeout(PATIENCE):
        while await redis.pubsub_channels(f"*{owner}*"):
            await asyncio.sleep(0.01)


async def test_frames_hold_nothing_that_can_be_read_without_the_key_of_their_owner(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    heard: list[bytes] = []
    async with redis.pubsub() as eavesdropper, here.sending(run, owner, 1) as writer:
        await eavesdropper.psubscribe("*")
        await eavesdropper.get_message(timeout=PATIENCE)
        await writer.send(started(run))
        await writer.send(Delta("my secret"))
        await writer.flush()
        for _ in range(2):
            message = await eavesdropper.get_message(timeout=PATIENCE)
            assert message is not None
            heard.append(message["data"])
    (key,) = await redis.keys(f"*:conversations:run:{owner}:{run}")
    assert b"secret" not in await redis.dump(key)
    assert all(b"secret" not in message for message in heard)


async def test_nothing_is_told_of_somebody_who_was_erased(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    async with here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        await writer.send(Delta("my secret"))
        await writer.flush()
        await application.bus()(EraseSubject(str(owner)))
        await here.forget(owner)
        assert await redis.keys(f"*{owner}*") == []
        await writer.send(Delta(", and more"))
        with pytest.raises(SubjectGone):
            await writer.flush()
    assert await redis.keys(f"*{owner}*") == []
    assert await here.parts(run, owner) == ()


async def test_forgetting_somebody_leaves_the_frames_of_others(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    other, run = await application.vault().subject(uuid4().hex), new_run()
    for each in (owner, other):
        async with here.sending(run, each, 1) as writer:
            await writer.send(started(run))
            await writer.send(Delta("Hi"))
    await here.forget(owner)
    assert await here.parts(run, owner) == ()
    assert await here.parts(run, other) == (TextPart("Hi"),)


async def test_streams_are_not_kept_for_ever(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    key = f"marquee:{{{application.log().id}}}:conversations:run:{owner}:{run}"
    async with here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        await writer.flush()
        assert 3_000 <= await redis.ttl(key) <= 3_600
        await writer.send(ended(run, writer.last + 1, ""))
        await writer.flush()
        assert 600 <= await redis.ttl(key) <= 900


async def test_a_message_lost_on_its_way_is_read_from_the_stream(
    application: Application, here: RedisFrames, owner: UUID
) -> None:
    run, redis = new_run(), application.redis()
    key = f"marquee:{{{application.log().id}}}:conversations:run:{owner}:{run}"
    async with here.sending(run, owner, 1) as writer:
        await writer.send(started(run))
        listener = Listening(here, run, owner)
        await listener.until(Started)
        (sealed,) = await application.vault().seal(
            owner, msgspec.json.encode(Frame(FIRST + 1, Delta("unheard")))
        )
        await redis.xadd(key, {"piece": sealed.box}, id=f"{FIRST + 1}-0")
        await listener.until(text="unheard")
        await listener.hang_up()


async def test_without_redis_nothing_is_heard_and_nobody_waits(
    application: Application, owner: UUID
) -> None:
    run = new_run()
    async with process(CLOSED, application.log(), application.vault()) as frames:
        async with frames.sending(run, owner, 1) as writer:
            await writer.send(started(run))
            for _ in range(100):
                await writer.send(Delta("x"))
            assert writer.last == FIRST + 1, "all of it was taken before anything was tried"
        following = frames.follow(run, owner, 0)
        assert [await anext(following) for _ in range(3)] == [None] * 3
        await following.aclose()
        assert await frames.parts(run, owner) == ()

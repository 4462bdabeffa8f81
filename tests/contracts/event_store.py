"""What every event store promises, in memory and in PostgreSQL alike."""

import asyncio

import msgspec
import pytest

from shared.application.context import Context, noting_positions, running_in
from shared.application.event_store import (
    Append,
    EventStore,
    Head,
    NewEvent,
    StreamArchived,
    VersionConflict,
)

TYPES = ["test.happened", "test.other"]


def happened(*names: str, type: str = TYPES[0]) -> list[NewEvent]:
    return [NewEvent(type, msgspec.json.encode({"type": type, "name": name})) for name in names]


def names(events: object) -> list[str]:
    return [msgspec.json.decode(event.data)["name"] for event in events]  # type: ignore[attr-defined]


class EventStoreContract:
    @pytest.fixture
    def store(self) -> EventStore:
        raise NotImplementedError

    async def test_what_was_appended_is_read_in_order(self, store: EventStore) -> None:
        await store.append([Append("a-1", 0, happened("one", "two"))])
        await store.append([Append("a-1", 2, happened("three"))])
        history = (await store.read(["a-1"]))["a-1"]
        assert names(history) == ["one", "two", "three"]
        assert [event.version for event in history] == [1, 2, 3]
        positions = [event.position for event in history]
        assert positions == sorted(set(positions))

    async def test_a_stream_that_was_never_written_is_left_out(self, store: EventStore) -> None:
        await store.append([Append("a-1", 0, happened("one"))])
        assert list(await store.read(["a-1", "a-2"])) == ["a-1"]
        assert list(await store.heads(["a-1", "a-2"])) == ["a-1"]

    @pytest.mark.parametrize("expected", [0, 2, 7])
    async def test_an_append_that_expects_another_version_is_refused(
        self, store: EventStore, expected: int
    ) -> None:
        await store.append([Append("a-1", 0, happened("one"))])
        with pytest.raises(VersionConflict):
            await store.append([Append("a-1", expected, happened("two"))])
        assert names((await store.read(["a-1"]))["a-1"]) == ["one"]

    async def test_an_append_to_many_streams_is_all_or_nothing(self, store: EventStore) -> None:
        await store.append([Append("a-2", 0, happened("one"))])
        with pytest.raises(VersionConflict):
            await store.append(
                [Append("a-1", 0, happened("new")), Append("a-2", 0, happened("late"))]
            )
        assert list(await store.read(["a-1", "a-2"])) == ["a-2"]

    async def test_of_writers_on_one_version_one_is_accepted(self, store: EventStore) -> None:
        results = await asyncio.gather(
            *(store.append([Append("a-1", 0, happened(str(n)))]) for n in range(8)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, int) for result in results) == 1
        assert sum(isinstance(result, VersionConflict) for result in results) == 7
        assert len((await store.read(["a-1"]))["a-1"]) == 1

    async def test_the_head_tells_version_and_last_fingerprint(self, store: EventStore) -> None:
        await store.append([Append("a-1", 0, happened("one", "two"), fingerprint="f1")])
        assert (await store.heads(["a-1"]))["a-1"] == Head(2, "f1")
        await store.append([Append("a-1", 2, happened("three"))])
        assert (await store.heads(["a-1"]))["a-1"] == Head(3, None)

    async def test_events_remember_the_context_they_were_appended_in(
        self, store: EventStore
    ) -> None:
        context = Context(
            correlation_id="c", causation_id="b", actor="me", traceparent="t", tenant="acme"
        )
        with running_in(context):
            await store.append([Append("a-1", 0, happened("one"))])
            (event,) = (await store.read(["a-1"]))["a-1"]
        about = event.metadata
        assert (about.correlation_id, about.causation_id) == ("c", "b")
        assert (about.actor, about.traceparent, event.tenant) == ("me", "t", "acme")

    async def test_tenants_do_not_see_each_other(self, store: EventStore) -> None:
        with running_in(Context(correlation_id="c", tenant="acme")):
            await store.append([Append("a-1", 0, happened("theirs"))])
        assert not await store.read(["a-1"])
        assert not await store.heads(["a-1"])
        await store.append([Append("a-1", 0, happened("ours"))])
        assert names((await store.read(["a-1"]))["a-1"]) == ["ours"]

    async def test_a_follower_gets_the_log_in_slices_of_the_types_it_wants(
        self, store: EventStore
    ) -> None:
        await store.append([Append("a-1", 0, happened("one", "two"))])
        await store.append([Append("a-2", 0, happened("skipped", type=TYPES[1]))])
        await store.append([Append("a-2", 1, happened("three"))])
        first = await store.follow(0, types=TYPES[:1], limit=2)
        assert names(first.events) == ["one", "two"]
        rest = await store.follow(first.upto, types=TYPES[:1], limit=2)
        assert names(rest.events) == ["three"]
        end = await store.follow(rest.upto, types=TYPES[:1], limit=2)
        assert (list(end.events), end.upto) == ([], rest.upto)

    async def test_what_is_empty_or_names_a_stream_twice_is_a_mistake(
        self, store: EventStore
    ) -> None:
        with pytest.raises(ValueError, match="each of them once"):
            await store.append([])
        twice = [Append("a-1", 0, happened("one")), Append("a-1", 1, happened("two"))]
        with pytest.raises(ValueError, match="each of them once"):
            await store.append(twice)
        with pytest.raises(ValueError, match="at least one event"):
            await store.append([Append("a-1", 0, happened("one")), Append("a-2", 0, [])])
        assert not await store.read(["a-1", "a-2"])

    async def test_a_stream_that_is_asked_for_twice_is_read_once(self, store: EventStore) -> None:
        await store.append([Append("a-1", 0, happened("one"))])
        assert names((await store.read(["a-1", "a-2", "a-1"]))["a-1"]) == ["one"]

    async def test_an_archived_stream_is_read_and_followed_as_before(
        self, store: EventStore
    ) -> None:
        await store.append([Append("a-1", 0, happened("one"))])
        await store.append([Append("a-2", 0, happened("two"))])
        await store.append([Append("a-1", 1, happened("three"), fingerprint="f")])
        before = await store.read(["a-1", "a-2"]), await store.heads(["a-1", "a-2"])
        followed = await store.follow(0, types=TYPES, limit=10)
        assert await store.archive(["a-1", "a-none"]) == 2
        assert (await store.read(["a-1", "a-2"]), await store.heads(["a-1", "a-2"])) == before
        assert await store.follow(0, types=TYPES, limit=10) == followed
        assert names(followed.events) == ["one", "two", "three"]
        assert await store.archive(["a-1"]) == 0

    @pytest.mark.parametrize("expected", [0, 1, 2])
    async def test_nothing_is_added_to_an_archived_stream(
        self, store: EventStore, expected: int
    ) -> None:
        await store.append([Append("a-1", 0, happened("one"))])
        await store.append([Append("a-2", 0, happened("one"))])
        await store.archive(["a-1"])
        late = Append("a-1", expected, happened("late"))
        with pytest.raises(StreamArchived, match="a-1 is in the archive"):
            await store.append([late])
        with pytest.raises(StreamArchived, match="a-1 is in the archive"):
            await store.append([Append("a-2", 1, happened("two")), late])
        found = await store.read(["a-1", "a-2"])
        assert (names(found["a-1"]), names(found["a-2"])) == (["one"], ["one"])

    async def test_the_archive_of_one_tenant_is_not_that_of_another(
        self, store: EventStore
    ) -> None:
        await store.append([Append("a-1", 0, happened("ours"))])
        with running_in(Context(correlation_id="c", tenant="acme")):
            await store.append([Append("a-1", 0, happened("theirs"))])
            assert await store.archive(["a-1"]) == 1
        await store.append([Append("a-1", 1, happened("ours again"))])
        assert len((await store.read(["a-1"]))["a-1"]) == 2

    async def test_whoever_asks_is_told_how_far_the_log_was_written_or_read(
        self, store: EventStore
    ) -> None:
        first = await store.append([Append("a-1", 0, happened("one"))])
        last = await store.append([Append("a-2", 0, happened("two"))])
        with noting_positions() as reached:
            assert reached.position is None
            await store.read(["a-1", "a-none"])
            assert reached.position == first
            await store.read(["a-2"])
            await store.read(["a-1"])
            assert reached.position == last
            with pytest.raises(VersionConflict):
                await store.append([Append("a-1", 0, happened("late"))])
            assert reached.position == last
            position = await store.append([Append("a-1", 1, happened("three"))])
            assert reached.position == position > last

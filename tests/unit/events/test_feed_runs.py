"""The road from a feed to events, on memory: taken in, left alone, set aside, delisted."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.events.application.feed_runs import FeedBusy, FeedRuns, RunFeed
from contexts.events.application.ports import (
    FeedFailed,
    Fetched,
    Outcome,
    Plan,
    Provider,
    Validators,
)
from contexts.events.application.taking_in import (
    DelistEvents,
    TakeInPlans,
    delist_events,
    take_in_plans,
)
from contexts.events.domain.event import Event, EventChange
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import ProviderRun, Quarantined, RunChange, RunReport
from shared.application.bus import Bus
from shared.application.codec import Codec
from shared.application.repository import Repository
from shared.domain.aggregate import kinds_of
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACME = Provider("acme", url="https://acme.example/feed?key=secret")


def plan(id: str, title: str = "Jazz", **changes: object) -> Plan:
    stated = Plan(
        base_id=id,
        plan_id=id,
        title=title,
        starts_at=datetime(2026, 7, 3, 21),
        ends_at=datetime(2026, 7, 3, 23),
        sell_mode="online",
        sell_from=None,
        sell_to=None,
        sold_out=False,
        organizer=None,
        zones=(Zone("1", "Stalls", Decimal(30), 10),),
    )
    return msgspec.structs.replace(stated, **changes)


class FakeFeed:
    """A provider, its source and its parser in one: `answer` is what it says next."""

    def __init__(self) -> None:
        self.answer: Sequence[Plan | Quarantined | Exception] | Exception | None = []
        self.asked: list[Validators] = []
        self.validators = Validators(etag='"1"')

    @asynccontextmanager
    async def fetch(self, url: str, known: Validators) -> AsyncIterator[Fetched]:
        self.asked.append(known)
        if isinstance(self.answer, Exception):
            raise self.answer
        path = None if self.answer is None else Path("feed")
        yield Fetched(path, self.validators, bytes=100)

    def __call__(self, path: Path) -> Iterator[Plan | Quarantined]:
        assert isinstance(self.answer, Sequence)
        for item in self.answer:
            if isinstance(item, Exception):
                raise item
            yield item


class MemoryFeeds:
    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.held_by: UUID | None = None

    async def claim(self, provider: str, run_id: UUID) -> bool:
        if self.held_by not in (None, run_id):
            return False
        self.held_by = run_id
        return True

    async def last(self, provider: str) -> Outcome | None:
        return self.outcomes.get(provider)

    async def end(self, provider: Provider, outcome: Outcome) -> None:
        self.outcomes[provider.name] = outcome
        self.held_by = None


class World:
    """The events context on memory, with one provider."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.codec = Codec([*kinds_of(EventChange), *kinds_of(RunChange)])
        self.events = Repository(Event, self.store, self.codec)
        self.runs = Repository(ProviderRun, self.store, self.codec)
        self.feed, self.feeds, bus = FakeFeed(), MemoryFeeds(), Bus()
        bus.serve(
            {
                TakeInPlans: lambda command: take_in_plans(command, self.events),
                DelistEvents: lambda command: delist_events(command, self.events),
            }
        )
        self.feed_runs = FeedRuns(
            bus=bus,
            runs=self.runs,
            events=self.events,
            feeds=self.feeds,
            listed=self._listed,
            sources=self.feed,
            parsers={"auto": self.feed},
            clock=lambda: NOW,
        )

    async def run(
        self, *answer: Plan | Quarantined | Exception, run_id: UUID | None = None
    ) -> RunReport:
        self.feed.answer = answer
        return await self.feed_runs.run(RunFeed(ACME, run_id))

    def types(self) -> list[str]:
        return [stored.type.removeprefix("events.") for stored in self.store.log]

    async def _listed(self, provider: str) -> Sequence[UUID]:
        listed: dict[UUID, bool] = {}
        for stored in self.store.log:
            if stored.stream.startswith("event-"):
                id = UUID(stored.stream.removeprefix("event-"))
                if stored.type in ("events.event_announced", "events.event_relisted"):
                    listed[id] = True
                elif stored.type == "events.event_delisted":
                    listed[id] = False
        return [id for id, is_listed in listed.items() if is_listed]


@pytest.fixture
def world() -> World:
    return World()


async def test_new_plans_are_announced_and_the_run_is_recorded(world: World) -> None:
    report = await world.run(plan("1"), plan("2"))
    assert world.types() == ["event_announced", "event_announced", "run_completed"]
    assert (report.plans, report.announced, report.events) == (2, 2, 2)
    assert report.source == "https://acme.example/feed"


async def test_an_unchanged_feed_appends_nothing_at_all(world: World) -> None:
    await world.run(plan("1"), plan("2"), Quarantined("no date", "3", "3"))
    before = len(world.store.log)
    report = await world.run(plan("1"), plan("2"), Quarantined("no date", "3", "3"))
    assert len(world.store.log) == before
    assert (report.unchanged, report.events, report.quarantined) == (2, 0, 1)


async def test_a_changed_plan_records_what_is_different(world: World) -> None:
    await world.run(plan("1"), plan("2"))
    report = await world.run(plan("1"), plan("2", title="More jazz"))
    assert world.types()[3:] == ["event_renamed", "run_completed"]
    assert (report.changed, report.unchanged, report.events) == (1, 1, 1)


async def test_a_plan_that_goes_back_to_what_it_was_is_a_change_too(world: World) -> None:
    for title in ("Jazz", "Blues", "Jazz"):
        await world.run(plan("1", title=title))
    assert world.types().count("event_renamed") == 2


async def test_another_time_zone_is_another_time(world: World) -> None:
    await world.run(plan("1"))
    world.feed.answer = [plan("1")]
    await world.feed_runs.run(RunFeed(msgspec.structs.replace(ACME, timezone="Europe/London")))
    assert "event_rescheduled" in world.types()


async def test_an_implausible_plan_is_quarantined_and_the_rest_goes_on(world: World) -> None:
    bad = plan("2", zones=(Zone("1", "", Decimal(-1), 1),))
    report = await world.run(plan("1"), bad)
    assert (report.announced, report.quarantined) == (1, 1)
    assert report.quarantine[0].plan_id == "2"
    assert "not a price" in report.quarantine[0].reason


async def test_what_left_a_complete_feed_is_delisted_and_what_returns_is_listed(
    world: World,
) -> None:
    await world.run(plan("1"), plan("2"), plan("3"))
    report = await world.run(plan("1"), plan("2"))
    assert report.delisted == 1
    assert world.types()[-2:] == ["event_delisted", "run_completed"]
    await world.run(plan("1"), plan("2"), plan("3"))
    assert world.types()[-2:] == ["event_relisted", "run_completed"]


async def test_a_plan_that_cannot_be_read_any_more_has_not_left(world: World) -> None:
    await world.run(plan("1"), plan("2"), plan("3"))
    report = await world.run(plan("1"), plan("2"), Quarantined("no date", "3", "3"))
    assert report.delisted == 0


async def test_a_feed_that_shrinks_at_once_needs_a_second_run_to_agree(world: World) -> None:
    await world.run(*map(plan, "1234"))
    report = await world.run(plan("1"))
    assert (report.delisted, report.withheld) == (0, 3)
    assert world.types()[-1] == "run_completed"
    report = await world.run(plan("1"))
    assert (report.delisted, report.withheld) == (3, 0)


async def test_a_feed_that_recovers_delists_nothing(world: World) -> None:
    await world.run(*map(plan, "1234"))
    await world.run(plan("1"))
    report = await world.run(*map(plan, "1234"))
    assert (report.delisted, report.withheld) == (0, 0)
    assert "event_delisted" not in world.types()


async def test_a_feed_that_awaits_a_second_run_is_asked_for_in_full(world: World) -> None:
    await world.run(*map(plan, "1234"))
    await world.run(plan("1"))
    await world.run(plan("1"))
    assert world.feed.asked == [Validators(), Validators(etag='"1"'), Validators()]


@pytest.mark.parametrize("answer", [[plan("2"), FeedFailed("ends early")], FeedFailed("503"), []])
async def test_a_feed_that_breaks_changes_nothing_and_the_run_says_why(
    world: World, answer: Sequence[Plan | Exception] | Exception
) -> None:
    await world.run(plan("1"))
    before = len(world.store.log)
    world.feed.answer = answer
    with pytest.raises(FeedFailed):
        await world.feed_runs.run(RunFeed(ACME))
    assert world.types()[before:] == ["run_failed"]
    assert world.feeds.outcomes["acme"].failures == 1


async def test_a_source_named_by_hand_does_not_count_against_the_feed(world: World) -> None:
    world.feed.answer = FeedFailed("no such file")
    with pytest.raises(FeedFailed):
        await world.feed_runs.run(RunFeed(ACME, source="typo.xml"))
    assert world.types() == ["run_failed"]
    assert world.feeds.outcomes["acme"].failures == 0


async def test_the_first_run_after_a_failed_one_is_recorded(world: World) -> None:
    await world.run(plan("1"))
    with pytest.raises(FeedFailed):
        await world.run(FeedFailed("ends early"))
    await world.run(plan("1"))
    assert world.types()[-2:] == ["run_failed", "run_completed"]
    assert world.feeds.outcomes["acme"].failures == 0


async def test_a_feed_that_was_not_modified_is_unchanged(world: World) -> None:
    await world.run(plan("1"))
    before = len(world.store.log)
    world.feed.answer = None
    await world.feed_runs.run(RunFeed(ACME))
    assert world.feeds.outcomes["acme"].state == "unchanged"
    assert len(world.store.log) == before


async def test_a_run_that_was_asked_for_is_recorded_even_without_news(world: World) -> None:
    await world.run(plan("1"))
    run = ProviderRun.request(uuid4(), "acme", now=NOW)
    await world.runs.save(run)
    await world.run(plan("1"), run_id=run.id)
    assert world.types()[-2:] == ["run_requested", "run_completed"]


async def test_a_run_that_is_delivered_twice_is_recorded_once(world: World) -> None:
    id = uuid4()
    await world.run(plan("1"), run_id=id)
    await world.run(plan("1"), plan("2"), run_id=id)
    assert world.types() == ["event_announced", "run_completed", "event_announced"]


async def test_two_runs_of_a_feed_do_not_cross(world: World) -> None:
    world.feeds.held_by = uuid4()
    with pytest.raises(FeedBusy):
        await world.run(plan("1"))
    assert world.store.log == []


async def test_what_breaks_on_our_side_fails_the_run_and_gives_the_feed_free(
    world: World,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await world.run(plan("1"), ZeroDivisionError())
    assert world.types() == ["run_failed"]
    assert world.feeds.held_by is None

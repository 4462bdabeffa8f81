"""The changes feed: what it tells, whom, and where it goes on."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from contexts.events.application import changes as feed
from contexts.events.application.changes import Changes, ListChanges, list_changes
from contexts.events.domain.event import (
    EventAnnounced,
    EventCancelled,
    EventChange,
    EventRenamed,
    EventSaleChanged,
)
from contexts.events.domain.offer import Sale, Schedule, Zone
from contexts.events.domain.provider_run import RunChange, RunFailed, RunReport
from shared.application.codec import Codec
from shared.application.context import Context, running_in
from shared.application.event_store import Append
from shared.domain.aggregate import kinds_of
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore

ONLINE, OFFLINE = Sale("online"), Sale("offline")
NOW = datetime(2026, 1, 1)
CODEC = Codec([*kinds_of(EventChange), *kinds_of(RunChange)])


class Log:
    def __init__(self) -> None:
        self.store = MemoryEventStore()

    async def says(self, id: UUID, *events: Any, tenant: str = "default") -> None:
        stream = f"event-{id}"
        with running_in(Context("c", tenant=tenant)):
            head = (await self.store.heads([stream])).get(stream)
            await self.store.append(
                [Append(stream, head.version if head else 0, [CODEC.encode(e) for e in events])]
            )

    async def changes(self, after: int = 0, limit: int = 100, wait: float = 0) -> Changes:
        with running_in(Context("c")):
            query = ListChanges(after=after, limit=limit, wait=wait)
            return await list_changes(query, store=self.store, codec=CODEC)

    async def all(self, limit: int) -> list[int]:
        """The positions told, page by page, to somebody who stops when he is up to date."""
        told, after = [], 0
        while True:
            found = await self.changes(after, limit)
            told += [change.position for change in found.data]
            assert len(found.data) <= limit
            if found.up_to_date:
                return told
            assert found.next > after
            after = found.next


@pytest.fixture
def log() -> Log:
    return Log()


def announced(id: UUID, sale: Sale = ONLINE, title: str = "Jazz") -> EventAnnounced:
    zones = (Zone("1", "Stalls", Decimal("12.50"), 3),)
    return EventAnnounced(id, title, Schedule(datetime(2026, 7, 3, 21), None, "UTC"), zones, sale)


async def test_an_event_comes_whole_and_then_change_by_change(log: Log) -> None:
    id = uuid4()
    await log.says(id, announced(id), EventRenamed("Blues"), EventCancelled("storm"))
    found = await log.changes()
    assert [(c.position, c.version, c.type, c.event_id) for c in found.data] == [
        (1, 1, "events.event_announced", id),
        (2, 2, "events.event_renamed", id),
        (3, 3, "events.event_cancelled", id),
    ]
    first, renamed, cancelled = found.data
    assert first.event is not None
    assert (first.event.title, first.event.status) == ("Jazz", "listed")
    assert first.data["zones"][0]["price"] == Decimal("12.50")
    assert (renamed.data, renamed.event) == ({"title": "Blues"}, None)
    assert (cancelled.data, cancelled.event) == ({"reason": "storm"}, None)
    assert (found.next, found.up_to_date) == (3, True)


async def test_what_was_never_on_offer_is_not_told_of(log: Log) -> None:
    id = uuid4()
    await log.says(id, announced(id, OFFLINE), EventRenamed("Secret"))
    assert await log.changes() == Changes([], 2, True)


async def test_an_event_that_comes_on_offer_late_comes_whole_then(log: Log) -> None:
    id = uuid4()
    await log.says(id, announced(id, OFFLINE), EventRenamed("Blues"), EventSaleChanged(ONLINE))
    await log.says(id, EventSaleChanged(OFFLINE), EventRenamed("Soul"))
    found = await log.changes()
    assert [(change.position, change.event is not None) for change in found.data] == [
        (3, True),
        (4, False),
        (5, False),
    ]
    assert found.data[0].event is not None
    assert (found.data[0].event.title, found.data[0].event.version) == ("Blues", 3)
    # Whoever goes on in the middle is told the same.
    assert (await log.changes(after=3)).data == found.data[1:]


async def test_other_tenants_and_other_streams_are_not_told_of(log: Log) -> None:
    ours, theirs = uuid4(), uuid4()
    await log.says(theirs, announced(theirs), tenant="other")
    await log.says(ours, announced(ours))
    with running_in(Context("c")):
        failed = CODEC.encode(
            RunFailed("acme", "away", RunReport(source="", started_at=NOW, finished_at=NOW))
        )
        await log.store.append([Append(f"provider_run-{uuid4()}", 0, [failed])])
    await log.says(theirs, EventRenamed("Theirs"), tenant="other")
    found = await log.changes()
    assert [change.event_id for change in found.data] == [ours]
    assert found.up_to_date


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_page_by_page_nothing_is_skipped_or_told_twice(
    log: Log, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_SLICE", 4)
    monkeypatch.setattr(feed, "_SLICES", 2)
    expected = []
    for number in range(30):
        id, tenant = uuid4(), "other" if 5 <= number < 25 else "default"
        sale = OFFLINE if number % 3 == 0 else ONLINE
        await log.says(id, announced(id, sale), EventRenamed("Blues"), tenant=tenant)
        if (tenant, sale) == ("default", ONLINE):
            expected += [2 * number + 1, 2 * number + 2]
    assert await log.all(limit) == expected


async def test_who_waits_gets_the_change_when_it_comes(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uuid4()
    looks = 0
    follow = log.store.follow

    async def follow_until_it_comes(*arguments: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:
            await log.says(id, announced(id))
        return await follow(*arguments, **options)

    monkeypatch.setattr(log.store, "follow", follow_until_it_comes)
    monkeypatch.setattr(feed, "_PAUSES", (0.001,))
    found = await log.changes(wait=feed.MAX_WAIT)
    assert [change.event_id for change in found.data] == [id]


async def test_who_waits_in_vain_is_told_where_to_go_on(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_PAUSES", (0.001,))
    id = uuid4()
    await log.says(id, announced(id, OFFLINE))
    assert await log.changes(wait=0.01) == Changes([], 1, True)

"""The changes feed and earlier states over HTTP: told in order, told once, and never too much."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bootstrap import Application
from contexts.events.application.changes import ListChanges
from contexts.events.application.commands import AnnounceEvent, AskedZone, CancelEvent, ChangePrices
from listings import Client, event_id, plan, serving, take_in, zone
from settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def changes(client: Client, query: str = "") -> dict[str, Any]:
    response = await client.get(f"/events/changes{query}")
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_a_copy_made_of_the_feed_is_the_catalogue(
    client: Client, application: Application
) -> None:
    await take_in(application, plan("A", "2026-07-01T20:00"), plan("B", "2026-07-02T20:00"))
    await take_in(application, plan("Never", "2026-07-02T20:00", sell_mode="offline"))
    await take_in(application, plan("A", "2026-07-01T21:00"))
    copy: dict[str, list[str]] = {}
    after = 0
    while True:
        found = await changes(client, f"?after={after}&limit=1")
        for change in found["data"]:
            if change["event"] is not None:
                copy[change["event_id"]] = [change["event"]["title"]]
            copy[change["event_id"]].append(change["type"])
        if found["upToDate"]:
            break
        assert found["next"] > after
        after = found["next"]
    assert copy == {
        str(event_id("A")): ["A", "events.event_announced", "events.event_rescheduled"],
        str(event_id("B")): ["B", "events.event_announced"],
    }
    assert await changes(client, f"?after={found['next']}") == {
        "data": [],
        "next": found["next"],
        "upToDate": True,
    }


async def test_whoever_writes_at_the_same_time_each_change_is_told_once(
    application: Application,
) -> None:
    async def write(writer: int) -> None:
        for number in range(10):
            await take_in(application, plan(f"{writer}-{number}", "2026-07-01T20:00"))

    async def read() -> list[UUID]:
        told: list[UUID] = []
        after = 0
        while True:
            written = writing.done()
            found = await application.bus()(ListChanges(after=after, limit=7))
            told += [change.event_id for change in found.data]
            after = found.next
            if written and found.up_to_date:
                return told

    writing = asyncio.gather(*(write(writer) for writer in range(6)))
    told = await asyncio.wait_for(read(), 60)
    assert sorted(told) == sorted(event_id(f"{w}-{n}") for w in range(6) for n in range(10))


async def test_who_waits_is_told_as_soon_as_something_happens(application: Application) -> None:
    waiting = asyncio.create_task(application.bus()(ListChanges(wait=25)))
    await take_in(application, plan("A", "2026-07-01T20:00"))
    found = await asyncio.wait_for(waiting, 20)
    assert [change.event_id for change in found.data] == [event_id("A")]


@pytest.mark.parametrize(
    "query",
    [
        "?after=-1",
        "?after=x",
        "?after=9223372036854775808",
        "?limit=0",
        "?limit=501",
        "?wait=26",
        "?wait=nan",
        "?since=0",
        "?after=1&after=2",
    ],
)
async def test_a_bad_question_is_refused(client: Client, query: str) -> None:
    response = await client.get(f"/events/changes{query}")
    assert response.status_code == 400, response.text
    assert query[1:].partition("=")[0] in response.json()["detail"]


async def test_an_event_is_shown_as_it_was(client: Client, application: Application) -> None:
    bus = application.bus()
    made = await bus(AnnounceEvent("Jazz", datetime(2100, 1, 1), "UTC", zones=(zone("50"),)))
    await bus(ChangePrices(made.id, (AskedZone("1", "Stalls", Decimal(60), 10),)))
    await bus(CancelEvent(made.id, "storm"))
    times = await _recorded(client, made.id)
    for version, time in enumerate(times, start=1):
        shown = await client.get(f"/events/{made.id}", params={"as_of": time})
        assert shown.json()["version"] == version
        assert shown.headers["etag"] == f'"{version}"'
    first = (await client.get(f"/events/{made.id}", params={"as_of": times[0]})).json()
    assert (first["min_price"], first["status"]) == (50, "listed")
    now = (await client.get(f"/events/{made.id}?as_of=2100-01-01T00:00:00Z")).json()
    assert now == (await client.get(f"/events/{made.id}")).json()
    same = await client.get(
        f"/events/{made.id}", params={"as_of": times[0]}, headers={"If-None-Match": '"1"'}
    )
    assert same.status_code == 304


async def test_before_it_was_on_offer_there_was_no_event(
    client: Client, application: Application
) -> None:
    await take_in(application, plan("A", "2026-07-01T20:00", sell_mode="offline"))
    await take_in(application, plan("A", "2026-07-01T20:00"))
    id = event_id("A")
    offline, online = await _recorded(client, id)
    before = datetime.fromisoformat(offline) - timedelta(seconds=1)
    for time in (before.isoformat(), offline):
        response = await client.get(f"/events/{id}", params={"as_of": time})
        assert response.status_code == 404
        assert "was not on offer yet" in response.json()["detail"]
    assert (await client.get(f"/events/{id}", params={"as_of": online})).status_code == 200


async def test_what_was_never_on_offer_was_not_there_at_any_time(
    client: Client, application: Application
) -> None:
    await take_in(application, plan("A", "2026-07-01T20:00", sell_mode="offline"))
    response = await client.get(f"/events/{event_id('A')}?as_of=2026-01-01T00:00:00Z")
    assert response.status_code == 404
    assert response.json()["detail"] == f"no event {event_id('A')}"


@pytest.mark.parametrize(
    "query", ["as_of=yesterday", "as_of=", "as_of=2026-01-01T00:00:00Z&as_of=2026-01-01T00:00:00Z"]
)
async def test_an_instant_that_makes_no_sense_is_refused(client: Client, query: str) -> None:
    response = await client.get(f"/events/{event_id('A')}?{query}")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("as_of:")


async def _recorded(client: Client, id: UUID) -> list[str]:
    history = (await client.get(f"/events/{id}/history")).json()["data"]
    return [entry["recorded_at"] for entry in history]

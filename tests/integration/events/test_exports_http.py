"""Files of any list: iCalendar and CSV, by suffix and by Accept, whole and in order."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import uuid4

import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.application.taking_in import DelistEvents
from contexts.events.presentation import exports
from listings import Client, database_down, event_id, plan, serving, take_in, zone
from servers import Urls
from settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def catalogue(application: Application) -> None:
    """By start: A, D (delisted), =B (sold out), C (from another provider), E (cancelled)."""
    bus = application.bus()
    await take_in(
        application,
        plan("A", "2026-07-01T20:00", "2026-07-01T22:00", zones=(zone("15"), zone("30", 0))),
        plan("=B()", "2026-07-10T21:00", zones=(zone("80"),), sold_out=True),
        plan("D", "2026-07-05T10:00", "2026-07-05T12:00", zones=(zone("20"),)),
        plan("Never", "2026-07-05T10:00", sell_mode="offline"),
    )
    await take_in(application, plan("C", "2026-08-01T10:00", zones=()), provider="other")
    await bus(DelistEvents((event_id("D"),), uuid4()))
    e = await bus(AnnounceEvent("E", datetime(2100, 1, 1), "UTC", zones=(zone("50"),)))
    await bus(CancelEvent(e.id, "storm"))
    await caught_up(application)


async def table(client: Client, query: str = "") -> list[list[str]]:
    response = await client.get(f"/events.csv{query}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(response.text, newline=""), strict=True))


async def summaries(client: Client, query: str = "") -> list[str]:
    response = await client.get(f"/events.ics{query}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = response.text.split("\r\n")
    assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    assert (lines.count("BEGIN:VCALENDAR"), lines.count("END:VCALENDAR")) == (1, 1)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT")
    return [line.removeprefix("SUMMARY:") for line in lines if line.startswith("SUMMARY:")]


async def test_a_table_has_a_row_of_names_and_one_for_each_event(
    client: Client, catalogue: None
) -> None:
    names, *rows = await table(client)
    listed = (await client.get("/events")).json()["data"]
    assert names == list(listed[0])
    assert [row[names.index("id")] for row in rows] == [each["id"] for each in listed]
    first = dict(zip(names, rows[0], strict=True))
    assert (first["starts_at"], first["local_starts_at"], first["min_price"]) == (
        "2026-07-01T20:00:00Z",
        "2026-07-01T20:00:00",
        "15",
    )
    assert (first["available"], first["organizer"]) == ("true", "")


async def test_a_calendar_has_all_events_with_their_state(client: Client, catalogue: None) -> None:
    assert await summaries(client) == ["A", "D", "=B()", "C", "E"]
    text = (await client.get("/events.ics?status=cancelled")).text
    assert "STATUS:CANCELLED" in text
    assert "DTSTART:21000101T000000Z" in text
    assert "SEQUENCE:2" in text


async def test_a_file_takes_the_criteria_and_the_sorting_of_the_list(
    client: Client, catalogue: None
) -> None:
    fields = "fields=title&"
    for query, found in {
        "status=listed&sortBy=title&sortDir=desc": ["C", "A", "=B()"],
        "provider=other": ["C"],
        "title[contains]=nothing": [],
    }.items():
        assert await summaries(client, f"?{query}") == found
        cells = [f"'{title}" if title[0] == "=" else title for title in found]
        assert await table(client, f"?{fields}{query}") == [["title"], *([c] for c in cells)]


@pytest.mark.parametrize("batch", [1, 2, 5, 6])
@pytest.mark.parametrize("sort", ["starts_at", "min_price", "provider"])
async def test_a_file_is_whole_however_many_batches_it_takes(
    client: Client, catalogue: None, monkeypatch: pytest.MonkeyPatch, batch: int, sort: str
) -> None:
    monkeypatch.setattr(exports, "BATCH", batch)
    for direction in ("asc", "desc"):
        query = f"?sortBy={sort}&sortDir={direction}"
        listed = [each["title"] for each in (await client.get(f"/events{query}")).json()["data"]]
        assert len(listed) == 5
        assert await summaries(client, query) == listed
        assert [row[1].lstrip("'") for row in (await table(client, query))[1:]] == listed


async def test_the_list_is_a_file_to_those_who_accept_no_other(
    client: Client, catalogue: None
) -> None:
    for accepted, sent in {
        "text/csv": "text/csv; charset=utf-8",
        "text/calendar": "text/calendar; charset=utf-8",
        "text/calendar, application/json;q=0.5": "text/calendar; charset=utf-8",
        "application/json": "application/json",
        "text/html,application/xhtml+xml,*/*;q=0.8": "application/json",
        "image/png": "application/json",
        "*/*": "application/json",
    }.items():
        response = await client.get("/events?status=listed", headers={"Accept": accepted})
        assert (response.status_code, response.headers["content-type"]) == (200, sent), accepted
        assert response.headers["vary"] == "Accept"
    same = await client.get("/events?sortDir=desc", headers={"Accept": "text/csv"})
    assert same.content == (await client.get("/events.csv?sortDir=desc")).content


@pytest.mark.parametrize(
    "path",
    [
        "/events.csv?page=1",
        "/events.csv?pageSize=10",
        "/events.ics?cursor=x",
        "/events.ics?count=none",
        "/events.ics?fields=title",
        "/events.csv?fields=secret",
        "/events.csv?starts_at=tomorrow",
        "/events.ics?colour=red",
        "/events.ics?sortBy=zones",
    ],
)
async def test_what_no_file_can_be_asked_for_is_refused(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    name = path.partition("?")[2].partition("=")[0]
    assert response.json()["detail"].startswith(f"{name}:")


async def test_without_a_database_a_file_is_refused_and_not_begun(
    client: Client, catalogue: None, servers: Urls, settings: Settings
) -> None:
    with database_down(servers.database, settings.database()):
        response = await client.get("/events.csv")
    assert response.status_code == 503


async def test_the_openapi_document_tells_of_files(client: Client) -> None:
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    named = {each["name"] for each in paths["/events.csv"]["get"]["parameters"]}
    assert {"starts_at", "q", "sortBy", "filter", "fields"} <= named
    assert not named & {"page", "pageSize", "cursor", "count"}
    assert "text/calendar" in paths["/events.ics"]["get"]["responses"]["200"]["content"]

"""GET /events by cursor, with and without totals, and with some of the fields only."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.queries import EVENT_FIELDS, EventListed, EventShown
from listings import Client, plan, serving, take_in, zone
from settings import Settings

START = datetime(2026, 7, 1, 10)
COUNT = 23


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def catalogue(application: Application) -> None:
    """Events with equal and with unknown values; some last for days."""
    await take_in(
        application,
        *(
            plan(
                f"{number:02}" if number % 3 else "é" * 1_000,
                (START + timedelta(days=number % 5)).isoformat(),
                (START + timedelta(days=number % 5 + number % 4)).isoformat()
                if number % 2
                else None,
                plan_id=str(number),
                zones=(zone("15"), zone(str(number % 4))) if number % 3 else (),
            )
            for number in range(COUNT)
        ),
    )
    await caught_up(application)


async def asked(client: Client, **query: Any) -> dict[str, Any]:
    response = await client.get("/events", params=query)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def refused(client: Client, path: str = "/events", **query: Any) -> str:
    response = await client.get(path, params=query)
    assert response.status_code == 400, response.text
    return f"{response.json()['type'].rpartition('#')[2]}: {response.json()['detail']}"


def ids(page: dict[str, Any]) -> list[str]:
    return [event["id"] for event in page["data"]]


@pytest.mark.parametrize("by", EVENT_FIELDS.sortable)
@pytest.mark.parametrize("way", ["asc", "desc"])
async def test_cursors_lead_through_a_list_by_any_field_and_back(
    client: Client, catalogue: None, by: str, way: str
) -> None:
    query = {"sortBy": by, "sortDir": way}
    whole = ids(await asked(client, **query, pageSize=100))
    assert len(whole) == COUNT
    page = await asked(client, **query, pageSize=5)
    walked, last = ids(page), page
    while page["nextCursor"]:
        # How many, which fields and whether to count may change on the way.
        size = 3 + len(walked) % 4
        page = await asked(
            client, **query, pageSize=size, cursor=page["nextCursor"], fields="id", count="exact"
        )
        assert (page["page"], page["pageSize"], page["totalRows"]) == (None, size, COUNT)
        walked += ids(page)
        last = page
    assert walked == whole
    back = ids(last)
    while last["previousCursor"]:
        last = await asked(client, **query, pageSize=4, cursor=last["previousCursor"])
        assert (last["totalRows"], last["totalPages"], last["totalRowsExact"]) == (None,) * 3
        back = ids(last) + back
    assert back == whole


async def test_a_page_says_how_many_rows_there_are_as_exactly_as_it_is_asked_to(
    client: Client, catalogue: None
) -> None:
    def totals(page: dict[str, Any]) -> tuple[Any, ...]:
        return page["totalRows"], page["totalPages"], page["totalRowsExact"]

    assert totals(await asked(client, pageSize=5)) == (COUNT, 5, True)
    assert totals(await asked(client, pageSize=5, count="exact", page=5)) == (COUNT, 5, True)
    assert totals(await asked(client, pageSize=5, count="none")) == (None, None, None)
    assert totals(await asked(client, pageSize=5, count="estimated")) == (COUNT, 5, True)
    assert totals(await asked(client, pageSize=5, page=9, count="estimated")) == (COUNT, 5, True)
    assert totals(await asked(client, q="nothing", count="estimated")) == (0, 0, True)


async def test_what_lasts_over_a_time_is_found_by_start_in_order_and_once(
    client: Client, catalogue: None
) -> None:
    for starts_at in ("2026-07-03T00:00:00Z", "2026-07-04T10:00:00Z", "2026-07-01T00:00:00Z"):
        for ends_at in ({}, {"ends_at": "2026-07-04T12:00:00Z"}, {"ends_at": "2026-07-02T12:00Z"}):
            query = {"starts_at": starts_at, **ends_at, "match": "overlapping"}
            # By another field the list is not put together of two.
            other = await asked(client, **query, sortBy="title", pageSize=100)
            expected = sorted(other["data"], key=lambda each: (each["starts_at"], each["id"]))
            page = await asked(client, **query, pageSize=2)
            assert page["totalRows"] == other["totalRows"] == len(expected)
            found = page["data"]
            while page["nextCursor"]:
                page = await asked(client, **query, pageSize=2, cursor=page["nextCursor"])
                found += page["data"]
            assert found == expected
            down = await asked(client, **query, sortDir="desc", pageSize=100)
            assert down["data"] == expected[::-1]


async def test_only_the_fields_that_are_asked_for_come_back(
    client: Client, catalogue: None
) -> None:
    page = await asked(client, fields="title,id", pageSize=2, sortBy="updated_at")
    assert [list(event) for event in page["data"]] == [["id", "title"]] * 2
    every = await asked(client, fields=",".join(EventListed.__struct_fields__), pageSize=100)
    assert every["data"] == (await asked(client, pageSize=100))["data"]
    path = f"/events/{ids(page)[0]}"
    one = await client.get(path, params={"fields": "zones,title,base_id"})
    assert list(one.json()) == ["title", "zones", "base_id"]
    assert one.json()["title"] == page["data"][0]["title"]
    assert (await client.get(path)).json().keys() == set(EventShown.__struct_fields__)
    said = await refused(client, path, fields="id,prices")
    assert "fields: unknown field 'prices'; known are id, title, status, " in said
    assert "fields: unknown field 'zones'; known are id, title" in await refused(
        client, fields="zones"
    )


async def test_a_cursor_is_refused_where_it_does_not_belong(
    client: Client, catalogue: None
) -> None:
    query = {"status": "listed", "sortBy": "title", "pageSize": "5"}
    cursor = (await asked(client, **query))["nextCursor"]
    assert ids(await asked(client, **query, cursor=cursor))
    assert ids(await asked(client, **{"sortBy": "title", "status[in]": "listed"}, cursor=cursor))
    for other in (
        {"status": "listed", "sortBy": "starts_at"},
        {"status": "listed", "sortBy": "title", "sortDir": "desc"},
        {"status": "delisted", "sortBy": "title"},
        {"sortBy": "title"},
        {},
    ):
        said = await refused(client, **other, cursor=cursor)
        assert said == (
            "invalid_cursor: cursor: it belongs to a list with other criteria or another sorting; "
            "start again from the first page, without a cursor"
        )
    for forged in (cursor[:-2] + "AA", cursor[::-1], "x", "", "A" * 3_000, "'; drop table x", "é"):
        said = await refused(client, **query, cursor=forged)
        assert said == (
            "invalid_cursor: cursor: this is no cursor of ours; "
            "start again from the first page, without a cursor"
        )
    assert "give either a page or a cursor" in await refused(
        client, **query, page="1", cursor=cursor
    )


async def test_all_processes_of_one_log_take_the_cursors_of_each_other(
    client: Client, settings: Settings, catalogue: None
) -> None:
    cursor = (await asked(client, pageSize=5))["nextCursor"]
    behind = ids(await asked(client, pageSize=5, cursor=cursor))
    async with serving(settings) as other:
        assert ids(await asked(other, pageSize=5, cursor=cursor)) == behind
    secretive = msgspec.structs.replace(settings, cursor_secret="0123456789abcdef")
    async with serving(secretive) as other, serving(secretive) as another:
        assert "no cursor of ours" in await refused(other, cursor=cursor)
        own = (await asked(other, pageSize=5))["nextCursor"]
        assert ids(await asked(another, pageSize=5, cursor=own)) == behind


async def test_the_document_tells_what_may_be_asked_of_a_list(client: Client) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    operation = document["paths"]["/events"]["get"]
    parameters = {each["name"]: each for each in operation["parameters"]}
    assert parameters["count"]["schema"]["enum"] == ["exact", "estimated", "none"]
    assert parameters["sortBy"]["schema"]["enum"] == EVENT_FIELDS.sortable
    assert parameters["cursor"]["schema"]["maxLength"] == 2_048
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answer = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert answer["properties"].keys() == {
        *("page", "pageSize", "totalRows", "totalPages", "totalRowsExact"),
        *("nextCursor", "previousCursor", "data"),
    }
    assert "null" in json.dumps(answer["properties"]["nextCursor"])
    one = document["paths"]["/events/{event_id}"]["get"]["parameters"]
    assert "fields" in {each["name"] for each in one}

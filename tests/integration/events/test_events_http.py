"""GET /events and one event: what may be asked, what is refused and how, page by page."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.application.taking_in import DelistEvents
from listings import CLOSED, Client, event_id, plan, serving, take_in, zone
from settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def catalogue(application: Application) -> None:
    """By start: A (has tickets), D (delisted), B (sold out), C (without zones), E (cancelled)."""
    bus = application.bus()
    await take_in(
        application,
        plan(
            "A",
            "2026-07-01T20:00",
            "2026-07-01T22:00",
            zones=(zone("15"), zone("30", 0)),
            organizer="Blue Note",
        ),
        plan("B", "2026-07-10T21:00", zones=(zone("80"),), sold_out=True),
        plan("D", "2026-07-05T10:00", "2026-07-05T12:00", zones=(zone("20"),)),
        plan("Never", "2026-07-05T10:00", sell_mode="offline"),
    )
    c = plan("C", "2026-08-01T10:00", "2026-08-03T10:00", zones=())
    await take_in(application, c, provider="other")
    await bus(DelistEvents((event_id("D"),), uuid4()))
    e = await bus(AnnounceEvent("E", datetime(2100, 1, 1), "UTC", zones=(zone("50"),)))
    await bus(CancelEvent(e.id, "storm"))
    await caught_up(application)


def read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


async def page(client: Client, query: str) -> dict[str, Any]:
    response = await client.get(f"/events{query}")
    assert response.status_code == 200, f"{query}: {response.text}"
    return dict(read(response.text))


async def titles(client: Client, query: str) -> str:
    return "".join(event["title"] for event in (await page(client, query))["data"])


async def assert_found(client: Client, expected: dict[str, str]) -> None:
    assert {query: await titles(client, query) for query in expected} == expected


async def refusal(client: Client, path: str, status: int = 400) -> str:
    """What is said in a refusal."""
    response = await client.get(path)
    assert response.status_code == status, f"{path}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == status
    return str(problem["detail"])


async def test_a_page_is_wrapped_in_its_numbers(client: Client, catalogue: None) -> None:
    first = await page(client, "?pageSize=2")
    assert {k: v for k, v in first.items() if k not in ("data", "nextCursor")} == {
        "page": 1,
        "pageSize": 2,
        "totalRows": 5,
        "totalPages": 3,
        "totalRowsExact": True,
        "previousCursor": None,
    }
    assert first["nextCursor"]
    assert await page(client, "?q=nothing") == {
        "page": 1,
        "pageSize": 20,
        "totalRows": 0,
        "totalPages": 0,
        "totalRowsExact": True,
        "nextCursor": None,
        "previousCursor": None,
        "data": [],
    }


async def test_an_event_is_listed_with_all_of_its_fields(client: Client, catalogue: None) -> None:
    found = (await page(client, "?title[eq]=A"))["data"][0]
    assert datetime.fromisoformat(found.pop("updated_at")).tzinfo
    assert found == {
        "id": str(event_id("A")),
        "title": "A",
        "status": "listed",
        "available": True,
        "starts_at": "2026-07-01T20:00:00Z",
        "ends_at": "2026-07-01T22:00:00Z",
        "local_starts_at": "2026-07-01T20:00:00",
        "local_ends_at": "2026-07-01T22:00:00",
        "timezone": "UTC",
        "min_price": 15,
        "max_price": 30,
        "available_min_price": 15,
        "available_max_price": 15,
        "places": 10,
        "sold_out": False,
        "sell_mode": "online",
        "sell_from": None,
        "sell_to": None,
        "provider": "acme",
        "organizer": "Blue Note",
        "version": 1,
    }


async def test_a_range_contains_events_or_overlaps_them(client: Client, catalogue: None) -> None:
    july = "?starts_at=2026-07-01T21:00:00Z&ends_at=2026-07-05T11:00:00Z"
    await assert_found(
        client,
        {
            "": "ADBCE",
            "?starts_at=2026-07-05T10:00:00Z": "DBCE",
            "?ends_at=2026-07-10T21:00:00Z": "ADB",
            "?ends_at=2026-07-10T20:59:59Z": "AD",
            "?starts_at=2026-07-05T12:00:00+02:00&ends_at=2026-07-05T14:00:00+02:00": "D",
            july: "",
            f"{july}&match=contained": "",
            f"{july}&match=overlapping": "AD",
            "?starts_at=2026-07-01T22:00:00Z&match=overlapping": "ADBCE",
            "?starts_at=2026-07-01T22:00:01Z&match=overlapping": "DBCE",
            "?starts_at=2026-08-02T00:00:00Z&ends_at=2026-08-02T01:00:00Z&match=overlapping": "C",
            "?ends_at=2026-07-01T20:00:00Z&match=overlapping": "A",
        },
    )


async def test_prices_ask_whether_there_is_a_ticket_for_such_a_purse(
    client: Client, catalogue: None
) -> None:
    await assert_found(
        client,
        {
            "?min_price=30": "ABE",
            "?min_price=30.01": "BE",
            "?max_price=20": "AD",
            "?max_price=14.99": "",
            "?min_price=20&max_price=50": "ADE",
            "?min_price=0": "ADBE",
        },
    )


async def test_named_filters_narrow_a_list(client: Client, catalogue: None) -> None:
    await assert_found(
        client,
        {
            "?available=true": "A",
            "?available=FALSE": "DBCE",
            "?provider=acme": "ADB",
            "?provider=acme,other": "ADBC",
            "?provider=nobody": "",
            "?status=listed": "ABC",
            "?status=delisted,cancelled": "DE",
            "?status=listed&provider=acme&max_price=80": "AB",
        },
    )


async def test_words_begin_words_of_the_title_whatever_their_case_and_accents(
    client: Client, application: Application
) -> None:
    titles_of = {
        "A": "Jazz en el Café Ñandú",
        "B": "AC/DC: Rock & Roll",
        "C": "Großes Straßenfest 2026-27",
        "D": "rock_opera (jazz.es) — 1.500 €",
        "E": "東京 İstanbul ﬁn",
    }
    await take_in(
        application,
        *(
            plan(title, f"2026-07-0{number}T10:00", plan_id=name)
            for number, (name, title) in enumerate(titles_of.items(), start=1)
        ),
    )
    await caught_up(application)
    ids = {str(event_id(name)): name for name in titles_of}

    async def names(q: str) -> str:
        response = await client.get("/events", params={"q": q})
        assert response.status_code == 200, response.text
        return "".join(ids[event["id"]] for event in response.json()["data"])

    expected = {
        "jazz": "AD",
        "JAZ": "AD",
        "azz": "",
        "cafe": "A",
        "CAFÉ": "A",
        "cafe\u0301": "A",
        "nandu jazz": "A",
        "  nandu,   jazz! ": "A",
        "jazz nandu rock": "",
        "ac/dc": "B",
        "dc": "B",
        "rock": "BD",
        "rock&roll": "B",
        "rock | jazz": "D",
        "!rock": "BD",
        "'rock':*": "BD",
        "strassen": "C",
        "STRAẞE": "C",
        "27": "C",
        "2026-27": "C",
        "-27": "C",
        "es": "D",
        "opera": "D",
        "1.500": "D",
        "500": "D",
        "東京": "E",
        "東": "E",
        "istanbul": "E",
        "fin": "E",
        "": "",
        " ": "",
        "!!! -- & | ()": "",
        "_": "",
        "€": "",
        "\ufdfa" * 50: "",
        "\u3300" * 200: "",
    }
    assert {q: await names(q) for q in expected} == expected


async def test_every_field_is_compared_by_its_type(client: Client, catalogue: None) -> None:
    """What is unknown equals nothing, so it is `ne` to everything and neither less nor more."""
    await assert_found(
        client,
        {
            "?title[eq]=A": "A",
            "?title[eq]=a": "",
            "?title[ne]=A": "DBCE",
            "?title[in]=A,C,X": "AC",
            "?title[contains]=a": "A",
            "?title[contains]=%25": "",
            "?title[contains]=_": "",
            "?title[contains]=": "ADBCE",
            "?q[contains]=a": "A",
            "?starts_at[eq]=2026-07-05T12:00:00+02:00": "D",
            "?starts_at[ne]=2026-07-05T10:00:00Z": "ABCE",
            "?starts_at[lt]=2026-07-05T10:00:00Z": "A",
            "?starts_at[lte]=2026-07-05T10:00:00Z": "AD",
            "?starts_at[gt]=2026-07-05T10:00:00Z": "BCE",
            "?starts_at[gte]=2026-07-05T10:00:00Z": "DBCE",
            "?starts_at[in]=2026-07-05T10:00:00Z,2100-01-01T00:00:00Z": "DE",
            "?starts_at[gte]=0001-01-01T00:00:00Z&starts_at[lte]=9999-12-31T23:59:59Z": "ADBCE",
            "?ends_at[lte]=2026-07-10T21:00:00Z": "ADB",
            "?min_price[eq]=15.00": "A",
            "?min_price[ne]=15": "DBCE",
            "?min_price[lt]=50": "AD",
            "?min_price[lte]=50": "ADE",
            "?min_price[gt]=20": "BE",
            "?min_price[gte]=2e1": "DBE",
            "?min_price[in]=15,80": "AB",
            "?min_price[is_null]=true": "C",
            "?min_price[is_null]=false": "ADBE",
            "?max_price[gt]=15&max_price[lt]=80": "ADE",
            "?available_max_price[lt]=30": "AD",
            "?available_min_price[is_null]=true": "C",
            "?available[eq]=true": "A",
            "?available[ne]=true": "DBCE",
            "?sold_out[eq]=true": "B",
            "?provider[eq]=other": "C",
            "?provider[ne]=acme": "CE",
            "?provider[is_null]=true": "E",
            "?organizer[eq]=Blue+Note": "A",
            "?organizer[ne]=Blue+Note": "DBCE",
            "?organizer[in]=Blue+Note,x": "A",
            "?organizer[is_null]=false": "A",
            "?status[ne]=listed": "DE",
            "?status[in]=listed,cancelled": "ABCE",
            "?updated_at[gt]=2020-01-01T00:00:00Z": "ADBCE",
            "?updated_at[lt]=2020-01-01T00:00:00Z": "",
            "?title[ne]=A&title[ne]=B": "DCE",
            "?status[eq]=listed&min_price[lt]=50&provider=acme": "A",
        },
    )


async def test_a_tree_of_criteria_is_asked_as_it_is_written(
    client: Client, catalogue: None
) -> None:
    def compare(field: str, op: str, value: Any) -> dict[str, Any]:
        return {"field": field, "op": op, "value": value}

    trees: list[tuple[Any, str]] = [
        ({"and": []}, "ADBCE"),
        ({"not": {"and": []}}, ""),
        (compare("title", "in", ["A", "B"]), "AB"),
        (compare("title", "in", "A,B"), "AB"),
        ({"or": [compare("title", "eq", "A"), compare("min_price", "gte", 50)]}, "ABE"),
        ({"not": compare("min_price", "lt", 50)}, "BCE"),
        ({"not": {"not": compare("min_price", "lt", 50)}}, "AD"),
        ({"not": compare("organizer", "eq", "Blue Note")}, "DBCE"),
        (
            {
                "and": [
                    {"or": [compare("status", "eq", "listed"), compare("q", "contains", "e")]},
                    {"not": compare("provider", "in", ["other"])},
                    compare("available_max_price", "is_null", False),
                ]
            },
            "ABE",
        ),
    ]
    for tree, expected in trees:
        response = await client.get("/events", params={"filter": json.dumps(tree)})
        assert response.status_code == 200, response.text
        found = "".join(event["title"] for event in response.json()["data"])
        assert (tree, found) == (tree, expected)


NASTY = [
    "' or '1'='1",
    "'; drop table events.catalogue; --",
    "%",
    "_",
    "\\",
    "%(tenant)s",
    "{0}",
    ":tenant",
    "$1",
    "a\\' or 1=1",
    '"quoted"',
    "null",
    "\u2028",
]


async def test_what_looks_like_sql_is_a_value_like_any_other(
    client: Client, application: Application
) -> None:
    await take_in(
        application, *(plan(text, "2026-07-01T10:00", organizer=text) for text in NASTY[:-1])
    )
    await caught_up(application)
    for text in NASTY[:-1]:
        tree = json.dumps({"field": "title", "op": "in", "value": [text]})
        for asked in ({"title[eq]": text}, {"organizer[eq]": text}, {"filter": tree}):
            found = (await client.get("/events", params=asked)).json()["data"]
            assert (asked, [event["title"] for event in found]) == (asked, [text])
        contained = (await client.get("/events", params={"title[contains]": text})).json()["data"]
        assert {event["title"] for event in contained} == {
            other for other in NASTY[:-1] if text in other
        }


async def test_no_parameter_lets_sql_through(client: Client, catalogue: None) -> None:
    names = ["q", "provider", "status", "available", "min_price", "starts_at", "match", "filter"]
    names += ["sortBy", "sortDir", "page", "pageSize", "title[eq]", "title[contains]", "x[eq]"]
    for name in names:
        for text in NASTY:
            response = await client.get("/events", params={name: text})
            assert response.status_code in (200, 400), f"{name}={text}: {response.text}"
            assert response.status_code == 400 or response.json()["data"] == []
            by_name = await client.get("/events", params={text: "1", f"title[{text}]": "1"})
            assert by_name.status_code == 400
    assert await titles(client, "") == "ADBCE"


SAYING = {
    "?colour=red": "colour: unknown parameter; known are starts_at, ends_at, match, q, ",
    "?Q=jazz": "Q: unknown parameter",
    "?colour[eq]=red": "colour[eq]: unknown field 'colour'; known are starts_at, ends_at, title, ",
    "?title[like]=x": "title[like]: title can't be compared with 'like', only with eq, ne, in, ",
    "?available[gt]=true": "available can't be compared with 'gt', only with eq, ne",
    "?min_price[gt]=cheap": "min_price[gt]: 'cheap' is not a number such as 30 or 12.50",
    "?min_price=": "min_price: '' is not a number",
    "?min_price=1_000": "min_price: '1_000' is not a number",
    "?max_price=NaN": "max_price: 'NaN' is not a number",
    "?max_price=1e99": "max_price: '1e99' is not a number",
    f"?max_price=1.{'0' * 5000}": "is not a number",
    "?min_price[is_null]=perhaps": "min_price[is_null]: 'perhaps' is not true or false",
    "?available=1": "available: '1' is not true or false",
    "?starts_at=2026-02-30T10:00:00Z": "starts_at: '2026-02-30T10:00:00Z' is not a time such as",
    "?updated_at[lt]=now": "updated_at[lt]: 'now' is not a time such as 2026-07-31T20:00:00Z",
    "?match=within": "match: 'within' is neither 'contained' nor 'overlapping'",
    "?status=gone": "status: 'gone' is none of listed, delisted, cancelled",
    "?status=": "status: give one value or several, with commas between them",
    f"?q={'a' * 201}": "is not a text of at most 200 characters",
    "?q=%00": "q: '\\x00' is not a text",
    "?sortBy=places": "sortBy: can't sort by 'places', only by starts_at, ends_at, title, ",
    "?sortDir=up": "sortDir: 'up' is neither 'asc' nor 'desc'",
    "?page=0": "page: Expected `int` >= 1",
    "?page=-1": "page: Expected `int` >= 1",
    "?page=1000001": "page: Expected `int` <= 1000000",
    "?page=99999999999999999999": "page: ",
    "?page=one": "page: Expected `int`",
    "?page=1.5": "page: Expected `int`",
    "?page=": "page: Expected `int`",
    "?pageSize=0": "pageSize: Expected `int` >= 1",
    "?pageSize=101": "pageSize: Expected `int` <= 100",
    "?q=a&q=b": "q: given more than once",
    "?page=1&page=2": "page: given more than once",
    "?filter=": "filter: not JSON",
    "?filter={": "filter: not JSON",
    "?filter=[]": 'filter: expected {"and": [...]}, {"or": [...]}, {"not": {...}} or',
    '?filter={"or":[]}': "filter: expected",
    '?filter={"and":[],"or":[]}': "filter: expected",
    '?filter={"field":"title","op":"eq","value":null}': "null, ask with 'is_null'",
    '?filter={"field":"title","op":"eq","value":{"a":1}}': "filter: expected a text, a number",
    '?filter={"field":"title","op":"eq","value":["a"]}': "only 'in' takes several values",
    '?filter={"field":"title","op":"in","value":[]}': "filter: give one value or several",
    '?filter={"field":"title","op":"in","value":[["a"]]}': "filter: expected a text, a number",
    '?filter={"field":"places","op":"eq","value":1}': "filter: unknown field 'places'",
    '?filter={"field":"min_price","op":"eq","value":true}': "'true' is not a number",
    f"?filter={'[' * 4000}": "filter: nested too deep",
    f"?filter={'{%22not%22:' * 9}1{'}' * 9}": "filter: criteria are nested more than 8 deep",
    f"?{'title[ne]=x&' * 51}": "more than 50 comparisons",
}


async def test_what_cannot_be_understood_is_refused_by_name_with_what_is_allowed(
    client: Client,
) -> None:
    for query, saying in SAYING.items():
        said = await refusal(client, f"/events{query}")
        assert saying in said, query
        assert len(said) < 600


async def test_a_query_string_has_a_bound(client: Client) -> None:
    said = await refusal(client, f"/events?q={'a' * 8191}", status=414)
    assert said == "the query string has 8193 bytes; at most 8192 are read"


async def test_a_page_behind_the_last_is_empty_and_says_how_many_there_are(
    client: Client, catalogue: None
) -> None:
    assert await titles(client, "?pageSize=2&page=3") == "E"
    for number in (4, 1_000_000):
        empty = await page(client, f"?pageSize=2&page={number}")
        assert (empty["data"], empty["totalRows"], empty["totalPages"]) == ([], 5, 3)


async def test_one_event_is_shown_with_its_zones(client: Client, catalogue: None) -> None:
    response = await client.get(f"/events/{event_id('A')}")
    assert (response.status_code, response.headers["etag"]) == (200, '"1"')
    shown = read(response.text)
    assert shown["zones"] == [
        {"zone_id": "1", "name": "Stalls", "price": 15, "capacity": 10, "numbered": False},
        {"zone_id": "1", "name": "Stalls", "price": 30, "capacity": 0, "numbered": False},
    ]
    assert (shown["base_id"], shown["plan_id"], shown["ever_online"]) == ("1", "A", True)


async def test_an_event_that_is_as_it_was_is_not_sent_again(
    client: Client, catalogue: None
) -> None:
    async def asked(tag: str) -> int:
        response = await client.get(f"/events/{event_id('D')}", headers={"if-none-match": tag})
        assert response.headers["etag"] == '"2"'
        assert (response.status_code == 304) == (response.content == b"")
        return response.status_code

    tags = {'"2"': 304, 'W/"2"': 304, '"1", "2"': 304, "*": 304, '"1"': 200, "2": 200, "": 200}
    assert {tag: await asked(tag) for tag in tags} == tags


async def test_what_is_not_on_offer_is_not_found(client: Client, catalogue: None) -> None:
    for path in (f"/events/{uuid4()}", f"/events/{event_id('Never')}"):
        assert "no event" in await refusal(client, path, status=404)
    assert "there is nothing at /events/not-a-uuid" in await refusal(
        client, "/events/not-a-uuid", status=404
    )
    assert await refusal(client, f"/events/{uuid4()}/history", status=404)


async def test_an_event_is_shown_the_moment_it_was_announced(
    client: Client, application: Application
) -> None:
    ours = await application.bus()(AnnounceEvent("Ours", datetime(2100, 1, 1), "UTC"))
    assert (await client.get(f"/events/{ours.id}")).json()["title"] == "Ours"


async def test_without_redis_everything_is_still_answered(
    settings: Settings, catalogue: None
) -> None:
    async with serving(msgspec.structs.replace(settings, redis_url=CLOSED)) as client:
        assert await titles(client, "") == "ADBCE"
        shown = await client.get(f"/events/{event_id('A')}")
        assert (shown.status_code, shown.json()["title"]) == (200, "A")
        announced = await client.post(
            "/events", json={"title": "F", "starts_at": "2100-01-01T20:00:00", "timezone": "UTC"}
        )
        assert announced.status_code == 201
        assert (await client.get(announced.headers["location"])).json()["title"] == "F"


async def test_a_history_is_read_page_by_page_from_the_first_event(
    client: Client, application: Application
) -> None:
    first = plan("A", "2026-07-01T10:00", zones=(zone("15.50"),))
    for title in ("A", "B", "C", "D", "E"):
        await take_in(application, msgspec.structs.replace(first, title=title))
    path = f"/events/{event_id('A')}/history"
    whole = read((await client.get(path)).text)
    assert [entry["version"] for entry in whole["data"]] == [1, 2, 3, 4, 5]
    assert [entry["type"] for entry in whole["data"]][:2] == [
        "events.event_announced",
        "events.event_renamed",
    ]
    assert [entry["data"].get("title") for entry in whole["data"]] == ["A", "B", "C", "D", "E"]
    pages = [
        read((await client.get(f"{path}?pageSize=2&page={number}")).text) for number in (1, 2, 3, 4)
    ]
    assert [entry for each in pages for entry in each["data"]] == whole["data"]
    assert [each["totalRows"] for each in pages] == [5] * 4
    assert [len(each["data"]) for each in pages] == [2, 2, 1, 0]
    assert "pageSize: " in await refusal(client, f"{path}?pageSize=101")
    assert "known are page, pageSize" in await refusal(client, f"{path}?pagesize=2")
    assert "page: given more than once" in await refusal(client, f"{path}?page=1&page=2")


async def test_ids_are_the_same_for_the_same_plan(client: Client, catalogue: None) -> None:
    ids = [UUID(event["id"]) for event in (await page(client, "?provider=acme"))["data"]]
    assert ids == [event_id("A"), event_id("D"), event_id("B")]

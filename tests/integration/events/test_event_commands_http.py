"""What may be done with one's own events over HTTP, and what is refused and how."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from bootstrap import Application
from conftest import caught_up
from listings import Client, event_id, plan, serving, take_in
from settings import Settings

ZONE = {"zone_id": "1", "name": "Stalls", "price": 15.50, "capacity": 10}
JAZZ = {
    "title": "Jazz",
    "starts_at": "2100-07-31T21:00:00",
    "ends_at": "2100-07-31T23:00:00",
    "timezone": "Europe/Madrid",
    "zones": [ZONE],
    "organizer": "Blue Note",
}
LATER = {"starts_at": "2100-08-01T21:00:00"}
STORM = {"reason": "storm"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def announced(client: Client) -> str:
    """The path of an event of our own."""
    response = await client.post("/events", json=JAZZ)
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


async def refusal(client: Client, path: str, body: Any, status: int, **headers: str) -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", **headers}
    response = await client.post(path, content=content, headers=given)
    assert response.status_code == status, f"{body!r:.200}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    return str(problem["detail"])


async def test_an_announced_event_is_where_the_answer_says(
    client: Client, application: Application
) -> None:
    response = await client.post("/events", json=JAZZ)
    assert (response.status_code, response.headers["etag"]) == (201, '"1"')
    body = response.json()
    assert body == {"id": body["id"], "version": 1}
    assert response.headers["location"] == f"/events/{body['id']}"
    shown = (await client.get(response.headers["location"])).json()
    assert (shown["title"], shown["local_starts_at"], shown["starts_at"], shown["organizer"]) == (
        "Jazz",
        "2100-07-31T21:00:00",
        "2100-07-31T19:00:00Z",
        "Blue Note",
    )
    await caught_up(application)
    assert (await client.get("/events")).json()["data"][0]["id"] == body["id"]


async def test_prices_are_numbers_on_their_way_in_and_out(client: Client) -> None:
    zones = [{**ZONE, "price": price} for price in (0, 15.10, "30.1250", 999999999)]
    path = await announced(client)
    assert (await client.post(f"{path}/prices", json={"zones": zones})).status_code == 200
    shown = json.loads((await client.get(path)).text, parse_float=Decimal)
    prices = [zone["price"] for zone in shown["zones"]]
    assert prices == [0, Decimal("15.1"), Decimal("30.125"), 999999999]
    assert (shown["min_price"], shown["max_price"]) == (0, 999999999)


async def test_every_change_is_answered_with_the_version_it_led_to(client: Client) -> None:
    path = await announced(client)
    for number, (name, body) in enumerate(
        [("reschedule", LATER), ("prices", {"zones": []}), ("cancellation", STORM)], start=2
    ):
        response = await client.post(f"{path}/{name}", json=body)
        assert (response.status_code, response.headers["etag"]) == (200, f'"{number}"')
        assert response.json() == {"id": path.rpartition("/")[2], "version": number}
    shown = (await client.get(path)).json()
    assert (shown["status"], shown["cancellation_reason"]) == ("cancelled", "storm")
    assert (shown["local_starts_at"], shown["timezone"]) == ("2100-08-01T21:00:00", "Europe/Madrid")
    assert (shown["zones"], shown["min_price"]) == ([], None)


async def test_what_is_so_already_changes_nothing(client: Client) -> None:
    path = await announced(client)
    same = {name: JAZZ[name] for name in ("starts_at", "ends_at")}
    assert (await client.post(f"{path}/reschedule", json=same)).headers["etag"] == '"1"'
    zones = {"zones": JAZZ["zones"]}
    assert (await client.post(f"{path}/prices", json=zones)).headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("name", "body"),
    [("reschedule", LATER), ("prices", {"zones": []}), ("cancellation", STORM)],
)
async def test_a_change_is_refused_when_the_event_is_not_at_the_version_it_was_decided_on(
    client: Client, name: str, body: Any
) -> None:
    path = f"{await announced(client)}/{name}"
    for stale in ('"0"', '"2"', '"999999999"'):
        said = await refusal(client, path, body, 412, **{"if-match": stale})
        assert f"is at version 1, not {stale.strip(chr(34))}" in said
    for malformed in ("1", '"one"', 'W/"1"', '"1", "2"', '"-1"', '"9999999999"', ""):
        said = await refusal(client, path, body, 400, **{"if-match": malformed})
        assert said.startswith("If-Match: ")
    response = await client.post(path, json=body, headers={"if-match": '"1"'})
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')


async def test_any_version_will_do_for_a_star(client: Client) -> None:
    path = await announced(client)
    response = await client.post(f"{path}/cancellation", json=STORM, headers={"if-match": "*"})
    assert response.status_code == 200


async def test_a_cancelled_event_stays_as_it_is(client: Client) -> None:
    path = await announced(client)
    await client.post(f"{path}/cancellation", json=STORM)
    for name, body in (("reschedule", LATER), ("prices", {"zones": []}), ("cancellation", STORM)):
        assert "is cancelled" in await refusal(client, f"{path}/{name}", body, 409)


async def test_an_event_of_a_provider_changes_only_with_its_feed(
    client: Client, application: Application
) -> None:
    await take_in(application, plan("Theirs", "2100-07-01T10:00"))
    path = f"/events/{event_id('Theirs')}"
    for name, body in (("reschedule", LATER), ("prices", {"zones": []}), ("cancellation", STORM)):
        said = await refusal(client, f"{path}/{name}", body, 409)
        assert "belongs to provider 'acme' and changes only with its feed" in said


async def test_what_does_not_exist_cannot_be_changed(client: Client) -> None:
    for name, body in (("reschedule", LATER), ("prices", {"zones": []}), ("cancellation", STORM)):
        assert "no event" in await refusal(client, f"/events/{uuid4()}/{name}", body, 404)
        assert "nothing at" in await refusal(client, f"/events/1/{name}", body, 404)


MALFORMED: list[tuple[bytes, str]] = [
    (b"", "body: is missing"),
    (b"{", "truncated"),
    (b"title=Jazz", "JSON is malformed"),
    (b"\xff\xfe", "JSON is malformed"),
    (b"[" * 100_000, "nested too deep"),
    (b'{"zones": ' + b"[" * 100_000, "nested too deep"),
    (b"[]", "body: Expected `object`, got `array`"),
    (b'"Jazz"', "body: Expected `object`, got `str`"),
    (b"null", "body: "),
    (b"{}", "missing required field `title`"),
]


async def test_what_is_no_json_object_is_refused(client: Client) -> None:
    path = await announced(client)
    for content, saying in MALFORMED:
        assert saying in await refusal(client, "/events", content, 400), content[:20]
        for name in ("reschedule", "prices", "cancellation"):
            await refusal(client, f"{path}/{name}", content, 400)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert "JSON is malformed" in await refusal(client, "/events", b"title=Jazz", 400, **form)


IMPLAUSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "unknown field `colour`"),
    ({"title": 1}, "title: Expected `str`, got `int`"),
    ({"title": None}, "title: Expected `str`, got `null`"),
    ({"title": " "}, "title: an event needs a name"),
    ({"title": "a\x00b"}, "title: not a text"),
    ({"title": "a" * 1001}, "title: not a text of at most 1000"),
    ({"starts_at": "2100-09-31T20:00:00"}, "starts_at: Invalid RFC3339"),
    ({"starts_at": "2100-09-30"}, "starts_at: Invalid RFC3339"),
    ({"starts_at": 4118000000}, "starts_at: give the time as the venue's clock shows"),
    ({"starts_at": "2100-07-31T21:00:00Z"}, "starts_at: give the time as the venue's clock shows"),
    ({"starts_at": "2020-07-31T21:00:00", "ends_at": None}, "is past"),
    ({"starts_at": "9999-12-31T23:59:59", "ends_at": None}, "not a time between 1900 and 2200"),
    ({"ends_at": "2100-07-31T20:00:00"}, "ends_at: an event can't end before it starts"),
    ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is not an IANA time zone"),
    ({"timezone": "../../etc/passwd"}, "is not an IANA time zone"),
    ({"timezone": "\x00"}, "is not an IANA time zone"),
    ({"zones": {}}, "zones: Expected `array`, got `object`"),
    ({"zones": [{}]}, "zones[0]: Object missing required field"),
    ({"zones": [{**ZONE, "colour": "red"}]}, "unknown field `colour`"),
    ({"zones": [{**ZONE, "price": "cheap"}]}, "zones[0].price: Invalid decimal string"),
    ({"zones": [{**ZONE, "price": None}]}, "zones[0].price: Expected `decimal`"),
    ({"zones": [{**ZONE, "price": "NaN"}]}, "NaN is not a price"),
    ({"zones": [{**ZONE, "price": "-Infinity"}]}, "-Infinity is not a price"),
    ({"zones": [{**ZONE, "price": "1e999999"}]}, "is not a price"),
    ({"zones": [{**ZONE, "price": -1}]}, "-1 is not a price"),
    ({"zones": [{**ZONE, "price": 1.00001}]}, "1.00001 is not a price"),
    ({"zones": [{**ZONE, "capacity": -1}]}, "-1 is not a number of places"),
    ({"zones": [{**ZONE, "capacity": 1.5}]}, "zones[0].capacity: Expected `int`"),
    ({"zones": [{**ZONE, "capacity": 10**30}]}, "is not a number of places"),
]


async def test_what_cannot_be_meant_is_refused_by_the_name_of_its_field(client: Client) -> None:
    for changes, saying in IMPLAUSIBLE:
        said = await refusal(client, "/events", {**JAZZ, **changes}, 400)
        assert saying in said, changes


async def test_the_smaller_bodies_are_as_strict(client: Client) -> None:
    path = await announced(client)
    for name, body, saying in [
        ("reschedule", {**LATER, "title": "x"}, "unknown field `title`"),
        ("reschedule", {"starts_at": "soon"}, "starts_at: Invalid RFC3339"),
        ("reschedule", {**LATER, "timezone": 1}, "timezone: Expected `str | null`, got `int`"),
        ("prices", {"zones": None}, "zones: Expected `array`"),
        ("prices", {"zones": [{**ZONE, "price": True}]}, "zones[0].price: Expected `decimal`"),
        ("cancellation", {"reason": 1}, "reason: Expected `str`"),
        ("cancellation", {"reason": " "}, "reason: say why"),
        ("cancellation", {"reason": "a" * 1001}, "reason: Expected `str` of length <= 1000"),
        ("cancellation", {"reason": "a\x00b"}, "reason: "),
    ]:
        assert saying in await refusal(client, f"{path}/{name}", body, 400)
    assert (await client.get(path)).headers["etag"] == '"1"'


async def test_what_was_taken_over_http_can_be_projected(
    client: Client, application: Application
) -> None:
    """Nothing that is accepted may stop a read model."""
    odd = {**ZONE, "zone_id": "", "name": "", "price": "1.5000", "capacity": 0}
    await client.post("/events", json={**JAZZ, "zones": [odd]})
    path = await announced(client)
    reason = {"reason": "line\nline\t\u2028 \U0001f3b7"}
    assert (await client.post(f"{path}/cancellation", json=reason)).status_code == 200
    await caught_up(application)
    assert (await client.get("/events")).json()["totalRows"] == 2
    assert (await client.get(path)).json()["cancellation_reason"] == reason["reason"]


async def test_a_body_has_a_bound(client: Client, settings: Settings) -> None:
    said = await refusal(client, "/events", b" " * (settings.max_body_bytes + 1), 413)
    assert said == "the body is larger than this server takes"

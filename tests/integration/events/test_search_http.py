"""GET /search, rule by rule of its published contract."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.commands import AnnounceEvent, CancelEvent
from contexts.events.application.taking_in import DelistEvents
from listings import Client, database_down, event_id, plan, serving, take_in, zone
from servers import Urls
from settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_date(value: Any) -> bool:
    return date.fromisoformat(value).isoformat() == value


def is_time(value: Any) -> bool:
    return time.fromisoformat(value).isoformat() == value


def or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


EVENT: Mapping[str, Callable[[Any], bool]] = {
    "id": lambda value: str(UUID(value)) == value,
    "title": lambda value: isinstance(value, str),
    "start_date": is_date,
    "start_time": or_null(is_time),
    "end_date": or_null(is_date),
    "end_time": or_null(is_time),
    "min_price": or_null(is_number),
    "max_price": or_null(is_number),
}
"""Every event has all of these and nothing else; each is of this form."""


async def found(client: Client, query: str = "") -> list[dict[str, Any]]:
    """The events of an answer that is as the contract wants it."""
    response = await client.get(f"/search{query}")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    body = json.loads(response.text, parse_float=Decimal)
    assert body.keys() == {"data", "error"}
    assert body["error"] is None
    assert body["data"].keys() == {"events"}
    for event in body["data"]["events"]:
        assert event.keys() == EVENT.keys()
        assert all(check(event[name]) for name, check in EVENT.items()), event
    return list(body["data"]["events"])


async def titles(client: Client, query: str = "") -> list[str]:
    return [event["title"] for event in await found(client, query)]


async def refused(client: Client, query: str, status: int = 400) -> str:
    """What is said in a refusal that is as the contract wants it."""
    response = await client.get(f"/search{query}")
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    body = response.json()
    assert body.keys() == {"data", "error"}
    assert body["data"] is None
    assert body["error"].keys() == {"code", "message"}
    assert all(isinstance(text, str) and text for text in body["error"].values())
    return str(body["error"]["message"])


EARLY = plan("early", "2026-07-01T10:00:00", "2026-07-01T12:00:00")
LATE = plan("late", "2026-07-31T20:00:00", "2026-07-31T23:00:00")
LONG = plan("long", "2026-07-01T00:00:00", "2026-08-31T00:00:00")
OPEN = plan("open", "2026-07-15T20:00:00")


async def test_an_empty_catalogue_is_an_empty_list(client: Client) -> None:
    assert await found(client) == []
    assert await found(client, "?starts_at=2026-07-01T00:00:00Z&ends_at=2026-07-02T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["long", "early", "open", "late"]),
        ("?starts_at=2026-07-02T00:00:00Z", ["open", "late"]),
        ("?ends_at=2026-07-16T00:00:00Z", ["early", "open"]),
        ("?starts_at=2026-07-01T00:00:00Z&ends_at=2026-07-31T00:00:00Z", ["early", "open"]),
        ("?starts_at=2026-07-31T00:00:00Z&ends_at=2026-07-01T00:00:00Z", []),
        # Both ends of the range are part of it.
        ("?starts_at=2026-07-01T10:00:00Z&ends_at=2026-07-01T12:00:00Z", ["early"]),
        ("?starts_at=2026-07-01T10:00:00.001Z&ends_at=2026-07-01T12:00:00Z", []),
        ("?starts_at=2026-07-01T10:00:00Z&ends_at=2026-07-01T11:59:59.999Z", []),
        # An event without a known end is over when it starts.
        ("?starts_at=2026-07-15T20:00:00Z&ends_at=2026-07-15T20:00:00Z", ["open"]),
        ("?ends_at=2026-07-15T19:59:59Z", ["early"]),
    ],
)
async def test_an_event_is_found_when_it_lies_within_the_range(
    client: Client, application: Application, query: str, expected: list[str]
) -> None:
    await take_in(application, EARLY, LATE, LONG, OPEN)
    await caught_up(application)
    assert await titles(client, query) == expected


@pytest.mark.parametrize(
    "noon",
    [
        "2026-07-01T10:00:00Z",
        "2026-07-01t10:00:00z",
        "2026-07-01T10:00:00.000000Z",
        "2026-07-01T12:00:00%2B02:00",
        "2026-07-01T12:00:00+02:00",
        "2026-07-01T12:00:00 02:00",
        "2026-07-01T12:00:00+0200",
        "2026-07-01T05:00:00-05:00",
        "2026-07-01T10:00:00",
    ],
)
async def test_a_time_is_an_instant_however_it_is_written(
    client: Client, application: Application, noon: str
) -> None:
    """A `+` that was sent as it is arrives as a space; without an offset a time is in UTC."""
    await take_in(application, EARLY)
    await caught_up(application)
    assert await titles(client, f"?starts_at={noon}") == ["early"]
    assert await titles(client, f"?ends_at={noon}") == []


NO_TIMES = [
    "2021-09-31T20:00:00Z",
    "2021-02-29T20:00:00Z",
    "2021-07-21T25:00:00Z",
    "2021-07-21",
    "2021-07-21 20:00:00",
    "20:00:00",
    "yesterday",
    "1626888748",
    "",
    "0001-01-01T00:00:00%2B02:00",
    "9999-12-31T23:59:59-02:00",
    "2021-07-21T20:00:00%2B99:00",
    "%00",
    "%ff%fe",
    "';drop table events.catalogue;--",
    "T" * 5000,
]


@pytest.mark.parametrize("parameter", ["starts_at", "ends_at"])
async def test_what_is_no_time_is_refused_by_the_name_of_its_parameter(
    client: Client, parameter: str
) -> None:
    for value in NO_TIMES:
        message = await refused(client, f"?{parameter}={value}")
        assert message.startswith(f"{parameter}: ")
        assert message.endswith("is not a date-time such as 2021-07-21T17:32:28Z")
        assert len(message) < 400


async def test_a_parameter_that_is_given_twice_is_refused(client: Client) -> None:
    query = "?ends_at=2026-07-01T10:00:00Z&ends_at=2026-08-01T10:00:00Z"
    assert await refused(client, query) == "ends_at: given more than once; give it once"


async def test_a_query_too_long_to_be_meant_is_refused(client: Client) -> None:
    assert "at most 8192" in await refused(client, f"?x={'y' * 9000}")


async def test_parameters_that_the_contract_does_not_know_are_ignored(
    client: Client, application: Application
) -> None:
    await take_in(application, EARLY)
    await caught_up(application)
    assert await titles(client, "?page=0&title[like]=x&utm_source=a&utm_source=b") == ["early"]


async def test_prices_are_numbers_and_span_all_zones_sold_out_or_not(
    client: Client, application: Application
) -> None:
    await take_in(
        application,
        plan("a", "2026-07-01T10:00:00", zones=(zone("20.50", 0), zone("15"), zone("30.125", 0))),
        plan("b", "2026-07-02T10:00:00", zones=(zone("0"),)),
        plan("c", "2026-07-03T10:00:00", zones=()),
    )
    await caught_up(application)
    assert [(each["min_price"], each["max_price"]) for each in await found(client)] == [
        (15, Decimal("30.125")),
        (0, 0),
        (None, None),
    ]


async def test_dates_and_times_are_those_of_the_venue(
    client: Client, application: Application
) -> None:
    await take_in(
        application,
        plan("summer", "2026-07-31T22:38:19", "2026-08-01T14:45:15"),
        plan("winter", "2026-12-31T23:30:00"),
        timezone="Europe/Madrid",
    )
    await caught_up(application)
    times = ("start_date", "start_time", "end_date", "end_time")
    assert [[each[name] for name in times] for each in await found(client)] == [
        ["2026-07-31", "22:38:19", "2026-08-01", "14:45:15"],
        ["2026-12-31", "23:30:00", None, None],
    ]
    # The range is about instants: Madrid is two hours ahead of UTC in summer, one in winter.
    assert await titles(client, "?starts_at=2026-07-31T20:38:19Z") == ["summer", "winter"]
    assert await titles(client, "?starts_at=2026-07-31T20:38:20Z") == ["winter"]
    assert await titles(client, "?starts_at=2026-12-31T22:30:01Z") == []


async def test_only_what_was_ever_online_is_found(client: Client, application: Application) -> None:
    once = plan("once", "2026-07-01T10:00:00")
    await take_in(application, once, plan("never", "2026-07-02T10:00:00", sell_mode="offline"))
    await take_in(application, msgspec.structs.replace(once, sell_mode="offline", title="Once"))
    await caught_up(application)
    assert await titles(client) == ["Once"]


async def test_what_left_the_feed_is_found_as_it_was_last_known(
    client: Client, application: Application
) -> None:
    await take_in(application, EARLY)
    await caught_up(application)
    before = await found(client)
    await application.bus()(DelistEvents((event_id("early"),), uuid4()))
    await caught_up(application)
    assert await found(client) == before
    assert before[0]["id"] == str(event_id("early"))


async def test_our_own_events_are_found_until_they_are_cancelled(
    client: Client, application: Application
) -> None:
    ours = AnnounceEvent(title="Ours", starts_at=datetime(2100, 1, 1), timezone="UTC")
    announced = await application.bus()(ours)
    await caught_up(application)
    assert await titles(client) == ["Ours"]
    await application.bus()(CancelEvent(announced.id, "storm"))
    await caught_up(application)
    assert await titles(client) == []


async def test_a_title_arrives_as_it_was_sent(client: Client, application: Application) -> None:
    title = 'Los Morancos — "Ñu" \\ </script> 🎷'
    await take_in(application, plan(title, "2026-07-01T10:00:00"))
    await caught_up(application)
    assert await titles(client) == [title]


async def test_without_its_database_it_fails_as_the_contract_says(
    settings: Settings, servers: Urls, database: str
) -> None:
    hasty = msgspec.structs.replace(settings, connect_seconds=2, log_level="error")
    async with serving(hasty) as client:
        with database_down(servers.database, database):
            message = await refused(client, "", status=500)
        assert message == "something went wrong on our side; try again later"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_it_can_only_be_read(client: Client, method: str) -> None:
    response = await client.request(method, "/search")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]

"""Whatever is sent, nobody gets a 500, and everything that was taken can be projected."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote_from_bytes

import hypothesis
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from bootstrap import Application
from conftest import caught_up
from listings import Client, event_id, plan, serving, take_in
from settings import Settings

THEIRS = str(event_id("Jazz"))
PLACES = [
    "/search",
    "/events",
    "/events/{}",
    "/events/{}/history",
    "/events/{}/reschedule",
    "/events/{}/prices",
    "/events/{}/cancellation",
    "/providers",
    "/providers/{}/runs",
    "/providers/{}/runs/" + THEIRS,
    "/projections",
    "/health/ready",
    "/metrics",
    "/{}",
]
NAMES = [
    *("starts_at", "ends_at", "match", "q", "min_price", "max_price", "available", "provider"),
    *("status", "filter", "sortBy", "sortDir", "page", "pageSize", "title[contains]", "title[in]"),
    *("starts_at[gt]", "min_price[in]", "updated_at[ne]", "organizer[is_null]", "q[contains]"),
]
WORDS = [
    *["", "0", "1", "-1", "true", "null", "NaN", "1e5", "9" * 30, "asc", "title", "acme", ".."],
    *["*", "T", "\0", "\x7f", "2026-07-01T10:00:00Z", "2026-07-01T10:00:00 02:00"],
    *["0001-01-01T00:00:00+23:59", '{"and":[]}', "[" * 200, '"\\ud800"'],
    '{"field":"q","op":"contains","value":"a"}',
]

anything = st.one_of(
    st.sampled_from(WORDS).map(str.encode), st.text(max_size=20).map(str.encode), st.binary()
)
quoted = anything.map(quote_from_bytes)
pairs = st.tuples(st.sampled_from(NAMES) | quoted, quoted)
queries = st.lists(pairs, max_size=4).map(lambda found: "&".join(f"{n}={v}" for n, v in found))
paths = st.builds(
    lambda place, part: place.replace("{}", part, 1),
    st.sampled_from(PLACES),
    st.sampled_from([THEIRS, "acme", "1"]) | quoted.map(lambda part: part.replace("/", "%2F")),
)

fields = st.sampled_from(
    [
        *("title", "starts_at", "ends_at", "timezone", "zones", "organizer", "reason"),
        *("zone_id", "name", "price", "capacity", "numbered"),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([*WORDS, "2100-07-01T20:00:00", "Europe/Madrid", "UTC", "12.50"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=12,
)


def as_text(time: datetime) -> str:
    return time.isoformat()


zones = st.fixed_dictionaries(
    {
        "zone_id": st.text(max_size=5),
        "name": st.text(max_size=5),
        "price": st.integers(0, 10**9) | st.decimals().map(str) | st.sampled_from(WORDS),
        "capacity": st.integers(0, 10**9),
    }
)
bodies = st.one_of(
    st.binary(),
    values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {
            "title": st.text("aB é'\\%/\u3300\u200d🎷", min_size=1) | st.text(min_size=1),
            "starts_at": st.datetimes(datetime(2099, 1, 1), datetime(2100, 1, 1)).map(as_text),
            "timezone": st.sampled_from(["UTC", "Europe/Madrid", "Asia/Kathmandu"]),
        },
        optional={
            "ends_at": st.datetimes(datetime(2099, 6, 1)).map(as_text),
            "organizer": st.text(max_size=10),
            "zones": st.lists(zones, max_size=2),
        },
    ).map(lambda body: json.dumps(body).encode()),
    st.fixed_dictionaries({"reason": st.text()}).map(lambda body: json.dumps(body).encode()),
)
headers = st.dictionaries(
    st.sampled_from(
        ["if-match", "if-none-match", "content-type", "accept", "x-correlation-id", "traceparent"]
    ),
    st.sampled_from(["", "*", '"1"', 'W/"1"', "application/json", "text/html", "\xff", "a;b=c"]),
    max_size=3,
)


@pytest.fixture
async def client(settings: Settings, application: Application) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        await take_in(application, plan("Jazz", "2026-07-01T10:00:00"))
        await caught_up(application)
        yield client


freely = hypothesis.settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@freely
@given(st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT"]), paths, queries, bodies, headers)
async def test_no_request_is_answered_with_500(
    client: Client, method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    await sent(client, method, f"{path}?{query}", body, headers)


@freely
@given(bodies)
@example(b'{"title":"\\u0000","starts_at":"2100-01-01T00:00:00","timezone":"UTC"}')
async def test_what_is_taken_in_a_command_can_be_projected(
    client: Client, application: Application, body: bytes
) -> None:
    response = await sent(client, "POST", "/events", body, {})
    if response.status_code == 201:
        path = response.headers["location"]
        reason = json.dumps({"reason": json.loads(body)["title"]}).encode()
        await sent(client, "POST", f"{path}/cancellation", reason, {})
        await caught_up(application)
        assert (await client.get(path)).status_code == 200
        assert (await client.get("/events?pageSize=100")).status_code == 200


async def sent(client: Client, method: str, url: str, body: bytes, headers: dict[str, str]) -> Any:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = await client.request(method, url, content=body or None, headers=raw)
    assert response.status_code < 500, f"{method} {url} {body!r}: {response.text}"
    if response.status_code >= 400 and method != "HEAD" and not url.startswith("/search"):
        assert response.json()["status"] == response.status_code
    return response

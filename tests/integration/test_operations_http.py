"""What its operators ask: is it well, what does it count, who asked for this, what is on offer."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import unattended
from bootstrap import Application
from conftest import caught_up
from contexts.conversations.application.answering import WORK
from contexts.events.application.commands import AnnounceEvent
from listings import CLOSED, Client, database_down, serving
from servers import Urls
from settings import Settings

JAZZ = {"title": "Jazz", "starts_at": "2100-07-31T21:00:00", "timezone": "UTC"}
ANNOUNCE = AnnounceEvent("Jazz", datetime(2100, 7, 31), "UTC")


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def ready(client: Client) -> tuple[int, dict[str, str]]:
    response = await client.get("/health/ready")
    body = response.json()
    assert body["status"] == ("ok" if response.status_code == 200 else "unavailable")
    reached = "unknown" if body["checks"]["projections"] == "unknown" else "ok"
    assert [body["checks"].pop(look) for look in ("parked", "work")] == [reached] * 2
    return response.status_code, body["checks"]


async def test_it_is_ready_when_all_it_stands_on_answers_and_the_projections_keep_up(
    client: Client, application: Application
) -> None:
    await application.bus()(ANNOUNCE)
    await caught_up(application)
    assert await ready(client) == (200, {"database": "ok", "broker": "ok", "projections": "ok"})


async def test_without_its_database_it_lives_but_is_not_ready(
    settings: Settings, servers: Urls, database: str
) -> None:
    hasty = msgspec.structs.replace(settings, connect_seconds=2, log_level="error")
    async with serving(hasty) as client:
        with database_down(servers.database, database):
            status, checks = await ready(client)
            assert (status, checks["broker"], checks["projections"]) == (503, "ok", "unknown")
            assert checks["database"] != "ok"
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/metrics")).status_code == 200
            asked = await client.get("/events")
            assert (asked.status_code, asked.headers["retry-after"]) == (503, "2")
            assert "postgres" not in asked.text
        async with asyncio.timeout(60):
            while (await ready(client))[0] != 200:
                pass


async def test_without_redis_it_is_not_ready_and_says_so(settings: Settings) -> None:
    async with serving(msgspec.structs.replace(settings, redis_url=CLOSED)) as client:
        status, checks = await ready(client)
        assert (status, checks["database"], checks["projections"]) == (503, "ok", "ok")
        assert checks["broker"] == "ConnectionError"


async def test_a_projection_far_behind_makes_it_not_ready(
    settings: Settings, application: Application
) -> None:
    await application.bus()(ANNOUNCE)
    async with serving(msgspec.structs.replace(settings, ready_lag_seconds=1e-6)) as client:
        status, checks = await ready(client)
        assert (status, checks["database"]) == (503, "ok")
        assert re.search(r"events\.cards is \d+ s behind", checks["projections"])
        await caught_up(application)
        assert (await ready(client))[0] == 200


async def test_what_no_worker_is_at_is_told_and_counted(
    client: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unattended, "AFTER", 0.0)
    begun = (await client.post("/conversations")).json()
    await client.post(f"/conversations/{begun['id']}/messages", json={"text": "Anybody there?"})
    await caught_up(application)
    response = await client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"]["work"] == "no worker is at 1 messages"
    counted = (await metrics(client))["marquee_work_unattended"]
    assert counted == {"messages": 1, "questions": 0, "uploads": 0}

    async with application.claims().claim(WORK, UUID(begun["id"])) as ours:
        assert ours
        assert (await ready(client))[0] == 200


async def test_a_failing_projection_makes_it_not_ready_and_is_counted(
    client: Client, application: Application, database: str
) -> None:
    await application.bus()(ANNOUNCE)
    await caught_up(application)
    with psycopg.connect(database) as connection:
        connection.execute(
            "update event_store.checkpoints set error = 'ValueError: no', failed_at = now()"
            " where projection = 'events.catalogue'"
        )
    assert await ready(client) == (
        503,
        {
            "database": "ok",
            "broker": "ok",
            "projections": "events.catalogue is failing",
        },
    )
    assert (await metrics(client))["marquee_projection_failing"] == {
        "analytics.datasets": 0,
        "analytics.questions": 0,
        "analytics.reports": 0,
        "conversations.conversations": 0,
        "events.catalogue": 1,
        "events.cards": 0,
        "events.provider_runs": 0,
        "reactions": 0,
    }


async def metrics(client: Client) -> dict[str, dict[str, float]]:
    """Samples by name and by the values of their labels."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].count("charset") == 1
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = " ".join(str(value) for value in sample.labels.values())
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def test_requests_are_counted_by_route_and_projections_by_their_lag(
    client: Client, application: Application
) -> None:
    announced = await client.post("/events", json=JAZZ)
    await client.get(announced.headers["location"])
    found = await metrics(client)
    assert found["marquee_http_requests_total"]["POST /events 201"] >= 1
    assert found["marquee_http_requests_total"]["GET /events/{event_id} 200"] >= 1
    assert found["marquee_http_request_seconds_count"]["POST /events"] >= 1
    assert found["marquee_projection_lag_events"]["events.catalogue"] == 1
    assert found["marquee_projection_lag_seconds"]["events.catalogue"] > 0
    assert found["marquee_high_water_mark"][""] >= 1
    await caught_up(application)
    assert (await metrics(client))["marquee_projection_lag_events"]["events.catalogue"] == 0


async def test_no_caller_can_make_series(client: Client) -> None:
    async def ask(number: int) -> None:
        for path in (f"/x{number}", f"/events/x{number}", f"/a/b/{number}?c={number}"):
            assert (await client.get(path)).status_code == 404
        await client.request(f"MADEUP{number}", "/events")
        await client.request(f"MADEUP{number}", f"/x{number}")
        await client.get(f"/events?x{number}=1")
        await client.get(f"/providers/p{number}/runs")

    await ask(0)
    before = await metrics(client)
    for number in range(1, 20):
        await ask(number)
    after = await metrics(client)
    for name in ("marquee_http_requests_total", "marquee_http_request_seconds_bucket"):
        made = after[name].keys() - before[name].keys()
        assert all(labels.startswith("GET /metrics ") for labels in made)
    requests = "marquee_http_requests_total"
    assert after[requests]["GET unmatched 404"] - before[requests]["GET unmatched 404"] == 3 * 19
    assert not any("MADEUP" in labels for labels in after[requests])


@pytest.mark.parametrize("path", ["/health/live", "/events", "/search?starts_at=x", "/nowhere"])
async def test_every_answer_carries_the_id_it_was_asked_under(client: Client, path: str) -> None:
    async def under(*ids: str) -> str:
        headers = [(b"x-correlation-id", each.encode("latin-1")) for each in ids]
        return str((await client.get(path, headers=headers)).headers["x-correlation-id"])

    for given in ("a", "01a1f9c6-3f73", "trace:1/2.3@x_y+z=", "x" * 128):
        assert await under(given) == given
    made = {await under() for _ in range(3)}
    assert len(made) == 3
    for bad in ("", "x" * 129, "a b", "a\tb", "a;b", "<script>", "é"):
        assert await under(bad) not in (bad, *made)


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def recorded(database: str, event_id: str) -> dict[str, Any]:
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "select metadata::text from event_store.events where stream = %s",
            (f"event-{event_id}",),
        ).fetchone()
    assert found is not None
    return dict(json.loads(found[0]))


async def test_an_event_remembers_the_request_it_came_from(client: Client, database: str) -> None:
    headers = {"x-correlation-id": "order-1", "traceparent": TRACE}
    event = (await client.post("/events", json=JAZZ, headers=headers)).json()
    metadata = await recorded(database, event["id"])
    assert (metadata["correlation_id"], metadata["traceparent"]) == ("order-1", TRACE)
    assert metadata["actor"] == "anonymous"
    history = (await client.get(f"/events/{event['id']}/history")).json()["data"]
    assert history[0]["correlation_id"] == "order-1"
    assert history[0]["causation_id"] == metadata["causation_id"]


async def test_a_trace_that_makes_no_sense_is_begun_anew(client: Client, database: str) -> None:
    for bad in ("", "00-1-2-3", f"{TRACE}-x", TRACE.upper(), f"00-{'0' * 32}-{'1' * 16}-01"):
        event = (await client.post("/events", json=JAZZ, headers={"traceparent": bad})).json()
        made = (await recorded(database, event["id"]))["traceparent"]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", made)


async def test_what_there_is_no_route_for_is_a_problem(client: Client) -> None:
    response = await client.get("/nowhere")
    assert (response.status_code, response.headers["content-type"]) == (
        404,
        "application/problem+json",
    )
    assert response.json() == {
        "type": "about:blank#not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at /nowhere",
    }


async def test_a_method_that_is_not_allowed_is_a_problem_that_names_those_that_are(
    client: Client,
) -> None:
    response = await client.delete("/events")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))
    assert response.json()["type"] == "about:blank#method_not_allowed"
    assert response.json()["detail"].startswith("DELETE is not allowed here, only ")


async def test_a_caller_who_leaves_in_the_middle_is_not_our_failure(client: Client) -> None:
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": "/events",
        "query_string": b"",
        "headers": [(b"content-length", b"10")],
    }
    await client.app(scope, receive, send)
    assert said[0]["status"] == 400


@pytest.mark.parametrize("path", ["/events", "/health/live", "/projections", "/providers"])
async def test_a_query_string_has_a_bound(client: Client, path: str) -> None:
    response = await client.get(f"{path}?{'x' * 8193}")
    assert (response.status_code, response.json()["type"]) == (414, "about:blank#uri_too_long")
    assert response.json()["title"] == "URI Too Long"


async def test_a_provider_is_asked_for_by_a_name_that_can_be_one(client: Client) -> None:
    for name in ("%00", "%ff", "a b", "-", "x" * 65, "'--"):
        for path in (f"/providers/{name}/runs", f"/providers/{name}/runs?page=2"):
            response = await client.get(path)
            assert (response.status_code, response.json()["status"]) == (400, 400), path
            assert response.json()["detail"].startswith("name: ")
    assert (await client.get("/providers/nobody/runs")).json()["totalRows"] == 0
    assert (await client.get("/providers/nobody/runs?pgae=2")).status_code == 400
    assert (await client.post("/providers/nobody/runs")).status_code == 404


async def test_requests_are_logged_without_what_was_in_them(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    talkative = msgspec.structs.replace(settings, log_level="debug")
    async with serving(talkative) as client:
        headers = {"x-correlation-id": "order-1", "authorization": "Bearer s3cret"}
        await client.post("/events", json={**JAZZ, "title": "s3cret"}, headers=headers)
        await client.post("/events", json={"title": "s3cret"}, headers=headers)
        await client.post("/events", content=b'{"title": "s3cret', headers=headers)
        await client.get("/events?q=s3cret", headers=headers)
        await client.get("/events?colour=s3cret", headers=headers)
        await client.get("/nowhere?s3cret", headers=headers)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [(each["method"], each["path"], each["status"]) for each in answered] == [
        ("POST", "/events", 201),
        ("POST", "/events", 400),
        ("POST", "/events", 400),
        ("GET", "/events", 200),
        ("GET", "/events", 400),
        ("GET", "/nowhere", 404),
    ]
    assert {each["correlation_id"] for each in answered} == {"order-1"}
    ours = [line for line in lines if line["logger"] != "httpx"]  # The client's own.
    assert "s3cret" not in json.dumps(ours)


@pytest.fixture
async def document(client: Client) -> dict[str, Any]:
    response = await client.get("/schema/openapi.json")
    assert response.status_code == 200
    return dict(response.json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_the_document_describes_every_route_once(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.")
    described = {(method, path) for path, method, _ in operations(document)}
    assert {
        ("get", "/search"),
        ("get", "/events"),
        ("post", "/events"),
        ("get", "/events/{event_id}"),
        ("get", "/events/{event_id}/history"),
        ("post", "/events/{event_id}/reschedule"),
        ("post", "/events/{event_id}/prices"),
        ("post", "/events/{event_id}/cancellation"),
        ("get", "/providers"),
        ("post", "/providers/{name}/runs"),
        ("get", "/providers/{name}/runs"),
        ("get", "/providers/{name}/runs/{run_id}"),
        ("get", "/projections"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
    } <= described
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations(document):
        assert operation.get("description"), f"{method} {path} has no description"


async def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


async def test_the_document_tells_every_parameter(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        told = {(each["in"], each["name"]) for each in operation.get("parameters", [])}
        assert {("path", name) for name in re.findall(r"{(\w+)}", path)} <= told, path
        if method == "post" and path.startswith("/events/"):
            assert ("header", "If-Match") in told
    listing = {each["name"]: each for each in document["paths"]["/events"]["get"]["parameters"]}
    assert listing.keys() == {
        *("starts_at", "ends_at", "match", "q", "min_price", "max_price", "available"),
        *("provider", "status", "filter", "sortBy", "sortDir", "page", "pageSize"),
        *("cursor", "count", "fields"),
    }
    assert all(each["description"] and not each["required"] for each in listing.values())
    assert (listing["pageSize"]["schema"]["minimum"], listing["pageSize"]["schema"]["maximum"]) == (
        1,
        100,
    )


async def test_the_document_tells_how_each_request_may_be_refused(
    document: dict[str, Any],
) -> None:
    def refusals(path: str, method: str) -> set[str]:
        return {
            status
            for status, response in document["paths"][path][method]["responses"].items()
            if "application/problem+json" in response.get("content", {})
        }

    assert refusals("/events", "get") == {"400"}
    assert refusals("/events", "post") == {"400"}
    for change in ("reschedule", "prices", "cancellation"):
        assert refusals(f"/events/{{event_id}}/{change}", "post") == {"400", "404", "409", "412"}
    assert refusals("/events/{event_id}", "get") == {"400", "404"}
    assert refusals("/events/{event_id}/history", "get") == {"400", "404"}
    assert "304" in document["paths"]["/events/{event_id}"]["get"]["responses"]
    assert "503" in document["paths"]["/health/ready"]["get"]["responses"]
    search = document["paths"]["/search"]["get"]["responses"]
    assert search.keys() == {"200", "400", "500"}
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            schema = json.dumps(response)
            assert "status_code" not in schema, f"{method} {path} {status} is not ours"


async def test_prices_are_numbers_in_the_document_too(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Zone"]["properties"]["price"] == {"type": "number"}
    for name in ("EventSummary", "EventListed", "EventShown"):
        for price in ("min_price", "max_price"):
            kinds = schemas[name]["properties"][price]["oneOf"]
            assert {each["type"] for each in kinds} == {"number", "null"}

"""Models over HTTP: texts whole and as they come, their problems, and what was spent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults.api_process import served

from listings import Client, serving
from misbehaving_model import Answer, Model, fails, hangs, model, says, tells
from settings import Settings

GOOD = says("The Grand Hall.")
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Which hall is the largest?"}]}
SCHEMA = {
    "schema": {
        "type": "object",
        "properties": {"seats": {"type": "integer"}},
        "required": ["seats"],
        "additionalProperties": False,
    }
}


@asynccontextmanager
async def asking(
    settings: Settings, *answers: Answer, **others: Any
) -> AsyncIterator[tuple[Client, Model]]:
    async with model(*answers) as there:
        settings = msgspec.structs.replace(
            settings,
            **{
                "llm_model": "small",
                "llm_base_url": there.url,
                "llm_retries": 0,
                "llm_prices": {"small": (1.0, 2.0)},
                **others,
            },
        )
        async with serving(settings) as client:
            yield client, there


def events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of a body, by name."""
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), msgspec.json.decode(data[len("data: ") :])))
    return found


async def test_a_model_is_asked_over_http(settings: Settings) -> None:
    async with asking(settings, GOOD) as (client, there):
        response = await client.post("/llm/completions", json={**ASKED, "max_tokens": 50})
        (asked,) = there.asked
    assert response.status_code == 200
    assert response.json() == {
        "text": "The Grand Hall.",
        "parsed": None,
        "finish": "stop",
        "model": "small",
        "usage": {
            "input_tokens": 20,
            "output_tokens": 10,
            "cost": 0.00004,
            "cached": False,
            "estimated": False,
        },
    }
    assert (asked.messages, asked.body["max_completion_tokens"]) == (ASKED["messages"], 50)


async def test_with_a_schema_the_reply_is_decoded(settings: Settings) -> None:
    async with asking(settings, says('{"seats": 900}')) as (client, _):
        response = await client.post("/llm/completions", json={**ASKED, "schema": SCHEMA})
        assert response.json()["parsed"] == {"seats": 900}


async def test_what_may_be_kept_is_answered_again_for_nothing(settings: Settings) -> None:
    async with asking(settings, GOOD) as (client, there):
        for _ in range(2):
            response = await client.post("/llm/completions", json={**ASKED, "keep": True})
        usage = response.json()["usage"]
        assert (usage["cached"], usage["cost"], len(there.asked)) == (True, 0.0, 1)


@pytest.mark.parametrize(
    ("more", "headers"), [({"stream": True}, {}), ({}, {"accept": "text/event-stream"})]
)
async def test_a_text_is_streamed_to_whoever_asks_for_events(
    settings: Settings, more: dict[str, Any], headers: dict[str, str]
) -> None:
    async with asking(settings, GOOD) as (client, _):
        response = await client.post("/llm/completions", json={**ASKED, **more}, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    *deltas, last = events(response.text)
    assert deltas == [("delta", {"text": text}) for text in ("The", " Grand", " Hall.")]
    assert last[0] == "done"
    assert (last[1]["text"], last[1]["usage"]["output_tokens"]) == ("The Grand Hall.", 10)


async def test_a_stream_that_fails_ends_with_a_problem(settings: Settings) -> None:
    async with asking(settings, tells("The")) as (client, _):
        response = await client.post("/llm/completions", json={**ASKED, "stream": True})
    first, (name, problem) = events(response.text)
    assert first == ("delta", {"text": "The"})
    assert (name, problem["status"]) == ("error", 503)
    assert problem["type"] == "about:blank#language_model_unavailable"


@pytest.mark.parametrize(
    ("bad", "status", "code", "retry_after"),
    [
        (fails(500), 503, "unavailable", None),
        (fails(429, retry_after="60"), 429, "rate_limited", "60"),
        (fails(402), 503, "quota", None),
        (hangs, 504, "timeout", None),
        (says(None, refusal="I would rather not."), 409, "refused", None),
        (says(""), 502, "invalid", None),
        (fails(413), 400, "too_long", None),
        (fails(401), 503, "not_configured", None),
    ],
)
async def test_what_a_model_fails_at_is_a_problem_of_its_kind(
    settings: Settings, bad: Answer, status: int, code: str, retry_after: str | None
) -> None:
    seconds = 2.0 if bad is hangs else 60.0
    async with asking(settings, bad, llm_timeout_seconds=seconds) as (client, _):
        response = await client.post("/llm/completions", json=ASKED)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"about:blank#language_model_{code}"
    assert response.headers.get("retry-after") == retry_after


@pytest.mark.parametrize("more", [{}, {"stream": True}])
async def test_without_a_model_it_is_said_which_settings_to_set(
    settings: Settings, more: dict[str, Any]
) -> None:
    async with serving(settings) as client:
        response = await client.post("/llm/completions", json={**ASKED, **more})
    assert response.status_code == 503
    for name in ("LLM_MODEL", "LLM_BASE_URL", "LLM_API_KEY"):
        assert name in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "messages"),
        ({"messages": []}, "length >= 1"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user"}]}, "content"),
        ({**ASKED, "model": "large"}, "unknown field `model`"),
        ({**ASKED, "max_tokens": 0}, "max_tokens"),
        ({**ASKED, "temperature": 3}, "temperature"),
        ({**ASKED, "schema": {"schema": {"$ref": "#/gone"}}}, "schema: $ref"),
        ({**ASKED, "schema": {"schema": {}, "name": "a b"}}, "name"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_a_model_is_asked(
    settings: Settings, body: dict[str, Any], said: str
) -> None:
    async with asking(settings, GOOD) as (client, there):
        response = await client.post("/llm/completions", json=body)
        assert there.asked == []
    assert response.status_code == 400
    assert said in response.text


async def test_a_stream_under_an_idempotency_key_is_refused(settings: Settings) -> None:
    async with asking(settings, GOOD) as (client, there):
        response = await client.post(
            "/llm/completions", json={**ASKED, "stream": True}, headers={"idempotency-key": "k"}
        )
        assert (response.status_code, there.asked) == (400, [])
        for _ in range(2):
            response = await client.post(
                "/llm/completions", json=ASKED, headers={"idempotency-key": "other"}
            )
            assert response.json()["text"] == "The Grand Hall."
        assert len(there.asked) == 1


async def test_models_are_described_for_programs(settings: Settings) -> None:
    async with serving(settings) as client:
        paths = (await client.get("/schema/openapi.json")).json()["paths"]
    completion = paths["/llm/completions"]["post"]
    assert completion["responses"].keys() >= {"200", "400", "409", "429", "502", "503", "504"}
    assert [each["name"] for each in paths["/usage"]["get"]["parameters"]] == ["from", "to"]


async def test_what_models_cost_is_shown_by_day_and_purpose(settings: Settings) -> None:
    async with asking(settings, GOOD) as (client, _):
        await client.post("/llm/completions", json=ASKED)
        await client.post("/llm/completions", json={**ASKED, "stream": True})
        today = datetime.now(UTC).date().isoformat()
        report = (await client.get("/usage")).json()
        assert report["last"] >= today
        (day,) = report["days"]
        assert (day["purpose"], day["model"], day["calls"]) == ("http", "small", 2)
        assert report["totals"]["cost"] == pytest.approx(0.00008)
        assert (await client.get("/usage?from=2026-01-01&to=2026-01-31")).json()["days"] == []


@pytest.mark.parametrize(
    "query", ["from=yesterday", "from=2026-02-01&to=2026-01-01", "from=2020-01-01", "since=1"]
)
async def test_a_time_that_makes_no_sense_is_refused(settings: Settings, query: str) -> None:
    async with serving(settings) as client:
        assert (await client.get(f"/usage?{query}")).status_code == 400


async def test_over_a_real_connection_a_stream_ends_and_hanging_up_ends_the_call(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with model(GOOD, tells("The", then=hangs)) as there:
        monkeypatch.setenv("LLM_MODEL", "small")
        monkeypatch.setenv("LLM_BASE_URL", there.url)
        async with served(settings, tmp_path) as client:
            body = {**ASKED, "stream": True}
            whole = await client.post("/llm/completions", json=body)
            assert events(whole.text)[-1][1]["text"] == "The Grand Hall."
            async with client.stream("POST", "/llm/completions", json=body) as response:
                assert await anext(response.aiter_lines()) == "event: delta"
            assert await there.hung_up()
            # It was paid for all the same.
            async with asyncio.timeout(60):
                while (await client.get("/usage")).json()["totals"]["failed_calls"] != 1:
                    await asyncio.sleep(0.05)

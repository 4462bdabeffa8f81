"""What careless and hostile callers do with conversations: much at once, and what nobody means."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from httpx2 import AsyncClient, Response

from bootstrap import Application
from contexts.conversations.domain.conversation import MAX_WAITING
from listings import serving_here
from settings import Settings

ANN = {"marquee-caller": "ann"}


@pytest.fixture
async def client(settings: Settings, application: Application) -> AsyncIterator[AsyncClient]:
    async with serving_here(settings) as client:
        yield client


async def begun(client: AsyncClient) -> str:
    """The path of a new conversation of Ann's."""
    response = await client.post("/conversations", headers=ANN)
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


def kinds(responses: list[Response]) -> Counter[tuple[int, str]]:
    """How often each status and problem was answered."""
    return Counter((each.status_code, each.json().get("type", "")) for each in responses)


async def test_of_many_messages_at_once_as_many_are_taken_in_as_may_wait(
    client: AsyncClient,
) -> None:
    path = await begun(client)
    body = {"text": "Hello!", "policy": "enqueue"}
    responses = await asyncio.gather(
        *(client.post(f"{path}/messages", json=body, headers=ANN) for _ in range(16))
    )
    assert kinds(responses) == {
        (202, ""): MAX_WAITING,
        (409, "about:blank#conversations.too_many_waiting"): 16 - MAX_WAITING,
    }


async def test_messages_at_once_take_no_more_than_the_budget_of_the_day(
    settings: Settings, application: Application
) -> None:
    async with serving_here(msgspec.structs.replace(settings, messages_per_day=5)) as client:
        paths = [await begun(client) for _ in range(12)]
        responses = await asyncio.gather(
            *(
                client.post(f"{path}/messages", json={"text": "Hello!"}, headers=ANN)
                for path in paths
            )
        )
        assert Counter(each.status_code for each in responses) == {202: 5, 429: 7}
        usage = (await client.get("/usage", headers=ANN)).json()
        assert usage["allowance"]["messages"]["left"] == 0


async def test_a_run_that_is_cancelled_many_times_is_queued_once_more(
    client: AsyncClient, application: Application, settings: Settings
) -> None:
    path = await begun(client)
    said = (await client.post(f"{path}/messages", json={"text": "Hi"}, headers=ANN)).json()
    run = f"/runs/{said['run_id']}/cancellation"
    responses = await asyncio.gather(*(client.post(run, headers=ANN) for _ in range(30)))
    assert {(each.status_code, each.json()["cancelling"]) for each in responses} == {(202, True)}
    queue = f"{settings.broker_namespace}:conversations"
    async with asyncio.timeout(60):
        while await application.redis().llen(queue) < 2:
            await asyncio.sleep(0.01)
    assert await application.redis().llen(queue) == 2


def filed(*parts: Any) -> bytes:
    """A file in which a message is answered with these parts."""
    question = {
        "id": str(uuid4()),
        "parent_id": None,
        "author": "user",
        "written_at": "2026-05-04T12:00:00Z",
        "parts": [{"type": "text", "text": "Hello!"}],
    }
    answer = {
        **question,
        "id": str(uuid4()),
        "parent_id": question["id"],
        "author": "assistant",
        "parts": parts,
    }
    return msgspec.json.encode({"format": "marquee.conversation/1", "messages": [question, answer]})


def called(deep: int, where: str) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(deep):
        nested = {"a": [nested]}
    return {"type": "tool", "id": "1", "name": "ask_data", "arguments": {}, where: nested}


@pytest.mark.parametrize("where", ["result", "arguments"])
async def test_a_file_with_what_no_tool_is_told_or_tells_is_refused_with_the_place(
    client: AsyncClient, where: str
) -> None:
    headers = {**ANN, "content-type": "application/json"}
    for deep, status in ((10, 201), (60, 400), (400, 400)):
        body = filed({"type": "text", "text": "Well."}, called(deep, where))
        response = await client.post("/conversations/imports", content=body, headers=headers)
        assert response.status_code == status, (deep, response.text)
    assert response.json()["detail"].startswith(f"messages[1].parts[1].{where}: ")

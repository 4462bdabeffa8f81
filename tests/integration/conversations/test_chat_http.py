"""The fixed contract on the real thing: two processes, a database, and no model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
from httpx2 import AsyncClient

from bootstrap import Application
from contexts.conversations.application.answering import AnswerConversation
from contexts.conversations.domain.conversation import Conversation
from listings import database_down, serving_here
from servers import Urls
from settings import Settings

ANN = {"marquee-caller": "ann"}
BOB = {"marquee-caller": "bob"}
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
HI = {"message": "hello, I am the one with the parrot"}


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[AsyncClient]:
    async with serving_here(settings) as client:
        yield client


@asynccontextmanager
async def working(application: Application) -> AsyncIterator[None]:
    """A worker that answers whatever is asked for, until the end of the block."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            for stream in await _streams(application):
                id = UUID(stream.removeprefix(f"{Conversation.stream}-"))
                await application.bus()(AnswerConversation(id))
            await asyncio.sleep(0.02)

    worker = asyncio.create_task(work())
    try:
        yield
    finally:
        stop.set()
        await worker


async def test_what_is_said_is_answered_and_stands_in_the_history(
    here: AsyncClient, application: Application
) -> None:
    async with working(application):
        answer = await here.post("/chat/message", json=HI, headers=ANN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "Success"
    assert answer.json()["response"]
    shown = (await here.get("/chat/history", headers=ANN)).json()
    assert shown == [{"user": HI["message"], "AI": answer.json()["response"]}]
    assert (await here.get("/chat/history", headers=BOB)).json() == []


async def test_under_a_key_it_is_answered_too_and_said_once(
    here: AsyncClient, application: Application
) -> None:
    headers = {**ANN, **KEY}
    async with working(application):
        answers = await asyncio.gather(
            *(here.post("/chat/message", json=HI, headers=headers) for _ in range(5))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    # Nobody has to be at work for what was answered before.
    again = await here.post("/chat/message", json=HI, headers=headers)
    assert (again.status_code, again.content) == (200, answers[0].content)
    assert len((await here.get("/chat/history", headers=ANN)).json()) == 1


async def test_who_waited_in_vain_gets_the_answer_under_the_same_key(
    settings: Settings, application: Application
) -> None:
    headers = {**ANN, **KEY}
    async with serving_here(msgspec.structs.replace(settings, chat_seconds=0.2)) as hasty:
        late = await hasty.post("/chat/message", json=HI, headers=headers)
    assert (late.status_code, late.json()["status"]) == (500, "error")
    async with serving_here(settings) as here, working(application):
        answer = await here.post("/chat/message", json=HI, headers=headers)
        assert answer.status_code == 200
        assert len((await here.get("/chat/history", headers=ANN)).json()) == 1


async def test_nothing_of_what_is_said_is_kept_in_the_clear_beside_the_key(
    here: AsyncClient, application: Application
) -> None:
    async with working(application):
        await here.post("/chat/message", json=HI, headers={**ANN, **KEY})
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select k::text from event_store.idempotency_keys k")
        assert await cursor.fetchall() == []
        cursor = await connection.execute("select e::text from event_store.events e")
        events = [text for (text,) in await cursor.fetchall()]
    assert len(events) >= 4
    assert not [text for text in events if "parrot" in text or "ann" in text.split('"')]


async def test_a_spent_budget_ends_the_day_and_usage_says_so(
    settings: Settings, application: Application
) -> None:
    settings = msgspec.structs.replace(settings, messages_per_day=1)
    async with serving_here(settings) as here, working(application):
        assert await _left(here) == 1
        assert (await here.post("/chat/message", json=HI, headers=ANN)).status_code == 200
        spent = await here.post("/chat/message", json=HI, headers=ANN)
        assert (spent.status_code, spent.json()["status"]) == (429, "error")
        assert 0 < int(spent.headers["retry-after"]) <= 86_400
        assert await _left(here) == 0
        assert (await here.post("/chat/message", json=HI, headers=BOB)).status_code == 200
        assert len((await here.get("/chat/history", headers=ANN)).json()) == 1


async def test_without_a_database_both_say_so_in_their_form(
    settings: Settings, servers: Urls, database: str
) -> None:
    hasty = msgspec.structs.replace(settings, connect_seconds=2, log_level="critical")
    said = "a server that we stand on does not answer; try again"
    async with serving_here(hasty) as here:
        with database_down(servers.database, database):
            for headers in (ANN, {**ANN, **KEY}):
                answer = await here.post("/chat/message", json=HI, headers=headers)
                assert (answer.status_code, answer.json()) == (
                    500,
                    {"status": "error", "message": said},
                )
            shown = await here.get("/chat/history", headers=ANN)
            assert (shown.status_code, shown.json()) == (500, {"message": said})


async def _left(here: AsyncClient) -> Any:
    answer = await here.get("/usage", headers=ANN)
    return answer.json()["allowance"]["messages"]["left"]


async def _streams(application: Application) -> list[str]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select distinct stream from event_store.events"
            " where type = 'conversations.run_requested'"
        )
        return [stream for (stream,) in await cursor.fetchall()]

"""What people say stands nowhere but in their conversations, whatever goes wrong, and goes with
them."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import pytest
from prometheus_client import generate_latest

from bootstrap import Application, running
from conftest import caught_up
from contexts.conversations.application.answering import AnswerConversation, FindTitle
from contexts.conversations.application.posting import PostMessage, StartConversation
from contexts.conversations.application.queries import (
    GetConversation,
    GetRun,
    ListConversations,
    RunShown,
)
from contexts.conversations.domain.run import RunId
from misbehaving_model import Answer, Asked, Line, body, fails, model, tells
from settings import Settings
from shared.application.context import Context, running_in
from shared.application.personal import EraseSubject
from shared.domain.errors import NotFound
from shared.domain.personal import Sealed
from traces import traces

NAME = "ann-of-the-lake"
WORD = "okapiquill"
SAID = f"is there a {WORD} on the first of May?"


async def asked(application: Application, owner: UUID) -> tuple[UUID, RunShown]:
    """A new conversation of one message, and the run that has tried to answer it."""
    bus = application.bus()
    id = await bus(StartConversation(owner=owner, title=f"About the {WORD}"))
    posted = await bus(PostMessage(owner=owner, conversation_id=id, text=SAID))
    await bus(AnswerConversation(id))
    await bus(FindTitle(id))
    return id, await bus(GetRun(posted.run, owner))


@asynccontextmanager
async def with_model(settings: Settings, url: str) -> AsyncIterator[Application]:
    told = msgspec.structs.replace(settings, llm_base_url=url, llm_model="m", llm_retries=0)
    async with running(told, "marquee-test") as application:
        yield application


def quoting(status: int) -> Answer:
    async def answer(asked: Asked, line: Line) -> None:
        await fails(status, f"can't do this: {json.dumps(asked.body)}")(asked, line)

    return answer


def breaking_off() -> Answer:
    async def error(asked: Asked, line: Line) -> None:
        await line.event({"error": {"message": json.dumps(asked.body), "code": 500}})

    return tells("I think ", then=error)


async def a_page(asked: Asked, line: Line) -> None:
    page = f"<!doctype html><p>{json.dumps(asked.body)}"
    await body(page, content_type="text/html")(asked, line)


@pytest.mark.parametrize(
    "answer",
    [*map(quoting, (400, 401, 403, 404, 429, 500, 503)), breaking_off(), a_page],
    ids=["400", "401", "403", "404", "429", "500", "503", "in a stream", "a page"],
)
async def test_a_model_that_fails_and_repeats_what_was_said_is_not_repeated(
    settings: Settings, database: str, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with model(answer) as working, with_model(settings, working.url) as application:
        owner = await application.vault().subject(NAME)
        _, run = await asked(application, owner)
        assert any(WORD in json.dumps(each.body) for each in working.asked)
        assert await traces(application, WORD) == []
    assert (run.status, run.answer is None) == ("failed", False)
    for text in (run.code, run.reason, generate_latest().decode(), *map(_said, caplog.records)):
        assert text is not None
        assert WORD not in text.lower()
        assert NAME not in text


def _said(record: logging.LogRecord) -> str:
    """All that a line of the log may show."""
    return str(vars(record)) + logging.Formatter().format(record)


async def test_nothing_that_was_said_or_called_is_left_of_whoever_is_erased(
    application: Application,
) -> None:
    owner = await application.vault().subject(NAME)
    id, _ = await asked(application, owner)
    await caught_up(application)
    assert await traces(application, WORD) == ["conversations.conversations_1"]
    assert await traces(application, NAME) == ["personal.subjects"]
    assert await traces(application, str(owner))
    await application.bus()(EraseSubject(str(owner)))
    await caught_up(application)
    for word in (WORD, NAME, "first of may"):
        assert await traces(application, word) == []
    shown = await application.bus()(GetConversation(id, owner))
    assert (shown.title, {each.erased for each in shown.tree}) == ("erased", {True})
    assert await application.vault().subject(NAME) != owner


async def test_another_tenant_has_no_part_in_it(application: Application) -> None:
    bus, vault = application.bus(), application.vault()
    owner = await vault.subject(NAME)
    id, run = await asked(application, owner)
    (box,) = await vault.seal(owner, WORD.encode())
    await caught_up(application)
    with running_in(Context(correlation_id="c", tenant="other")):
        for message in (
            GetConversation(id, owner),
            GetRun(RunId.read(run.id), owner),
            PostMessage(owner=owner, conversation_id=id, text="Hello!"),
            EraseSubject(NAME),
            EraseSubject(str(owner)),
        ):
            with pytest.raises(NotFound):
                await bus(message)
        assert (await bus(ListConversations(owner=owner))).data == []
        assert await vault.find(NAME) is None
        assert await vault.open(Sealed(owner, box.box)) == (None,)
        assert await vault.subject(NAME) != owner
    assert (await bus(GetConversation(id, owner))).messages == 2

"""The assistant on servers of models over HTTP, good ones and bad ones."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from contexts.conversations.application.ports import Said
from contexts.conversations.domain.run import Spent
from contexts.conversations.infrastructure.model_assistant.paying import Purse
from contexts.conversations.infrastructure.model_assistant.titles import ModelTitles
from language_models import language_model, server
from misbehaving_model import (
    HTML,
    Answer,
    Asked,
    Line,
    calls_whole,
    fails,
    hangs,
    hangs_up,
    model,
    refuses,
    says,
    tells,
)
from model_assistants import (
    OWNER,
    FakeBudgets,
    FakeTools,
    Heard,
    answer,
    assistant,
    heard,
    tool,
    turn,
    user,
)
from settings import Settings

GOOD = says("Two concerts.")
WANTS = says(None, calls=[("search_events", {"words": "jazz"})], finish="tool_calls")


def finds(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"total": 1, "events": [{"title": f"All about {arguments.get('words')}"}]}


async def answered(
    settings: Settings,
    *answers: Answer,
    tools: FakeTools | None = None,
    took: list[Spent] | None = None,
    **limits: Any,
) -> tuple[Heard, list[Asked], FakeBudgets]:
    """What was heard, what the server was asked, and what was paid."""
    budgets = FakeBudgets()
    async with (
        model(*answers) as there,
        language_model(settings, server(there), retries=1) as ours,
    ):
        made = assistant(ours, tools or finds, budgets, **limits)
        return await heard(made.reply(turn("Any jazz?", took=took))), there.asked, budgets


async def test_a_good_server_is_asked_as_the_protocol_has_it(settings: Settings) -> None:
    took = list[Spent]()
    got, asked, budgets = await answered(settings, WANTS, GOOD, took=took)
    assert [piece.text for piece in got.pieces if isinstance(piece, Said)] == ["Two", " concerts."]
    assert got.kinds == ["ToolBegun", "ToolDone", "Said", "Said"]
    assert got.begun[0].arguments == {"words": "jazz"}
    first, second = (each.body for each in asked)
    for body in (first, second):
        assert body["max_completion_tokens"] == 1_000
        assert (body["temperature"], body["stream"]) == (0.0, True)
        assert [each["function"]["name"] for each in body["tools"]] == ["search_events", "ask_data"]
    called, found = second["messages"][2:]
    (call,) = called["tool_calls"]
    assert call["function"] == {"name": "search_events", "arguments": '{"words":"jazz"}'}
    assert (found["role"], found["tool_call_id"]) == ("tool", call["id"])
    assert "All about jazz" in found["content"]
    assert budgets.settled == [30, 30]
    assert [(each.input_tokens, each.output_tokens) for each in took] == [(20, 10)] * 2
    assert took[0].model == "test-model"


async def test_two_tools_that_come_whole_and_without_ids_are_both_called(
    settings: Settings,
) -> None:
    both = calls_whole(("search_events", {"words": "jazz"}), ("ask_data", {"question": "sales"}))
    got, asked, _ = await answered(settings, both, GOOD)
    assert [part.name for part in got.found] == ["search_events", "ask_data"]
    assert [message["role"] for message in asked[1].messages] == [
        *("system", "user", "assistant", "tool", "tool")
    ]


async def test_a_model_that_never_stops_calling_tools_answers_in_the_end(
    settings: Settings,
) -> None:
    def endless(wants: Answer, then: Answer) -> Answer:
        async def reply(asked: Asked, line: Line) -> None:
            await (wants if "tools" in asked.body else then)(asked, line)

        return reply

    got, asked, _ = await answered(settings, endless(WANTS, GOOD), rounds=4)
    assert got.text == "Two concerts."
    assert len(got.found) == 4
    assert len(asked) == 5
    last = asked[-1].messages
    assert [message["role"] for message in last] == ["system", "user"]
    assert last[1]["content"].count("All about jazz") == 4


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("registry.ollama.ai/library/some-model does not support tools", 400),
        ('"auto" tool choice requires --enable-auto-tool-choice', 400),
        ("No endpoints found that support tool use", 404),
    ],
)
async def test_a_server_without_tools_is_asked_without(
    settings: Settings, message: str, status: int
) -> None:
    def speaks_of_tools(asked: Asked) -> bool:
        roles = {each["role"] for each in asked.messages}
        return "tools" in asked.body or "tool" in roles

    got, asked, _ = await answered(settings, refuses(speaks_of_tools, message, GOOD, status))
    assert (got.text, got.failed) == ("Two concerts.", None)
    assert len(asked) == 2
    assert "You have no tools" in asked[1].messages[0]["content"]


async def test_an_enormous_result_is_sent_in_bounds(settings: Settings) -> None:
    rows = [[number, "x" * 400] for number in range(5_000)]
    tools = FakeTools(lambda *_: {"rows": rows, "analysis": "Many."})
    got, asked, _ = await answered(settings, WANTS, GOOD, tools=tools)
    assert got.found[0].result == {"rows": rows, "analysis": "Many."}
    sent = asked[1].messages[-1]["content"]
    assert len(sent) <= 6_000
    assert json.loads(sent)["analysis"] == "Many."


async def test_nonsense_arguments_are_told_the_model_in_json(settings: Settings) -> None:
    async def nonsense(asked: Asked, line: Line) -> None:
        await line.head(content_type="text/event-stream")
        function = {"name": "search events!", "arguments": '{"words": "ja'}
        await line.delta(tool_calls=[{"index": 0, "id": "", "function": function}])
        await line.delta("length")
        await line.event("[DONE]")

    got, asked, _ = await answered(settings, nonsense, GOOD)
    assert got.text == "Two concerts."
    (call,) = asked[1].messages[2]["tool_calls"]
    assert call["function"] == {"name": "search_events_", "arguments": "{}"}
    assert "JSON" in asked[1].messages[3]["content"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (fails(500), "model_unavailable"),
        (hangs_up, "model_unavailable"),
        (HTML, "model_unavailable"),
        (fails(429), "model_rate_limited"),
        (fails(429, retry_after="600"), "model_rate_limited"),
        (fails(429, {"code": "insufficient_quota"}), "model_quota"),
        (fails(401), "model_not_configured"),
        (fails(400, "what is this?"), "model_invalid"),
        (fails(400, {"code": "context_length_exceeded"}), "too_long"),
        (fails(400, {"code": "content_filter"}), "model_refused"),
        (says(None, refusal="I would rather not."), "model_refused"),
        (says(""), "empty_answer"),
        (says("", finish="length"), "empty_answer"),
        (says("<think>Hm.</think>"), "empty_answer"),
        (hangs, "model_timeout"),
    ],
)
async def test_a_server_that_fails_has_a_code_and_words_without_what_was_said(
    settings: Settings, bad: Answer, code: str
) -> None:
    got, _, budgets = await answered(settings, bad, call_seconds=1.5)
    assert got.failed is not None
    assert got.failed.code == code
    assert "jazz" not in str(got.failed)
    assert "test-model" not in str(got.failed)
    assert not got.text
    assert len(budgets.reserved) == len(budgets.settled)


async def test_who_is_asked_too_often_says_when_to_come_back(settings: Settings) -> None:
    got, _, _ = await answered(settings, fails(429, retry_after="600"))
    assert str(got.failed).endswith("try again in 600 s")


async def test_a_stream_that_is_cut_leaves_what_was_said(settings: Settings) -> None:
    took = list[Spent]()
    got, asked, budgets = await answered(settings, tells("Two ", "conc"), took=took)
    assert got.text == "Two conc"
    assert got.failed is not None
    assert got.failed.code == "model_unavailable"
    (spent,) = took
    assert spent.output_tokens > 0
    assert len(asked) == 1
    assert budgets.settled == [spent.tokens]


async def test_a_stream_that_stands_still_is_given_up(settings: Settings) -> None:
    got, _, _ = await answered(settings, tells("Two ", then=hangs), call_seconds=1.0)
    assert got.text == "Two "
    assert got.failed is not None
    assert got.failed.code == "model_timeout"


async def test_a_server_that_fails_after_tools_leaves_what_they_found(settings: Settings) -> None:
    got, _, _ = await answered(settings, WANTS, fails(500))
    assert len(got.found) == 1
    assert got.failed is not None
    assert got.failed.code == "model_unavailable"


async def test_cancelling_hangs_up_at_the_server_and_settles(settings: Settings) -> None:
    budgets, said = FakeBudgets(), asyncio.Event()
    got: list[Any] = []

    async with (
        model(tells("Two ", then=hangs)) as there,
        language_model(settings, server(there)) as ours,
    ):

        async def read() -> None:
            pieces = assistant(ours, budgets=budgets).reply(turn("Any jazz?"))
            async with aclosing(pieces):
                async for piece in pieces:
                    got.append(piece)
                    said.set()

        reading = asyncio.create_task(read())
        await asyncio.wait_for(said.wait(), 60)
        reading.cancel()
        await asyncio.wait({reading})
        assert await there.hung_up()
    assert got == [Said("Two ")]
    (reserved,), (settled,) = budgets.reserved, budgets.settled
    assert 0 < settled < reserved


async def test_cancelling_before_the_first_word_hangs_up_as_well(settings: Settings) -> None:
    budgets = FakeBudgets()
    async with model(hangs) as there, language_model(settings, server(there)) as ours:
        pieces = assistant(ours, budgets=budgets).reply(turn("Any jazz?"))
        reading = asyncio.create_task(heard(pieces))
        while not there.asked:
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait({reading})
        assert await there.hung_up()
    assert len(budgets.settled) == 1


async def test_the_next_server_answers_when_the_first_does_not(settings: Settings) -> None:
    async with (
        model(fails(500)) as bad,
        model(WANTS, GOOD) as good,
        language_model(settings, server(bad, "bad"), server(good), retries=0) as ours,
    ):
        took = list[Spent]()
        got = await heard(assistant(ours, finds).reply(turn("Any jazz?", took=took)))
    assert (got.text, got.failed) == ("Two concerts.", None)
    assert [each.model for each in took] == ["test-model"] * 2


async def test_a_title_comes_from_a_server(settings: Settings) -> None:
    path = (user("Any jazz?"), answer(tool(total=2), "Two concerts."))
    async with (
        model(says('"Jazz in November"'), fails(500), hangs) as there,
        language_model(settings, server(there), retries=0) as ours,
    ):
        titles = ModelTitles(Purse(ours, FakeBudgets()), seconds=1.0)
        assert await titles.suggest(OWNER, path) == "Jazz in November"
        assert there.asked[0].body["max_completion_tokens"] == 24
        assert await titles.suggest(OWNER, path) is None
        assert await titles.suggest(OWNER, path) is None

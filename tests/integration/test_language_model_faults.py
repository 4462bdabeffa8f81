"""What becomes of a request when the server of a model does well, and badly in every way."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from language_models import asks, language_model, server, streamed
from misbehaving_model import (
    HTML,
    Answer,
    body,
    calls_whole,
    enormous,
    fails,
    hangs,
    hangs_in_its_body,
    hangs_up,
    hangs_up_in_its_body,
    model,
    refuses,
    says,
    tells,
)
from settings import Settings
from shared.application.language_model import (
    ChatMessage,
    Completion,
    Delta,
    LanguageModelFailed,
    ModelServer,
    Tool,
    ToolCall,
)

GOOD = says("The Grand Hall.")
QUOTA = {"message": "You have no credit.", "code": "insufficient_quota"}
TOOL = Tool("search", "Search the catalogue", {"type": "object", "properties": {}})


async def failure(
    settings: Settings,
    *answers: Answer,
    request: Completion | None = None,
    stream: bool = False,
    **limits: Any,
) -> tuple[LanguageModelFailed, int]:
    """How it failed, and how many times the server was asked."""
    request = request or asks()
    async with model(*answers) as there, language_model(settings, server(there), **limits) as ours:
        with pytest.raises(LanguageModelFailed) as raised:
            await (streamed(ours, request) if stream else ours.complete(request))
        return raised.value, len(there.asked)


async def test_a_good_server_is_asked_once_and_with_all_that_matters(settings: Settings) -> None:
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        completed = await ours.complete(asks(max_tokens=50))
        (asked,) = there.asked
    assert (completed.text, completed.model, completed.finish) == (
        "The Grand Hall.",
        "test-model",
        "stop",
    )
    assert (completed.usage.input_tokens, completed.usage.output_tokens) == (20, 10)
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer k3y"
    assert asked.body == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "Which hall is the largest?"}],
        "max_completion_tokens": 50,
        "temperature": 0.0,
    }


async def test_a_server_without_a_key_is_sent_none(settings: Settings) -> None:
    async with model(GOOD) as there, language_model(settings, server(there, key=None)) as ours:
        await ours.complete(asks())
        assert "authorization" not in there.asked[0].headers


async def test_a_reply_has_no_more_tokens_than_settings_allow(settings: Settings) -> None:
    async with (
        model(GOOD) as there,
        language_model(settings, server(there), max_output_tokens=70) as ours,
    ):
        await ours.complete(asks(max_tokens=500))
        await ours.complete(asks())
        assert [asked.body["max_completion_tokens"] for asked in there.asked] == [70, 70]


async def test_a_stream_is_told_as_it_comes_and_ends_with_the_whole(settings: Settings) -> None:
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        deltas, completed = await streamed(ours, asks())
    assert deltas == ["The", " Grand", " Hall."]
    assert completed.text == "The Grand Hall."
    assert (completed.usage.input_tokens, completed.usage.estimated) == (20, False)


@pytest.mark.parametrize("stream", [False, True])
async def test_tool_calls_come_whole_also_out_of_a_stream(settings: Settings, stream: bool) -> None:
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("search", {"q": "jazz", "page": 2}),
        ("search", {"q": "flamenco"}),
    ]
    answer = says(None, calls=wanted, finish="tool_calls")
    async with model(answer) as there, language_model(settings, server(there)) as ours:
        request = asks(tools=(TOOL,))
        completed = (await streamed(ours, request))[1] if stream else await ours.complete(request)
        assert there.asked[0].body["tools"][0]["function"]["name"] == "search"
    assert completed.finish == "tool_calls"
    assert completed.tool_calls == (
        ToolCall("call-0", "search", '{"q": "jazz", "page": 2}'),
        ToolCall("call-1", "search", '{"q": "flamenco"}'),
    )


async def test_tool_calls_that_come_whole_in_a_stream_without_numbers_are_told_apart(
    settings: Settings,
) -> None:
    answer = calls_whole(("search", {"q": "jazz"}), ("search", {"q": "flamenco"}))
    async with model(answer) as there, language_model(settings, server(there)) as ours:
        _, completed = await streamed(ours, asks(tools=(TOOL,)))
    assert [call.arguments for call in completed.tool_calls] == [
        '{"q": "jazz"}',
        '{"q": "flamenco"}',
    ]
    assert len({call.id for call in completed.tool_calls}) == 2


async def test_tool_results_go_back_as_the_protocol_has_them(settings: Settings) -> None:
    messages = (
        ChatMessage("user", "Any jazz?"),
        ChatMessage("assistant", "", tool_calls=(ToolCall("c1", "search", '{"q":"jazz"}'),)),
        ChatMessage("tool", "none", tool_call_id="c1"),
    )
    async with model(GOOD) as there, language_model(settings, server(there)) as ours:
        await ours.complete(asks(messages=messages))
        sent = there.asked[0].messages
    call = {"id": "c1", "type": "function"}
    function = {"name": "search", "arguments": '{"q":"jazz"}'}
    assert sent == [
        {"role": "user", "content": "Any jazz?"},
        {"role": "assistant", "content": None, "tool_calls": [{**call, "function": function}]},
        {"role": "tool", "content": "none", "tool_call_id": "c1"},
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        fails(500),
        fails(503, retry_after="0"),
        fails(429),
        fails(429, retry_after="0"),
        fails(429, retry_after=format_datetime(datetime.now(UTC) - timedelta(minutes=1))),
        hangs_up,
        hangs_up_in_its_body,
        body("{not json"),
        body('{"choices": []}'),
        body('{"error": {"message": "overloaded"}}'),
        HTML,
    ],
)
async def test_what_may_pass_is_tried_again(settings: Settings, bad: Answer, stream: bool) -> None:
    async with model(bad, bad, GOOD) as there, language_model(settings, server(there)) as ours:
        if stream:
            assert (await streamed(ours, asks()))[0] == ["The", " Grand", " Hall."]
        else:
            assert (await ours.complete(asks())).text == "The Grand Hall."
        assert len(there.asked) == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (fails(500), "unavailable"),
        (fails(429), "rate_limited"),
        (hangs_up, "unavailable"),
        (hangs_up_in_its_body, "unavailable"),
        (body("{not json"), "unavailable"),
        (body("{}"), "unavailable"),
        (body('{"choices": 1}'), "unavailable"),
        (body("[" * 100_000), "unavailable"),
        (body(b"\xff\xfe"), "unavailable"),
        (HTML, "unavailable"),
    ],
)
async def test_what_does_not_pass_is_given_up_after_so_many_attempts(
    settings: Settings, bad: Answer, kind: str, stream: bool
) -> None:
    failed, times = await failure(settings, bad, retries=2, stream=stream)
    assert (failed.kind, times) == (kind, 3)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (fails(429, QUOTA), "quota"),
        (fails(402), "quota"),
        (fails(401, "Incorrect key k3y"), "not_configured"),
        (fails(403), "not_configured"),
        (fails(404, {"message": "no such model", "code": "model_not_found"}), "not_configured"),
        (fails(400, {"message": "", "code": "context_length_exceeded"}), "too_long"),
        (fails(400, "This model's maximum context length is 8 tokens"), "too_long"),
        (fails(413), "too_long"),
        (fails(400, {"message": "no", "code": "content_filter"}), "refused"),
        (fails(400, "what is this?"), "invalid"),
        (says(None, refusal="I would rather not."), "refused"),
        (says("Well", finish="content_filter"), "refused"),
        (says(""), "invalid"),
        (says("", finish="length"), "too_long"),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(
    settings: Settings, bad: Answer, kind: str, stream: bool
) -> None:
    failed, times = await failure(settings, bad, stream=stream)
    assert (failed.kind, times) == (kind, 1)
    assert "k3y" not in str(failed)


async def test_a_wait_longer_than_is_allowed_is_not_waited_for_but_told(
    settings: Settings,
) -> None:
    failed, times = await failure(settings, fails(429, retry_after="600"))
    assert (failed.kind, failed.retry_after, times) == ("rate_limited", 600.0, 1)
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    failed, times = await failure(settings, fails(503, retry_after=later))
    assert failed.retry_after is not None
    assert (failed.kind, times) == ("unavailable", 1)
    assert 3_500 < failed.retry_after <= 3_600


async def test_a_wait_that_goes_beyond_the_deadline_is_not_begun(settings: Settings) -> None:
    failed, times = await failure(
        settings, fails(429, retry_after="10"), request=asks(deadline=5.0)
    )
    assert (failed.kind, times) == ("rate_limited", 1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("bad", [hangs, hangs_in_its_body, tells(then=hangs)])
async def test_a_server_that_hangs_is_given_up_at_the_deadline(
    settings: Settings, bad: Answer, stream: bool
) -> None:
    failed, times = await failure(settings, bad, request=asks(deadline=3.0), stream=stream)
    assert (failed.kind, times) == ("timeout", 1)


async def test_a_server_that_is_not_there_is_unavailable(settings: Settings) -> None:
    nowhere = ModelServer(model="gone", base_url="http://127.0.0.1:1/v1")
    async with language_model(settings, nowhere, retries=1) as ours:
        with pytest.raises(LanguageModelFailed) as raised:
            await ours.complete(asks())
    assert raised.value.kind == "unavailable"


@pytest.mark.parametrize(
    ("then", "kind", "limit"),
    [(None, "unavailable", 20.0), (hangs, "timeout", 3.0), (body(""), "unavailable", 20.0)],
)
async def test_a_stream_that_stops_in_the_middle_fails_with_what_was_told(
    settings: Settings, then: Answer | None, kind: str, limit: float
) -> None:
    request = asks(deadline=limit)
    bad = tells("The Grand", " Hall", then=then)
    failed, times = await failure(settings, bad, request=request, stream=True)
    assert (failed.kind, failed.partial, times) == (kind, "The Grand Hall", 1)
    assert (failed.usage.estimated, failed.usage.output_tokens) == (True, 4)


async def test_an_error_in_the_middle_of_a_stream_is_one(settings: Settings) -> None:
    async def breaks(asked: Any, line: Any) -> None:
        await line.event({"error": {"message": "overloaded", "code": 503}})

    failed, times = await failure(settings, tells("The", then=breaks), stream=True)
    assert (failed.kind, failed.partial, times) == ("unavailable", "The", 1)


async def test_a_stream_that_breaks_before_anything_was_told_is_tried_again(
    settings: Settings,
) -> None:
    async with model(tells(), GOOD) as there, language_model(settings, server(there)) as ours:
        assert (await streamed(ours, asks()))[1].text == "The Grand Hall."
        assert len(there.asked) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_without_end_is_not_read_to_it(settings: Settings, stream: bool) -> None:
    failed, times = await failure(settings, enormous(), stream=stream, max_reply_bytes=100_000)
    assert (failed.kind, times) == ("too_long", 1)


async def test_a_reply_that_is_compressed_unasked_is_not_unpacked(settings: Settings) -> None:
    failed, _ = await failure(settings, body(b"\x1f\x8b", content_encoding="gzip"), retries=0)
    assert failed.kind == "unavailable"


async def test_a_text_that_was_cut_says_so(settings: Settings) -> None:
    async with (
        model(says("The Grand", finish="length")) as there,
        language_model(settings, server(there)) as ours,
    ):
        completed = await ours.complete(asks())
    assert (completed.text, completed.finish) == ("The Grand", "length")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("max_completion_tokens", "Unrecognized request argument: max_completion_tokens"),
        ("temperature", "'temperature' does not support 0.0 with this model"),
        ("stream_options", "extra fields not permitted: stream_options"),
    ],
)
async def test_a_parameter_that_a_server_refuses_is_left_out_from_then_on(
    settings: Settings, name: str, message: str
) -> None:
    old = refuses(lambda asked: name in asked.body, message, GOOD)
    async with model(old) as there, language_model(settings, server(there)) as ours:
        for _ in range(2):
            assert (await streamed(ours, asks(max_tokens=9)))[1].text == "The Grand Hall."
        first, *others = there.asked
    assert name in first.body
    assert len(others) == 2
    for asked in others:
        assert name not in asked.body
        assert asked.body.get("max_tokens", asked.body.get("max_completion_tokens")) == 9


async def test_closing_a_stream_stops_the_call_at_the_server(settings: Settings) -> None:
    slow = tells("The", then=hangs)
    async with model(slow) as there, language_model(settings, server(there)) as ours:
        async with aclosing(ours.stream(asks())) as pieces:
            assert await anext(pieces) == Delta("The")
        assert await there.hung_up()


@pytest.mark.parametrize("slow", [hangs, tells("The", then=hangs)])
async def test_cancelling_who_reads_a_stream_stops_the_call_at_the_server(
    settings: Settings, slow: Answer
) -> None:
    async with model(slow) as there, language_model(settings, server(there)) as ours:
        reading = asyncio.create_task(streamed(ours, asks()))
        async with asyncio.timeout(60):
            while not there.asked:
                await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await there.hung_up()

"""Replies that have to match a JSON schema, from servers that see to it and servers that don't."""

import json
from typing import Any

import pytest

from language_models import asks, language_model, server, streamed
from misbehaving_model import Answer, Asked, Messages, fails, model, refuses, replies, says
from settings import Settings
from shared.application.language_model import ChatMessage, LanguageModelFailed, Schema
from shared.domain.errors import Invalid

HALL = Schema(
    "hall",
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "seats": {"type": "integer", "minimum": 1}},
        "required": ["name", "seats"],
        "additionalProperties": False,
    },
)
RIGHT = {"name": "Grand Hall", "seats": 900}
TEXT = json.dumps(RIGHT)
WRONG = json.dumps({"name": "Grand Hall", "seats": "many"})


def no_schema(asked: Asked) -> bool:
    return asked.format == "json_schema"


def no_format(asked: Asked) -> bool:
    return asked.format is not None


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_can_follow_a_schema_is_given_it(
    settings: Settings, stream: bool
) -> None:
    async with model(says(TEXT)) as there, language_model(settings, server(there)) as ours:
        request = asks(schema=HALL)
        completed = (await streamed(ours, request))[1] if stream else await ours.complete(request)
        (asked,) = there.asked
    assert completed.parsed == RIGHT
    assert asked.body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "hall", "strict": True, "schema": HALL.schema},
    }
    assert len(asked.messages) == 1


async def test_a_schema_with_something_optional_is_not_called_strict(settings: Settings) -> None:
    loose = Schema("hall", {**HALL.schema, "required": ["name"]})
    async with model(says(TEXT)) as there, language_model(settings, server(there)) as ours:
        await ours.complete(asks(schema=loose))
        assert there.asked[0].body["response_format"]["json_schema"]["strict"] is False


@pytest.mark.parametrize(
    "text",
    [
        f"Here you are:\n```json\n{TEXT}\n```\nAnything else?",
        f"```\n{TEXT}\n```",
        f"It is {TEXT}, I think.",
        f'<think>{{maybe}} {{"name": "Small Hall", "seats": 5}}?</think>\n{TEXT}',
        f"Between [1] and {{2}}: {TEXT}",
        f"First I had {WRONG}, but it is {TEXT}",
    ],
)
async def test_json_is_found_in_whatever_a_model_wraps_it_in(settings: Settings, text: str) -> None:
    async with model(says(text)) as there, language_model(settings, server(there)) as ours:
        assert (await ours.complete(asks(schema=HALL))).parsed == RIGHT
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "status", "message", "formats"),
    [
        (no_schema, 400, "response_format: 'json_schema' is not supported", ["json_object"]),
        (no_schema, 404, "no endpoints found that support response_format", ["json_object"]),
        (no_schema, 422, "[{'loc': ['body', 'response_format', 'type']}]", ["json_object"]),
        (no_format, 400, "this model does not support that", ["json_object", None]),
        (no_format, 400, "Unrecognized argument: response_format", ["json_object", None]),
    ],
)
async def test_a_server_is_asked_for_less_when_it_refuses_and_that_is_remembered(
    settings: Settings, wrong: Any, status: int, message: str, formats: list[str | None]
) -> None:
    old = refuses(wrong, message, says(TEXT), status)
    async with model(old) as there, language_model(settings, server(there)) as ours:
        assert (await ours.complete(asks(schema=HALL))).parsed == RIGHT
        assert [asked.format for asked in there.asked] == ["json_schema", *formats]
        assert (await ours.complete(asks(schema=HALL))).parsed == RIGHT
        assert there.asked[-1].format == formats[-1]
        assert len(there.asked) == len(formats) + 2
        # A server that does not follow the schema is told it in words.
        assert '"seats":{"type":"integer"' in there.asked[-1].messages[0]["content"]


async def test_what_one_model_refuses_another_at_the_same_server_may_take(
    settings: Settings,
) -> None:
    def old_model(asked: Asked) -> bool:
        return no_schema(asked) and asked.body["model"] == "old"

    old = refuses(old_model, "response_format is not supported", says(TEXT))
    async with (
        model(old) as there,
        language_model(settings, server(there, "old")) as first,
        language_model(settings, server(there, "new")) as second,
    ):
        await first.complete(asks(schema=HALL))
        await second.complete(asks(schema=HALL))
        assert [asked.format for asked in there.asked] == [
            "json_schema",
            "json_object",
            "json_schema",
        ]


async def test_a_schema_that_a_server_does_not_like_tells_nothing_about_others(
    settings: Settings,
) -> None:
    def disliked(asked: Asked) -> bool:
        return no_schema(asked) and asked.body["response_format"]["json_schema"]["name"] == "odd"

    picky = refuses(disliked, "Invalid schema for response_format 'odd'", says(TEXT))
    odd = Schema("odd", HALL.schema)
    async with model(picky) as there, language_model(settings, server(there)) as ours:
        assert (await ours.complete(asks(schema=odd))).parsed == RIGHT
        assert (await ours.complete(asks(schema=HALL))).parsed == RIGHT
        assert there.asked[-1].format == "json_schema"


async def test_nothing_is_learned_from_a_request_that_fails_in_every_form(
    settings: Settings,
) -> None:
    refusing = fails(400, "response_format: is not supported")
    async with model(refusing) as there, language_model(settings, server(there)) as ours:
        with pytest.raises(LanguageModelFailed, match="status 400"):
            await ours.complete(asks(schema=HALL))
        assert [asked.format for asked in there.asked] == ["json_schema", "json_object", None]
        there.now(says(TEXT))
        await ours.complete(asks(schema=HALL))
        assert there.asked[-1].format == "json_schema"


async def test_a_wrong_reply_is_repaired_once_with_what_is_wrong_with_it(
    settings: Settings,
) -> None:
    async with (
        model(says(WRONG), says(TEXT)) as there,
        language_model(settings, server(there)) as ours,
    ):
        completed = await ours.complete(asks(schema=HALL))
        first, second = there.asked
    assert completed.parsed == RIGHT
    assert completed.usage.input_tokens == 40
    assert second.messages[: len(first.messages)] == first.messages
    shown, said = second.messages[len(first.messages) :]
    assert (shown["role"], shown["content"]) == ("assistant", WRONG)
    assert "the reply.seats: expected integer, not string" in said["content"]


@pytest.mark.parametrize("text", [WRONG, "I don't know.", "", "[]", "null", '{"name": "x"}'])
async def test_a_reply_that_stays_wrong_is_given_up(settings: Settings, text: str) -> None:
    async with model(says(text)) as there, language_model(settings, server(there)) as ours:
        with pytest.raises(LanguageModelFailed, match="is not as it has to be") as raised:
            await ours.complete(asks(schema=HALL))
        assert len(there.asked) == 2
    assert raised.value.kind == "invalid"
    assert raised.value.usage.output_tokens == 20


async def test_a_stream_is_not_repaired_since_it_was_told(settings: Settings) -> None:
    async with model(says(WRONG)) as there, language_model(settings, server(there)) as ours:
        with pytest.raises(LanguageModelFailed) as raised:
            await streamed(ours, asks(schema=HALL))
        assert (raised.value.kind, len(there.asked)) == ("invalid", 1)


@pytest.mark.parametrize("answers", [[TEXT[:10]], [WRONG, TEXT[:10]]])
async def test_a_reply_that_was_cut_is_too_long_and_not_wrong(
    settings: Settings, answers: list[str]
) -> None:
    given: list[Answer] = [says(text) for text in answers[:-1]]
    async with (
        model(*given, says(answers[-1], finish="length")) as there,
        language_model(settings, server(there)) as ours,
    ):
        with pytest.raises(LanguageModelFailed, match="did not fit") as raised:
            await ours.complete(asks(schema=HALL))
        assert (raised.value.kind, len(there.asked)) == ("too_long", len(answers))


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#/$defs/gone"}, {"$ref": "https://example.com/hall.json"}, [], "object"],
)
async def test_a_schema_that_cannot_be_used_is_refused_before_anybody_is_asked(
    settings: Settings, schema: Any
) -> None:
    async with model(says(TEXT)) as there, language_model(settings, server(there)) as ours:
        with pytest.raises(Invalid, match="schema: "):
            await ours.complete(asks(schema=Schema("odd", schema)))
        assert there.asked == []


async def test_the_instruction_joins_the_system_message_that_is_there(settings: Settings) -> None:
    def reply(messages: Messages) -> str:
        assert [message["role"] for message in messages] == ["system", "user"]
        assert messages[0]["content"].startswith("You know halls.")
        return TEXT

    messages = (ChatMessage("system", "You know halls."), ChatMessage("user", "The largest?"))
    old = refuses(no_format, "response_format is not supported", replies(reply))
    async with model(old) as there, language_model(settings, server(there)) as ours:
        completed = await ours.complete(asks(messages=messages, schema=HALL))
        assert completed.parsed == RIGHT

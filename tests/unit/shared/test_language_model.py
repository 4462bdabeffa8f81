"""What is made of replies and refusals of models, without any server."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.pretty import pretty_repr

from shared.application.language_model import ChatMessage, Completion, ModelServer, ModelUsage
from shared.infrastructure.language_model.dialect import Dialect
from shared.infrastructure.language_model.faults import retry_after
from shared.infrastructure.language_model.schema import (
    Mismatch,
    SchemaUnusable,
    check,
    is_strict,
    must_be_usable,
)
from shared.infrastructure.language_model.wire import (
    BrokenOff,
    NotTheProtocol,
    Reading,
    Reply,
    read_reply,
    read_stream,
)

NODE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "below": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, {"type": "integer"}),
        (1.0, {"type": "integer"}),
        (None, {"type": ["string", "null"]}),
        ("a", {"enum": ["a", None]}),
        ({"a": 1, "b": "x"}, {"properties": {"a": {"type": "integer"}}}),
        ([1, 2], {"type": "array", "items": {"maximum": 2}, "minItems": 2}),
        ({"x": 1}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("x", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (3, {"oneOf": [{"minimum": 5}, {"maximum": 4}]}),
        ({"name": "a", "below": [{"name": "b", "below": []}]}, NODE),
        ("anything", {"format": "never heard of"}),
        ("anything", True),
    ],
)
def test_what_matches_its_schema_is_taken(value: Any, schema: Any) -> None:
    check(value, schema)


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (True, {"type": "integer"}, "the reply: expected integer, not boolean"),
        (1.5, {"type": "integer"}, "expected integer, not number"),
        ("1", {"type": ["integer", "null"]}, "expected integer or null, not string"),
        (1, {"enum": [True, 2]}, "expected one of"),
        (0, {"const": False}, "expected one of"),
        ({}, {"required": ["a"]}, "the reply: a is missing"),
        ({"b": 1}, {"properties": {"a": {}}, "additionalProperties": False}, "b is unknown"),
        ({"a": [1, "x"]}, {"properties": {"a": {"items": {"type": "integer"}}}}, "reply.a[1]: "),
        ({"x": "1"}, {"additionalProperties": {"type": "integer"}}, "the reply.x: "),
        (3, {"minimum": 4}, "expected at least 4"),
        (3, {"exclusiveMaximum": 3}, "expected less than 3"),
        ("ab", {"maxLength": 1}, "expected characters: at most 1"),
        ([], {"minItems": 1}, "expected items: at least 1"),
        (None, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "integer, not null; or "),
        (3, {"oneOf": [{"minimum": 1}, {"maximum": 4}]}, "more than one form"),
        (3, {"allOf": [{"minimum": 1}, {"maximum": 2}]}, "at most 2"),
        ({"name": "a", "below": [{}]}, NODE, "the reply.below[0]: name is missing"),
        (1, False, "nothing is allowed here"),
    ],
)
def test_what_does_not_match_is_named_with_its_place(value: Any, schema: Any, said: str) -> None:
    with pytest.raises(Mismatch) as raised:
        check(value, schema)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {"allOf": [{"$ref": "#"}]}],
)
def test_a_schema_that_refers_to_itself_without_end_is_given_up(schema: Any) -> None:
    must_be_usable(schema)
    with pytest.raises(SchemaUnusable):
        check({}, schema)


def test_a_schema_whose_forms_multiply_is_given_up() -> None:
    schema: Any = {"type": "object"}
    for _ in range(40):
        schema = {"anyOf": [{"allOf": [schema, False]}, {"allOf": [schema, False]}]}
    with pytest.raises(SchemaUnusable):
        check({}, schema)


def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    schema: Any = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(SchemaUnusable):
        must_be_usable(schema)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": [{}], "required": 1, "properties": [], "enum": 1, "anyOf": {}, "minimum": "x"},
        {"type": 5, "additionalProperties": None, "items": 3, "required": [[]], "maxItems": None},
    ],
)
def test_a_schema_that_is_none_in_places_is_not_followed_there(odd: Any) -> None:
    must_be_usable(odd)
    assert not is_strict({**odd, "type": "object"})
    check([1], odd)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "string"}, True),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        (NODE, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
    ],
)
def test_a_schema_is_strict_when_every_object_is_closed_and_complete(
    schema: Any, strict: bool
) -> None:
    assert is_strict(schema) is strict


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_the_time_to_wait_is_read_in_seconds_or_as_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, NOW) == seconds


async def replies(*lines: str) -> list[Reply]:
    async def come() -> Any:
        for line in lines:
            yield line

    return [reply async for reply in read_stream(come())]


def text_of(reply: Reply) -> str:
    return Reading().take(reply)


PIECE = '{"choices": [{"delta": {"content": "a"}}]}'


async def test_a_stream_is_read_whatever_a_server_puts_between_its_events() -> None:
    lines = [": ping", "", "event: message", "id: 7", f"data:{PIECE}", "", "", f"data: {PIECE}", ""]
    assert list(map(text_of, await replies(*lines, "data: [DONE]", ""))) == ["a", "a"]
    assert list(map(text_of, await replies("data: " + PIECE[:11], "data: " + PIECE[11:], ""))) == [
        "a"
    ]
    assert len(await replies(f"data: {PIECE}")) == 1


async def test_nothing_is_read_behind_the_end_of_a_stream() -> None:
    assert await replies("data: [DONE]", "", f"data: {PIECE}", "") == []


async def test_a_stream_that_ends_within_an_event_was_cut() -> None:
    with pytest.raises(BrokenOff):
        await replies("data: " + PIECE[:10])


@pytest.mark.parametrize("line", ["<html>", PIECE])
async def test_what_is_no_stream_of_events_is_not_taken_for_an_empty_one(line: str) -> None:
    with pytest.raises(NotTheProtocol):
        await replies(line)


def test_content_may_come_in_parts_of_which_those_with_text_count() -> None:
    parts = '[{"type": "thinking"}, {"type": "text", "text": "a"}, 3, {"text": "b"}]'
    assert text_of(read_reply(f'{{"choices": [{{"message": {{"content": {parts}}}}}]}}')) == "ab"


def test_arguments_that_come_as_an_object_become_its_text() -> None:
    reading = Reading()
    call = '{"function": {"name": "f", "arguments": {"a": 1}}}'
    reading.take(read_reply(f'{{"choices": [{{"message": {{"tool_calls": [{call}]}}}}]}}'))
    (made,) = reading.tool_calls()
    assert (made.name, made.arguments, bool(made.id)) == ("f", '{"a":1}', True)


def test_a_reply_may_not_ask_for_more_than_anybody_can_mean() -> None:
    calls = ",".join(['{"function": {"name": "f"}}'] * 65)
    with pytest.raises(NotTheProtocol):
        Reading().take(read_reply(f'{{"choices": [{{"message": {{"tool_calls": [{calls}]}}}}]}}'))


@pytest.mark.parametrize(
    "counted", ["null", "{}", '{"prompt_tokens": -1, "completion_tokens": 2}', '"many"', "[]"]
)
def test_tokens_that_make_no_sense_are_estimated(counted: str) -> None:
    reading = Reading()
    reading.take(
        read_reply(f'{{"choices": [{{"message": {{"content": "12345"}}}}], "usage": {counted}}}')
    )
    expected = ModelUsage(input_tokens=25, output_tokens=2, estimated=True)
    assert reading.usage(100) == expected


def test_a_cost_that_is_not_known_makes_the_sum_unknown() -> None:
    known, unknown = ModelUsage(input_tokens=1, cost=0.5), ModelUsage(output_tokens=2, cost=None)
    assert (known + known).cost == 1.0
    assert known + unknown == ModelUsage(input_tokens=1, output_tokens=2, cost=None)


def test_a_server_is_not_asked_in_the_same_way_again_and_again() -> None:
    request = Completion(messages=(ChatMessage("user", "?"),), purpose="test")
    dialect: Dialect | None = Dialect()
    said = "max_completion_tokens, temperature, stream_options, response_format: not supported"
    seen = []
    while dialect is not None:
        assert dialect not in seen
        seen.append(dialect)
        dialect = dialect.without(said, request)
    assert seen[-1] == Dialect(max_tokens_as="max_tokens", temperature=False, stream_usage=False)


def test_the_key_of_a_server_is_not_shown_with_it() -> None:
    server = ModelServer(model="m", base_url="https://u:s3cret@h/v1", api_key="s3cret")
    for form in (repr(server), f"{server}", pretty_repr(server), pretty_repr([server])):
        assert "s3cret" not in form

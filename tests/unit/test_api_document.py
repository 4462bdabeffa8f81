"""The document of the API says what is true of conversations, and nothing by chance."""

import logging
from typing import Any

import pytest

from api.app import create_app
from settings import Settings

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    settings = Settings(database_url="postgresql://nowhere/x", redis_url="redis://nowhere")
    try:
        return create_app(settings).openapi_schema.to_schema()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_a_body_that_may_be_left_out_is_not_required(document: Document) -> None:
    paths = document["paths"]
    regeneration = "/conversations/{conversation_id}/messages/{message_id}/regeneration"
    for path in ("/conversations", regeneration):
        assert paths[path]["post"]["requestBody"]["required"] is False, path
    saying = paths["/conversations/{conversation_id}/messages"]["post"]
    assert saying["requestBody"]["required"] is True


def test_each_frame_of_a_stream_is_described(document: Document) -> None:
    streamed = document["paths"]["/runs/{run_id}/stream"]["get"]["responses"]["200"]
    schema = streamed["content"]["text/event-stream"]["schema"]
    frames = [each["$ref"].rpartition("/")[2] for each in schema["oneOf"]]
    types = [_schemas(document)[frame]["properties"]["type"]["const"] for frame in frames]
    assert sorted(types) == [
        "delta",
        "ended",
        "snapshot",
        "started",
        "tool_called",
        "tool_returned",
    ]


def test_a_file_that_is_too_large_and_the_version_of_what_is_shown_are_told(
    document: Document,
) -> None:
    assert "413" in document["paths"]["/conversations/imports"]["post"]["responses"]
    shown = document["paths"]["/conversations/{conversation_id}"]["get"]["responses"]["200"]
    assert "ETag" in shown["headers"]


def test_refusals_have_no_examples_of_random_letters(document: Document) -> None:
    schemas = _schemas(document)
    for name in ("Problem", "NotAnswered", "NotShown", "Snapshot", "Ended", "Message"):
        assert "examples" not in str(schemas[name]), name


def test_messages_for_a_model_are_of_one_kind(document: Document) -> None:
    messages = _schemas(document)["AskedText"]["properties"]["messages"]
    assert messages["items"] == {"$ref": "#/components/schemas/AskedMessage"}


def _schemas(document: Document) -> Document:
    schemas: Document = document["components"]["schemas"]
    return schemas

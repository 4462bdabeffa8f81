"""JSON out of what a model wrote: bare, in a code fence, or somewhere in its prose."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.application.language_model import ChatMessage, Schema
from shared.domain.errors import Invalid
from shared.infrastructure.language_model import schema as schemas
from shared.infrastructure.language_model.schema import Mismatch, SchemaUnusable, check

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
_TRIES = 50
"""Places in a text at which JSON is looked for."""

_SHOWN = 8_000
"""Characters of a wrong reply that the model is shown again."""


def parsed(text: str, schema: Schema) -> Any:
    """The first JSON value in the text that matches the schema.

    Raise Mismatch, which says what is wrong with the first value there is, and Invalid for a schema
    that can't be followed.
    """
    first: Mismatch | None = None
    for value in _values(text):
        try:
            check(value, schema.schema)
        except Mismatch as mismatch:
            first = first or mismatch
        except SchemaUnusable as error:
            raise Invalid(f"schema: {error}") from None
        else:
            return value
    raise first or Mismatch("the reply: there is no JSON in it")


def must_be_usable(schema: Schema) -> None:
    """Raise Invalid."""
    try:
        schemas.must_be_usable(schema.schema)
    except SchemaUnusable as error:
        raise Invalid(f"schema: {error}") from None


def instruction(schema: Schema) -> str:
    """For servers that don't make their model keep to a schema."""
    return (
        "Reply with one JSON value and nothing else: no prose, no code fence. It has to match this "
        f"JSON schema:\n{msgspec.json.encode(schema.schema).decode()}"
    )


def repair(text: str, mismatch: Mismatch, schema: Schema) -> tuple[ChatMessage, ChatMessage]:
    """The wrong reply, and what to say to it."""
    return (
        ChatMessage("assistant", text[:_SHOWN] or "(nothing)"),
        ChatMessage("user", f"That reply can't be used. {mismatch}. {instruction(schema)}"),
    )


def _values(text: str) -> Iterator[Any]:
    """What a model thinks aloud comes first in some replies, and is not the reply."""
    text = text.rpartition("</think>")[2].strip()
    for candidate in (text, *_FENCE.findall(text)):
        try:
            yield msgspec.json.decode(candidate.strip())
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            continue
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    place = 0
    for _ in range(_TRIES):
        found = re.compile(r"[{\[]").search(text, place)
        if found is None:
            return
        try:
            value, place = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            place = found.start() + 1
        else:
            yield value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

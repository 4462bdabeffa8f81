"""What a tool found, as a model is shown it: bounded, and without what only people look at."""

from typing import Any

import msgspec

from contexts.conversations.application.content import ToolPart

_LEFT_OUT = ("chart", "sql", "thread")
"""For the page and for the next question; a model would only spend tokens on them."""

_BOUNDS = (
    *((50, 2_000), (50, 500), (30, 500), (20, 500), (12, 500), (12, 200)),
    *((8, 200), (5, 200), (5, 100), (3, 100), (1, 60)),
)
"""Items of a list and characters of a text in it, ever fewer."""

_ESCAPED = str.maketrans({"`": "\\u0060", "<": "\\u003c", ">": "\\u003e"})


def as_json(value: object) -> str:
    """JSON in which no code fence ends, and no tag begins that some model gives a meaning."""
    return msgspec.json.encode(value).decode().translate(_ESCAPED)


def as_data(value: object) -> str:
    """The same in a fence of its own, to stand in a message."""
    return f"```json\n{as_json(value)}\n```"


def found(part: ToolPart, limit: int) -> Any:
    """The result, or the error, in at most `limit` characters of JSON. What was cut says so."""
    if part.error is not None:
        return {"error": _text(part.error, limit // 3)}
    told = {
        name: _text(each, limit // 3) if isinstance(each, str) else each
        for name, each in (part.result or {}).items()
        if name not in _LEFT_OUT and each is not None
    }
    for items, characters in _BOUNDS:
        cut = {
            name: each if isinstance(each, str) else _cut(each, items, characters)
            for name, each in told.items()
        }
        if len(as_json(cut)) <= limit:
            return cut
    return {"left_out": "the result is too long to be shown; ask for less"}


def _cut(value: Any, items: int, characters: int) -> Any:
    match value:
        case str():
            return _text(value, characters)
        case list() | tuple():
            kept = [_cut(each, items, characters) for each in value[:items]]
            more = len(value) - items
            return [*kept, f"({more} more are left out)"] if more > 0 else kept
        case dict():
            return {name: _cut(each, items, characters) for name, each in value.items()}
        case _:
            return value


def _text(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: max(characters - 2, 0)]} …"

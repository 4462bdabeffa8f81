"""What a tool found, as a model is shown it: bounded, and without what only people look at."""

from typing import Any

import msgspec

from contexts.conversations.application.content import ToolPart

_LEFT_OUT = ("chart", "sql", "thread", "log_position", "dataset_version")
"""For the page and for the next question; a model would only spend tokens on them."""

_COLUMN = frozenset(("name", "title", "type", "kind"))
"""What is told of a column; its title and type are enough for a model."""

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
        if name not in _LEFT_OUT and each is not None and each is not False and each not in ("", [])
    }
    for items, characters in _BOUNDS:
        cutting = _Cutting(items, characters, limit)
        try:
            cut = {
                name: cutting.taken(each) if isinstance(each, str) else cutting.cut(each)
                for name, each in told.items()
            }
        except _TooLong:
            continue
        if len(as_json(cut)) <= limit:
            return cut
    return {"left_out": "the result is too long to be shown; ask for less"}


class _TooLong(Exception):
    """There is no room for it, however it is written."""


class _Cutting:
    """Gives up as soon as there is no room any more: a result may be a thousand times as long as
    what is shown of it, and a long conversation has hundreds of them."""

    def __init__(self, items: int, characters: int, room: int) -> None:
        self._items = items
        self._characters = characters
        self._room = room

    def cut(self, value: Any) -> Any:
        match value:
            case str():
                return self.taken(_text(value, self._characters))
            case list() | tuple():
                self._take(2)
                kept = [self.cut(each) for each in value[: self._items]]
                more = len(value) - self._items
                return [*kept, f"({more} more are left out)"] if more > 0 else kept
            case {"title": title, "type": kind} if value.keys() <= _COLUMN:
                return self.taken(_text(f"{title} ({kind})", self._characters))
            case dict():
                self._take(2)
                return {
                    self.taken(name): self.cut(each)
                    for name, each in value.items()
                    if each is not None and not (name == "id" and "url" in value)
                }
            case _:
                self._take(1)
                return value

    def taken(self, text: str) -> str:
        self._take(len(text) + 2)
        return text

    def _take(self, characters: int) -> None:
        """At least so many are written."""
        self._room -= characters
        if self._room < 0:
            raise _TooLong


def _text(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: max(characters - 2, 0)]} …"

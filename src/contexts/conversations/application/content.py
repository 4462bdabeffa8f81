"""What a message says, once it is opened: text, and what tools did for it."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from contexts.conversations.domain.message import Author
from contexts.conversations.domain.run import Spent


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    text: str


class ToolPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tool"):
    """A call of a tool that has ended: with a `result`, or with an `error` in words. `spent` is
    what models took that the tool itself asked."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = None
    error: str | None = None
    milliseconds: float = 0.0
    spent: Spent = Spent()


Part: TypeAlias = TextPart | ToolPart


class Message(msgspec.Struct, frozen=True, kw_only=True, rename={"run": "run_id"}):
    """A message as it is shown, and as assistants get it.

    `parts` is empty for one that was `erased` with its owner. An answer that broke off is not
    `complete`. `run` is the one that answered, or that answers.
    """

    id: UUID
    parent_id: UUID | None
    author: Author
    parts: tuple[Part, ...]
    written_at: datetime
    complete: bool = True
    erased: bool = False
    run: str | None = None

    @property
    def text(self) -> str:
        return said(self.parts)


ERASED = "erased"
"""What stands where a text was that nobody can read any more."""


def said(parts: tuple[Part, ...]) -> str:
    """The text of a message without what its tools did."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def encoded(parts: tuple[Part, ...]) -> bytes:
    """The form in which it is sealed: JSON."""
    return msgspec.json.encode(parts)


def decoded(content: bytes) -> tuple[Part, ...]:
    return _DECODER.decode(content)


_DECODER = msgspec.json.Decoder(tuple[Part, ...])

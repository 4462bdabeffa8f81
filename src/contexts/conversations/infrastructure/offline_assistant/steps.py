"""How an answer comes about: calls of tools, each made when the one before has its result, and the
text at the end. Nothing here waits for anything; the assistant makes the calls."""

from collections.abc import Generator
from typing import Any, TypeAlias

import msgspec

from contexts.conversations.application.content import ToolPart


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]


Steps: TypeAlias = Generator[Call, ToolPart, str]
"""Yields calls, is sent what came of each, and returns what is to be said."""

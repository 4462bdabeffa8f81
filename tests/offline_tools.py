"""Tools that tell what a test wants them to, and keep what they were asked."""

from collections.abc import Callable, Mapping
from typing import Any

from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.application.ports import Said, ToolBegun, ToolDone, Turn
from contexts.conversations.infrastructure.offline_assistant import OfflineAssistant
from shared.application.language_model import Tool

Answers = Callable[[str, Mapping[str, Any]], dict[str, Any] | str]
"""From the name of a tool and its arguments to its result, or to an error in words."""


class ToldTools:
    """Fits the port Tools."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    @property
    def offered(self) -> tuple[Tool, ...]:
        return ()

    async def call(
        self, id: str, name: str, arguments: Mapping[str, Any], path: tuple[Message, ...]
    ) -> ToolPart:
        assert path, "tools are given the conversation"
        self.calls.append((name, dict(arguments)))
        told = self._answers(name, arguments)
        result, error = (told, None) if isinstance(told, dict) else (None, told)
        return ToolPart(id=id, name=name, arguments=dict(arguments), result=result, error=error)


class Replied:
    """What an assistant did and said for one message."""

    def __init__(self) -> None:
        self.begun: list[ToolBegun] = []
        self.done: list[ToolDone] = []
        self.pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def replied(tools: ToldTools, turn: Turn) -> Replied:
    reply = Replied()
    async for piece in OfflineAssistant(tools).reply(turn):
        match piece:
            case Said():
                reply.pieces.append(piece.text)
            case ToolBegun():
                assert len(reply.begun) == len(reply.done), "one tool after the other"
                reply.begun.append(piece)
            case ToolDone():
                reply.done.append(piece)
    return reply

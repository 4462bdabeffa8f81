"""What an assistant on a language model needs around it, for tests: tools, a budget, a turn."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contexts.conversations.application.content import (
    Message,
    Part,
    TextPart,
    ToolPart,
)
from contexts.conversations.application.ports import (
    Allowance,
    AssistantFailed,
    BudgetSpent,
    Piece,
    Said,
    ToolBegun,
    ToolDone,
    Turn,
)
from contexts.conversations.domain.run import RunId, Spent
from contexts.conversations.infrastructure.model_assistant.assistant import ModelAssistant
from contexts.conversations.infrastructure.model_assistant.paying import Purse
from contexts.conversations.infrastructure.model_assistant.talk import Limits
from shared.application.language_model import LanguageModel, Tool

NOW = datetime(2026, 11, 21, 15, 4, tzinfo=UTC)
OWNER = UUID(int=7)
RUN = RunId(UUID(int=70), 1)

SEARCH = Tool(
    "search_events",
    "Search the catalogue",
    {"type": "object", "properties": {"words": {"type": "string"}}},
)
ASK = Tool(
    "ask_data",
    "Ask a dataset",
    {"type": "object", "properties": {"question": {"type": "string"}}},
)

Finds = Callable[[str, Mapping[str, Any]], Any]


class FakeTools:
    """Fits Tools: `finds` is given the name and the arguments of each call."""

    def __init__(self, finds: Finds, *offered: Tool) -> None:
        self.offered = offered or (SEARCH, ASK)
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.paths: list[tuple[Message, ...]] = []
        self.at_work = 0
        self.most_at_once = 0
        self.cancelled = 0
        self._finds = finds

    async def call(
        self, id: str, name: str, arguments: Mapping[str, Any], path: tuple[Message, ...]
    ) -> ToolPart:
        self.calls.append((name, arguments))
        self.paths.append(path)
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        try:
            await asyncio.sleep(0)
            found = self._finds(name, arguments)
            if asyncio.iscoroutine(found):
                found = await found
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_work -= 1
        error = found if isinstance(found, str) else None
        return ToolPart(
            id=id,
            name=name,
            arguments=dict(arguments),
            result=None if error else found,
            error=error,
        )


class FakeBudgets:
    """Fits Budgets: so many reservations are granted."""

    def __init__(self, grants: int = 1_000) -> None:
        self.reserved: list[int] = []
        self.settled: list[int] = []
        self._grants = grants

    async def reserve(self, owner: UUID, run: RunId, tokens: int) -> None:
        if len(self.reserved) >= self._grants:
            raise BudgetSpent("no token is left for today", 3_600)
        self.reserved.append(tokens)

    async def settle(self, owner: UUID, run: RunId, tokens: int) -> None:
        await asyncio.sleep(0)
        self.settled.append(tokens)

    async def take_message(self, owner: UUID) -> None:
        raise NotImplementedError

    async def give_message_back(self, owner: UUID) -> None:
        raise NotImplementedError

    async def forget(self, owner: UUID) -> None:
        raise NotImplementedError

    async def allowance(self, owner: UUID) -> Allowance:
        raise NotImplementedError


def nothing(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"total": 0, "events": []}


def user(text: str) -> Message:
    return Message(
        id=uuid4(), parent_id=None, author="user", parts=(TextPart(text),), written_at=NOW
    )


def answer(*parts: Part | str, complete: bool = True, run: str | None = str(RUN)) -> Message:
    made = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return Message(
        id=uuid4(),
        parent_id=None,
        author="assistant",
        parts=made,
        written_at=NOW,
        complete=complete,
        run=run,
    )


def tool(name: str = "search_events", error: str | None = None, **result: Any) -> ToolPart:
    return ToolPart(
        id="call00001",
        name=name,
        arguments={"words": "jazz"},
        result=None if error else result,
        error=error,
    )


def turn(*path: Message | str, took: list[Spent] | None = None) -> Turn:
    """Texts take turns, and the last is the person's. `took` gets what each call took."""
    authors: list[Callable[[str], Message]] = [user, answer]
    offset = (len(path) + 1) % 2
    messages = tuple(
        authors[(number + offset) % 2](each) if isinstance(each, str) else each
        for number, each in enumerate(path)
    )
    bills = [] if took is None else took
    return Turn(run=RUN, owner=OWNER, path=messages, now=NOW, took=bills.append)


def assistant(
    model: LanguageModel,
    finds: Finds | FakeTools = nothing,
    budgets: FakeBudgets | None = None,
    **limits: Any,
) -> ModelAssistant:
    tools = finds if isinstance(finds, FakeTools) else FakeTools(finds)
    purse = Purse(model, FakeBudgets() if budgets is None else budgets)
    return ModelAssistant(purse, tools, name="test-model", limits=Limits(**limits))


class Heard:
    """An answer as it came; `failed` is how it broke off."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.failed: AssistantFailed | None = None

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, Said))

    @property
    def kinds(self) -> Sequence[str]:
        return [type(piece).__name__ for piece in self.pieces]

    @property
    def begun(self) -> list[ToolBegun]:
        return [piece for piece in self.pieces if isinstance(piece, ToolBegun)]

    @property
    def found(self) -> list[ToolPart]:
        return [piece.part for piece in self.pieces if isinstance(piece, ToolDone)]


async def heard(pieces: AsyncGenerator[Piece, None]) -> Heard:
    made = Heard()
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                made.pieces.append(piece)
    except AssistantFailed as failure:
        made.failed = failure
    return made

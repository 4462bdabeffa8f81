"""Whom the conversations context calls: who answers, with which tools, and who is told of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec

from contexts.conversations.application.content import Message, Part, ToolPart
from contexts.conversations.application.frames import Frame, FrameEvent
from contexts.conversations.domain.run import RunId, Spent
from shared.application.language_model import Tool
from shared.domain.errors import Exhausted

Clock: TypeAlias = Callable[[], datetime]
"""Tells the instant it is."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be answered: the last message of the `path`, which is in order and complete.

    `took` is told what each call of a model took, once the call has ended, however it ended.
    """

    run: RunId
    owner: UUID
    path: tuple[Message, ...]
    now: datetime
    took: Callable[[Spent], None]


class Said(msgspec.Struct, frozen=True):
    """A piece of text that follows what was said before."""

    text: str


class ToolBegun(msgspec.Struct, frozen=True):
    id: str
    name: str
    arguments: dict[str, Any]


class ToolDone(msgspec.Struct, frozen=True):
    part: ToolPart


Piece: TypeAlias = Said | ToolBegun | ToolDone


class AssistantFailed(Exception):
    """There is no answer, or no more of it: `code` is for programs, the message for people, and
    neither holds anything that was said."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Assistant(Protocol):
    name: str
    """Of the model, or "offline"."""

    def reply(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece as it comes. Raise AssistantFailed. Closing the generator, or
        cancelling who reads it, ends the call to the model."""


class Titles(Protocol):
    async def suggest(self, owner: UUID, path: tuple[Message, ...]) -> str | None:
        """A few words for what a conversation is about; None when none is to be had. Never
        raises."""


class Tools(Protocol):
    """What assistants may do, in the tenant of the current context and in bounded time."""

    @property
    def offered(self) -> tuple[Tool, ...]: ...

    async def call(
        self, id: str, name: str, arguments: Mapping[str, Any], path: tuple[Message, ...]
    ) -> ToolPart:
        """Whatever goes wrong stands in its `error`. `path` is the conversation so far: a question
        may go on from one that was asked in it."""


class Writer(Protocol):
    """Sends the frames of one attempt."""

    @property
    def last(self) -> int:
        """The sequence of the last frame that was sent, or that would have been."""

    async def send(self, event: FrameEvent) -> None:
        """Never raise, and never wait long: frames that can't be sent are lost, and a snapshot of
        what they told is sent when that is possible again. Raise SubjectGone alone."""

    async def flush(self) -> None:
        """Send what is still held back, as `send` does; `last` is certain then."""


class Frames(Protocol):
    """Frames on their way from the worker that answers to everybody who listens, anywhere."""

    def sending(self, run: RunId, owner: UUID, attempt: int) -> AbstractAsyncContextManager[Writer]:
        """What was sent is on its way when it ends."""

    def follow(self, run: RunId, owner: UUID, after: int) -> AsyncGenerator[Frame | None, None]:
        """Frames behind a sequence as they come, without a gap that no snapshot closes; None now
        and then when nothing comes. It ends behind `Ended`, and else not by itself."""

    async def parts(self, run: RunId, owner: UUID) -> tuple[Part, ...]:
        """The answer as far as it was told; nothing where that was lost."""

    async def forget(self, owner: UUID) -> None:
        """Drop all frames of somebody's runs."""


class Cancellations(Protocol):
    """Tells the worker at a run that it is to end; what is lost here is found in the log."""

    async def tell(self, run: RunId) -> None:
        """Never raises."""

    def watch(self, run: RunId, owner: UUID) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set, within a second, when the run is to be cancelled, has ended by
        another hand, or its owner was erased."""


class WorkQueue(Protocol):
    """The way to the workers that answer."""

    async def put(self, conversation_id: UUID) -> None:
        """Once what is being done is committed. Never raises: who is not told here finds out."""


class BudgetSpent(Exhausted):
    """So much a day is allowed, and it is used up."""

    code = "conversations.budget_spent"


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may still use today; a limit of None is none. `reserved` tokens may yet be
    given back."""

    messages_limit: int | None
    messages_used: int
    tokens_limit: int | None
    tokens_used: int
    tokens_reserved: int
    resets_at: datetime


class Budgets(Protocol):
    """Messages and tokens that each caller may use in a day (UTC), over all processes."""

    async def take_message(self, owner: UUID) -> None:
        """Count a message. Raise BudgetSpent when there is none left, or no token."""

    async def give_message_back(self, owner: UUID) -> None:
        """It was not taken in after all."""

    async def reserve(self, owner: UUID, run: RunId, tokens: int) -> None:
        """Set tokens aside for one call of a model; those that the same run set aside before, and
        did not settle, are given back. Raise BudgetSpent."""

    async def settle(self, owner: UUID, run: RunId, tokens: int) -> None:
        """What the call took; the rest of what was set aside is free again."""

    async def allowance(self, owner: UUID) -> Allowance: ...

    async def forget(self, owner: UUID) -> None:
        """Drop all that was counted for somebody."""

"""A run: what answers one message, from the asking to its one end."""

import re
from datetime import datetime
from typing import Self
from uuid import UUID

import msgspec

from contexts.conversations.domain.message import Kept
from shared.domain.aggregate import DomainEvent
from shared.domain.errors import NotFound

_RUN_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([1-9][0-9]{0,8})")


class RunId(msgspec.Struct, frozen=True):
    """The first, second, ... run of a conversation; written `<conversation>-<number>`."""

    conversation_id: UUID
    number: int

    def __str__(self) -> str:
        return f"{self.conversation_id}-{self.number}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Raise NotFound for a text that no run is called."""
        if (found := _RUN_ID.fullmatch(text)) is None:
            raise NotFound(f"no run {text[:80]!r}")
        return cls(UUID(found[1]), int(found[2]))


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took of models: tokens read and written, US dollars where the price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    model: str | None = None

    def __add__(self, other: "Spent") -> "Spent":
        known = self.cost is not None and other.cost is not None
        return Spent(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=(self.cost or 0.0) + (other.cost or 0.0) if known else None,
            model=other.model or self.model,
        )

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class RunRequested(DomainEvent, tag="conversations.run_requested"):
    """The message `question_id` is to be answered; the answer will be the message `answer_id`."""

    number: int
    question_id: UUID
    answer_id: UUID
    requested_at: datetime


class RunStarted(DomainEvent, tag="conversations.run_started"):
    """A worker is at it; the second attempt follows when the first worker was lost, and so on."""

    number: int
    attempt: int
    started_at: datetime


class CancellationRequested(DomainEvent, tag="conversations.cancellation_requested"):
    number: int
    requested_at: datetime


class RunCompleted(DomainEvent, tag="conversations.run_completed", kw_only=True):
    """`sequence` is that of the last frame that listeners were sent."""

    number: int
    answer: Kept
    assistant: str
    sequence: int
    ended_at: datetime
    spent: Spent = Spent()


class RunCancelled(DomainEvent, tag="conversations.run_cancelled", kw_only=True):
    """`answer` is what had come until then, if anything had."""

    number: int
    answer: Kept | None
    assistant: str
    sequence: int
    ended_at: datetime
    spent: Spent = Spent()


class RunFailed(DomainEvent, tag="conversations.run_failed", kw_only=True):
    """`code` is for programs and `reason` for people; neither holds anything that was said.
    `answer` is what had come until then, if anything had."""

    number: int
    code: str
    reason: str
    answer: Kept | None
    assistant: str
    sequence: int
    ended_at: datetime
    spent: Spent = Spent()


RunEnded = RunCompleted | RunCancelled | RunFailed

RunChange = RunRequested | RunStarted | CancellationRequested | RunEnded

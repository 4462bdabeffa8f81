"""One attempt at an answer: the assistant's pieces become a draft, and frames for who listens."""

import asyncio
import logging
from contextlib import aclosing
from time import monotonic
from typing import TypeAlias

import msgspec

from contexts.conversations.application.content import Part, TextPart
from contexts.conversations.application.frames import Delta, FrameEvent, ToolCalled, ToolReturned
from contexts.conversations.application.ports import (
    Assistant,
    AssistantFailed,
    Budgets,
    Piece,
    Said,
    ToolBegun,
    ToolDone,
    Turn,
    Writer,
)
from contexts.conversations.domain.run import Spent
from shared.application.personal import SubjectGone

logger = logging.getLogger(__name__)


class Completed(msgspec.Struct, frozen=True):
    """All was said."""


class Cancelled(msgspec.Struct, frozen=True):
    """Somebody wanted it to end."""


class Failed(msgspec.Struct, frozen=True):
    """It broke off. Neither the code nor the reason holds anything of what was said."""

    code: str
    reason: str


Outcome: TypeAlias = Completed | Cancelled | Failed

ERASED = Failed("erased", "whoever asked was erased")


class Draft(msgspec.Struct):
    """An answer as it comes; `seconds` is how long its first piece took."""

    parts: list[Part] = []
    spent: Spent = Spent()
    seconds: float | None = None

    def took(self, spent: Spent) -> None:
        self.spent = self.spent + spent

    def take(self, piece: Piece) -> FrameEvent:
        """What listeners are told of it."""
        match piece:
            case Said(text):
                if self.parts and isinstance(last := self.parts[-1], TextPart):
                    self.parts[-1] = TextPart(last.text + text)
                else:
                    self.parts.append(TextPart(text))
                return Delta(text)
            case ToolBegun(id, name, arguments):
                return ToolCalled(id, name, arguments)
            case ToolDone(part):
                self.parts.append(part)
                self.took(part.spent)
                return ToolReturned(part)


async def reply(
    assistant: Assistant,
    turn: Turn,
    draft: Draft,
    writer: Writer,
    cancelled: asyncio.Event,
    budgets: Budgets,
    seconds: float,
) -> Outcome:
    """Let the assistant answer until it has, somebody cancels, or so many seconds have passed.

    What has come stays in the draft. Assistants settle what their own calls of models took, and
    what tools took is settled here. Raise SubjectGone.
    """
    taking = asyncio.create_task(_take(assistant, turn, draft, writer, budgets))
    stopping = asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait({taking, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        if stopping.done():
            return Cancelled()
        return Failed("timeout", f"the answer took longer than {seconds:g} s")
    finally:
        taking.cancel()
        stopping.cancel()
        await asyncio.gather(taking, stopping, return_exceptions=True)


async def _take(
    assistant: Assistant, turn: Turn, draft: Draft, writer: Writer, budgets: Budgets
) -> Outcome:
    began = monotonic()
    try:
        async with aclosing(assistant.reply(turn)) as pieces:
            async for piece in pieces:
                event = draft.take(piece)
                if draft.seconds is None:
                    draft.seconds = monotonic() - began
                await writer.send(event)
                if isinstance(piece, ToolDone) and piece.part.spent.tokens:
                    await _settle(budgets, turn, piece.part.spent)
    except AssistantFailed as failure:
        return Failed(failure.code, str(failure))
    except SubjectGone:
        raise
    except Exception as error:
        # The message of an error may quote what was said.
        logger.error(
            "assistant broke off", extra={"run": str(turn.run), "error": type(error).__name__}
        )
        return Failed("internal", "something went wrong on our side; ask once more")
    return Completed()


async def _settle(budgets: Budgets, turn: Turn, spent: Spent) -> None:
    try:
        await budgets.settle(turn.owner, turn.run, spent.tokens)
    except Exception as error:
        # An answer is worth more than its bill.
        extra = {"run": str(turn.run), "tokens": spent.tokens, "error": type(error).__name__}
        logger.warning("not settled what a tool took", extra=extra)

"""What a model wants of tools, read with care and done all at once."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from prometheus_client import Counter

from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.application.ports import Tools, Turn
from contexts.conversations.infrastructure.model_assistant.exchanges import Step
from shared.application.language_model import ToolCall

CALLS = Counter("marquee_assistant_tool_calls", "Calls of tools by models", ["tool", "outcome"])

MOST_AT_ONCE = 8
"""Calls of one reply that are done; a model that wants more has to ask again."""

_LONGEST = 10_000
"""Characters of arguments."""

_BEING_WRITTEN = UUID(int=0)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_NO_OBJECT = "the arguments were no JSON object; call it again with one as its schema says"


class Wanted(msgspec.Struct, frozen=True):
    """A call; `fault` says why it can't be made."""

    id: str
    name: str
    arguments: dict[str, Any]
    fault: str | None = None


def wanted(calls: Sequence[ToolCall], before: int) -> list[Wanted]:
    """`before`: so many calls were made for this answer already. The ids are ours: those of some
    servers begin anew with every reply."""
    return [_read(call, number) for number, call in enumerate(calls[:MOST_AT_ONCE], before + 1)]


async def done(
    tools: Tools, calls: Sequence[Wanted], turn: Turn, steps: Sequence[Step]
) -> AsyncGenerator[ToolPart, None]:
    """What they found, in order. Closing this ends those that are at work."""
    path = _path(turn, steps)
    known = {tool.name for tool in tools.offered}
    tasks = [asyncio.create_task(_do(tools, call, path)) for call in calls]
    try:
        for task in tasks:
            part = await task
            name = part.name if part.name in known else "unknown"
            CALLS.labels(name, "found" if part.error is None else "failed").inc()
            yield part
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _do(tools: Tools, call: Wanted, path: tuple[Message, ...]) -> ToolPart:
    if call.fault is not None:
        return ToolPart(id=call.id, name=call.name, arguments={}, error=call.fault)
    return await tools.call(call.id, call.name, call.arguments, path)


def _path(turn: Turn, steps: Sequence[Step]) -> tuple[Message, ...]:
    """With what was found for this answer so far: a question may go on from that as well."""
    parts = tuple(part for step in steps for part in step.tools)
    if not parts:
        return turn.path
    answer = Message(
        id=_BEING_WRITTEN,
        parent_id=turn.path[-1].id,
        author="assistant",
        parts=parts,
        written_at=turn.now,
        complete=False,
        run=str(turn.run),
    )
    return (*turn.path, answer)


def _read(call: ToolCall, number: int) -> Wanted:
    id = f"call{number:05d}"
    # What a model makes up goes back to its server, which is strict about names.
    name = _NOT_IN_A_NAME.sub("_", call.name)[:64] or "unknown"
    try:
        if len(call.arguments) > _LONGEST:
            return Wanted(id, name, {}, "the arguments were far too long")
        arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any] | None)
    except (msgspec.DecodeError, RecursionError):
        return Wanted(id, name, {}, _NO_OBJECT)
    return Wanted(id, name, arguments or {})

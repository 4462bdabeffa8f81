"""Frames as the UI message stream of the AI SDK (version 5 and later), for its chat clients.

The protocol has no ids and takes nothing back. Whoever comes back is told the answer from its
start; and where an answer is begun anew, what is the same in it is not told twice. What can't be
told as a continuation ends the stream with an error: asking again tells it as it is.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from contexts.conversations.application.content import TextPart, ToolPart
from contexts.conversations.application.frames import Ended, Frame, FrameEvent, ToolCalled
from contexts.conversations.application.queries import RunShown
from contexts.conversations.application.told import Told
from contexts.conversations.presentation.frames_sse import HEADERS as SSE_HEADERS
from contexts.conversations.presentation.frames_sse import HEARTBEAT
from shared.presentation.json import encode_json

HEADERS = {**SSE_HEADERS, "x-vercel-ai-ui-message-stream": "v1"}

DONE = b"data: [DONE]\n\n"

BEGUN_ANEW = "the answer was begun anew; load it again"
CUT = "the stream was cut; load the answer again"
FAILED = "the answer failed"

Chunk: TypeAlias = dict[str, Any]


async def ui_messages(
    frames: AsyncGenerator[Frame | None, None], message_id: UUID
) -> AsyncGenerator[bytes, None]:
    """Server-sent events for the frames of a run from its start."""
    stream = UiMessageStream(message_id)
    yield _events(stream.begin())
    async with aclosing(frames):
        async for frame in frames:
            if frame is None:
                yield HEARTBEAT
                continue
            if chunks := stream.take(frame.event):
                yield _events(chunks)
            if stream.over:
                break
    yield _events(stream.end()) + DONE


class _ToldTool(msgspec.Struct):
    """A call as the client knows it: the id is that which it was told first."""

    id: str
    name: str
    arguments: dict[str, Any]
    outcome: tuple[Any, ...] = ()


class _Diverged(Exception):
    """The answer is not a continuation of what was told."""


class UiMessageStream:
    """The chunks for each event. Texts are told apart by their place among the texts."""

    def __init__(self, message_id: UUID) -> None:
        self.over = False
        self._message_id = str(message_id)
        self._answer = Told()
        self._texts: list[str] = []
        self._tools: list[_ToldTool] = []
        self._text_open = False

    def begin(self) -> Sequence[Chunk]:
        return [{"type": "start", "messageId": self._message_id}, {"type": "start-step"}]

    def take(self, event: FrameEvent) -> Sequence[Chunk]:
        self._answer.take_in(event)
        try:
            chunks = list(self._news(event.run if isinstance(event, Ended) else None))
        except _Diverged:
            return self._break_off(BEGUN_ANEW)
        if isinstance(event, Ended):
            chunks += self._close(event.run)
        return chunks

    def end(self) -> Sequence[Chunk]:
        """What is missing for a proper end."""
        return () if self.over else self._break_off(CUT)

    def _news(self, ended: RunShown | None) -> Iterator[Chunk]:
        """What the answer has by now and was not told. Raise _Diverged."""
        items = [*self._answer.parts, *self._answer.calls]
        texts = [item for item in items if isinstance(item, TextPart)]
        if ended is not None and len(texts) < len(self._texts):
            raise _Diverged
        place, unmatched = 0, list(self._tools)
        for item in items:
            if isinstance(item, TextPart):
                yield from self._text(place, item.text, final=ended is not None)
                place += 1
            else:
                yield from self._tool(item, unmatched)
        if ended is not None and ended.status == "completed" and unmatched:
            raise _Diverged

    def _text(self, place: int, text: str, *, final: bool) -> Iterator[Chunk]:
        if place == len(self._texts):
            yield from self._close_text()
            self._texts.append("")
            self._text_open = True
            yield {"type": "text-start", "id": f"text-{place}"}
        told = self._texts[place]
        if text == told:
            return
        if told.startswith(text) and not final:
            # An answer that was begun anew is not as far yet.
            return
        last = place == len(self._texts) - 1
        if not text.startswith(told) or not (last and self._text_open):
            raise _Diverged
        self._texts[place] = text
        yield {"type": "text-delta", "id": f"text-{place}", "delta": text[len(told) :]}

    def _tool(self, item: ToolPart | ToolCalled, unmatched: list[_ToldTool]) -> Iterator[Chunk]:
        tool = _matching(item, unmatched)
        if tool is None:
            yield from self._close_text()
            tool = _ToldTool(item.id, item.name, item.arguments)
            self._tools.append(tool)
            yield {
                "type": "tool-input-available",
                "toolCallId": tool.id,
                "toolName": tool.name,
                "input": tool.arguments,
            }
        else:
            unmatched.remove(tool)
        if isinstance(item, ToolPart) and tool.outcome != (item.result, item.error):
            tool.outcome = (item.result, item.error)
            yield _outcome(tool.id, item)

    def _close(self, run: RunShown) -> Sequence[Chunk]:
        self.over = True
        chunks = [*self._close_text()]
        if run.status == "cancelled":
            return [*chunks, {"type": "abort"}]
        if run.status == "failed":
            chunks.append({"type": "error", "errorText": run.reason or FAILED})
        return [*chunks, {"type": "finish-step"}, {"type": "finish"}]

    def _break_off(self, why: str) -> Sequence[Chunk]:
        self.over = True
        return [*self._close_text(), {"type": "error", "errorText": why}]

    def _close_text(self) -> Iterator[Chunk]:
        if self._text_open:
            self._text_open = False
            yield {"type": "text-end", "id": f"text-{len(self._texts) - 1}"}


def _matching(item: ToolPart | ToolCalled, told: Sequence[_ToldTool]) -> _ToldTool | None:
    """The call by its id; or else, where an answer was begun anew, the same call under another."""
    same = [each for each in told if (each.name, each.arguments) == (item.name, item.arguments)]
    return next((each for each in same if each.id == item.id), same[0] if same else None)


def _outcome(id: str, part: ToolPart) -> Chunk:
    if part.error is not None:
        return {"type": "tool-output-error", "toolCallId": id, "errorText": part.error}
    return {"type": "tool-output-available", "toolCallId": id, "output": part.result}


def _events(chunks: Sequence[Chunk]) -> bytes:
    return b"".join(b"data: %b\n\n" % encode_json(chunk) for chunk in chunks)

"""The UI message stream of the AI SDK: chunks of the documented types, and nothing told twice."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.conversations.application.content import TextPart, ToolPart
from contexts.conversations.application.frames import (
    Delta,
    Ended,
    Frame,
    FrameEvent,
    Snapshot,
    ToolCalled,
    ToolReturned,
)
from contexts.conversations.presentation.ai_sdk import (
    BEGUN_ANEW,
    CUT,
    Chunk,
    UiMessageStream,
    ui_messages,
)
from listening import ended, new_run, shown, started

RUN = new_run()
ANSWER = uuid4()
CALL = ToolCalled("c1", "search", {"q": "jazz"})
FOUND = ToolPart(id="c1", name="search", arguments={"q": "jazz"}, result={"rows": 1})
AWAY = ToolPart(id="c1", name="search", arguments={"q": "jazz"}, error="away")

FIELDS = {
    "start": {"messageId"},
    "start-step": set[str](),
    "text-start": {"id"},
    "text-delta": {"id", "delta"},
    "text-end": {"id"},
    "tool-input-available": {"toolCallId", "toolName", "input"},
    "tool-output-available": {"toolCallId", "output"},
    "tool-output-error": {"toolCallId", "errorText"},
    "error": {"errorText"},
    "finish-step": set[str](),
    "finish": set[str](),
    "abort": set[str](),
}
"""The parts of the protocol that are used, and what each has to have. Clients of the first version
that had them refuse any other field."""


def chunks_of(*events: FrameEvent) -> list[Chunk]:
    stream = UiMessageStream(ANSWER)
    chunks = list(stream.begin())
    for event in events:
        if not stream.over:
            chunks += stream.take(event)
    chunks += stream.end()
    for chunk in chunks:
        assert chunk.keys() - {"type"} == FIELDS[chunk["type"]], chunk
    return chunks


def types(chunks: Sequence[Chunk]) -> list[str]:
    return [chunk["type"] for chunk in chunks]


def text(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")


def completed(*parts: TextPart | ToolPart) -> Ended:
    return Ended(shown(RUN, 9, parts))


def ended_as(status: str, *parts: TextPart | ToolPart, reason: str | None = None) -> Ended:
    run = msgspec.structs.replace(shown(RUN, 9, parts), status=status, reason=reason)
    return Ended(run)


def test_an_answer_with_a_tool_in_it_is_told_in_the_parts_of_the_protocol() -> None:
    events = (Delta("Let "), Delta("me"), CALL, ToolReturned(FOUND), Delta("One."))
    end = completed(TextPart("Let me"), FOUND, TextPart("One."))
    assert chunks_of(started(RUN), *events, end) == [
        {"type": "start", "messageId": str(ANSWER)},
        {"type": "start-step"},
        {"type": "text-start", "id": "text-0"},
        {"type": "text-delta", "id": "text-0", "delta": "Let "},
        {"type": "text-delta", "id": "text-0", "delta": "me"},
        {"type": "text-end", "id": "text-0"},
        {
            "type": "tool-input-available",
            "toolCallId": "c1",
            "toolName": "search",
            "input": {"q": "jazz"},
        },
        {"type": "tool-output-available", "toolCallId": "c1", "output": {"rows": 1}},
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "One."},
        {"type": "text-end", "id": "text-1"},
        {"type": "finish-step"},
        {"type": "finish"},
    ]


def test_a_tool_that_failed_is_told_as_its_error() -> None:
    chunks = chunks_of(started(RUN), CALL, ToolReturned(AWAY), completed(AWAY))
    assert {"type": "tool-output-error", "toolCallId": "c1", "errorText": "away"} in chunks


def test_a_tool_whose_call_was_missed_is_told_before_its_outcome() -> None:
    chunks = chunks_of(Snapshot((FOUND,)), completed(FOUND))
    assert types(chunks)[2:4] == ["tool-input-available", "tool-output-available"]


def test_tools_that_return_in_another_order_are_told_once_each() -> None:
    other = ToolCalled("c2", "ask", {})
    asked = ToolPart(id="c2", name="ask", arguments={}, result={"n": 2})
    chunks = chunks_of(
        CALL, other, ToolReturned(asked), ToolReturned(FOUND), completed(asked, FOUND)
    )
    outputs = [c["toolCallId"] for c in chunks if c["type"] == "tool-output-available"]
    assert (types(chunks).count("tool-input-available"), outputs) == (2, ["c2", "c1"])


def test_a_snapshot_tells_only_what_is_new_in_it() -> None:
    chunks = chunks_of(
        Delta("On"), Snapshot((TextPart("One, tw"),)), Delta("o"), completed(TextPart("One, two"))
    )
    assert (text(chunks), types(chunks)[-1]) == ("One, two", "finish")


def test_an_answer_begun_anew_that_says_the_same_is_not_told_twice() -> None:
    again = msgspec.structs.replace(FOUND, id="c7")
    chunks = chunks_of(
        *(started(RUN), Delta("So: "), CALL, ToolReturned(FOUND), Delta("One")),
        *(started(RUN, 2), Delta("So: "), ToolCalled("c7", "search", {"q": "jazz"})),
        *(ToolReturned(again), Delta("O"), Delta("ne.")),
        completed(TextPart("So: "), again, TextPart("One.")),
    )
    assert (text(chunks), types(chunks)[-1]) == ("So: One.", "finish")
    assert types(chunks).count("tool-output-available") == 1


def test_an_answer_begun_anew_that_says_something_else_ends_the_stream_with_an_error() -> None:
    chunks = chunks_of(
        started(RUN), Delta("One"), started(RUN, 2), Delta("Two"), completed(TextPart("Two"))
    )
    assert chunks[-2:] == [
        {"type": "text-end", "id": "text-0"},
        {"type": "error", "errorText": BEGUN_ANEW},
    ]
    assert text(chunks) == "One"


def test_an_answer_without_a_tool_that_was_told_ends_with_an_error() -> None:
    chunks = chunks_of(started(RUN), CALL, started(RUN, 2), Delta("Hi"), completed(TextPart("Hi")))
    assert chunks[-1] == {"type": "error", "errorText": BEGUN_ANEW}


def test_a_run_that_was_cancelled_aborts_and_keeps_what_was_told() -> None:
    chunks = chunks_of(Delta("On"), CALL, ended_as("cancelled", TextPart("On")))
    assert (text(chunks), types(chunks)[-1]) == ("On", "abort")


def test_a_run_that_failed_says_why() -> None:
    chunks = chunks_of(Delta("On"), ended_as("failed", TextPart("On"), reason="no model answers"))
    assert {"type": "error", "errorText": "no model answers"} in chunks
    assert types(chunks)[-1] == "finish"


def test_a_stream_that_was_cut_says_so() -> None:
    assert chunks_of(Delta("On"))[-1] == {"type": "error", "errorText": CUT}


@pytest.mark.parametrize("whole", [True, False])
async def test_the_stream_is_server_sent_events_and_says_that_it_is_done(whole: bool) -> None:
    async def frames() -> AsyncGenerator[Frame | None, None]:
        yield Frame(1, started(RUN))
        yield None
        yield Frame(2, Delta("One\n"))
        if whole:
            yield Frame(3, ended(RUN, 3, "One\n"))

    events = [event async for event in ui_messages(frames(), UUID(int=1))]
    lines = b"".join(events).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    decoded: list[Any] = [
        msgspec.json.decode(line.removeprefix("data: ")) for line in lines[:-2] if line[0] == "d"
    ]
    assert types(decoded)[0] == "start"
    assert types(decoded)[-1] == ("finish" if whole else "error")

"""What comes back over the wire, read with tolerance for what servers leave out or add."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Literal

import msgspec

from shared.application.language_model import ModelUsage, ToolCall

MAX_TOOL_CALLS = 64


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class CallPart(msgspec.Struct):
    """A tool call, or in a stream a piece of the one at `index`."""

    id: str | None = None
    index: int | None = None
    function: Function | None = None


class Said(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    tool_calls: list[CallPart] | None = None


class Choice(msgspec.Struct):
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class Reply(msgspec.Struct):
    """A whole reply, or a piece of one in a stream."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None


class NotTheProtocol(Exception):
    """What came is no reply as the protocol has it; says what it is."""


class BrokenOff(Exception):
    """The stream ended before the reply did."""


class ErrorInStream(Exception):
    """The server says in a stream that it can't go on; `error` is what it says of it."""

    def __init__(self, error: Any) -> None:
        super().__init__("the server broke its reply off with an error")
        self.error = error


_reply = msgspec.json.Decoder(Reply)


def read_reply(body: bytes | str) -> Reply:
    """Raise NotTheProtocol, also for an error that is said with a status of 200."""
    try:
        reply = _reply.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        start = body[:200].lstrip()[:1]
        what = "a web page" if start in (b"<", "<") else "something that is not JSON as expected"
        raise NotTheProtocol(what) from None
    if reply.error:
        raise ErrorInStream(reply.error)
    return reply


async def read_stream(lines: AsyncIterator[str]) -> AsyncIterator[Reply]:
    """The pieces of a reply from server-sent events, up to the last one."""
    data: list[str] = []
    async for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            text, data = "\n".join(data), []
            if text.strip() == "[DONE]":
                return
            yield read_reply(text)
        elif line.startswith(("<", "{")):
            # An error page, or a whole reply from a server that does not stream.
            raise NotTheProtocol("something that is not a stream of events")
    # The end may come without an empty line, but not in the middle of JSON.
    if data and (text := "\n".join(data)).strip() != "[DONE]":
        try:
            yield read_reply(text)
        except NotTheProtocol:
            raise BrokenOff("the stream was cut") from None


class Reading:
    """A reply as far as it has come."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._usage: Any = None
        self._finish: str | None = None
        self.begun = False

    def take(self, reply: Reply) -> str:
        """The text that this piece adds. Raise NotTheProtocol for what no reply has so many of."""
        if reply.usage is not None:
            self._usage = reply.usage
        if not reply.choices:
            return ""
        choice = reply.choices[0]
        self.begun = True
        self._finish = choice.finish_reason or self._finish
        said = choice.delta or choice.message
        if said is None:
            return ""
        if said.refusal:
            self._refusal.append(said.refusal)
        self._take_calls(said.tool_calls or ())
        if text := _text(said.content):
            self._text.append(text)
        return text

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def ended(self) -> bool:
        return self._finish is not None

    @property
    def refused(self) -> bool:
        return bool(self._refusal) or self._finish == "content_filter"

    @property
    def finish(self) -> Literal["stop", "length", "tool_calls"]:
        if self._calls:
            return "tool_calls"
        return "length" if self._finish == "length" else "stop"

    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(id or f"call_{number}", name, "".join(arguments) or "{}")
            for number, (id, name, arguments) in enumerate(self._calls.values(), 1)
        )

    def usage(self, asked_characters: int) -> ModelUsage:
        """As the server counted, or estimated; without its cost."""
        counted = self._usage if isinstance(self._usage, dict) else {}
        tokens = [counted.get("prompt_tokens"), counted.get("completion_tokens")]
        match tokens:
            case [int(read), int(written)] if read >= 0 and written >= 0:
                return ModelUsage(input_tokens=read, output_tokens=written)
        told = sum(map(len, (*self._text, *self._refusal)))
        told += sum(len(part) for _, _, parts in self._calls.values() for part in parts)
        return ModelUsage(
            input_tokens=asked_characters // 4, output_tokens=-(-told // 4), estimated=True
        )

    def _take_calls(self, parts: Iterable[CallPart]) -> None:
        for part in parts:
            function = part.function or Function()
            # Whole calls may come without an index, each beside the one before.
            index = part.index
            if index is None:
                index = len(self._calls)
            if index not in self._calls and len(self._calls) >= MAX_TOOL_CALLS:
                raise NotTheProtocol("a reply with more tool calls than anybody can mean")
            id, name, arguments = self._calls.get(index, ("", "", []))
            if (given := function.arguments) is not None:
                arguments.append(
                    given if isinstance(given, str) else msgspec.json.encode(given).decode()
                )
            self._calls[index] = (id or part.id or "", name or function.name or "", arguments)


def _text(content: Any) -> str:
    """Some servers send parts, of which those with text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return ""

"""How a server wants to be asked: what it refuses to understand is left out from then on."""

import re
from typing import Any, Literal

import msgspec

from shared.application.language_model import ChatMessage, Completion, Schema, Tool
from shared.infrastructure.language_model.schema import is_strict
from shared.infrastructure.language_model.structured import instruction

LAST_RUNG = 2

_FORMAT = re.compile(r"response.?format|json.?schema|json.?object|json.?mode|structured.?output")
_THIS_SCHEMA = re.compile(
    r"invalid[ _](?:json[ _])?schema|schema is invalid|grammar|is not permitted"
)
"""The server follows schemas, but not this one; nothing is to be learned from that."""

_UNSUPPORTED = re.compile(r"not.{0,5}support|unsupported|unrecognized|unknown (?:field|parameter)")


class Dialect(msgspec.Struct, frozen=True):
    """`rung` of the ladder: 0 the server follows a JSON schema, 1 it sees to JSON, 2 neither."""

    rung: int = 0
    max_tokens_as: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    temperature: bool = True
    stream_usage: bool = True

    def body(
        self, request: Completion, *, model: str, max_tokens: int, streamed: bool
    ) -> dict[str, Any]:
        messages = request.messages
        body: dict[str, Any] = {"model": model, self.max_tokens_as: max_tokens}
        if request.temperature is not None and self.temperature:
            body["temperature"] = request.temperature
        if request.tools:
            body["tools"] = [_tool(tool) for tool in request.tools]
        if streamed:
            body["stream"] = True
            if self.stream_usage:
                body["stream_options"] = {"include_usage": True}
        if request.schema is not None:
            if self.rung == 0:
                body["response_format"] = _format(request.schema)
            else:
                messages = _instructed(messages, instruction(request.schema))
            if self.rung == 1:
                body["response_format"] = {"type": "json_object"}
        body["messages"] = [_message(message) for message in messages]
        return body

    def without(self, said: str, request: Completion) -> "Dialect | None":
        """How to ask instead, when the server refused a request and said this; None: not at all."""
        said = said.lower()
        changes: dict[str, Any] = {}
        if "max_completion_tokens" in said and self.max_tokens_as == "max_completion_tokens":
            changes["max_tokens_as"] = "max_tokens"
        elif "stream_options" in said and self.stream_usage:
            changes["stream_usage"] = False
        elif "temperature" in said and self.temperature and request.temperature is not None:
            changes["temperature"] = False
        elif (
            request.schema is not None
            and self.rung < LAST_RUNG
            and (_FORMAT.search(said) or _names_nothing_else(said))
        ):
            changes["rung"] = self.rung + 1
        return msgspec.structs.replace(self, **changes) if changes else None


def is_about_this_schema(said: str) -> bool:
    """The server would follow another schema."""
    return _THIS_SCHEMA.search(said.lower()) is not None


def _names_nothing_else(said: str) -> bool:
    return _UNSUPPORTED.search(said) is not None and "tool" not in said


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["content"] = message.content or None
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def _tool(tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": msgspec.to_builtins(tool)}


def _format(schema: Schema) -> dict[str, Any]:
    sent = schema.schema if schema.strict is None else schema.strict
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.name, "schema": sent, "strict": is_strict(sent)},
    }


def _instructed(messages: tuple[ChatMessage, ...], text: str) -> tuple[ChatMessage, ...]:
    """With the text in the first message: many models take a system message only there."""
    if messages and messages[0].role == "system":
        first = ChatMessage("system", f"{messages[0].content}\n\n{text}")
        return (first, *messages[1:])
    return (ChatMessage("system", text), *messages)

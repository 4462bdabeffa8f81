"""A conversation as models get it: what somebody wrote, and the steps that answered it."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import msgspec

from contexts.conversations.application.content import Message, Part, ToolPart
from contexts.conversations.infrastructure.model_assistant.results import as_data, as_json, found
from shared.application.language_model import ChatMessage, ToolCall

NO_MESSAGE = "(no message)"
NO_ANSWER = "(no answer)"
BROKE_OFF = "(The answer broke off here.)"
"""What stands where nothing does: servers want user and assistant to take turns, and no empty
text."""


class Step(msgspec.Struct, frozen=True):
    """One reply of a model: what it said, and what the tools found that it called with it."""

    text: str
    tools: tuple[ToolPart, ...] = ()


class Exchange(msgspec.Struct, frozen=True):
    """`id` is that of its last message. The last step of an answer is a text."""

    id: UUID
    user: str
    steps: tuple[Step, ...] = ()

    @property
    def answer(self) -> str:
        """What was said, without what tools found."""
        return "\n\n".join(step.text for step in self.steps if step.text) or NO_ANSWER


class Sized(msgspec.Struct, frozen=True):
    """A step of which each result is shown in so many characters at most."""

    step: Step
    limit: int


def exchanges(path: Iterable[Message]) -> list[Exchange]:
    """In order. An answer that follows no message has an exchange of its own."""
    made: list[Exchange] = []
    for message in path:
        if message.author == "user":
            made.append(Exchange(message.id, message.text.strip() or NO_MESSAGE))
            continue
        user = made.pop().user if made and not made[-1].steps else NO_MESSAGE
        made.append(Exchange(message.id, user, _steps(message)))
    return made


def in_turns(exchange: Exchange, limit: int) -> Iterator[ChatMessage]:
    """With its tool calls; results have at most `limit` characters."""
    yield ChatMessage("user", exchange.user)
    if exchange.steps:
        yield from answered(Sized(step, limit) for step in exchange.steps)
    else:
        yield ChatMessage("assistant", NO_ANSWER)


def in_words(exchange: Exchange) -> Iterator[ChatMessage]:
    """Without tool calls, which some servers don't take from who offers no tools."""
    yield ChatMessage("user", exchange.user)
    yield ChatMessage("assistant", exchange.answer)


def answered(steps: Iterable[Sized]) -> Iterator[ChatMessage]:
    """The ids of calls are for `numbered` to give."""
    for sized in steps:
        step = sized.step
        if not step.tools:
            yield ChatMessage("assistant", step.text or NO_ANSWER)
            continue
        # Written anew: servers refuse arguments that are no JSON, also their own model's.
        calls = tuple(
            ToolCall("", part.name, msgspec.json.encode(part.arguments).decode())
            for part in step.tools
        )
        yield ChatMessage("assistant", step.text, tool_calls=calls)
        for part in step.tools:
            yield ChatMessage("tool", as_json(found(part, sized.limit)), tool_call_id="")


def numbered(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """With ids for tool calls: nine letters and digits, as Mistral's servers insist, and each only
    once, also where an answer was copied from another conversation."""
    called, returned = 0, 0
    for message in messages:
        if message.tool_calls:
            first, called = called, called + len(message.tool_calls)
            calls = tuple(
                msgspec.structs.replace(call, id=_id(number))
                for number, call in enumerate(message.tool_calls, first + 1)
            )
            yield msgspec.structs.replace(message, tool_calls=calls)
        elif message.tool_call_id is not None:
            returned += 1
            yield msgspec.structs.replace(message, tool_call_id=_id(returned))
        else:
            yield message


def findings(steps: Sequence[Sized]) -> str:
    """What all tools found, as a block of data to stand in a message."""
    return as_data(
        [
            {"tool": part.name, "arguments": part.arguments, "found": found(part, sized.limit)}
            for sized in steps
            for part in sized.step.tools
        ]
    )


def _id(number: int) -> str:
    return f"call{number:05d}"


def _steps(answer: Message) -> tuple[Step, ...]:
    *steps, last = _split(answer.parts)
    text = last.text or NO_ANSWER
    return (*steps, Step(text if answer.complete else f"{text} {BROKE_OFF}"))


def _split(parts: Iterable[Part]) -> Iterator[Step]:
    """Calls that follow a text were made with it; at the end is a text, be it an empty one."""
    text, tools = "", list[ToolPart]()
    for part in parts:
        if isinstance(part, ToolPart):
            tools.append(part)
        else:
            if tools:
                yield Step(text.strip(), tuple(tools))
                text, tools = "", []
            text += part.text
    if tools:
        yield Step(text.strip(), tuple(tools))
        text = ""
    yield Step(text.strip())

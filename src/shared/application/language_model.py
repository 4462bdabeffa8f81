"""The port to language models: a conversation goes out, and text, JSON or tool calls come back."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import msgspec

from shared.application.bus import Query

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

FailureKind: TypeAlias = Literal[
    "unavailable",
    "rate_limited",
    "quota",
    "timeout",
    "refused",
    "invalid",
    "not_configured",
    "too_long",
]


class ToolCall(msgspec.Struct, frozen=True):
    """What a model wants done: `arguments` is the text of a JSON object, as the model wrote it."""

    id: str
    name: str
    arguments: str


class ChatMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. An assistant's may carry tool calls; a tool's answers the one of `tool_call_id`."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class Tool(msgspec.Struct, frozen=True):
    """What a model may ask for. `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class Schema(msgspec.Struct, frozen=True):
    """The JSON schema that a reply has to match; `name` is letters, digits, _ and - (64 at most).

    Checked are types, enum, const, properties, required, additionalProperties, items, the bounds of
    numbers, texts and lists, anyOf, oneOf, allOf, and $ref within the schema; the rest is told to
    the model and left to it.

    `strict`, where it is given, is what servers are sent that make their model keep to a schema:
    the same with every property required, as they want it. The reply is checked against `schema`.
    """

    name: str
    schema: dict[str, Any]
    strict: dict[str, Any] | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is asked.

    `purpose` is what usage is counted under, such as "analytics.plan". `max_tokens` bounds the
    reply; None: as settings say, which is also the most. `deterministic`: the same question has the
    same answer, which may be kept and given again, so nothing personal may stand in it. `deadline`
    is in seconds, with all that is tried in them; None: as settings say. `temperature` None leaves
    it to the server.
    """

    messages: tuple[ChatMessage, ...]
    purpose: str
    schema: Schema | None = None
    tools: tuple[Tool, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = 0.0
    deterministic: bool = False
    deadline: float | None = None


class ModelUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What was spent, over all attempts. `cost` is in US dollars, None where a price is not known;
    `estimated`: the server did not count the tokens, they are a quarter of the characters."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    cached: bool = False
    estimated: bool = False

    def __add__(self, other: "ModelUsage") -> "ModelUsage":
        known = self.cost is not None and other.cost is not None
        return ModelUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=(self.cost or 0.0) + (other.cost or 0.0) if known else None,
            cached=self.cached and other.cached,
            estimated=self.estimated or other.estimated,
        )


class Delta(msgspec.Struct, frozen=True):
    """A piece of the text, as it comes."""

    text: str


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """The whole reply. `parsed` is the decoded JSON where a schema was given, and matches it.

    `model` is the one that answered, by its name in the settings. `finish` says why it ended:
    "length" is a text that was cut at `max_tokens`.
    """

    text: str
    model: str
    parsed: Any = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    usage: ModelUsage = ModelUsage()


class LanguageModelFailed(Exception):
    """No usable reply; the message is for people, and holds nothing of what was asked.

    `retry_after` is in seconds, where the server said so; `partial` is the text that had come when
    a stream broke off; `usage` is what was spent all the same.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry_after: float | None = None,
        usage: ModelUsage | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.retry_after = retry_after
        self.usage = usage or ModelUsage()
        self.partial = partial


class LanguageModel(Protocol):
    """All methods act for the tenant of the current context."""

    @property
    def configured(self) -> bool:
        """Is any model set up."""

    async def complete(self, request: Completion) -> Completed:
        """Raise LanguageModelFailed."""

    def stream(self, request: Completion) -> AsyncGenerator[Delta | Completed, None]:
        """Deltas as they come, and at the end the whole; raise LanguageModelFailed.

        Closing the iterator, or cancelling who reads it, ends the call at the server. What was
        told is not taken back: a stream that breaks off is not tried again, and a reply that does
        not match its schema is not repaired.
        """


ApiKey: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,1000}\Z")]
"""As it may stand in a header."""


class ModelServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model and where it is served; without `base_url` by OpenAI, which needs a key."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    base_url: str | None = None
    api_key: ApiKey | None = None

    def __repr__(self) -> str:
        # A key must not come into a log with whatever holds it.
        return f"ModelServer({self.model!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("model", self.model)]


class CompleteText(Query[Completed], frozen=True):
    """Ask the model, for a caller from outside."""

    request: Completion


class GetUsage(Query["UsageReport"], frozen=True):
    """What the tenant spent on models from one day to another, both included (UTC)."""

    first: date
    last: date


class UsageTotals(msgspec.Struct, frozen=True, kw_only=True):
    """`cost` is in US dollars, and leaves out the `unpriced_calls`: their model has no price.

    A call is one exchange with a model, or an answer that was kept: `cached_calls`, which cost
    nothing. The tokens of `estimated_calls` were not counted by the server.
    """

    calls: int = 0
    cached_calls: int = 0
    failed_calls: int = 0
    estimated_calls: int = 0
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class UsageOfDay(UsageTotals, frozen=True, kw_only=True):
    """What was spent on one model for one purpose on a day (UTC)."""

    day: date
    purpose: str
    model: str


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """By day, purpose and model, and all together."""

    first: date
    last: date
    days: tuple[UsageOfDay, ...]
    totals: UsageTotals

"""Models over HTTP: a text for a conversation, whole or as it comes."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from math import ceil
from typing import Annotated, Any, Literal, TypeAlias, cast

import msgspec
from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, SkipValidation
from litestar.response import Stream

from shared.application.bus import Bus
from shared.application.language_model import (
    ChatMessage,
    Completed,
    CompleteText,
    Completion,
    Delta,
    FailureKind,
    LanguageModel,
    LanguageModelFailed,
    ModelUsage,
    Schema,
)
from shared.domain.errors import DomainError, Invalid
from shared.presentation.context import header
from shared.presentation.idempotency import HEADER as IDEMPOTENCY_KEY
from shared.presentation.json import JSONResponse, encode_json
from shared.presentation.problems import STATUS as REFUSED
from shared.presentation.problems import Problem, other_answer, refusals

logger = logging.getLogger(__name__)

STATUS: dict[FailureKind, int] = {
    "too_long": 400,
    "refused": 409,
    "rate_limited": 429,
    "quota": 503,
    "unavailable": 503,
    "not_configured": 503,
    "invalid": 502,
    "timeout": 504,
}
EVENTS = "text/event-stream"
PURPOSE = "http"
"""What is asked here is counted under this."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=200_000)]


class AskedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant"]
    content: Text


class AskedSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON schema, and what the model is told that it is."""

    schema: dict[str, Any]
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")] = "reply"


class AskedText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`keep`: the same question has the same answer, which may be kept and given again."""

    messages: Annotated[list[AskedMessage], msgspec.Meta(min_length=1, max_length=200)]
    schema: AskedSchema | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.0
    stream: bool = False
    keep: bool = False

    def request(self) -> Completion:
        return Completion(
            messages=tuple(ChatMessage(each.role, each.content) for each in self.messages),
            purpose=PURPOSE,
            schema=None if self.schema is None else Schema(self.schema.name, self.schema.schema),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            deterministic=self.keep,
        )


class AnsweredText(msgspec.Struct, frozen=True, kw_only=True):
    """`parsed` matches the schema, where one was given. `finish` "length": the text was cut."""

    text: str
    parsed: Any | None
    finish: Literal["stop", "length", "tool_calls"]
    model: str
    usage: ModelUsage


def _failed(kind: FailureKind, *more: str) -> ResponseSpec:
    return other_answer(Problem, ", ".join((kind, *more)), media_type="application/problem+json")


def on_failure(request: Request[Any, Any, Any], error: LanguageModelFailed) -> Response[Problem]:
    """What a controller that asks models has among its exception handlers."""
    log_failure(error, request.url.path)
    headers = {}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, ceil(error.retry_after)))
    return Response(
        problem_of(error),
        status_code=STATUS[error.kind],
        headers=headers,
        media_type="application/problem+json",
    )


def problem_of(error: LanguageModelFailed | DomainError) -> Problem:
    if isinstance(error, LanguageModelFailed):
        code, status = f"language_model_{error.kind}", STATUS[error.kind]
    else:
        code = error.code
        status = next(REFUSED[kind] for kind in type(error).mro() if kind in REFUSED)
    return Problem(f"about:blank#{code}", HTTPStatus(status).phrase, status, str(error))


def log_failure(error: LanguageModelFailed, path: str) -> None:
    logger.warning("no model could answer", extra={"path": path, "why": error.kind})


class LanguageModelController(Controller):
    path = "/llm/completions"
    tags = ("Language model",)
    exception_handlers = {LanguageModelFailed: on_failure}  # noqa: RUF012 (as the framework has it)

    @post(
        status_code=200,
        responses={
            **refusals(Invalid),
            409: _failed("refused"),
            429: _failed("rate_limited"),
            502: _failed("invalid"),
            503: _failed("unavailable", "quota", "not_configured"),
            504: _failed("timeout"),
        },
    )
    async def complete(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[AskedText],
        bus: NamedDependency[Bus],
        language_model: NamedDependency[SkipValidation[LanguageModel]],
    ) -> JSONResponse[AnsweredText]:
        """Have a model continue a conversation; with a schema in JSON that matches it.

        With `"stream": true` or `Accept: text/event-stream` the text comes as server-sent events:
        `delta` with a piece of it, then `done` with the whole answer, or `error` with a problem.
        Hanging up ends the call at the model.
        """
        if not data.stream and EVENTS not in (header(request.scope, b"accept") or "").lower():
            return JSONResponse(answered(await bus(CompleteText(data.request()))))
        if header(request.scope, IDEMPOTENCY_KEY) is not None:
            raise Invalid(
                "Idempotency-Key: a stream is not kept; leave it out, or ask for no stream"
            )
        if not language_model.configured:
            # This fails with a status, as long as there can be one.
            return JSONResponse(answered(await bus(CompleteText(data.request()))))
        stream = Stream(
            _events(language_model, data.request(), request.url.path),
            media_type=EVENTS,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )
        # For OpenAPI this answers with JSON.
        return cast(JSONResponse[Any], stream)


def answered(completed: Completed) -> AnsweredText:
    return AnsweredText(
        text=completed.text,
        parsed=completed.parsed,
        finish=completed.finish,
        model=completed.model,
        usage=completed.usage,
    )


async def _events(
    language_model: LanguageModel, asked: Completion, path: str
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(language_model.stream(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    yield event("delta", piece)
                else:
                    yield event("done", answered(piece))
    except LanguageModelFailed as error:
        log_failure(error, path)
        yield event("error", problem_of(error))
    except DomainError as error:
        yield event("error", problem_of(error))


def event(name: str, data: Any) -> bytes:
    """One server-sent event; JSON has no line breaks in it."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode_json(data))

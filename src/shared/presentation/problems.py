"""Every refusal leaves as application/problem+json (RFC 9457); here is the whole table."""

import logging
from http import HTTPStatus
from traceback import walk_tb
from typing import Any

import msgspec
import psycopg
import redis
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    SerializationException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.serialization import decode_json
from psycopg_pool import PoolTimeout

from shared.application.texts import SAYS_SOMETHING, WITHOUT_NUL
from shared.domain import errors
from shared.presentation.context import logged

logger = logging.getLogger(__name__)

STATUS = {
    errors.Invalid: 400,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Refused: 409,
    errors.Conflict: 412,
    errors.Exhausted: 429,
    errors.NotYet: 503,
}
TITLES = {413: "Content Too Large", 414: "URI Too Long"}
"""Where http.HTTPStatus has other words in older Pythons; codes are made of these."""

_IN_WORDS = {
    f"Expected `str` matching regex {pattern!r}": said
    for pattern, said in (
        (SAYS_SOMETHING, "a text that says something, without NUL, is expected"),
        (WITHOUT_NUL, "a text without NUL is expected"),
    )
}
"""For those who send a blank text, or a NUL: nobody has to read a pattern to see what is wrong."""

AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    TimeoutError,
)
"""A server that we stand on can't be reached or does not answer in time."""

RETRY_AFTER = "2"
"""Seconds, when a server that we stand on is away."""

SOON = "1"
"""Seconds, when what was asked for is on its way."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, as RFC 9457 puts it; `type` ends in a code that programs may rely on."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Any] | None = None


def other_answer(what: Any, description: str, media_type: str = "application/json") -> ResponseSpec:
    """What else an endpoint may answer, for OpenAPI; the framework would add examples of random
    letters, others at each start."""
    return ResponseSpec(
        what, generate_examples=False, description=description, media_type=media_type
    )


def refusals(*kinds: type[errors.DomainError]) -> dict[int, ResponseSpec]:
    """What an endpoint may answer instead, for OpenAPI."""
    return {
        STATUS[kind]: other_answer(
            Problem, kind.__doc__ or "", media_type="application/problem+json"
        )
        for kind in kinds
    }


def status_of(error: Exception) -> int:
    if isinstance(error, errors.DomainError):
        return next((STATUS[kind] for kind in type(error).mro() if kind in STATUS), 500)
    if isinstance(error, RecursionError) or _left(error) or _is_no_text(error):
        return 400
    if isinstance(error, HTTPException):
        return error.status_code
    return 503 if isinstance(error, AWAY) else 500


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The one exception handler of the API."""
    status = status_of(error)
    title = TITLES.get(status) or HTTPStatus(status).phrase
    headers: dict[str, str] = {}
    code, detail, more = title.lower().replace(" ", "_"), "", None
    if isinstance(error, errors.DomainError):
        code, detail = error.code, str(error)
        if isinstance(error, errors.NotYet):
            headers["retry-after"] = SOON
        elif isinstance(error, errors.Exhausted):
            headers["retry-after"] = str(error.retry_after)
    elif isinstance(error, ValidationException):
        code, detail, more = "invalid", *_validation(error)
    elif isinstance(error.__cause__, SerializationException):
        code, detail = "invalid", _unread(error.__cause__)
    elif _is_no_text(error):
        code, detail = "invalid", "body: this is JSON with a text in it that is not UTF-8"
    elif isinstance(error, HTTPException) and status < 500:
        detail, headers = _said(request, error), dict(error.headers or {})
    elif isinstance(error, RecursionError):
        # Of ours only the decoding of a body follows what a caller sends to any depth.
        code, detail = "invalid", "nested too deep"
    elif status == 503:
        code, detail = "unavailable", "a server that we stand on does not answer; try again"
        headers["retry-after"] = RETRY_AFTER
    else:
        code, detail = "internal_error", "something went wrong on our side"
    log_failure(request, error)
    return Response(
        Problem(f"about:blank#{code}", title, status, detail, more),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def log_failure(request: Request[Any, Any, Any], error: Exception) -> None:
    """What is our fault, or that of what we stand on, is logged; refusals are the caller's."""
    status = status_of(error)
    if status >= 500 and not isinstance(error, errors.NotYet):
        logger.error(
            "request failed",
            extra={"path": logged(request.url.path), "status": status, "error": repr(error)},
            exc_info=error if status == 500 else None,
        )


def _left(error: Exception) -> bool:
    """The caller went away before all of the body was here; the framework calls that our fault."""
    return isinstance(error, InternalServerException) and "disconnected" in error.detail


def _is_no_text(error: Exception) -> bool:
    """A body is no UTF-8 inside of a string. The framework lets that through as it is, with the
    string in it, which is nothing for a log."""
    if not isinstance(error, UnicodeDecodeError):
        return False
    return any(frame.f_code is decode_json.__code__ for frame, _ in walk_tb(error.__traceback__))


def _said(request: Request[Any, Any, Any], error: HTTPException) -> str:
    """What the framework says of it, in a sentence where it only repeats the status."""
    match error.status_code:
        case 404:
            return f"there is nothing at {request.scope['path'][:200]}"
        case 405:
            allowed = (error.headers or {}).get("allow", "")
            return f"{request.scope['method']} is not allowed here, only {allowed}"
        case 413:
            return "the body is larger than this server takes"
    return error.detail


def _unread(error: SerializationException) -> str:
    """Why a body is no JSON. The decoder says the same of half a surrogate pair as of too few
    bytes."""
    said = str(error)
    if "truncated" in said:
        said = "this is JSON that is truncated, or that holds half of a surrogate pair"
    return f"body: {said}"


def _validation(error: ValidationException) -> tuple[str, list[Any] | None]:
    """Name the parameter in the sentence itself."""
    found = [_fault(each) for each in error.extra] if isinstance(error.extra, list) else []
    named = [f"{each['key']}: {each['message']}" for each in found if each.get("key")]
    return "; ".join(named) or error.detail, found or None


def _fault(found: dict[str, Any]) -> dict[str, Any]:
    """The body as a whole goes by the name of the handler's argument in the framework."""
    found = {**found, "message": _IN_WORDS.get(found["message"], found["message"])}
    if found.get("key") != "data":
        return found
    missing = found["message"] == "'data'"
    return {**found, "key": "body", "message": "is missing" if missing else found["message"]}

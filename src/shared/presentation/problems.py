"""Every refusal leaves as application/problem+json (RFC 9457); here is the whole table."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
import redis
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from psycopg_pool import PoolTimeout

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


def refusals(*kinds: type[errors.DomainError]) -> dict[int, ResponseSpec]:
    """What an endpoint may answer instead, for OpenAPI."""
    return {
        STATUS[kind]: ResponseSpec(
            Problem, description=kind.__doc__ or "", media_type="application/problem+json"
        )
        for kind in kinds
    }


def status_of(error: Exception) -> int:
    if isinstance(error, errors.DomainError):
        return next((STATUS[kind] for kind in type(error).mro() if kind in STATUS), 500)
    if isinstance(error, RecursionError) or _left(error):
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


def _validation(error: ValidationException) -> tuple[str, list[Any] | None]:
    """Name the parameter in the sentence itself."""
    found = [_fault(each) for each in error.extra] if isinstance(error.extra, list) else []
    named = [f"{each['key']}: {each['message']}" for each in found if each.get("key")]
    return "; ".join(named) or error.detail, found or None


def _fault(found: dict[str, Any]) -> dict[str, Any]:
    """The body as a whole goes by the name of the handler's argument in the framework."""
    if found.get("key") != "data":
        return found
    missing = found["message"] == "'data'"
    return {**found, "key": "body", "message": "is missing" if missing else found["message"]}

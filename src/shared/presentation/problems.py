"""Every refusal leaves as application/problem+json (RFC 9457); here is the whole table."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
import redis
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from psycopg_pool import PoolTimeout

from shared.domain import errors

logger = logging.getLogger(__name__)

STATUS = {
    errors.Invalid: 400,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Refused: 409,
    errors.Conflict: 412,
}
AWAY = (
    psycopg.OperationalError,
    PoolTimeout,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
)
"""A server that we stand on can't be reached or does not answer in time."""

RETRY_AFTER = "2"
"""Seconds, when a server that we stand on is away."""


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
    if isinstance(error, HTTPException):
        return error.status_code
    return 503 if isinstance(error, AWAY) else 500


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The one exception handler of the API."""
    status = status_of(error)
    headers: dict[str, str] = {}
    code, detail, more = "internal_error", "something went wrong on our side", None
    if isinstance(error, errors.DomainError):
        code, detail = error.code, str(error)
    elif isinstance(error, HTTPException):
        code = HTTPStatus(status).phrase.lower().replace(" ", "_")
        detail, headers = error.detail, dict(error.headers or {})
        if isinstance(error, ValidationException):
            code, detail, more = "invalid", *_validation(error)
    elif status == 503:
        code, detail = "unavailable", "a server that we stand on does not answer; try again"
        headers["retry-after"] = RETRY_AFTER
    log_failure(request, error)
    return Response(
        Problem(f"about:blank#{code}", HTTPStatus(status).phrase, status, detail, more),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def log_failure(request: Request[Any, Any, Any], error: Exception) -> None:
    """What is our fault, or that of what we stand on, is logged; refusals are the caller's."""
    status = status_of(error)
    if status >= 500:
        logger.error(
            "request failed",
            extra={"path": request.url.path, "status": status, "error": repr(error)},
            exc_info=error if status == 500 else None,
        )


def _validation(error: ValidationException) -> tuple[str, list[Any] | None]:
    """Name the parameter in the sentence itself."""
    found = error.extra if isinstance(error.extra, list) else []
    named = [f"{each['key']}: {each['message']}" for each in found if each.get("key")]
    return "; ".join(named) or error.detail, found or None

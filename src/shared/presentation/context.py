"""Every request runs in a context of its own, is answered with its id, counted and logged."""

import logging
import re
from secrets import token_hex
from time import perf_counter

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from shared.application.context import Context, new_id, running_in

logger = logging.getLogger("http")

HEADER = "x-correlation-id"
_ID = re.compile(r"[\w.:@/+=-]{1,128}", re.ASCII)
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_QUIET = ("/health/", "/metrics")
_METHODS = frozenset(HttpMethod)
_LOGGED_PATH = 200
"""Characters of a path that are logged at most."""

REQUESTS = Counter("marquee_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "marquee_http_request_seconds",
    "Time until the answer was on its way",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def in_context(app: ASGIApp) -> ASGIApp:
    """Wrap a whole application: what it has no route for is a request, too."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        context = Context(
            correlation_id=_valid(headers.get(HEADER.encode()), _ID) or new_id(),
            actor="anonymous",
            traceparent=_valid(headers.get(b"traceparent"), _TRACEPARENT) or _new_traceparent(),
        )
        started, status = perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders.from_message(message)[HEADER] = context.correlation_id
            await send(message)

        with running_in(context):
            try:
                await app(scope, receive, send_with_id)
            finally:
                _account(scope, status, perf_counter() - started)

    return middleware


def _account(scope: HTTPScope, status: int, seconds: float) -> None:
    # The template of the path and not the path, and no method that somebody made up: the number of
    # series must stay small.
    route = str(scope.get("path_template") or "unmatched")
    method = str(scope["method"]) if scope["method"] in _METHODS else "other"
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
    logger.log(
        level,
        "answered",
        extra={
            "method": method,
            "path": scope["path"][:_LOGGED_PATH],
            "status": status,
            "ms": round(seconds * 1000, 1),
        },
    )


def _valid(value: str | None, form: re.Pattern[str]) -> str | None:
    return value if value is not None and form.fullmatch(value) else None


def _new_traceparent() -> str:
    return f"00-{token_hex(16)}-{token_hex(8)}-00"

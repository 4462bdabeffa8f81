"""Every request runs in a context of its own, is answered with its id, counted and logged.

An answer that is not to a query also says how far the log has to be read to see what was done.
"""

import logging
import re
from functools import lru_cache
from random import getrandbits
from time import perf_counter

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from shared.application.context import Context, new_id, noting_positions, running_in

logger = logging.getLogger("http")

HEADER = b"x-correlation-id"
POSITION = b"log-position"
"""The position of the last event that was appended for a request; where it changed nothing, of the
last one that it looked at. A query that names it in Min-Log-Position shows what was done."""
_ID = re.compile(r"[\w.:@/+=-]{1,128}", re.ASCII)
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_QUIET = ("/health/", "/metrics")
_METHODS = frozenset(HttpMethod)
_QUERIES = frozenset({"GET", "HEAD", "OPTIONS"})
SLOW = 0.5
"""Seconds from which on a query is logged by itself."""
_LOGGED_PATH = 200
"""Characters of a path that are logged at most."""
_NAMES_SOMEBODY = re.compile(r"^(/+subjects/+)(?!me/*$).+", re.DOTALL)

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
        context = Context(
            correlation_id=_valid(header(scope, HEADER), _ID) or new_id(),
            actor="anonymous",
            traceparent=_valid(header(scope, b"traceparent"), _TRACEPARENT) or _new_traceparent(),
        )
        id = context.correlation_id.encode()
        started, status = perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [(HEADER, id)]
                # What ended in 500 and above has not happened, or nobody knows.
                changes = scope["method"] not in _QUERIES and status < 500
                if changes and reached.position is not None:
                    more.append((POSITION, str(reached.position).encode()))
                message["headers"] = [*message["headers"], *more]
            await send(message)

        with running_in(context), noting_positions() as reached:
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
    requests, times = _counters(method, route, status)
    requests.inc()
    times.observe(seconds)
    # Queries that went well are counted and not told one by one, unless they took long.
    well = method in _QUERIES and status < 400 and seconds < SLOW
    level = logging.DEBUG if well or route.startswith(_QUIET) else logging.INFO
    if logger.isEnabledFor(level):
        logger.log(
            level,
            "answered",
            extra={
                "method": method,
                "path": logged(scope["path"]),
                "status": status,
                "ms": round(seconds * 1000, 1),
            },
        )


def logged(path: str) -> str:
    """A path as it may stand in the log: it is not too long, and names nobody."""
    return _NAMES_SOMEBODY.sub(r"\1***", path)[:_LOGGED_PATH]


@lru_cache(maxsize=4_096)
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


def header(scope: HTTPScope, name: bytes) -> str | None:
    """The first header of a lower-case name, without reading the others."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def _valid(value: str | None, form: re.Pattern[str]) -> str | None:
    return value if value is not None and form.fullmatch(value) else None


def _new_traceparent() -> str:
    return f"00-{getrandbits(128):032x}-{getrandbits(64):016x}-00"

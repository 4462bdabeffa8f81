"""Commands that carry an Idempotency-Key may be sent again, and are done once.

As in draft-ietf-httpapi-idempotency-key-header: the same request under the same key gets the same
answer, status, headers and body, also after a crash; another request gets 422, and one that comes
while the first is being worked on gets 409. Answers of 500 and above are not kept: nothing has
happened then.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from shared.application.context import current_context, position_reached, reached_again
from shared.application.idempotency import (
    Answer,
    AnsweredElsewhere,
    IdempotencyKeys,
    Identified,
    InFlight,
    KeyReused,
)
from shared.presentation.problems import AWAY, RETRY_AFTER, TITLES, Problem

logger = logging.getLogger(__name__)

HEADER = b"idempotency-key"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SOON = b"1"
"""Seconds after which to ask again while the first request is being worked on."""

_ASKED = frozenset({b"content-type", b"if-match"})
"""Headers that are part of what is asked for."""

_KEY = re.compile(rb"[\x21-\x7e]{1,255}")


def idempotent(app: ASGIApp, keys: Callable[[], IdempotencyKeys], max_body_bytes: int) -> ASGIApp:
    """Wrap a router, inside of `in_context`."""
    running: set[asyncio.Task[Answer]] = set()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in METHODS:
            await app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == HEADER]
        if not given:
            await app(scope, receive, send)
            return
        if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
            await _send(_BAD_KEY, send)
            return
        messages, body = await _read(receive, max_body_bytes)
        if body is None:
            # Too large, or its sender went away: the application says so.
            await app(scope, _replayed(messages, receive), send)
            return
        request = _identified(scope, given[0], body)
        # Whoever goes away does not stop what they have asked for.
        task = asyncio.create_task(
            _answer(app, scope, _replayed(messages, receive), keys(), request)
        )
        running.add(task)
        task.add_done_callback(running.discard)
        await _send(await asyncio.shield(task), send)

    return wrapped


async def _answer(
    app: ASGIApp, scope: HTTPScope, receive: Receive, keys: IdempotencyKeys, request: Identified
) -> Answer:
    try:
        if (kept := await keys.claim(request)) is not None:
            return _again(scope, kept)
        try:
            return await _work(app, scope, receive, keys, request)
        except AnsweredElsewhere:
            pass
        finally:
            await keys.release(request)
        if (kept := await keys.claim(request)) is not None:
            return _again(scope, kept)
        await keys.release(request)
        raise InFlight("the same request was being worked on elsewhere; send it again")
    except InFlight as error:
        return _problem(409, error.code, str(error), (b"retry-after", SOON))
    except KeyReused as error:
        return _problem(422, error.code, str(error))
    except AWAY as error:
        logger.error("request failed", extra={"path": scope["path"], "error": repr(error)})
        said = "a server that we stand on does not answer; send the same request again"
        return _problem(503, "unavailable", said, (b"retry-after", RETRY_AFTER.encode()))
    except Exception:
        logger.exception("request failed", extra={"path": scope["path"]})
        return _problem(500, "internal_error", "something went wrong on our side")


async def _work(
    app: ASGIApp, scope: HTTPScope, receive: Receive, keys: IdempotencyKeys, request: Identified
) -> Answer:
    async with keys.working() as work:
        answer = await _run(app, scope, receive)
        # What no handler was asked for, such as a path that is not there, may be there tomorrow.
        if answer.status < 500 and "route_handler" in scope:
            await work.keep(request, answer)
        return answer


async def _run(app: ASGIApp, scope: HTTPScope, receive: Receive) -> Answer:
    status, headers, body = 500, [], bytearray()

    async def take(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, take)
    return Answer(status, headers, bytes(body), position_reached(), scope.get("path_template"))


async def _read(receive: Receive, most: int) -> tuple[list[ReceiveMessage], bytes | None]:
    """All that was received, and the body, if that is all of it."""
    messages: list[ReceiveMessage] = []
    body = bytearray()
    while True:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            return messages, None
        body.extend(message.get("body", b""))
        if len(body) > most:
            return messages, None
        if not message.get("more_body", False):
            return messages, bytes(body)


def _replayed(messages: list[ReceiveMessage], receive: Receive) -> Receive:
    left = iter(messages)

    async def receive_again() -> Any:
        return next(left, None) or await receive()

    return receive_again


def _identified(scope: HTTPScope, key: bytes, body: bytes) -> Identified:
    context = current_context()
    parts = [scope["method"].encode(), scope["path"].encode(), scope["query_string"], body]
    for name, value in scope["headers"]:
        if name in _ASKED:
            parts += [name, value]
    digest = blake2b(digest_size=32)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return Identified(context.tenant, context.actor, key.decode("ascii"), digest.digest())


def _again(scope: HTTPScope, kept: Answer) -> Answer:
    """The request counts for the route that answered it first, and changed what that did."""
    if kept.route is not None:
        scope["path_template"] = kept.route
    reached_again(kept.position)
    return kept


async def _send(answer: Answer, send: Send) -> None:
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)}
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _problem(status: int, code: str, detail: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = msgspec.json.encode(
        Problem(
            f"about:blank#{code}", TITLES.get(status) or HTTPStatus(status).phrase, status, detail
        )
    )
    about = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    return Answer(status, [*about, *headers], body)


_BAD_KEY = _problem(
    400, "invalid", "Idempotency-Key: one header of 1 to 255 visible ASCII characters is expected"
)

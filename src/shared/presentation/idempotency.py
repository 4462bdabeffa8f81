"""Commands that carry an Idempotency-Key may be sent again, and are done once.

As in draft-ietf-httpapi-idempotency-key-header: the same request under the same key gets the same
answer, status, headers and body, also after a crash; another request gets 422, and one that comes
while the first is being worked on gets 409. Answers of 500 and above are not kept: nothing has
happened then.

Keys belong to a caller. What is answered to somebody who came without a name, and was given one, is
kept for that name: nobody else who comes without one may read it.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send
from litestar.utils import normalize_path

from shared.application.caller import current_caller, principal_of
from shared.application.context import current_context, position_reached, reached_again
from shared.application.idempotency import (
    Answer,
    AnsweredElsewhere,
    IdempotencyKeys,
    Identified,
    InFlight,
    KeyReused,
)
from shared.domain.errors import Invalid
from shared.presentation.context import logged
from shared.presentation.problems import AWAY, RETRY_AFTER, TITLES, Problem

logger = logging.getLogger(__name__)

HEADER = b"idempotency-key"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SOON = b"1"
"""Seconds after which to ask again while the first request is being worked on."""

_ASKED = frozenset({b"content-type", b"if-match"})
"""Headers that are part of what is asked for."""

_KEY = re.compile(rb"[\x21-\x7e]{1,255}")


def idempotent(
    app: ASGIApp,
    keys: Callable[[], IdempotencyKeys],
    max_body_bytes: int,
    by_themselves: Collection[str] = (),
    larger: Mapping[str, int] | None = None,
) -> ASGIApp:
    """Wrap a router, inside of `in_context` and `with_caller`.

    All that is done for a request is committed with its answer. The paths that know `by_themselves`
    what they did under a key (`key_of`) are left alone: what they start could not begin while they
    wait for it in here. `larger` are the bytes of a body that some paths take instead of
    `max_body_bytes`: under a key all of it is held in memory.
    """
    at_most = larger or {}
    running: set[asyncio.Task[Answer]] = set()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in METHODS:
            await app(scope, receive, send)
            return
        path = normalize_path(scope["path"])
        if path in by_themselves:
            await app(scope, receive, send)
            return
        try:
            key = key_of(scope)
        except Invalid as error:
            await send_answer(problem_answer(400, error.code, str(error)), send)
            return
        if key is None:
            await app(scope, receive, send)
            return
        messages, body = await _read(receive, at_most.get(path, max_body_bytes))
        if body is None:
            # Too large, or its sender went away: the application says so.
            await app(scope, _replayed(messages, receive), send)
            return
        request = _identified(scope, key, body)
        # Whoever goes away does not stop what they have asked for.
        task = asyncio.create_task(
            _answer(app, scope, _replayed(messages, receive), keys(), request)
        )
        running.add(task)
        task.add_done_callback(running.discard)
        await send_answer(await asyncio.shield(task), send)

    return wrapped


def key_of(scope: Scope) -> str | None:
    """The key that a request carries. Raise Invalid for two of them, or one that is none."""
    given = [value for name, value in scope["headers"] if name == HEADER]
    if not given:
        return None
    if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
        raise Invalid(
            "Idempotency-Key: one header of 1 to 255 visible ASCII characters is expected"
        )
    return given[0].decode("ascii")


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
        return problem_answer(409, error.code, str(error), (b"retry-after", SOON))
    except KeyReused as error:
        return problem_answer(422, error.code, str(error))
    except AWAY as error:
        logger.error("request failed", extra={"path": logged(scope["path"]), "error": repr(error)})
        said = "a server that we stand on does not answer; send the same request again"
        return problem_answer(503, "unavailable", said, (b"retry-after", RETRY_AFTER.encode()))
    except Exception:
        logger.exception("request failed", extra={"path": logged(scope["path"])})
        return problem_answer(500, "internal_error", "something went wrong on our side")


async def _work(
    app: ASGIApp, scope: HTTPScope, receive: Receive, keys: IdempotencyKeys, request: Identified
) -> Answer:
    async with keys.working() as work:
        answer = await _run(app, scope, receive)
        # What no handler was asked for, such as a path that is not there, may be there tomorrow.
        if answer.status < 500 and "route_handler" in scope:
            await work.keep(_own(request), answer)
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


def _identified(scope: HTTPScope, key: str, body: bytes) -> Identified:
    context, caller = current_context(), current_caller()
    principal = context.actor if caller.new else principal_of(caller.name)
    parts = [scope["method"].encode(), scope["path"].encode(), scope["query_string"], body]
    for name, value in scope["headers"]:
        if name in _ASKED:
            parts += [name, value]
    digest = blake2b(digest_size=32)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return Identified(context.tenant, principal, key, digest.digest())


def _own(request: Identified) -> Identified:
    """As whoever was given a name on the way sends it from now on."""
    caller = current_caller()
    if not (caller.new and caller.asked):
        return request
    return msgspec.structs.replace(request, principal=principal_of(caller.name))


def _again(scope: HTTPScope, kept: Answer) -> Answer:
    """The request counts for the route that answered it first, and changed what that did."""
    if kept.route is not None:
        scope["path_template"] = kept.route
    reached_again(kept.position)
    return kept


async def send_answer(answer: Answer, send: Send) -> None:
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)}
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def problem_answer(status: int, code: str, detail: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = msgspec.json.encode(
        Problem(
            f"about:blank#{code}", TITLES.get(status) or HTTPStatus(status).phrase, status, detail
        )
    )
    about = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    return Answer(status, [*about, *headers], body)

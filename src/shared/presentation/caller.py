"""Finds out who calls: whoever a gateway says it is, or else whoever had this cookie before.

There are no accounts yet, so both are taken at their word. A gateway in front that knows its users
names them in `Marquee-Caller`, and must strip that header from what comes from outside. Browsers
without such a gateway get a cookie that nobody can guess; it is set when first somebody wants to
know who calls, and what it holds is kept nowhere: its owner goes by a digest of it.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from secrets import token_urlsafe
from uuid import UUID

from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.params import SkipValidation
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared.application.caller import Caller, called_by, current_caller
from shared.application.personal import NOBODY, Vault
from shared.presentation.idempotency import problem_answer, send_answer
from shared.presentation.origins import is_from_elsewhere

HEADER = b"marquee-caller"
COOKIE = "marquee_caller"
MAX_AGE = 365 * 24 * 3600
"""Seconds that a browser keeps the cookie."""

_NAME = re.compile(rb"[\x21-\x7e]{1,200}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOKING = frozenset({"GET", "HEAD"})

_UNCLEAR = "Marquee-Caller: one header of 1 to 200 visible ASCII characters is expected"
_ELSEWHERE = (
    "a browser sends this for a page of another site, and only pages of this one may; what is no "
    "browser leaves out Origin and Sec-Fetch-Site"
)
_PRIVATE = (b"cache-control", b"private, no-store")


def with_caller(app: ASGIApp) -> ASGIApp:
    """Wrap a router and what it keeps of its answers, which are not to hold a cookie."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == HEADER]
        if len(given) > 1 or (given and _NAME.fullmatch(given[0]) is None):
            await _refuse(scope, receive, send, 400, "invalid", _UNCLEAR)
            return
        # Who is named by a gateway is not known by what a browser sends along of itself.
        if not given and is_from_elsewhere(scope):
            await _refuse(scope, receive, send, 403, "cross_origin", _ELSEWHERE)
            return
        token = None if given else _token(scope["headers"])
        made = None if given or token else token_urlsafe(32)
        name = given[0].decode("ascii") if given else _named(token or made or "")

        async def send_to_caller(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept") and caller.asked:
                headers = [*message.get("headers", ())]
                if made is not None:
                    headers.append((b"set-cookie", _cookie(made, secure=_is_secure(scope))))
                if all(header != _PRIVATE[0] for header, _ in headers):
                    # What depends on who calls is for nobody else, refusals included.
                    headers.append(_PRIVATE)
                message["headers"] = headers
            await send(message)

        with called_by(Caller(name, new=made is not None)) as caller:
            await app(scope, receive, send_to_caller)

    return wrapped


async def owner(scope: Scope, vault: NamedDependency[SkipValidation[Vault]]) -> UUID:
    """The data subject who calls, a dependency of handlers; for who only looks, it may be NOBODY:
    nothing is kept of anybody for that."""
    caller = current_caller()
    caller.asked = True
    if scope["type"] == ScopeType.HTTP and scope["method"] not in _LOOKING:
        return await vault.subject(caller.name)
    return NOBODY if caller.new else await vault.find(caller.name) or NOBODY


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Of the first cookie of our name and form; others are as good as none."""
    for name, value in headers:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, _, token = pair.strip().partition("=")
                if key == COOKIE and _TOKEN.fullmatch(token):
                    return token
    return None


def _named(token: str) -> str:
    # In front of what a gateway may call its users, so that no cookie makes anybody one of them.
    return "cookie-" + blake2b(token.encode(), digest_size=16).hexdigest()


def _cookie(token: str, *, secure: bool) -> bytes:
    more = "; Secure" if secure else ""
    return (f"{COOKIE}={token}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{more}").encode()


def _is_secure(scope: Scope) -> bool:
    """Whether the browser came by TLS, that of a proxy in front included."""
    said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    forwarded = b",".join(said).partition(b",")[0].strip().lower().decode("latin-1")
    return not {"https", "wss"}.isdisjoint((scope["scheme"], forwarded))


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, code: str, said: str
) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": said[:120]})
        return
    await send_answer(problem_answer(status, code, said), send)

"""Tells whether a browser sends a request for a page of another site.

A page may have any browser send a form, or begin a WebSocket, to any address. What it sends so can
be JSON, and may need no body at all; and the answer to a form replaces the cookie by which somebody
goes. Browsers say for whom they send, and no page can make them say otherwise. Programs say nothing
of it, and are believed.
"""

from litestar.enums import ScopeType
from litestar.types import Scope

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own pages, and of what somebody did himself."""


def is_from_elsewhere(scope: Scope) -> bool:
    """Always False for what changes nothing: of that, no other page gets to see the answer."""
    if scope["type"] == ScopeType.HTTP and scope["method"] in _LOOKING:
        return False
    if (site := _first(scope, b"sec-fetch-site")) is not None:
        return site not in _OURS
    # Older browsers, and those that came without TLS, say the origin alone.
    if (origin := _first(scope, b"origin")) is None:
        return False
    ours = {_first(scope, name) for name in (b"host", b"x-forwarded-host")}
    return origin.partition("://")[2] not in ours - {None}


def _first(scope: Scope, wanted: bytes) -> str | None:
    """The first of what a header lists, in small letters."""
    for name, value in scope["headers"]:
        if name == wanted:
            return value.partition(b",")[0].strip().lower().decode("latin-1")
    return None

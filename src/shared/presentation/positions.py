"""`Min-Log-Position`: a query waits until its answer has come that far."""

import re
from typing import Any

from litestar import Request

from shared.application.positions import want
from shared.domain.errors import Invalid
from shared.presentation.context import header

HEADER = b"min-log-position"
_POSITION = re.compile(r"[0-9]{1,18}", re.ASCII)


def read_position(request: Request[Any, Any, Any]) -> None:
    """Raise Invalid when the header is there and no position."""
    given = header(request.scope, HEADER)
    if given is None:
        return
    if not _POSITION.fullmatch(given.strip()):
        raise Invalid(
            f"Min-Log-Position: {given[:80]!r} is not a position such as a Log-Position header told"
        )
    want(int(given))

"""Reading one's own writes: a query may name the position that its answer has to reach."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias

from shared.domain.errors import NotYet

_wanted: ContextVar[int] = ContextVar("min_log_position", default=0)


class Behind(NotYet):
    """The read model has not come to the position that the caller wants to see."""

    code = "behind"


class Positions(Protocol):
    async def reached(self, read_model: str, position: int) -> None:
        """Return when a read model has come that far; raise Behind when it takes too long."""


LOG = "the log"
"""What is read by following the log has come as far as its high-water mark."""

ReadFrom: TypeAlias = Mapping[type[Any], str]
"""For each query that a read model answers, its name, or LOG. What is not named here reads streams
as they are now."""


def want(position: int) -> None:
    """Let every query that the current task asks from now on wait for this position."""
    _wanted.set(position)


def wanted() -> int:
    return _wanted.get()

"""Who asked, on whose behalf, and because of what: it travels from the request into the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from uuid_utils import uuid7

DEFAULT_TENANT = "default"


class Context(msgspec.Struct, frozen=True):
    """What every event remembers of the request that led to it.

    `correlation_id` names the whole conversation that began outside; `causation_id` what came
    directly before: `stream@version` of the event reacted to, else the id of the first command.
    `traceparent` is that of W3C Trace Context.
    """

    correlation_id: str
    causation_id: str | None = None
    actor: str = "system"
    traceparent: str | None = None
    tenant: str = DEFAULT_TENANT


_current: ContextVar[Context | None] = ContextVar("context", default=None)


def new_id() -> str:
    """An id that grows with time (UUIDv7)."""
    return str(uuid7())


def current_context() -> Context:
    """The context we run in; outside of any, a new one."""
    return _current.get() or Context(correlation_id=new_id())


@contextmanager
def running_in(context: Context) -> Iterator[Context]:
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


class Reached(msgspec.Struct):
    """How far the log is, as somebody knows who appended to it or read streams to decide on."""

    appended: int = 0
    read: int = 0

    @property
    def position(self) -> int | None:
        """Where to read on from to see one's own writes; what was appended counts most."""
        return self.appended or self.read or None


_reached: ContextVar[Reached | None] = ContextVar("reached", default=None)


@contextmanager
def noting_positions() -> Iterator[Reached]:
    """Note in here what is appended and read by all that runs inside."""
    reached = Reached()
    token = _reached.set(reached)
    try:
        yield reached
    finally:
        _reached.reset(token)


def position_reached() -> int | None:
    """How far that is, where it is noted."""
    reached = _reached.get()
    return None if reached is None else reached.position


def reached_again(position: int | None) -> None:
    """What was noted so far has not happened; this was reached by whoever did the same before."""
    if (reached := _reached.get()) is not None:
        reached.appended, reached.read = position or 0, 0


def note_appended(position: int) -> None:
    if (reached := _reached.get()) is not None:
        reached.appended = max(reached.appended, position)


def note_read(position: int) -> None:
    if (reached := _reached.get()) is not None:
        reached.read = max(reached.read, position)


def as_log_fields() -> dict[str, Any]:
    """What every log line carries."""
    context = _current.get()
    if context is None:
        return {}
    return {"correlation_id": context.correlation_id, "tenant": context.tenant}

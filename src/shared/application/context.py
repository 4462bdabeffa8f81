"""Who asked, on whose behalf, and because of what: it travels from the request into the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from uuid_utils.compat import uuid7

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


@contextmanager
def caused_by(cause: str) -> Iterator[Context]:
    """Go on in the same conversation, with `cause` as what came directly before."""
    with running_in(msgspec.structs.replace(current_context(), causation_id=cause)) as context:
        yield context


def as_log_fields() -> dict[str, Any]:
    """What every log line carries."""
    context = _current.get()
    if context is None:
        return {}
    return {"correlation_id": context.correlation_id, "tenant": context.tenant}

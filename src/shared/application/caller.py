"""Who sent a request, by the name that he goes by: a secret that stays out of logs and events."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b

import msgspec


class Caller(msgspec.Struct):
    """`new`: he came without a name, and this one was made up for him.

    `asked`: somebody wanted to know it, so he is to learn of a new name.
    """

    name: str
    new: bool
    asked: bool = False

    def __repr__(self) -> str:
        # A name must not come into a log with whatever holds it.
        return f"Caller({principal_of(self.name)!r}, new={self.new})"


_current: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who sent the request that we work on. Raise LookupError outside of any."""
    return _current.get()


@contextmanager
def called_by(caller: Caller) -> Iterator[Caller]:
    token = _current.set(caller)
    try:
        yield caller
    finally:
        _current.reset(token)


def principal_of(name: str) -> str:
    """What a caller goes by where his name must not stand: nobody finds the name by it."""
    return "caller-" + blake2b(name.encode(), digest_size=16).hexdigest()

"""A command that is sent twice under one key is done once, and answered twice."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from shared.domain.errors import Refused


class Identified(msgspec.Struct, frozen=True):
    """A request as its sender names it; `fingerprint` is a digest of all that it asks for."""

    tenant: str
    principal: str
    key: str
    fingerprint: bytes


class Answer(msgspec.Struct, frozen=True):
    """What was answered, as it went out. `position` is how far the log was then."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    position: int | None = None
    route: str | None = None


class InFlight(Refused):
    """The same key is being worked on; ask again for the answer."""

    code = "idempotency_key_in_flight"


class KeyReused(Refused):
    """Another request was sent under this key before."""

    code = "idempotency_key_reused"


class AnsweredElsewhere(Exception):
    """Another process has kept an answer under this key; what was done here must not count."""


class Work(Protocol):
    """One transaction for all that is appended in it."""

    async def keep(self, request: Identified, answer: Answer) -> None:
        """Commit it together with the answer. Raise AnsweredElsewhere, and nothing has happened."""


class IdempotencyKeys(Protocol):
    async def claim(self, request: Identified) -> Answer | None:
        """The answer that is kept; None when it is ours to give, until it is released.

        Raise InFlight or KeyReused.
        """

    async def release(self, request: Identified) -> None: ...

    def working(self) -> AbstractAsyncContextManager[Work]:
        """What is appended in here has happened once an answer is kept, and else never will."""

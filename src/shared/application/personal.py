"""The port to keys of people: what they write is sealed, and forgotten by destroying its key."""

from typing import Protocol
from uuid import UUID

import msgspec

from shared.application.bus import Command, Query
from shared.domain.errors import Refused
from shared.domain.personal import Sealed

NOBODY = UUID(int=0)
"""The subject of a caller whom nothing is kept of yet."""


class SubjectGone(Refused):
    """Nothing can be sealed for somebody who was erased."""

    code = "personal.subject_erased"


class Vault(Protocol):
    """Keys of data subjects. All methods act in the tenant of the current context."""

    async def subject(self, name: str) -> UUID:
        """The subject of a caller of this name; a new one, with a key, when he is seen first."""

    async def find(self, name: str) -> UUID | None:
        """The subject of a caller of this name, if anything is kept of him."""

    async def seal(self, subject: UUID, *texts: bytes) -> tuple[Sealed, ...]:
        """Raise SubjectGone when there is no key any more."""

    async def open(self, *sealed: Sealed) -> tuple[bytes | None, ...]:
        """What was sealed, in order; None for what belongs to somebody who was erased.

        Raise Broken for a box that was tampered with.
        """


class Broken(Exception):
    """A sealed box does not open though its key is there: it is not what was stored."""


class FindSubject(Query[UUID | None], frozen=True):
    """The id of the subject of this name, if anything is kept of him."""

    name: str


class EraseSubject(Command["Erasure"], frozen=True):
    """Destroy the key of a subject, by id or name, so that all that he wrote is forgotten.

    Done twice by the id, it is done once; the name goes with the key. Raise NotFound for somebody
    whom nothing is kept of. A name that is also the id of somebody else means that one.
    """

    subject: str


class Erasure(msgspec.Struct, frozen=True):
    """`position` is where the log says that it happened: what was made of the log before has
    forgotten once it has come that far."""

    subject_id: UUID
    position: int


class RewrapKeys(Command[int], frozen=True):
    """Wrap every key of a subject in the first of the key encryption keys; how many were not."""

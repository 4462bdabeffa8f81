"""Personal data as it is stored: sealed under a key of the person it is about."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.domain.aggregate import Aggregate, DomainEvent


class Sealed(msgspec.Struct, frozen=True):
    """Nobody reads what is in the box without the key of the data subject, which can be destroyed.

    The box is a byte that names its form, 1; a nonce of 12 bytes; and the ciphertext of AES-256-GCM
    with its tag of 16 bytes behind it. Tenant and subject are authenticated with it: a box that was
    moved to another of them does not open.
    """

    subject: UUID
    box: bytes


class SubjectErased(DomainEvent, tag="personal.subject_erased"):
    """The key is gone: whatever was sealed under it can't be read by anybody any more."""

    subject_id: UUID
    erased_at: datetime


class Subject(Aggregate[SubjectErased]):
    """Somebody whom personal data is about. The log knows the id, and never the name."""

    stream = "subject"
    events = SubjectErased

    erased = False

    def erase(self, *, now: datetime) -> None:
        if not self.erased:
            self.record(SubjectErased(subject_id=self.id, erased_at=now))

    def apply(self, event: SubjectErased) -> None:
        self.erased = True

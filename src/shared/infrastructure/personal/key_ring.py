"""The operator's keys, in which the keys of subjects are wrapped."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.application.personal import Broken
from shared.infrastructure.personal.boxes import bound_to, opened, sealed


class KeyMissing(Exception):
    """Keys of subjects are wrapped in a key that is not set, or not with these bytes."""


class KeyRing:
    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """By id; the first wraps, and all unwrap."""
        self.first = next(iter(keys))
        self._keys = {id: AESGCM(key) for id, key in keys.items()}

    def __contains__(self, id: str) -> bool:
        return id in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def wrap(self, tenant: str, subject: UUID, key: bytes) -> bytes:
        """In the first; a box whose text is a key."""
        return sealed(self._keys[self.first], key, _bound(tenant, subject, self.first))

    def unwrap(self, tenant: str, subject: UUID, id: str, wrapped: bytes) -> bytes:
        """Raise KeyMissing."""
        if id not in self._keys:
            raise KeyMissing(
                f"MARQUEE_KEY_ENCRYPTION_KEYS: lacks the key {id!r}, in which keys of people are "
                "wrapped; add it behind the others"
            )
        try:
            return opened(self._keys[id], wrapped, _bound(tenant, subject, id))
        except Broken:
            raise KeyMissing(
                f"MARQUEE_KEY_ENCRYPTION_KEYS: the key {id!r} is not the one of that id in which "
                "keys of people are wrapped; set the one that it was"
            ) from None


def _bound(tenant: str, subject: UUID, id: str) -> bytes:
    """No id holds a NUL, and neither does a tenant: nothing else gives the same bytes."""
    return bound_to(tenant, subject) + b"\0" + id.encode()

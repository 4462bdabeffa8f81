"""The box that a text is sealed in, byte by byte: a form, a nonce, and AES-256-GCM."""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.application.personal import Broken

FORM = b"\x01"
"""The first byte of every box. Another cipher, or another layout, will be another form."""

NONCE = 12
"""Bytes; random, and so good for 2^32 boxes of one key."""

TAG = 16


def bound_to(tenant: str, subject: UUID) -> bytes:
    """What is authenticated with a text: the 16 bytes of the subject's id and, behind them, the
    tenant in UTF-8. The box opens for no other."""
    return subject.bytes + tenant.encode()


def sealed(key: AESGCM, text: bytes, bound: bytes, *, nonce: bytes | None = None) -> bytes:
    """`nonce` must never be given twice with one key; without it, it is random."""
    nonce = nonce or secrets.token_bytes(NONCE)
    return FORM + nonce + key.encrypt(nonce, text, bound)


def opened(key: AESGCM, box: bytes, bound: bytes) -> bytes:
    """Raise Broken for a box that is not as it was made, or not of this key."""
    if box[:1] != FORM:
        raise Broken("the box has a form that this version does not know")
    if len(box) < len(FORM) + NONCE + TAG:
        raise Broken("the box is cut short")
    nonce, ciphertext = box[1 : 1 + NONCE], box[1 + NONCE :]
    try:
        return key.decrypt(nonce, ciphertext, bound)
    except InvalidTag:
        raise Broken("the box is not what was stored, or belongs to somebody else") from None

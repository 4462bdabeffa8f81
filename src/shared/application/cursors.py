"""Cursors: a place in a list, as an opaque text that only we can write.

A cursor names the last row that was seen by what the list is sorted by, and by its id. So it is as
cheap at any depth as at the start, and rows that come or go elsewhere neither repeat nor skip one.

It belongs to one list: to its tenant, its criteria and its sorting. How many rows to give, which of
their fields, and whether to count them may differ from one request to the next.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from shared.domain.errors import Invalid

MAX_CURSOR = 2_048
"""Characters. A sorted text fills at most 1,200 of them, for it is sorted by its beginning."""

_VERSION = b"\x01"
_LIST_BYTES, _TAG_BYTES = 8, 16
_HEAD = len(_VERSION) + _LIST_BYTES + _TAG_BYTES
_TEXT = re.compile(r"[A-Za-z0-9_-]+")


class InvalidCursor(Invalid):
    """The cursor can't be followed; start again from the first page."""

    code = "invalid_cursor"


class Position(msgspec.Struct, frozen=True):
    """Between two rows: right behind one, or right before it when walking `backwards`.

    `value` is what that row is sorted by, None where it is unknown.
    """

    value: Any
    id: UUID
    backwards: bool = False


class Cursors:
    """Writes and reads them under a key of its own. All processes that share it agree."""

    def __init__(self, secret: Callable[[], str]) -> None:
        """`secret` is asked when the first cursor is needed."""
        self._secret = secret
        self._key: bytes | None = None

    def write(self, position: Position, *, of: bytes) -> str:
        """`of` names the list, its tenant included."""
        place = msgspec.msgpack.encode((position.backwards, position.value, position.id.bytes))
        head = _VERSION + self._list(of)
        raw = head + self._tag(head + place) + place
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    def read(self, cursor: str, kind: type, *, of: bytes) -> Position:
        """A place in that list, which is sorted by values of this kind. Raise InvalidCursor."""
        raw = _bytes(cursor)
        head, tag, place = raw[: _HEAD - _TAG_BYTES], raw[_HEAD - _TAG_BYTES : _HEAD], raw[_HEAD:]
        if not raw.startswith(_VERSION) or not hmac.compare_digest(tag, self._tag(head + place)):
            _refuse("this is no cursor of ours")
        if head[len(_VERSION) :] != self._list(of):
            _refuse("it belongs to a list with other criteria or another sorting")
        try:
            backwards, value, id = _decoder(kind).decode(place)
            return Position(value, UUID(bytes=id), backwards)
        except (msgspec.DecodeError, ValueError):
            _refuse("it was written by another version of this program")

    def _list(self, of: bytes) -> bytes:
        return blake2b(of, digest_size=_LIST_BYTES, key=self._derived(), person=b"list").digest()

    def _tag(self, signed: bytes) -> bytes:
        return blake2b(
            signed, digest_size=_TAG_BYTES, key=self._derived(), person=b"cursor"
        ).digest()

    def _derived(self) -> bytes:
        if self._key is None:
            self._key = blake2b(self._secret().encode(), person=b"marquee cursors").digest()
        return self._key


@cache
def _decoder(kind: type) -> "msgspec.msgpack.Decoder[tuple[bool, Any, bytes]]":
    return msgspec.msgpack.Decoder(tuple[bool, kind | None, bytes])  # type: ignore[valid-type]


def _bytes(cursor: str) -> bytes:
    if len(cursor) > MAX_CURSOR or not _TEXT.fullmatch(cursor) or len(cursor) % 4 == 1:
        _refuse("this is no cursor of ours")
    raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    # Some bits of the last character mean nothing: of the texts that differ only there one is ours.
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
        _refuse("this is no cursor of ours")
    return raw


def _refuse(why: str) -> NoReturn:
    raise InvalidCursor(f"cursor: {why}; start again from the first page, without a cursor")

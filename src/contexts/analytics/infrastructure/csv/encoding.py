"""Which characters the bytes of a file stand for.

A byte-order mark decides; else what is asked for; else the first bytes that are not ASCII, wherever
they stand: are they UTF-8, so is the file, and single bytes that are not are read as Windows-1252
and counted. Are they not, the likeliest encoding is taken from the lines that hold them. Nothing is
read twice: all that came before was ASCII, and means the same in all of these.
"""

import codecs
import re
from typing import Final

from charset_normalizer import from_bytes

from contexts.analytics.application.ports import LoadFailed

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = "cp1252"
_CANDIDATES: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"),
    *("cp437", "cp850", "mac_roman", "shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"),
]
_SAMPLE = 64_000
"""Bytes of lines that are not ASCII, for the guess."""

_MANY = 32
"""So many characters beyond ASCII tell one encoding from another; fewer are taken as western."""


class Decoding:
    """Bytes in, in blocks of any size (the first has at least the mark); characters out.

    `name` is the encoding as far as it is known, `mended` counts what had no meaning in it;
    `is_guess`: only the letters themselves speak for it.
    """

    def __init__(self, asked: str | None) -> None:
        self.name = "utf-8"
        self.mended = 0
        self.is_guess = False
        self._asked = _known(asked) if asked else None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = b""
        self._begun = self._seen = False

    def decode(self, block: bytes, *, last: bool = False) -> str:
        if not self._begun:
            self._begun = True
            block = self._begin(block)
        if self._decoder is not None:
            return self._counted(self._decoder.decode(block, last))
        data, self._rest = self._rest + block, b""
        if not self._seen and not data.isascii() and self._asked is None:
            self._seen = True
            if not _is_utf8(data, last):
                self._become(_guess(data))
                self.is_guess = True
                return self.decode(data, last=last)
        return self._utf8(data, last)

    def _begin(self, block: bytes) -> bytes:
        for mark, marked in _MARKS:
            if block.startswith(mark):
                self._become(marked)
                return block[len(mark) :]
        if (name := self._asked or _wide(block)) is not None:
            self._become(name)
        return block

    def _become(self, name: str) -> None:
        self.name = self._asked = name
        if name != "utf-8":
            self._decoder = codecs.getincrementaldecoder(name)("replace")

    def _counted(self, text: str) -> str:
        self.mended += text.count("\ufffd")
        return text.removeprefix("\ufeff")

    def _utf8(self, data: bytes, last: bool) -> str:
        parts = []
        while True:
            try:
                text, used = codecs.utf_8_decode(data, "strict", last)
            except UnicodeDecodeError as error:
                parts.append(data[: error.start].decode())
                parts.append(data[error.start : error.end].decode(_WESTERN, "replace"))
                self.mended += 1
                data = data[error.end :]
            else:
                self._rest = data[used:]
                return "".join((*parts, text))


def _known(asked: str) -> str:
    try:
        # Base64 and the like are no encodings of characters.
        b"a".decode(asked, "replace")
        return codecs.lookup(asked).name
    except LookupError:
        raise LoadFailed(
            f"there is no encoding {asked!r}: name one such as utf-8, cp1252 or utf-16, or none"
        ) from None


def _wide(block: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is mostly ASCII is 0."""
    head = block[:4_000]
    zeros = head.count(0)
    if len(head) < 4 or zeros < len(head) * 0.3:
        return None
    return "utf-16-le" if head[1::2].count(0) > zeros * 0.9 else "utf-16-be"


def _is_utf8(data: bytes, last: bool) -> bool:
    """Some broken bytes in what is mostly well-formed do not make it another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    beyond = re.sub(r"[\x00-\x7f]+", "", decoder.decode(data, last))
    broken = beyond.count("\ufffd")
    return len(beyond) - broken >= 4 * broken


def _guess(data: bytes) -> str:
    lines = b"\n".join(line for line in data.split(b"\n") if not line.isascii())[:_SAMPLE]
    if sum(byte > 0x7F for byte in lines) < _MANY:
        return _WESTERN
    found = from_bytes(lines, cp_isolation=_CANDIDATES)
    if (best := found.best()) is None:
        return _WESTERN
    for match in found:
        # Several may do equally well: then the most usual of them.
        equal = match.chaos <= best.chaos and match.coherence >= best.coherence
        if equal and _WESTERN in match.could_be_from_charset:
            return _WESTERN
    return best.encoding

"""A file read block by block: its characters, its dialect, its header, then its rows."""

from io import IncrementalNewlineDecoder

from contexts.analytics.application.ports import LoadFailed, LoadOptions, SetAside
from contexts.analytics.infrastructure.csv.dialect import Dialect, beginning
from contexts.analytics.infrastructure.csv.encoding import Decoding
from contexts.analytics.infrastructure.csv.headers import Named, named
from contexts.analytics.infrastructure.csv.refusals import refuse
from contexts.analytics.infrastructure.csv.rows import Rows, Stretch

FIRST = 1_000_000
"""Bytes that are taken first: types are guessed from them until all is known."""

BLOCK = 200_000
"""Bytes that are taken at a time after that: little enough to stay in the processor's cache, which
makes it three times as fast as a million."""

MOST_COLUMNS = 1_000
"""PostgreSQL has room for 1,600, if hardly any is text."""

_HEAD = 100_000
"""Characters that the dialect is found out from."""


class File:
    """`columns` and `dialect` are there once the first block was taken.

    All kinds of line ends become line feeds, inside of cells too, and NULs are dropped.
    """

    columns: list[Named]
    dialect: Dialect

    def __init__(self, options: LoadOptions) -> None:
        self._options = options
        self._decoding = Decoding(options.encoding)
        self._newlines = IncrementalNewlineDecoder(None, translate=True)
        self._rows: Rows | None = None
        self._preamble: list[SetAside] = []
        self._nuls = 0

    def take(self, block: bytes, *, last: bool = False) -> Stretch:
        """The first block is FIRST bytes, or all there is. Raise LoadFailed."""
        if self._rows is None:
            return self._begin(block, last)
        return self._rows.take(self._text(block, last), last=last)

    @property
    def encoding(self) -> str:
        return self._decoding.name

    @property
    def set_aside(self) -> list[SetAside]:
        return [*self._preamble, *(self._rows.set_aside if self._rows else ())][:100]

    @property
    def set_aside_count(self) -> int:
        return len(self._preamble) + (self._rows.set_aside_count if self._rows else 0)

    def warnings(self) -> list[str]:
        found = []
        if self._decoding.is_guess:
            found.append(
                f"the file is not UTF-8 and was read as {self.encoding}, which is likely; "
                "if letters look wrong, load it with another encoding"
            )
        if mended := self._decoding.mended:
            found.append(
                f"{mended:,} characters are not well-formed {self.encoding} and may look wrong"
            )
        if self._nuls:
            found.append(f"{self._nuls:,} NUL characters were dropped")
        return found

    def _begin(self, block: bytes, last: bool) -> Stretch:
        text = self._text(block, last)
        refuse(block, wide=self.encoding.startswith(("utf-16", "utf-32")))
        if not last and "\n" not in text:
            raise LoadFailed(f"the first line does not end within {FIRST:,} bytes: this is no CSV")
        head = text if last and len(text) < _HEAD else text[: text.rfind("\n", 0, _HEAD) + 1]
        head = head or text[: text.find("\n") + 1]
        start = beginning(head.removesuffix("\n"), self._options)
        if len(start.header) > MOST_COLUMNS:
            raise LoadFailed(
                f"the file has {len(start.header):,} columns, and {MOST_COLUMNS:,} are the most: "
                "leave out those that nobody asks about"
            )
        self.columns, self.dialect = named(start.header), start.dialect
        self._preamble = [
            SetAside(line, "stands before the header", text) for line, text in start.preamble
        ]
        self._rows = Rows(start.dialect, len(start.header), start.lines + 1)
        return self._rows.take(_after_lines(text, start.lines), last=last)

    def _text(self, block: bytes, last: bool) -> str:
        text: str = self._newlines.decode(self._decoding.decode(block, last=last), last)
        if "\0" in text:
            self._nuls += text.count("\0")
            text = text.replace("\0", "")
        return text


def _after_lines(text: str, count: int) -> str:
    at = 0
    for _ in range(count):
        at = text.find("\n", at) + 1
        if not at:
            return ""
    return text[at:]

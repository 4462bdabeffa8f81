"""From a block of a file to what PostgreSQL copies: as it stands wherever that means the same.

Where the cells of a stretch are such that PostgreSQL reads them as we do, its text is handed on
unchanged; else the columns that need it are written anew. A cell that does not fit its column is
left empty, and counted.
"""

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import StringIO

from contexts.analytics.application.ports import LoadOptions
from contexts.analytics.infrastructure.csv.evidence import KEPT, Evidence, shape_of
from contexts.analytics.infrastructure.csv.file import File
from contexts.analytics.infrastructure.csv.inference import readings
from contexts.analytics.infrastructure.csv.reading import Reading
from contexts.analytics.infrastructure.csv.rows import Stretch
from contexts.analytics.infrastructure.csv.shapes import Shape


class Filling:
    """One pass over a file, which is given its blocks in order.

    Without `settled`, the first block decides how columns are read; `is_right` turns false as soon
    as a later one shows that this was wrong, and nothing is written from then on. In the end
    `final()` says how they are to be read, if need be in another pass.
    """

    def __init__(
        self,
        options: LoadOptions,
        forced: Mapping[str, str],
        settled: Sequence[Reading] | None = None,
    ) -> None:
        self.file = File(options)
        self.evidence: list[Evidence] = []
        self.readings: Sequence[Reading] = settled or ()
        self.rows = 0
        self.is_right = True
        self._options = options
        self._forced = forced
        self._settled = settled is not None
        self._writers: list[_Writer] = []
        self._shapes = 0

    def take(self, block: bytes, *, last: bool = False) -> bytes:
        """What is to be copied of it, in the file's dialect. Raise LoadFailed."""
        stretch = self.file.take(block, last=last)
        if not self.evidence:
            self.evidence = [Evidence() for _ in self.file.columns]
        # A stretch without rows has no columns.
        found = [each.take(c) for each, c in zip(self.evidence, stretch.columns, strict=False)]
        self.rows += stretch.rows
        if not self._writers:
            if not self._settled:
                self.readings = self.final()
            self._writers = [_Writer(each, self.month_first) for each in self.readings]
        elif not self._settled:
            self._look_again()
        return self._copied(stretch, found) if self.is_right and stretch.rows else b""

    def final(self) -> list[Reading]:
        """How the columns are to be read, as far as is known by now."""
        return readings(self.file.columns, self.evidence, self._options, self._forced)

    @property
    def month_first(self) -> bool:
        """The order of dates that PostgreSQL is to take for granted."""
        return any(reading.month_first for reading in self.readings)

    @property
    def misfits(self) -> list[tuple[int, str]]:
        """Of each column, how many cells did not fit, and the first of them."""
        return [(writer.misfits, writer.example) for writer in self._writers]

    def _look_again(self) -> None:
        """At the readings, when there are shapes that were not there before."""
        shapes = sum(len(each.rows) for each in self.evidence)
        if shapes != self._shapes:
            self._shapes = shapes
            self.is_right = all(map(Reading.agrees, self.readings, self.final()))

    def _copied(self, stretch: Stretch, found: Sequence[Collection[str]]) -> bytes:
        columns: list[Iterable[str | None]] = list(stretch.columns)
        stands = stretch.text is not None
        for place, (writer, evidence, values) in enumerate(
            zip(self._writers, self.evidence, found, strict=True)
        ):
            if not writer.stands(evidence, values):
                columns[place] = writer.written(stretch.columns[place])
                stands = False
        if stands and stretch.text is not None:
            return stretch.text.encode()
        dialect, copied = self.file.dialect, StringIO()
        csv.writer(
            copied,
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            lineterminator="\n",
            # An empty line or `\\.` alone in a line would be something else.
            quoting=csv.QUOTE_ALL if len(columns) == 1 else csv.QUOTE_MINIMAL,
        ).writerows(zip(*columns, strict=True))
        return copied.getvalue().encode()


class _Writer:
    """Writes the cells of one column as PostgreSQL reads them."""

    def __init__(self, reading: Reading, month_first: bool) -> None:
        self.misfits = 0
        self.example = ""
        self._reading = reading
        self._month_first = month_first
        self._write = reading.writer()
        self._native: dict[Shape, bool] = {}
        self._known: dict[str, str | None] = {}
        self._bad: set[str] = set()

    def stands(self, evidence: Evidence, values: Collection[str]) -> bool:
        """Whether PostgreSQL makes the same of these values, just taken, as they stand."""
        if self._reading.type == "text":
            return all(map(str.__eq__, map(str.strip, values), values))
        return all(map(self._is_native, evidence.rows)) or all(
            map(self._is_native, evidence.shapes(values))
        )

    def _is_native(self, shape: Shape) -> bool:
        if (native := self._native.get(shape)) is None:
            native = self._native[shape] = self._reading.is_native(shape, self._month_first)
        return native

    def written(self, cells: Sequence[str]) -> Iterable[str | None]:
        if len(self._known) > KEPT:
            self._known, self._bad = {}, set()
        for cell in dict.fromkeys(cells):
            if cell in self._known:
                continue
            text = cell.strip()
            self._known[cell] = value = self._write(text) if text else None
            if value is None and text and shape_of(text).kind != "empty":
                self._bad.add(cell)
                self.example = self.example or text
        if self._bad:
            self.misfits += sum(map(self._bad.__contains__, cells))
        return map(self._known.__getitem__, cells)

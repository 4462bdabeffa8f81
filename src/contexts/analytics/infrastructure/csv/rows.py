"""Stretches of text made into rows and columns, and rows that do not fit set aside.

A stretch where no field is quoted, or each is, is split at once, which is the fastest that Python
can do; any other is read by the csv module; only one with something wrong in it is gone through row
by row. Whatever is well-formed throughout keeps its text, for PostgreSQL to read.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from operator import contains
from typing import NamedTuple

from contexts.analytics.application.ports import SetAside
from contexts.analytics.infrastructure.csv.dialect import Dialect, lines_of

LONGEST_ROW = 1_000_000
"""Characters; a row that is longer is set aside."""

_NAMED = 100
_SHOWN = 200
_END = "\0"
"""A line that no text has: NULs are taken out before."""

csv.field_size_limit(2 * LONGEST_ROW)


class Stretch(NamedTuple):
    """`text` is None unless PostgreSQL makes the same rows of it."""

    columns: Sequence[Sequence[str]]
    rows: int
    text: str | None


class Rows:
    """Takes text in stretches; what is left of a row at the end of one is read with the next."""

    def __init__(self, dialect: Dialect, width: int, line: int) -> None:
        """`line` is the number of the first line that will be taken."""
        self.set_aside: list[SetAside] = []
        self.set_aside_count = 0
        self._dialect = dialect
        self._width = width
        self._line = line
        self._rest = ""
        self._skipping = False
        edge, quote = re.escape(dialect.delimiter), dialect.quote
        self._well_quoted = re.compile(
            rf"(?:(?:{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}|[^{quote}{edge}\n]*+)"
            rf"[{edge}\n])*+"
        )

    def take(self, text: str, *, last: bool = False) -> Stretch:
        if self._skipping:
            text = self._skipped(text)
        text = self._rest + text
        end = len(text) if last else text.rfind("\n") + 1
        text, self._rest = text[:end], text[end:]
        if len(self._rest) > LONGEST_ROW:
            self._begin_skipping()
        if not text:
            return Stretch([], 0, None)
        if (columns := self._split(text)) is not None:
            self._line += text.count("\n") + (not text.endswith("\n"))
            return Stretch(columns, len(columns[0]), text)
        return self._parsed(text, last)

    def _split(self, text: str) -> list[list[str]] | None:
        """The columns, if no field is quoted or each is, and each line has as many as it should."""
        delimiter, quote, step = self._dialect.delimiter, self._dialect.quote, self._width - 1
        if not step:
            return None
        body, line_end = text.removesuffix("\n"), "\n"
        quoted = body[:1] == quote == body[-1]
        if quoted:
            body, line_end, delimiter = body[1:-1], f"{quote}\n{quote}", quote + delimiter + quote
        cells = body.split(delimiter)
        # The last field of each line and the first of the next are still one, with the line's end.
        joints = cells[step::step]
        rows = len(joints)
        if not rows or len(cells) != step * rows + 1:
            return None
        if text.count(quote) != 2 * self._width * rows * quoted:
            return None
        last = joints.pop()
        # As many line ends as there should be, and one at least where each should be.
        if body.count(line_end) != rows - 1 or not all(map(contains, joints, repeat(line_end))):
            return None
        ends = line_end.join(joints).split(line_end) if joints else []
        inner = (cells[place::step] for place in range(1, step))
        columns = [[cells[0], *ends[1::2]], *inner, [*ends[::2], last]]
        # A row of nothing but empty fields is no row; it is looked for where there could be one.
        return None if all("" in column for column in columns) else columns

    def _parsed(self, text: str, last: bool) -> Stretch:
        lines = [*lines_of(text), _END]
        rows = self._dialect.rows(lines)
        if rows.pop() == [_END] and set(map(len, rows)) == {self._width}:
            self._line += len(lines) - 1
            columns = list(zip(*rows, strict=True))
            if self._width > 1 and not all("" in column for column in columns):
                return Stretch(columns, len(rows), self._as_it_stands(text))
        else:
            rows = self._one_by_one(lines, last)
        rows = [row for row in rows if any(row)]
        return Stretch(list(zip(*rows, strict=True)), len(rows), None)

    def _as_it_stands(self, text: str) -> str | None:
        if not text.endswith("\n"):
            text += "\n"
        return text if self._well_quoted.fullmatch(text) else None

    def _one_by_one(self, lines: list[str], last: bool) -> list[list[str]]:
        good: list[list[str]] = []
        at, total = 0, len(lines) - 1
        while at < total:
            for begins, ends, row in self._numbered(lines, at):
                if ends > total:
                    if not last and sum(map(len, lines[begins:])) <= LONGEST_ROW:
                        # The row goes on in the next stretch.
                        self._rest = "".join((*lines[begins:total], self._rest))
                        self._line += begins
                        return good
                    reason: str | None = "a quote is opened and not closed"
                else:
                    reason = self._misfit(row)
                if reason is None:
                    good.append(row[: self._width])
                    at = ends
                    continue
                self._put_aside(self._line + begins, reason, lines[begins])
                at = begins + 1
                if ends > at:
                    # The quote that joins these lines may be the mistake: each counts by itself.
                    break
        self._line += total
        return good

    def _numbered(self, lines: list[str], at: int) -> Iterator[tuple[int, int, list[str]]]:
        """Rows from a line on, each with the lines it begins and ends before."""
        reader = csv.reader(
            islice(lines, at, None),
            delimiter=self._dialect.delimiter,
            quotechar=self._dialect.quote,
        )
        begins = at
        for row in reader:
            if begins == len(lines) - 1:
                return
            ends = at + reader.line_num
            yield begins, ends, row
            begins = ends

    def _misfit(self, row: list[str]) -> str | None:
        count, wanted = len(row), self._width
        if count == wanted or not any(row) or (count == wanted + 1 and not row[-1]):
            return None
        return f"{count} {'field' if count == 1 else 'fields'} where the header has {wanted}"

    def _put_aside(self, line: int, reason: str, text: str) -> None:
        self.set_aside_count += 1
        if len(self.set_aside) < _NAMED:
            self.set_aside.append(SetAside(line, reason, text.rstrip("\n")[:_SHOWN]))

    def _begin_skipping(self) -> None:
        self._put_aside(self._line, f"longer than {LONGEST_ROW:,} characters", self._rest)
        self._rest, self._skipping = "", True

    def _skipped(self, text: str) -> str:
        """What comes after the line that is too long."""
        _, newline, text = text.partition("\n")
        if newline:
            self._skipping = False
            self._line += 1
        return text

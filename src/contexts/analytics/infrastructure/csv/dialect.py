"""How the fields of a file are kept apart, found out from its beginning.

Of comma, semicolon, tab and bar, that one separates which gives most lines the same number of
fields (two or more), the first line among them; between equals, the one that leaves more numbers
and dates.
A first line `sep=;`, as Excel understands it, is obeyed.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

from contexts.analytics.application.ports import LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv.evidence import shape_of

DELIMITERS = ",;\t|"
_LINES = 300
_PREAMBLE = 20
"""Lines that may stand before the header, such as a title."""

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


class Dialect(NamedTuple):
    delimiter: str
    quote: str = '"'

    def rows(self, lines: Sequence[str]) -> list[list[str]]:
        return list(csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote))


def lines_of(text: str) -> list[str]:
    """With their line feeds, which alone end them."""
    return list(StringIO(text, newline="\n"))


class Beginning(NamedTuple):
    """`lines` come before the first row of values. Without a header, `header` has empty names."""

    dialect: Dialect
    header: tuple[str, ...]
    lines: int
    preamble: tuple[tuple[int, str], ...] = ()
    """Lines before the header that are no rows, by number."""


def beginning(sample: str, options: LoadOptions) -> Beginning:
    """`sample` is whole lines, or all there is. Raise LoadFailed when it holds no fields."""
    lines = lines_of(sample)[:_LINES]
    skipped = 0
    delimiter = options.delimiter
    if (match := re.fullmatch(r'"?sep=(.)"?', lines[0].strip(), re.IGNORECASE)) is not None:
        delimiter, skipped = delimiter or match[1], 1
    elif lines[0].rstrip("\n").lower() == "sep=\t":
        delimiter, skipped = delimiter or "\t", 1
    if delimiter is not None and (
        len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()
    ):
        raise LoadFailed(f"{delimiter!r} cannot separate fields: name one character, such as ;")
    lines = lines[skipped:]
    dialect = _dialect(lines, delimiter)
    first, ends = _rows_and_ends(lines, dialect)
    width = _usual_width(first)
    at = _header_at(first, width)
    preamble = tuple(
        (skipped + (ends[n - 1] if n else 0) + 1, dialect.delimiter.join(first[n]))
        for n in range(at)
        if any(first[n])
    )
    rows = [row for row in first[at:] if any(row)]
    if not rows:
        raise LoadFailed("the file has no columns: it needs a line of column names, and rows")
    before = skipped + (ends[at - 1] if at else 0)
    has_header = options.header if options.header is not None else _is_header(rows)
    if not has_header:
        width = len(_trimmed(rows[0], rows[1:]))
        return Beginning(dialect, ("",) * width, before, preamble)
    header = _trimmed(rows[0], rows[1:])
    if width == len(header) + 1 and any(
        row[width:] == [] and row[-1] for row in rows[1:] if len(row) == width
    ):
        # The first field of each row, its name or number, has no name of its own.
        header = ["", *header]
    return Beginning(dialect, tuple(header), skipped + ends[at], preamble)


def _dialect(lines: Sequence[str], delimiter: str | None) -> Dialect:
    quote = _quote(lines, delimiter or DELIMITERS)
    if delimiter is not None:
        return Dialect(delimiter, quote)
    best: tuple[float, float, int] = (0.0, 0.0, 0)
    found = Dialect(",", quote)
    for candidate in DELIMITERS:
        rows = [row for row in Dialect(candidate, quote).rows(lines) if row]
        width = _usual_width(rows)
        if width < 2:
            continue
        same = sum(len(row) == width for row in rows) / len(rows)
        if len(rows[_header_at(rows, width)]) != width:
            same /= 2
        cells = [cell for row in rows[1:50] for cell in row if cell]
        typed = sum(shape_of(cell).kind != "text" for cell in cells) / (len(cells) or 1)
        score = (same, typed, width)
        if score > best:
            best, found = score, Dialect(candidate, quote)
    return found


def _quote(lines: Sequence[str], delimiters: str) -> str:
    """Apostrophes quote where fields begin and end with them and there is no other quote."""
    text = "".join(lines)
    if '"' in text:
        return '"'
    edge = re.escape(delimiters)
    fields = re.findall(rf"(?:^|[{edge}])'[^'\n]*'(?=[{edge}\n]|$)", text, re.MULTILINE)
    return "'" if len(fields) >= len(lines) else '"'


def _rows_and_ends(lines: Sequence[str], dialect: Dialect) -> tuple[list[list[str]], list[int]]:
    """Rows, and the number of the line that each ends in; the last one may have been cut."""
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
    rows, ends = [], []
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    return rows, ends


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    widths = Counter(len(row) for row in rows if row)
    return max(widths, key=lambda width: (widths[width], width)) if widths else 0


def _header_at(rows: Sequence[Sequence[str]], width: int) -> int:
    """The first row with about as many fields as usual; before it, lines of one field may stand."""
    for number, row in enumerate(rows[:_PREAMBLE]):
        if len(row) >= width - 1 and sum(map(bool, row)) > (width > 2):
            return number
        if sum(map(bool, row)) > 1:
            break
    return next((number for number, row in enumerate(rows) if any(row)), 0)


def _trimmed(row: list[str], others: Sequence[Sequence[str]]) -> list[str]:
    """Without the empty field after a delimiter at the end, where the others have none either."""
    last = len(row)
    if last > 1 and not row[-1].strip() and not any(r[last - 1] for r in others if len(r) >= last):
        return row[:-1]
    return row


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Names are texts, or years over columns; and a name does not come again below itself.

    A first row that is as textual as all others is a header unless one of its cells does.
    """
    first, others = rows[0], rows[1:]
    kinds = [shape_of(cell).kind for cell in first]
    if any(kind in ("number", "date", "timestamp", "time") for kind in kinds):
        typed = [cell for cell, kind in zip(first, kinds, strict=True) if kind != "text" and cell]
        years = all(_YEAR.fullmatch(cell.strip()) for cell in typed) and len(set(typed)) > 1
        return years and "text" in kinds
    return not any(
        cell and cell == row[place]
        for place, cell in enumerate(first)
        for row in others
        if place < len(row)
    )

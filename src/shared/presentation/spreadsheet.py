"""Rows as CSV (RFC 4180) that a spreadsheet may open without being told to compute anything."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import msgspec

MEDIA_TYPE = "text/csv"

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 (spreadsheets take the wide ones, too)
"""What a spreadsheet takes a cell for a formula by."""


def rows(values: Iterable[Sequence[Any]]) -> bytes:
    """Each as one row. Times are as in JSON, numbers plain, what is unknown is empty.

    A text that a spreadsheet would compute gets an apostrophe in front; numbers never do, for a
    negative one is no formula.
    """
    text = StringIO()
    # Rows end in CRLF, and what holds a quote, a comma or a line break is quoted.
    csv.writer(text).writerows([[_cell(value) for value in row] for row in values])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
        case Decimal():
            return f"{value:f}"
        case datetime():
            return str(msgspec.to_builtins(value))
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)

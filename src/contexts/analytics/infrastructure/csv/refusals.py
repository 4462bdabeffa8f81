"""Files that are no CSV, told from their first bytes, and what to do about each."""

import re

from contexts.analytics.application.ports import LoadFailed

_EXCEL = "an Excel workbook: save it as CSV (UTF-8) in Excel"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", _EXCEL + ", or unpack it if it is a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", _EXCEL),
    (b"\x1f\x8b", "compressed with gzip: unpack it"),
    (b"BZh", "compressed with bzip2: unpack it"),
    (b"\xfd7zXZ", "compressed with xz: unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it"),
    (b"PAR1", "a Parquet file: export it as CSV"),
    (b"SQLite format 3", "an SQLite database: export a table as CSV"),
    (b"%PDF", "a PDF: find the table it was made from"),
)
_PAGE = re.compile(rb"\s*<(!doctype|html|head|body|table|\?xml)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(\[\s*)?\{\s*"')
_CONTROL = bytes({*range(32)} - set(b"\t\n\r\x0c"))


def refuse(head: bytes, *, wide: bool) -> None:
    """`head` are the first kilobytes; `wide`: it was found to be UTF-16 or UTF-32.

    Raise LoadFailed.
    """
    start = head.removeprefix(b"\xef\xbb\xbf")
    if not start.strip():
        raise LoadFailed("the file is empty: it needs a line of column names, and rows")
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            raise LoadFailed(f"this is no CSV but {what}, and upload that")
    if _PAGE.match(start):
        raise LoadFailed(
            "this is no CSV but a web page or XML, as a server gives in place of a file that needs "
            "a login: download the file itself, and upload that"
        )
    if _JSON.match(start):
        raise LoadFailed("this is no CSV but JSON: export it as CSV, and upload that")
    sample = head[:4_000]
    if not wide and len(sample) - len(sample.translate(None, _CONTROL)) > len(sample) * 0.05:
        raise LoadFailed("this is no text but a binary file: export it as CSV, and upload that")

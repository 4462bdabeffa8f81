"""Whether an answer holds the rows that are right."""

import math
import re
from collections.abc import Sequence

from contexts.analytics.domain.answer import Cell

_BOOLEANS = {"t": "true", "f": "false", "yes": "true", "no": "false", "y": "true", "n": "false"}


def same_rows(got: Sequence[Sequence[Cell]], right: Sequence[Sequence[Cell]]) -> bool:
    """The same rows in any order. Numbers agree to a millionth, dates with or without midnight and
    however they are written, texts whatever became of their encoding."""
    if len(got) != len(right):
        return False
    ours = sorted((tuple(map(_plain, row)) for row in got), key=_key)
    theirs = sorted((tuple(map(_plain, row)) for row in right), key=_key)
    return all(
        len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(ours, theirs, strict=True)
    )


def _key(row: tuple[float | str, ...]) -> list[tuple[bool, str]]:
    # Rounded, so that numbers that agree are also sorted alike.
    return [(isinstance(cell, float), _shown(cell)) for cell in row]


def _shown(cell: float | str) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else cell


def _same(a: float | str, b: float | str) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return a == b


def _plain(cell: Cell) -> float | str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int() | float():
            return float(cell)
    return _text(cell)


def _text(cell: str) -> float | str:
    text = _mended(cell.strip())
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    text = text.removesuffix(" 00:00:00").removesuffix("T00:00:00")
    if american := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)", text):
        month, day, year, rest = american.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{rest}"
    if iso := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)", text):
        year, month, day, rest = iso.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{rest}"
    if clock := re.fullmatch(r"(.* )?(\d{1,2}):(\d{2})(?::00)?", text):
        day, hour, minute = clock.groups()
        text = f"{day or ''}{hour:0>2}:{minute}"
    return _BOOLEANS.get(text.lower(), text)


def _mended(text: str) -> str:
    """UTF-8 that was read as Latin-1 once or twice, as it was meant."""
    for _ in range(2):
        try:
            text = text.encode("cp1252").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            try:
                text = text.encode("latin-1").decode("utf-8")
            except (UnicodeEncodeError, UnicodeDecodeError):
                return text
    return text

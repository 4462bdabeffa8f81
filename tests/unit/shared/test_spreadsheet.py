"""CSV: any reader finds what was written, and no spreadsheet finds a formula."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.presentation.spreadsheet import rows


def read(written: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.decode(), newline=""), strict=True))


def test_values_are_written_as_programs_read_them() -> None:
    instant, wall_time = datetime(2026, 7, 3, 19, tzinfo=UTC), datetime(2026, 7, 3, 21)
    written = rows([("Jazz", instant, wall_time, Decimal("12.50"), Decimal("1E+3"), 7, True, None)])
    assert written == b"Jazz,2026-07-03T19:00:00Z,2026-07-03T21:00:00,12.50,1000,7,true,\r\n"


def test_rows_end_and_are_quoted_as_rfc_4180_says() -> None:
    assert rows([('say "hi"', "a,b"), ("a\nb", "c")]) == (b'"say ""hi""","a,b"\r\n"a\nb",c\r\n')


@pytest.mark.parametrize("start", list("=+-@\t\r\n＝＋－＠"))  # noqa: RUF001
def test_a_text_that_a_spreadsheet_would_compute_is_marked_as_text(start: str) -> None:
    assert read(rows([(f"{start}cmd|' /C calc'!A0",)])) == [[f"'{start}cmd|' /C calc'!A0"]]


def test_a_negative_number_stays_a_number() -> None:
    assert rows([(Decimal("-12.50"), -3)]) == b"-12.50,-3\r\n"


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2))
)
def test_any_text_is_read_as_it_was_written(written: list[list[str]]) -> None:
    found = read(rows(written))
    for cells, texts in zip(found, written, strict=True):
        for cell, text in zip(cells, texts, strict=True):
            assert cell in (text, f"'{text}")
            assert not cell.startswith(tuple("=+-@\t\r"))

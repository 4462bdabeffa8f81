"""Rows as they come: quoted, broken over lines, too short, too long."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contexts.analytics.infrastructure.csv import rows as csv_rows
from contexts.analytics.infrastructure.csv.dialect import Dialect
from contexts.analytics.infrastructure.csv.rows import Rows
from csvs import filled

COMMA = Dialect(",")


def taken(
    text: str, width: int, *, dialect: Dialect = COMMA, size: int = 1_000_000
) -> tuple[list[tuple[str, ...]], Rows, list[str | None]]:
    """All rows of a text that comes in stretches of `size`, and what stands as it is."""
    rows = Rows(dialect, width, 1)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found: list[tuple[str, ...]] = []
    stands = []
    for number, piece in enumerate(pieces, 1):
        stretch = rows.take(piece, last=number == len(pieces))
        assert stretch.rows == len(stretch.columns[0] if stretch.columns else ())
        found += zip(*stretch.columns, strict=True)
        stands.append(stretch.text)
    return found, rows, stands


CELLS = st.text(alphabet='ab1,;" \n.', max_size=6)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(any), max_size=12),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from([COMMA, Dialect(";"), Dialect("\t", "'")]),
    st.integers(1, 40),
    st.booleans(),
)
def test_what_was_written_is_read_wherever_it_is_cut(
    written: list[list[str]], quoting: int, dialect: Dialect, size: int, newline: bool
) -> None:
    file = StringIO()
    csv.writer(
        file,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        lineterminator="\n",
        quoting=quoting,  # type: ignore[arg-type]
    ).writerows(written)
    text = file.getvalue() if newline else file.getvalue().removesuffix("\n")
    found, rows, _ = taken(text, 3, dialect=dialect, size=size)
    assert found == [tuple(row) for row in written]
    assert rows.set_aside_count == 0


def test_what_is_well_formed_stands_as_it_is() -> None:
    for text in (
        "a,b\nc,d\n",
        '"a","b"\n"c","d"',
        '"a, ""x""",b\nc,"d\ne"\n',
    ):
        _, _, (stands,) = taken(text, 2)
        assert (stands or "").removesuffix("\n") == text.removesuffix("\n")


@pytest.mark.parametrize(
    "text", ['a,5" disk\nb,6" disk\n', 'a,"b"x\nc,d\n', "a,b\n\nc,d\n", "a,b,\nc,d\n", ",\na,b\n"]
)
def test_what_postgresql_would_read_otherwise_is_written_anew(text: str) -> None:
    found, rows, (stands,) = taken(text, 2)
    assert stands is None
    assert (len(found), rows.set_aside_count) == (text.count("b") and len(found), 0)
    assert found[-1][0] in ("a", "b", "c")


def test_rows_with_too_few_or_too_many_fields_are_set_aside_with_line_and_reason() -> None:
    found, rows, _ = taken("1,2,3\n4,5\n6,7,8,9\n\n10,11,12\n", 3)
    assert found == [("1", "2", "3"), ("10", "11", "12")]
    assert [(row.line, row.reason, row.text) for row in rows.set_aside] == [
        (2, "2 fields where the header has 3", "4,5"),
        (3, "4 fields where the header has 3", "6,7,8,9"),
    ]


def test_blank_lines_empty_rows_and_an_empty_field_at_the_end_are_nothing_wrong() -> None:
    found, rows, _ = taken("1,2,3,\n\n,,\n   \n4,5,6\n", 3)
    assert found == [("1", "2", "3"), ("4", "5", "6")]
    assert [row.line for row in rows.set_aside] == [4]


def test_line_numbers_count_lines_inside_of_quotes_and_of_earlier_stretches() -> None:
    text = '1,"a\nb"\n2,c\n' * 5 + "3\n"
    for size in (7, 30, 1_000):
        found, rows, _ = taken(text, 2, size=size)
        assert len(found) == 10
        assert [row.line for row in rows.set_aside] == [16]


def test_a_quote_that_is_never_closed_costs_its_line_only() -> None:
    found, rows, _ = taken('1,a\n2,"b\n3,c\n4,d\n', 2)
    assert found == [("1", "a"), ("3", "c"), ("4", "d")]
    assert [(row.line, row.reason) for row in rows.set_aside] == [
        (2, "a quote is opened and not closed")
    ]


def test_a_quote_that_closes_lines_later_by_chance_costs_its_line_only() -> None:
    found, rows, _ = taken('1,a\n2,"b\n3,c\n4,"d",e\n5,f\n', 2)
    assert found == [("1", "a"), ("3", "c"), ("5", "f")]
    assert [row.line for row in rows.set_aside] == [2, 4]


def test_an_open_quote_holds_no_more_than_the_longest_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_ROW", 50)
    found, rows, _ = taken('1,"a\n' + "2,b\n" * 100, 2, size=20)
    assert len(found) == 100
    assert [row.line for row in rows.set_aside] == [1]


def test_a_line_that_is_too_long_is_left_out_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_ROW", 50)
    found, rows, _ = taken("1,a\n2," + "b" * 200 + "\n3,c\n4\n", 2, size=16)
    assert found == [("1", "a"), ("3", "c")]
    assert [(row.line, row.reason) for row in rows.set_aside] == [
        (2, "longer than 50 characters"),
        (4, "1 field where the header has 2"),
    ]


def test_only_the_first_hundred_rows_set_aside_are_named_and_all_are_counted() -> None:
    _, rows, _ = taken("1\n" * 250, 2)
    assert (len(rows.set_aside), rows.set_aside_count) == (100, 250)


def test_blanks_around_cells_do_not_count() -> None:
    _, copied = filled("name,n\n Ann , 1\nBob,2 \n")
    assert copied == b"Ann, 1\nBob,2 \n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_kinds_of_line_ends_end_lines(end: str) -> None:
    text = end.join(["a,b", '1,"x', 'y"', "2,z", ""])
    for block in (3, 1_000):
        if block == 1_000:
            filling, copied = filled(text, block=block)
            assert (filling.rows, copied) == (2, b'1,"x\ny"\n2,z\n')


def test_a_field_too_few_is_not_made_up_for_by_one_too_many_elsewhere() -> None:
    for quote in ("", '"'):
        lines = (("1", "2", "3"), ("4", "5"), ("6", "7", "8", "9"), ("10", "11", "12"))
        text = "\n".join(",".join(f"{quote}{cell}{quote}" for cell in line) for line in lines)
        found, rows, _ = taken(text, 3)
        assert found == [lines[0], lines[3]]
        assert [row.line for row in rows.set_aside] == [2, 3]

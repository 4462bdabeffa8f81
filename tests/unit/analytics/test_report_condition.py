"""What a report may watch for, and how it is judged on what a question came to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contexts.analytics.domain.answer import Cell, Output, Result
from contexts.analytics.domain.condition import Condition, Judged
from shared.domain.errors import Invalid

BOAT = Output(name="boat", title="Boat", type="text", kind="dimension")
TOTAL = Output(name="sum_fare", title="Total fare", type="decimal", kind="measure")
TRIPS = Output(name="trips", title="Trips", type="integer", kind="measure")


def result(
    *rows: tuple[Cell, ...], columns: tuple[Output, ...] = (BOAT, TOTAL), **more: Any
) -> Any:
    return Result(columns=columns, rows=rows, **more)


FARES = result(("Heron", 900.5), ("Otter", 1200), ("Plover", None))


def judged(condition: str, on: Result = FARES) -> Judged:
    return Condition.read(condition).judge(on)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("total < 1000", "total < 1000"),
        ("  sum_total>=1e6 ", "sum_total >= 1000000"),
        ("any trips != -2.50", "trips != -2.5"),
        ("ALL Total   fare = +7", 'all "Total fare" = 7'),
        ('"Share (> 10 %)" > 0.2', '"Share (> 10 %)" > 0.2'),
        ("ROWS = 0", "rows = 0"),
        ('"rows" = 0', '"rows" = 0'),
        ("any = 1", "any = 1"),
        ("all of it <= 1", 'all "of it" <= 1'),
        ("größe > 3", "größe > 3"),
        ("x < 1e300", "x < 1e+300"),
    ],
)
def test_a_condition_is_read_and_printed(text: str, printed: str) -> None:
    condition = Condition.read(text)
    assert str(condition) == printed
    assert Condition.read(printed) == condition


@pytest.mark.parametrize(
    "text",
    [
        "",
        "total",
        "total <",
        "< 1000",
        "total < many",
        "total == 5",
        "total <> 5",
        "total < 1,000",
        "total < 10%",
        "total < 0x10",
        "total < 5 and rows > 1",
        "1000 > total",
        "total < 5; drop",
        '"" < 5',
        '" " < 5',
        '"total < 5',
        "to\x00tal < 5",
        "total < ٣",
        "total < nan",
        "x" * 200 + " < 5",
    ],
)
def test_what_is_no_condition_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Condition.read(text)
    assert str(refused.value).startswith("condition: ")
    assert "'total < 1000'" in str(refused.value)


def test_a_number_that_is_too_large_and_several_of_the_one_number_of_rows_are_refused() -> None:
    with pytest.raises(Invalid, match="1e999 is too large"):
        Condition.read("total < 1e999")
    with pytest.raises(Invalid, match="leave out 'all'"):
        Condition.read("all rows < 3")


@given(st.text(max_size=30), st.text('<>=! "allnyrows.0123456789eE+-', max_size=30))
def test_a_condition_is_read_or_refused_whatever_it_is(some: str, near: str) -> None:
    for text in (some, near):
        try:
            condition = Condition.read(text)
        except Invalid:
            continue
        assert Condition.read(str(condition)) == condition


def test_any_row_is_enough_and_the_first_that_is_gives_the_value() -> None:
    assert judged("sum_fare < 1000") == Judged(True, 900.5)
    assert judged("sum_fare > 1000") == Judged(True, 1200)
    assert judged("sum_fare > 5000") == Judged(False, 900.5)


def test_of_all_rows_the_first_that_does_not_hold_gives_the_value() -> None:
    assert judged("all sum_fare > 1000") == Judged(False, 900.5)
    assert judged("all sum_fare > 500") == Judged(True, 900.5)
    assert judged("all sum_fare < 1000") == Judged(False, 1200)


@pytest.mark.parametrize(
    ("sign", "holds"),
    [("<", "110"), ("<=", "111"), ("=", "001"), ("!=", "110"), (">=", "001"), (">", "000")],
)
def test_each_sign_compares_as_it_is_written(sign: str, holds: str) -> None:
    one = [judged(f"trips {sign} 3", result((n,), columns=(TRIPS,))).met for n in (1, 2.5, 3)]
    assert one == [each == "1" for each in holds]


@pytest.mark.parametrize("column", ["sum_fare", "SUM_FARE", "total fare", '"Total Fare"'])
def test_a_column_goes_by_its_name_or_its_title(column: str) -> None:
    assert judged(f"{column} = 1200").met is True


def test_a_name_counts_before_a_title() -> None:
    confusing = Output(name="x", title="trips", type="integer", kind="measure")
    assert judged("trips = 1", result((2, 1), columns=(confusing, TRIPS))).met is True


def test_what_cannot_be_compared_is_neither_met_nor_not_and_says_why() -> None:
    twice = tuple(
        Output(name=name, title="Trips", type="integer", kind="measure") for name in ("out", "back")
    )
    for condition, on, said in [
        ("total < 5", FARES, "no column 'total', only boat, sum_fare"),
        ("boat < 5", FARES, "'Boat' is no number but text"),
        ("sum_fare < 5", result(("Plover", None)), "no row has a number"),
        ("sum_fare < 5", result(), "no rows to compare; `rows = 0`"),
        (
            "Trips < 5",
            result((1, 2), columns=twice),
            "name one of out, back",
        ),
    ]:
        found = judged(condition, on)
        assert (found.met, found.value) == (None, None)
        assert said in (found.note or "")


def test_rows_are_counted() -> None:
    assert judged("rows = 0", result()) == Judged(True, 0)
    assert judged("rows = 0") == Judged(False, 3)
    assert judged("rows >= 3") == Judged(True, 3)


def test_of_rows_that_were_left_out_nothing_is_claimed() -> None:
    cut = result(("Heron", 900.5), ("Otter", 1200), truncated=True)
    assert judged("sum_fare < 1000", cut).met is True
    assert judged("sum_fare > 5000", cut).met is None
    assert judged("all sum_fare > 1000", cut).met is False
    assert judged("all sum_fare > 500", cut).met is None
    assert judged("rows > 2", cut).met is True
    assert judged("rows = 2", cut).met is False
    assert judged("rows <= 2", cut).met is False
    assert judged("rows > 3", cut).met is None
    assert judged("rows = 3", cut).met is None

"""How numbers, times and names are written for people."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.analytics.application import wording
from contexts.analytics.domain.answer import Cell, Output


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (-1234.5, "-1,234.5"),
        (2.0, "2"),
        (0.126, "0.13"),
        (0.00123, "0.0012"),
        (-0.0, "0"),
        (0.995, "0.99"),
        (1e15, "1,000,000,000,000,000"),
        (float("inf"), "no number"),
    ],
)
def test_numbers_have_commas_and_at_most_two_decimals(value: float, written: str) -> None:
    assert wording.number(value) == written


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_near_the_number(value: float) -> None:
    read = float(wording.number(value).replace(",", ""))
    assert read == pytest.approx(value, abs=0.00501, rel=1e-9)
    if value:
        assert abs(read - value) <= 0.06 * abs(value) or abs(value) > 0.01


def test_units_stand_where_people_put_them() -> None:
    assert wording.with_unit(1250.5, "USD") == "1,250.5 USD"
    assert wording.with_unit(-5, "$") == "-$5"
    assert wording.with_unit(12, "%") == "12%"
    assert wording.percent(0.3149) == "31.5%"


@pytest.mark.parametrize(
    ("value", "type", "grain", "told"),
    [
        ("2023-11-01", "date", "year", "2023"),
        ("2023-11-01", "date", "quarter", "Q4 2023"),
        ("2023-11-01", "date", "month", "November 2023"),
        ("2023-11-06", "date", "week", "the week of 6 November 2023"),
        ("2023-11-01", "date", "day", "1 November 2023"),
        ("2023-11-01 16:00:00", "timestamp", "hour", "1 November 2023, 16:00"),
        ("2023-11-01 16:05:09", "timestamp", None, "1 November 2023, 16:05:09"),
        ("2023-11-01", "date", None, "1 November 2023"),
        (5, "integer", "weekday", "Friday"),
        ("Friday", "text", "weekday", "Friday"),
        (11, "integer", "month_of_year", "November"),
        (4, "integer", "quarter_of_year", "Q4"),
        (9, "integer", "hour_of_day", "09:00"),
        (31, "integer", "day_of_month", "31"),
        ("16:55", "time", None, "16:55"),
        (2023, "integer", None, "2023"),
        (True, "boolean", None, "yes"),
        (None, "text", None, "(empty)"),
        ("", "text", None, "(empty)"),
        ("two\nlines", "text", None, "two lines"),
    ],
)
def test_a_value_is_told_as_what_it_is(value: Cell, type: Any, grain: Any, told: str) -> None:
    output = Output(name="c", title="c", type=type, kind="dimension", grain=grain)
    assert wording.cell(value, output) == told


def test_a_measure_is_told_with_its_unit_and_a_share_in_percent() -> None:
    fare = Output(name="f", title="f", type="decimal", kind="measure", unit="EUR")
    part = Output(name="p", title="p", type="decimal", kind="measure", shown_as="share")
    assert wording.cell(1200.5, fare) == "1,200.5 EUR"
    assert wording.cell(0.25, part) == "25%"


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert wording.cut("x" * 200) == "x" * 79 + "…"


def test_titles_are_words() -> None:
    assert wording.title("home_port") == "home port"
    assert wording.inside("Total fares") == "total fares"
    assert wording.inside("VAT due") == "VAT due"
    assert wording.title("_") == "(no title)"


def test_lists_end_in_and() -> None:
    assert wording.listed([]) == ""
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b"], "or") == "a or b"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("one", "many"),
    [("ticket", "tickets"), ("ferry", "ferries"), ("day", "days"), ("box", "boxes"), ("y", "ys")],
)
def test_plurals_are_english(one: str, many: str) -> None:
    assert wording.plural(one) == many
    assert wording.plural(one, 1) == one

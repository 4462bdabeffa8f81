"""How numbers are told from what only looks like them, and what becomes of them."""

import pytest

from contexts.analytics.application.ports import LoadOptions
from contexts.analytics.infrastructure.csv.evidence import shape_of
from contexts.analytics.infrastructure.csv.numbers import number_writer
from csvs import column, readings


@pytest.mark.parametrize(
    ("cell", "comma", "number"),
    [
        ("12", False, "12"),
        ("-3.50", False, "-3.50"),
        ("+7", False, "7"),
        ("1,234.50", False, "1234.50"),
        ("1.234,50", True, "1234.50"),
        ("1.234", True, "1234"),
        ("1,234", True, "1.234"),
        ("1,234", False, "1234"),
        ("1'234'567", False, "1234567"),
        ("1 234 567,8", True, "1234567.8"),
        ("1\u00a0234,5", True, "1234.5"),
        ("1\u202f234", True, "1234"),
        ("€ 19,90", True, "19.90"),
        ("19,90 €", True, "19.90"),
        ("$-4.00", False, "-4.00"),
        ("-$4.00", False, "-4.00"),
        ("US$ 1,000", False, "1000"),
        ("1500 ARS", False, "1500"),
        ("12.5 %", False, "12.5"),
        ("(42)", False, "-42"),
        ("($1,250.75)", False, "-1250.75"),
        ("42-", False, "-42"),
        ("\u22125", False, "-5"),
        ("1.5e-3", False, "1.5e-3"),
        (".5", False, ".5"),
    ],
)
def test_a_number_becomes_plain_digits(cell: str, comma: bool, number: str) -> None:
    assert number_writer(comma, whole=False)(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "12a",
        "1,23,4",
        "1.2.3",
        "12.345.67",
        "--4",
        "(4",
        "4)",
        "(-4)",
        "€4€",
        "4 5",
        "0x1f",
        "1_000",
        "1,2345,678",
        "$",
        "%",
        "1e",
        "e5",
        "٣",
    ],
)
def test_what_only_looks_like_a_number_is_none(cell: str) -> None:
    assert shape_of(cell).kind != "number"
    assert number_writer(False, whole=False)(cell) is None


def test_whole_numbers_are_integers_and_others_decimals() -> None:
    assert column("1", "-20", "300").type == "integer"
    assert column("1", "2.5").type == "decimal"


def test_whole_numbers_that_end_in_point_zero_are_integers() -> None:
    assert column("1999.0", "2003.0", "7").type == "integer"
    assert number_writer(False, whole=True)("1999.0") == "1999"
    assert column("10.00", "20.00").type == "decimal"


def test_one_cell_with_a_decimal_comma_settles_how_the_others_are_read() -> None:
    reading = column("1.234", "12,5", "7")
    assert (reading.type, reading.comma) == ("decimal", True)


def test_thousands_are_told_from_fractions_by_the_other_columns() -> None:
    found = readings("price;weight\n1.234;0,5\n2.000;1,5\n")
    assert (found["price"].type, found["price"].comma) == ("integer", True)


def test_without_any_proof_three_digits_after_a_comma_are_thousands_and_that_is_said() -> None:
    reading = column("1,234", "5,678")
    assert reading.type == "integer"
    assert "1,234 was taken as 1234" in (reading.warning or "")


def test_the_decimal_mark_can_be_asked_for() -> None:
    reading = column("1,234", "5,678", options=LoadOptions(decimal=","))
    assert (reading.type, reading.comma, reading.warning) == ("decimal", True, None)


def test_a_currency_or_percent_sign_is_the_unit() -> None:
    assert column("€ 1", "2 €", "3").unit == "€"
    percent = column("12.5%", "7 %")
    assert (percent.type, percent.unit) == ("decimal", "%")


def test_amounts_in_several_currencies_are_no_measure() -> None:
    reading = column("5 €", "5 $")
    assert reading.type == "text"
    assert "several units" in reading.why


def test_digits_with_leading_zeros_stay_as_they_are() -> None:
    reading = column("00501", "94107", "10001")
    assert reading.type == "text"
    assert "leading zeros" in reading.why


def test_a_lone_zero_and_fractions_of_one_are_numbers() -> None:
    assert column("0", "10").type == "integer"
    assert column("0.5", "0").type == "decimal"


def test_more_than_fifteen_digits_are_a_name() -> None:
    assert column("123456789012345").type == "integer"
    assert column("1234567890123456").type == "text"
    assert column("24.626967830300003").type == "decimal"


@pytest.mark.parametrize("name", ["zip", "zip_code", "Postal Code", "phone", "Teléfono móvil"])
def test_postal_codes_and_telephones_are_no_numbers(name: str) -> None:
    assert column("94107", "94110", name=name).type == "text"

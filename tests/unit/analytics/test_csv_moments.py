"""How dates and times are read, and how the order of day and month is found out."""

import pytest

from contexts.analytics.application.ports import LoadOptions
from contexts.analytics.infrastructure.csv.moments import moment_writer
from csvs import column, readings


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2024-11-13", "2024-11-13"),
        ("2024-1-5", "2024-01-05"),
        ("2024/11/13", "2024-11-13"),
        ("2024.11.13", "2024-11-13"),
        ("20241113", "2024-11-13"),
        ("13/11/2024", "2024-11-13"),
        ("13.11.24", "2024-11-13"),
        ("13-11-69", "2069-11-13"),
        ("13-11-70", "1970-11-13"),
        ("13 November 2024", "2024-11-13"),
        ("13-Nov-24", "2024-11-13"),
        ("November 13, 2024", "2024-11-13"),
        ("Nov. 13th 2024", "2024-11-13"),
        ("13 de noviembre de 2024", "2024-11-13"),
        ("3. März 2024", "2024-03-03"),
        ("14 août 2024", "2024-08-14"),
        ("1 févr. 2024", "2024-02-01"),
        ("Wed, 13 Nov 2024", "2024-11-13"),
        ("miércoles 13/11/2024", "2024-11-13"),
        ("2024-11", "2024-11-01"),
        ("Dic 2024", "2024-12-01"),
    ],
)
def test_a_date_becomes_iso_8601(cell: str, iso: str) -> None:
    assert moment_writer("date", month_first=False)(cell) == iso


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2024-11-13 16:55", "2024-11-13 16:55:00"),
        ("2024-11-13T16:55:01.25", "2024-11-13 16:55:01.250000"),
        ("13/11/2024 4:55 PM", "2024-11-13 16:55:00"),
        ("13/11/2024, 12:05 a.m.", "2024-11-13 00:05:00"),
        ("2024-11-13T16:55:00Z", "2024-11-13 16:55:00"),
        ("2024-11-13T00:30:00+02:00", "2024-11-12 22:30:00"),
        ("2024-11-13 23:30 -0100", "2024-11-14 00:30:00"),
        ("13 Nov 2024 09:00", "2024-11-13 09:00:00"),
    ],
)
def test_a_date_with_a_time_becomes_a_wall_time_or_utc(cell: str, iso: str) -> None:
    assert moment_writer("timestamp", month_first=False)(cell) == iso


@pytest.mark.parametrize(
    "cell",
    [
        "2024-02-30",
        "31/04/2024",
        "13/13/2024",
        "24:00",
        "12:60",
        "13:00 PM",
        "1:57.10",
        "2024-13",
        "Foo 13 2024",
        "1 January",
        "12",
        "10:30+02:00",
        "1/2",
        "1/2/3/4",
        "192.168.1.1",
        "v1.2.3",
    ],
)
def test_what_only_looks_like_a_date_is_none(cell: str) -> None:
    assert all(
        moment_writer(kind, first)(cell) is None
        for kind in ("date", "timestamp", "time")
        for first in (True, False)
    )


def test_a_date_in_the_other_order_is_not_turned_around() -> None:
    assert moment_writer("date", month_first=True)("1/13/2024") == "2024-01-13"
    assert moment_writer("date", month_first=True)("13/1/2024") is None
    assert moment_writer("date", month_first=False)("1/13/2024") is None


def test_times_of_day_are_times() -> None:
    reading = column("16:55", "9:05")
    assert (reading.type, reading.format) == ("time", "%H:%M")
    assert moment_writer("time", month_first=False)("4:05 pm") == "16:05:00"


def test_one_date_that_can_be_read_in_one_way_only_settles_all() -> None:
    month_first = column("3/4/2024", "3/13/2024")
    assert (month_first.type, month_first.month_first) == ("date", True)
    assert (month_first.format, month_first.warning) == ("%m/%d/%Y", None)
    day_first = column("3/4/2024", "13/3/2024")
    assert (day_first.month_first, day_first.format) == (False, "%d/%m/%Y")


def test_another_column_of_the_file_settles_what_one_leaves_open() -> None:
    found = readings("ordered,sent\n3/4/2024,3/25/2024\n5/6/2024,5/30/2024\n")
    assert found["ordered"].month_first
    assert found["ordered"].warning is None
    assert "another column" in found["ordered"].why


def test_what_was_asked_for_settles_it_before_other_columns_do() -> None:
    options = LoadOptions(dates="day_first")
    found = readings("ordered,sent\n3/4/2024,3/25/2024\n", options)
    assert not found["ordered"].month_first
    assert found["sent"].month_first


def test_the_part_that_changes_less_is_the_month_and_that_is_said() -> None:
    days = [f"{day}/5/2024" for day in range(1, 12)]
    reading = column(*days)
    assert not reading.month_first
    assert "dates=month_first" in (reading.warning or "")
    assert column(*(f"5/{day}/2024" for day in range(1, 12))).month_first


def test_without_any_hint_the_month_comes_first_but_with_points_the_day() -> None:
    assert column("3/4/2024", "5/6/2024").month_first
    assert not column("3.4.2024", "5.6.2024").month_first


def test_dates_in_both_orders_are_text_unless_hardly_any_is_in_one() -> None:
    assert column(*["13/1/2024"] * 10, *["1/14/2024"] * 9).type == "text"
    reading = column(*["13/1/2024"] * 400, "1/14/2024")
    assert (reading.type, reading.month_first) == ("date", False)


def test_dates_always_at_midnight_have_no_time() -> None:
    assert column("2024-01-02 00:00:00", "2024-01-03 00:00").type == "date"
    assert column("2024-01-02 00:00:00", "2024-01-03 00:01:00").type == "timestamp"


def test_dates_with_and_without_a_time_are_instants() -> None:
    assert column("2024-01-02", "2024-01-03 10:00").type == "timestamp"


def test_digits_are_dates_where_the_column_says_so() -> None:
    assert column("20241113", "20240230", name="birth_date").type == "integer"
    assert column("20241113", "20240228", name="birth_date").type == "date"
    assert column("20241113", "20240228", name="amount").type == "integer"


def test_seasons_are_no_months() -> None:
    assert column("2009-10", "2010-11").type == "text"
    assert column("2009-10", "2010-12").type == "date"


def test_zones_are_taken_out_and_that_is_said() -> None:
    assert "UTC" in column("2024-01-02T10:00:00+02:00", "2024-01-03T10:00:00Z").why

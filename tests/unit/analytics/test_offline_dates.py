"""Which stretch of time words come down to."""

from datetime import date

import pytest

from contexts.analytics.infrastructure.offline_planner.calendar import Calendar
from contexts.analytics.infrastructure.offline_planner.dates import dates_in
from contexts.analytics.infrastructure.offline_planner.readings import Numeral, Part, Span
from contexts.analytics.infrastructure.offline_planner.words import tokens_of

PAST = Calendar(date(2026, 7, 14), date(2024, 11, 4), date(2025, 5, 31))
"""Data that ended a year ago."""
LIVE = Calendar(date(2025, 5, 31), date(2024, 11, 4), date(2025, 5, 31))


def longest(text: str, calendar: Calendar = PAST) -> object:
    found = list(dates_in(tokens_of(text), calendar))
    return max(found, key=lambda placed: placed.weight).reading if found else None


def span(text: str, calendar: Calendar = PAST) -> tuple[str | None, str | None]:
    reading = longest(text, calendar)
    assert isinstance(reading, Span), reading
    return reading.start, reading.end


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025-03-09", "2025-03-09", "2025-03-10"),
        ("3/9/2025", "2025-03-09", "2025-03-10"),
        ("25.3.2025", "2025-03-25", "2025-03-26"),
        ("March 2025", "2025-03-01", "2025-04-01"),
        ("March 9th, 2025", "2025-03-09", "2025-03-10"),
        ("9 March", "2025-03-09", "2025-03-10"),
        ("Q1 2025", "2025-01-01", "2025-04-01"),
        ("second quarter of 2025", "2025-04-01", "2025-07-01"),
        ("2024", "2024-01-01", "2025-01-01"),
        ("the last 30 days", "2025-05-02", "2025-06-01"),
        ("last week", "2025-05-25", "2025-06-01"),
        ("last month", "2025-04-01", "2025-05-01"),
        ("this year", "2025-01-01", "2026-01-01"),
        ("yesterday", "2025-05-30", "2025-05-31"),
        ("the last month of the data", "2025-05-01", "2025-06-01"),
        ("the first week of the data", "2024-11-04", "2024-11-11"),
    ],
)
def test_words_for_a_time_come_down_to_days(text: str, start: str, end: str) -> None:
    assert span(text) == (start, end)


def test_a_month_without_a_year_is_the_latest_that_the_data_has() -> None:
    assert span("December") == ("2024-12-01", "2025-01-01")
    assert span("in May") == ("2025-05-01", "2025-06-01")


def test_a_week_of_living_data_is_a_calendar_week() -> None:
    assert span("last week", LIVE) == ("2025-05-19", "2025-05-26")


def test_what_had_to_be_chosen_is_said() -> None:
    reading = longest("last week")
    assert isinstance(reading, Span)
    assert reading.assumed == (
        "'last week' is May 25, 2025 to May 31, 2025, told from the end of the data"
    )


def test_days_come_first_where_the_column_writes_them_so() -> None:
    days = Calendar(date(2026, 7, 14), date(2024, 11, 4), date(2025, 5, 31), day_first=True)
    assert span("4/3/2025", days) == ("2025-03-04", "2025-03-05")


def test_impossible_dates_are_no_dates() -> None:
    assert longest("2025-02-30") is None
    assert not isinstance(longest("February 30"), Span) or span("February 30")[0] == "2025-02-01"


def test_may_is_a_month_only_where_one_can_stand() -> None:
    assert longest("which items may I ask for") is None


@pytest.mark.parametrize(
    ("text", "grain", "values"),
    [
        ("Fridays", "weekday", (5,)),
        ("weekends", "weekday", (6, 7)),
        ("morning", "hour_of_day", (5, 11)),
    ],
)
def test_parts_of_time_return(text: str, grain: str, values: tuple[int, ...]) -> None:
    reading = longest(text)
    assert isinstance(reading, Part)
    assert (reading.filters[0][0], reading.filters[0][2]) == (grain, values)


@pytest.mark.parametrize(
    ("text", "clock"),
    [("18:30", "18:30"), ("2 pm", "14:00"), ("12 a.m.", "00:00"), ("noon", "12:00")],
)
def test_hours_of_the_clock_are_read(text: str, clock: str) -> None:
    reading = longest(text)
    assert isinstance(reading, Numeral)
    assert reading.clock == clock


def test_a_short_month_may_be_written_small_where_it_is_no_other_word() -> None:
    assert span("revenue sept") == ("2025-09-01", "2025-10-01")
    assert span("apr") == ("2025-04-01", "2025-05-01")
    assert longest("mar") is None
    assert span("Mar") == ("2025-03-01", "2025-04-01")


def test_the_last_day_that_there_is_is_that_of_the_data() -> None:
    assert span("the last day you have") == ("2025-05-31", "2025-06-01")
    assert span("the last day") == ("2025-05-30", "2025-05-31")

"""Which days words mean, seen from different days; and that data means the same by them."""

from datetime import date, timedelta

import pytest

from contexts.analytics.infrastructure.offline_planner import calendar as of_data
from contexts.conversations.infrastructure.offline_assistant import calendar
from contexts.conversations.infrastructure.offline_assistant.dates import when
from contexts.conversations.infrastructure.offline_assistant.message import Reading

DAYS = [date(2026, 11, 16) + timedelta(days=days) for days in range(7)]
"""A week from its Monday on."""


def read(text: str, today: date) -> tuple[str | None, str | None]:
    found = when(Reading(text), today)
    assert found is not None, text
    return found.start, found.end


@pytest.mark.parametrize(
    ("weekday", "this", "following"),
    [
        (0, "2026-11-21", "2026-11-21"),
        (4, "2026-11-21", "2026-11-21"),
        (5, "2026-11-21", "2026-11-28"),
        (6, "2026-11-21", "2026-11-28"),
    ],
)
def test_the_next_weekend_is_the_coming_one_unless_it_is_weekend(
    weekday: int, this: str, following: str
) -> None:
    today = DAYS[weekday]
    assert read("this weekend", today)[0] == read("at the weekend", today)[0] == this
    assert read("next weekend", today)[0] == following
    days = when(Reading("next weekend"), today)
    assert days is not None
    assert days.days.last == date.fromisoformat(following) + timedelta(days=1)


@pytest.mark.parametrize("today", DAYS)
def test_a_weekday_is_the_next_one_and_today_is_one_unless_next_is_said(today: date) -> None:
    name = f"{today:%A}"
    assert read(name, today)[0] == read(f"this {name}", today)[0] == today.isoformat()
    assert read(f"next {name}", today)[0] == (today + timedelta(days=7)).isoformat()


@pytest.mark.parametrize("today", [*DAYS, date(2026, 12, 31), date(2028, 2, 29)])
@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_this_week_and_its_like_are_those_of_questions_to_data(
    unit: calendar.Unit, today: date
) -> None:
    theirs = of_data.Calendar(today).this(unit, "")
    ours = calendar.this(unit, today)
    assert ours.first is not None
    assert ours.last is not None
    assert theirs.start == ours.first.isoformat()
    assert theirs.end == (ours.last + timedelta(days=1)).isoformat()
    before = calendar.previous(unit, today)
    assert before.first is not None
    assert of_data.Calendar(today).before(unit, "").start == before.first.isoformat()


@pytest.mark.parametrize("count", [1, 2, 10, 30])
def test_the_next_days_are_as_many_as_the_last_days_of_questions_to_data(count: int) -> None:
    today = DAYS[2]
    theirs = of_data.Calendar(today).latest(count, "day", "")
    assert theirs.start is not None
    back = today - date.fromisoformat(theirs.start)
    ours = calendar.next_few(count, "day", today)
    assert ours.first == today
    assert ours.last == today + back


@pytest.mark.parametrize(
    ("text", "today", "start", "end"),
    [
        ("in November", date(2026, 11, 30), "2026-11-01", "2026-11-30"),
        ("in November", date(2026, 12, 1), "2027-11-01", "2027-11-30"),
        ("in february", date(2027, 12, 1), "2028-02-01", "2028-02-29"),
        ("5 March", date(2026, 3, 5), "2026-03-05", "2026-03-05"),
        ("5 March", date(2026, 3, 6), "2027-03-05", "2027-03-05"),
        ("29 February", date(2026, 3, 6), "2028-02-29", "2028-02-29"),
        ("on the 31st", date(2026, 11, 18), "2026-12-31", "2026-12-31"),
        ("from Monday to Wednesday", date(2026, 11, 18), "2026-11-23", "2026-11-25"),
        ("from 28 December to 3 January", date(2026, 11, 18), "2026-12-28", "2027-01-03"),
        ("from November to February", date(2026, 12, 18), "2027-11-01", "2028-02-29"),
        ("next month", date(2026, 12, 18), "2027-01-01", "2027-01-31"),
        ("in the next 2 months", date(2026, 12, 31), "2026-12-31", "2027-02-27"),
        ("rest of the week", date(2026, 11, 18), "2026-11-18", "2026-11-22"),
        ("christmas", date(2026, 12, 26), "2026-12-24", "2026-12-26"),
        ("new year's", date(2027, 1, 1), "2026-12-31", "2027-01-01"),
        ("this winter", date(2027, 1, 10), "2026-12-01", "2027-02-28"),
        ("tomorrow, 19 November", date(2026, 11, 18), "2026-11-19", "2026-11-19"),
        ("12/11/2026", date(2026, 11, 18), "2026-12-11", "2026-12-11"),
        ("12.11.2026", date(2026, 11, 1), "2026-11-12", "2026-11-12"),
        ("25/12/2026", date(2026, 11, 18), "2026-12-25", "2026-12-25"),
        ("since 1 December", date(2026, 11, 18), "2026-12-01", None),
        ("tonight", date(2026, 11, 18), "2026-11-18T18:00:00", "2026-11-18T23:59:59"),
        ("on Friday at noon", date(2026, 11, 18), "2026-11-20T12:00:00", "2026-11-20T12:59:59"),
        ("saturday before 6pm", date(2026, 11, 18), "2026-11-21T00:00:00", "2026-11-21T18:00:00"),
    ],
)
def test_what_has_no_year_is_the_next_that_comes(
    text: str, today: date, start: str | None, end: str | None
) -> None:
    assert read(text, today) == (start, end)


@pytest.mark.parametrize("text", ["may I", "31/31/2026", "tram 9", "2 tickets"])
def test_what_tells_no_time_is_left_alone(text: str) -> None:
    assert when(Reading(text), DAYS[0]) is None


def test_hours_of_several_days_are_told_to_be_lost() -> None:
    found = when(Reading("evenings in December"), DAYS[0])
    assert found is not None
    assert (found.start, found.end, found.lost) == ("2026-12-01", "2026-12-31", "evenings")

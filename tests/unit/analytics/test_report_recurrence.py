"""When a report is due, also on the days when clocks are changed, and what is no schedule."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contexts.analytics.domain.recurrence import COUNTED, Recurrence
from shared.domain.errors import Invalid

MADRID = "Europe/Madrid"
"""Its clocks go from 2:00 to 3:00 on 2026-03-29, and from 3:00 back to 2:00 on 2026-10-25."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(cron: str, timezone: str, after: str, count: int) -> list[str]:
    found = islice(Recurrence.of(cron, timezone).after(at(after)), count)
    return [each.replace(tzinfo=None).isoformat(timespec="minutes") for each in found]


def test_a_time_of_day_is_read_on_the_clock_of_the_zone() -> None:
    assert due("0 8 * * MON-FRI", MADRID, "2026-01-02T00:00", 2) == [
        "2026-01-02T07:00",
        "2026-01-05T07:00",
    ]
    assert due("0 8 * * *", "Asia/Kolkata", "2026-01-02T00:00", 1) == ["2026-01-02T02:30"]


def test_what_is_due_this_very_second_is_not_due_after_it() -> None:
    assert due("0 8 * * *", "UTC", "2026-01-02T08:00", 1) == ["2026-01-03T08:00"]


def test_a_time_of_day_that_is_left_out_is_due_at_the_first_minute_after_it() -> None:
    assert due("30 2 * * *", MADRID, "2026-03-28T12:00", 2) == [
        "2026-03-29T01:00",
        "2026-03-30T00:30",
    ]


def test_a_time_of_day_that_comes_twice_is_due_once() -> None:
    assert due("30 2 * * *", MADRID, "2026-10-24T12:00", 2) == [
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ]
    assert due("30 2 * * *", MADRID, "2026-10-25T01:10", 1) == ["2026-10-26T01:30"]


def test_what_recurs_all_day_long_follows_the_minutes_that_really_pass() -> None:
    assert due("*/30 * * * *", MADRID, "2026-10-25T00:00", 4) == [
        "2026-10-25T00:30",
        "2026-10-25T01:00",
        "2026-10-25T01:30",
        "2026-10-25T02:00",
    ]
    assert due("0 * * * *", MADRID, "2026-03-29T00:00", 2) == [
        "2026-03-29T01:00",
        "2026-03-29T02:00",
    ]


def _simply(
    hours: Sequence[int], minutes: Sequence[int], zone: ZoneInfo, after: datetime, until: datetime
) -> list[datetime]:
    """Each wall time there is, made an instant as the rule says, without any cron."""
    found = set()
    day = (after - timedelta(days=2)).date()
    while day <= (until + timedelta(days=2)).date():
        for hour in hours:
            for minute in minutes:
                wall = datetime(day.year, day.month, day.day, hour, minute)
                while (
                    wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
                    != wall
                ):
                    wall += timedelta(minutes=1)
                found.add(wall.replace(tzinfo=zone, fold=0).astimezone(UTC))
        day += timedelta(days=1)
    return sorted(each for each in found if after < each <= until)


_ZONES = [MADRID, "UTC", "Africa/Cairo", "America/St_Johns", "Australia/Lord_Howe"]
_NEAR = st.sampled_from(
    [at("2026-03-29T01:00"), at("2026-10-25T01:00"), at("2026-04-24T00:00"), at("2026-06-15T12:00")]
)
_SOME = st.lists(st.integers(0, 59), min_size=1, max_size=4, unique=True)


@given(
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=4, unique=True),
    minutes=_SOME,
    zone=st.sampled_from(_ZONES),
    near=_NEAR,
    back=st.integers(0, 2 * 24 * 60),
    on=st.integers(0, 3 * 24 * 60),
)
@example([2], [30], MADRID, at("2026-10-25T01:10"), 0, 600)
@example([0], [0, 30], "Africa/Cairo", at("2026-04-24T00:00"), 1440, 2880)
def test_due_times_are_those_of_the_calendar_wherever_one_begins_to_look(
    hours: list[int], minutes: list[int], zone: str, near: datetime, back: int, on: int
) -> None:
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    recurrence = Recurrence.of(cron, zone)
    after = near - timedelta(minutes=back)
    until = after + timedelta(minutes=on)
    expected = _simply(hours, minutes, ZoneInfo(zone), after, until)
    found = recurrence.after(after)
    assert list(islice(found, len(expected))) == expected
    assert next(found) > until
    assert recurrence.latest(after, until) == (expected[-1] if expected else None)
    assert recurrence.count(after, until) == len(expected)


def test_the_latest_due_time_is_found_at_once_however_long_nobody_looked() -> None:
    recurrence = Recurrence.of("* * * * *", "UTC")
    year = at("2026-01-01T00:00"), at("2027-01-01T00:00:30")
    assert recurrence.latest(*year) == at("2027-01-01T00:00")
    assert recurrence.count(*year) == COUNTED
    assert Recurrence.of("0 0 29 2 *", "UTC").latest(*year) is None
    assert recurrence.latest(year[1], year[0]) is None, "a clock that was put back"


def test_the_next_three_have_the_offset_that_the_zone_has_then() -> None:
    three = Recurrence.of("0 8 27 3,6 *", MADRID).next_three(at("2026-01-01T00:00"))
    assert [each.isoformat() for each in three] == [
        "2026-03-27T08:00:00+01:00",
        "2026-06-27T08:00:00+02:00",
        "2027-03-27T08:00:00+01:00",
    ]


def test_a_schedule_is_kept_without_needless_spaces() -> None:
    assert Recurrence.of(" 0  8 * *  1 ", "UTC") == Recurrence("0 8 * * 1", "UTC")


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "has five fields"),
        ("0 8 * *", "has five fields"),
        ("0 0 8 * * *", "has five fields"),
        ("@daily", "has five fields"),
        ("60 8 * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 8 0 * *", "bad day-of-month"),
        ("0 8 * 13 *", "bad month"),
        ("0 8 * * 8", "bad day-of-week"),
        ("0 8 * * MONDAY", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("5-1 * * * *", "bad minute"),
        ("0 8 30 2 *", "bad day-of-month"),
        ("0 8 * * ٣", "bad day-of-week"),
        ("0 8 * * 1" + ",1" * 60, "has five fields"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_one_that_is(cron: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        Recurrence.of(cron, "UTC")
    assert str(refused.value).startswith("cron: ")
    assert said in str(refused.value)
    assert "0 8 * * MON-FRI" in str(refused.value)


@given(st.text("0123456789*/,-#LWMONTUE ", max_size=20), st.text("0123456789*/,-#LW", max_size=6))
def test_a_cron_expression_is_read_or_refused_whatever_it_is(some: str, field: str) -> None:
    for cron in (some, f"0 8 {field} * *", f"0 8 * * {field}", f"{field} * * * *"):
        try:
            recurrence = Recurrence.of(cron, MADRID)
        except Invalid:
            continue
        first, second = islice(recurrence.after(at("2026-01-01T00:00")), 2)
        assert first < second


@pytest.mark.parametrize("timezone", ["", "Madrid", "CET+1", "../etc/passwd", "europe/madrid"])
def test_a_time_zone_that_does_not_exist_is_refused(timezone: str) -> None:
    with pytest.raises(Invalid, match="is not an IANA time zone such as 'Europe/Madrid'"):
        Recurrence.of("0 8 * * *", timezone)

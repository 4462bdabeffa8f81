"""iCalendar: lines that are folded and escaped, and what an event becomes."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contexts.events.application.queries import EventListed
from contexts.events.presentation.calendar import FOOT, HEAD, component

EVENT = EventListed(
    id=UUID("5a1f3a52-51a6-5a0c-8b6a-0b6f0f1d7c11"),
    title="Jazz",
    status="listed",
    available=True,
    starts_at=datetime(2026, 7, 3, 19, tzinfo=UTC),
    ends_at=datetime(2026, 7, 3, 21, 30, tzinfo=UTC),
    local_starts_at=datetime(2026, 7, 3, 21),
    local_ends_at=datetime(2026, 7, 3, 23, 30),
    timezone="Europe/Madrid",
    min_price=Decimal(15),
    max_price=Decimal(30),
    available_min_price=None,
    available_max_price=None,
    places=10,
    sold_out=False,
    sell_mode="online",
    sell_from=None,
    sell_to=None,
    provider="acme",
    organizer="Blue Note",
    version=3,
    updated_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
)


def lines(**changes: Any) -> list[str]:
    """The content lines of one event, put together again as a reader does."""
    written = component(msgspec.structs.replace(EVENT, **changes))
    assert written.endswith(b"\r\n")
    for line in written.split(b"\r\n"):
        assert len(line) <= 75
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()  # No character is cut in two.
    return written.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]


def value(name: str, **changes: Any) -> str | None:
    found = [line.partition(":")[2] for line in lines(**changes) if line.startswith(f"{name}:")]
    return found[0] if found else None


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def test_an_event_is_written_line_by_line() -> None:
    assert lines() == [
        "BEGIN:VEVENT",
        "UID:5a1f3a52-51a6-5a0c-8b6a-0b6f0f1d7c11",
        "DTSTAMP:20260102T030405Z",
        "LAST-MODIFIED:20260102T030405Z",
        "SEQUENCE:3",
        "DTSTART:20260703T190000Z",
        "DTEND:20260703T213000Z",
        "SUMMARY:Jazz",
        "CONTACT:Blue Note",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]
    assert HEAD.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert FOOT == b"END:VCALENDAR\r\n"


def test_times_are_instants_in_utc() -> None:
    madrid = datetime(2026, 7, 3, 21, tzinfo=timezone(timedelta(hours=2)))
    assert value("DTSTART", starts_at=madrid) == "20260703T190000Z"


@pytest.mark.parametrize("ends_at", [None, EVENT.starts_at, EVENT.starts_at - timedelta(hours=1)])
def test_an_end_that_is_not_behind_the_start_is_left_out(ends_at: datetime | None) -> None:
    assert value("DTEND", ends_at=ends_at) is None


def test_a_cancelled_event_says_so() -> None:
    assert value("STATUS", status="cancelled") == "CANCELLED"
    assert value("STATUS", status="delisted") == "TENTATIVE"


def test_an_unknown_organizer_is_left_out() -> None:
    assert value("CONTACT", organizer=None) is None


def test_what_would_end_a_text_or_a_line_is_escaped() -> None:
    assert value("SUMMARY", title="a,b;c\\d\r\ne\nf:\"g\x07'") == "a\\,b\\;c\\\\d\\ne\\nf:\"g'"


def test_a_text_cannot_bring_in_lines_of_its_own() -> None:
    written = lines(title="x\r\nEND:VEVENT\r\nBEGIN:VEVENT", organizer="y\rSTATUS:CANCELLED")
    assert written.count("BEGIN:VEVENT") == 1
    assert [line for line in written if line.startswith("STATUS")] == ["STATUS:CONFIRMED"]


@pytest.mark.parametrize("title", ["x" * 1_000, "é" * 1_000, "x" + "é" * 1_000, "𝄞" * 500])
def test_a_long_line_is_folded_between_characters(title: str) -> None:
    assert value("SUMMARY", title=title) == title


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=300))
def test_any_title_is_read_as_it_was_written(title: str) -> None:
    assert unescaped(value("SUMMARY", title=title) or "") == title

"""Events as an iCalendar stream (RFC 5545), one component at a time."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from contexts.events.application.queries import EventListed

MEDIA_TYPE = "text/calendar"

HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Marquee//Events//EN\r\nCALSCALE:GREGORIAN\r\n"
FOOT = b"END:VCALENDAR\r\n"

_LINE = 75
"""Octets of a line, its end not counted; what is longer is folded."""

_STATUS = {"listed": "CONFIRMED", "delisted": "TENTATIVE", "cancelled": "CANCELLED"}
"""Of what is delisted its provider says no more, so nobody knows whether it takes place."""

_ESCAPED = re.compile(r"[\\;,]")
_BREAK = re.compile(r"\r\n?|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def component(event: EventListed) -> bytes:
    """One VEVENT.

    Times are instants in UTC, which every calendar shows by its own clock; without a known end
    there is none. It takes up no time of whoever subscribes to it, and its sequence number is the
    version, so that a calendar knows which of two copies is the newer.
    """
    return b"".join(_folded(line) for line in _lines(event))


def _lines(event: EventListed) -> Iterator[str]:
    changed = _utc(event.updated_at)
    yield "BEGIN:VEVENT"
    yield f"UID:{event.id}"
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    yield f"SEQUENCE:{event.version}"
    yield f"DTSTART:{_utc(event.starts_at)}"
    # The end of an event must lie behind its start, and is left out where it does not.
    if event.ends_at is not None and _utc(event.ends_at) > _utc(event.starts_at):
        yield f"DTEND:{_utc(event.ends_at)}"
    yield f"SUMMARY:{_text(event.title)}"
    if event.organizer:
        yield f"CONTACT:{_text(event.organizer)}"
    yield f"STATUS:{_STATUS[event.status]}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    escaped = _BREAK.sub(r"\\n", _ESCAPED.sub(r"\\\g<0>", text))
    return _CONTROL.sub("", escaped)


def _folded(line: str) -> bytes:
    """The line in pieces of 75 octets, each but the first behind a space; no character is cut."""
    octets = line.encode()
    pieces = []
    room = _LINE
    while len(octets) > room:
        end = room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[:end])
        octets, room = octets[end:], _LINE - 1
    return b"\r\n ".join([*pieces, octets]) + b"\r\n"

"""Yesterday's events decode: for every tag, an event as it stands in the log, never to be edited.

`tests/golden/<tag>.json` holds the bytes of the log, and the newline that ends a file. A test that
fails here has found a change that a log out there would not survive: give the event a new tag and
the old one an upcaster. For a retired tag only the decoding is promised.
"""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contexts.events.domain.event import (
    EventAnnounced,
    EventCancelled,
    EventDelisted,
    EventOrganizerChanged,
    EventRelisted,
    EventRenamed,
    EventRescheduled,
    EventSaleChanged,
    EventZonesChanged,
    PlanRef,
)
from contexts.events.domain.offer import Sale, Schedule, Zone
from contexts.events.domain.provider_run import (
    Quarantined,
    RunCompleted,
    RunFailed,
    RunReport,
    RunRequested,
)
from golden_analytics import MEANT as MEANT_BY_ANALYTICS
from golden_conversations import MEANT as MEANT_BY_CONVERSATIONS
from shared.application.codec import Codec
from shared.domain.aggregate import DomainEvent
from shared.domain.personal import SubjectErased
from stored import KINDS, UPCASTERS

GOLDEN = Path(__file__).parent.parent / "golden"
CODEC = Codec(KINDS, UPCASTERS)

FREE = ("types", "synonyms", "units")
"""Mappings whose keys are data; so are those of a chart."""

EVENT = UUID("d1d8b5a0-6a2e-5b0b-9d7e-3f0c5d1c2b3a")
RUN = UUID("0199a3f0-7c1e-7a52-8f4b-2d6e9c0b1a34")
SUBJECT = UUID("5f0c9d3e-6b1a-4c27-9a3e-d41f8b2e7c60")

MEANT: dict[str, DomainEvent] = {
    **MEANT_BY_ANALYTICS,
    **MEANT_BY_CONVERSATIONS,
    "events.event_announced": EventAnnounced(
        event_id=EVENT,
        title="Camela en concierto «Se ciega por amor»",
        schedule=Schedule(datetime(2021, 6, 30, 21), datetime(2021, 6, 30, 22), "Europe/Madrid"),
        zones=(
            Zone("40", "Platea", Decimal("20.00"), 243, True),
            Zone("40", "", Decimal("15.5"), 0, False),
        ),
        sale=Sale("online", datetime(2020, 7, 1), datetime(2021, 6, 30, 20), False),
        organizer=None,
        plan=PlanRef("acme", "291", "1642"),
    ),
    "events.event_renamed": EventRenamed(title='Pantomima Full: "la gira"'),
    "events.event_rescheduled": EventRescheduled(
        schedule=Schedule(datetime(2021, 10, 31, 2, 30, 15), None, "Atlantic/Canary")
    ),
    "events.event_zones_changed": EventZonesChanged(
        zones=(Zone("186", "Amfiteatre", Decimal("75"), 2, False),)
    ),
    "events.event_sale_changed": EventSaleChanged(sale=Sale("offline", None, None, True)),
    "events.event_organizer_changed": EventOrganizerChanged(organizer="Blue Note"),
    "events.event_cancelled": EventCancelled(reason="tormenta eléctrica"),
    "events.event_delisted": EventDelisted(run_id=RUN),
    "events.event_relisted": EventRelisted(),
    "events.run_requested": RunRequested(
        run_id=RUN, provider="acme", requested_at=datetime(2026, 3, 1, 9, 30, 0, 125000, UTC)
    ),
    "events.run_completed": RunCompleted(
        provider="acme",
        report=RunReport(
            source="https://provider.example/api/events",
            started_at=datetime(2026, 3, 1, 9, 30, 1, tzinfo=UTC),
            finished_at=datetime(2026, 3, 1, 9, 30, 2, 500000, UTC),
            bytes=48213,
            plans=12,
            announced=3,
            changed=2,
            unchanged=6,
            delisted=1,
            withheld=4,
            quarantined=1,
            quarantine=(Quarantined("starts_at: '2021-09-31' is not a date", "444", None),),
            events=7,
        ),
    ),
    "events.run_failed": RunFailed(
        provider="acme",
        reason="the server answered 503",
        report=RunReport(
            source="https://provider.example/api/events",
            started_at=datetime(2026, 3, 1, 9, 35, tzinfo=UTC),
            finished_at=datetime(2026, 3, 1, 9, 35, 20, tzinfo=UTC),
        ),
    ),
    "personal.subject_erased": SubjectErased(
        subject_id=SUBJECT, erased_at=datetime(2026, 11, 20, 8, 15, 30, 250000, UTC)
    ),
}


def test_every_tag_has_its_golden_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == CODEC.tags == MEANT.keys()


@pytest.mark.parametrize("tag", sorted(CODEC.tags))
def test_a_stored_event_decodes_to_what_was_meant(tag: str) -> None:
    assert CODEC.decode(tag, _stored(tag)) == MEANT[tag]


@pytest.mark.parametrize("tag", sorted(CODEC.tags - UPCASTERS.keys()))
def test_what_is_meant_is_stored_byte_for_byte_as_it_always_was(tag: str) -> None:
    encoded = CODEC.encode(MEANT[tag])
    assert (encoded.type, encoded.data) == (tag, _stored(tag))


def _stored(tag: str) -> bytes:
    return (GOLDEN / f"{tag}.json").read_bytes().removesuffix(b"\n")


@pytest.mark.parametrize("tag", MEANT)
def test_what_a_newer_version_added_is_passed_over_however_deep(tag: str) -> None:
    """While versions change over, an older one reads what a newer one wrote."""

    def added(value: Any) -> Any:
        if isinstance(value, dict):
            inner = {name: each if name in FREE else added(each) for name, each in value.items()}
            return value if "$schema" in value else {**inner, "added_later": 1}
        return [added(each) for each in value] if isinstance(value, list) else value

    data = msgspec.json.decode((GOLDEN / f"{tag}.json").read_bytes())
    assert CODEC.decode(tag, msgspec.json.encode(added(data))) == MEANT[tag]

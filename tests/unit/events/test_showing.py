from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from contexts.events.application.queries import EventShown
from contexts.events.application.showing import show
from contexts.events.domain.event import (
    EventAnnounced,
    EventCancelled,
    EventChange,
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
from shared.application.event_store import Metadata, Recorded

ID, RUN = uuid4(), uuid4()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FRIDAY = Schedule(datetime(2026, 7, 3, 21), datetime(2026, 7, 3, 23), "Europe/Madrid")
SATURDAY = Schedule(datetime(2026, 7, 4, 21), None, "Europe/Madrid")
ZONES = (
    Zone("1", "Stalls", Decimal(30), 10),
    Zone("1", "Stalls", Decimal(15), 0),
    Zone("2", "Box", Decimal(75), 2),
)


def announced(sale: Sale = Sale("online"), zones: tuple[Zone, ...] = ZONES) -> EventAnnounced:  # noqa: B008
    return EventAnnounced(
        event_id=ID,
        title="Jazz",
        schedule=FRIDAY,
        zones=zones,
        sale=sale,
        plan=PlanRef("acme", "1", "2"),
    )


def shown(*events: EventChange) -> EventShown:
    card = None
    for version, event in enumerate(events, start=1):
        card = show(
            card,
            Recorded(
                id=ID,
                tenant="default",
                stream=f"event-{ID}",
                version=version,
                position=version * 10,
                recorded_at=NOON + timedelta(minutes=version),
                metadata=Metadata(),
                event=event,
            ),
        )
    assert card is not None
    return card


def test_an_announced_event_is_shown_with_times_and_prices() -> None:
    card = shown(announced())
    assert (card.status, card.available, card.places, card.provider) == ("listed", True, 12, "acme")
    assert (card.min_price, card.max_price) == (Decimal(15), Decimal(75))
    assert (card.available_min_price, card.available_max_price) == (Decimal(30), Decimal(75))
    assert card.starts_at == datetime(2026, 7, 3, 19, tzinfo=UTC)
    assert (card.local_starts_at, card.timezone) == (FRIDAY.starts_at, "Europe/Madrid")


def test_every_change_moves_what_it_is_about_and_the_version() -> None:
    card = shown(
        announced(),
        EventRenamed(title="More jazz"),
        EventRescheduled(schedule=SATURDAY),
        EventZonesChanged(zones=ZONES[:1]),
        EventOrganizerChanged(organizer="Blue Note"),
    )
    assert (card.title, card.organizer, card.version) == ("More jazz", "Blue Note", 5)
    assert (card.local_starts_at, card.ends_at) == (SATURDAY.starts_at, None)
    assert (card.min_price, card.places, card.zones) == (Decimal(30), 10, ZONES[:1])
    assert card.updated_at == NOON + timedelta(minutes=5)


def test_what_was_ever_online_stays_so() -> None:
    offline = Sale("offline")
    assert not shown(announced(offline)).ever_online
    assert shown(announced(offline), EventSaleChanged(sale=Sale("online"))).ever_online
    gone = shown(announced(), EventSaleChanged(sale=offline))
    assert gone.ever_online
    assert not gone.available


def test_a_delisted_event_keeps_its_values_but_cannot_be_had() -> None:
    card = shown(announced(), EventDelisted(run_id=RUN))
    assert (card.status, card.available, card.min_price) == ("delisted", False, Decimal(15))
    assert shown(announced(), EventDelisted(run_id=RUN), EventRelisted()).available


def test_a_cancelled_event_stays_cancelled() -> None:
    card = shown(announced(), EventCancelled(reason="storm"), EventDelisted(run_id=RUN))
    assert (card.status, card.available, card.cancellation_reason) == ("cancelled", False, "storm")


def test_what_is_sold_out_cannot_be_had() -> None:
    assert not shown(announced(Sale("online", sold_out=True))).available
    assert not shown(announced(zones=ZONES[1:2])).available

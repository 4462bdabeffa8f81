from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import msgspec
import pytest

from contexts.events.domain.event import (
    AlreadyCancelled,
    Event,
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
    Implausible,
    OwnedByProvider,
    PlanRef,
)
from contexts.events.domain.offer import Offer, Sale, Schedule, Zone

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID, RUN = uuid4(), uuid4()
FRIDAY = Schedule(datetime(2026, 7, 3, 21), datetime(2026, 7, 3, 23), "Europe/Madrid")
SATURDAY = Schedule(datetime(2026, 7, 4, 21), datetime(2026, 7, 4, 23), "Europe/Madrid")
PAST = Schedule(datetime(2021, 7, 4, 21), None, "Europe/Madrid")
STALLS = Zone("1", "Stalls", Decimal("30.00"), 100, True)
OFFER = Offer("Jazz", FRIDAY, (STALLS,), Sale("online"), "Blue Note")
PLAN = PlanRef("acme", "291", "291")

announced = EventAnnounced(
    event_id=ID,
    title="Jazz",
    schedule=FRIDAY,
    zones=(STALLS,),
    sale=OFFER.sale,
    organizer="Blue Note",
)
taken_over = msgspec.structs.replace(announced, event_id=PLAN.event_id, plan=PLAN)
cancelled = EventCancelled(reason="storm")
delisted = EventDelisted(run_id=RUN)


def given(*history: EventChange) -> Event:
    return Event.replay(ID, history)


def but(**changes: object) -> Offer:
    return msgspec.structs.replace(OFFER, **changes)


def test_an_event_of_our_own_is_announced_with_all_that_is_offered() -> None:
    assert Event.announce(ID, OFFER, now=NOW).pending == [announced]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (but(schedule=PAST), "past"),
        (but(title="  "), "needs a name"),
        (but(title="a\x00b"), "printable"),
        (but(schedule=Schedule(FRIDAY.starts_at, datetime(2026, 7, 3, 20), "UTC")), "before it"),
        (but(schedule=Schedule(datetime(9999, 12, 31), None, "UTC")), "between 1900 and 2200"),
        (but(zones=(Zone("1", "", Decimal("-1"), 1),)), "not a price"),
        (but(zones=(Zone("1", "", Decimal("NaN"), 1),)), "not a price"),
        (but(zones=(Zone("1", "", Decimal("1e999999"), 1),)), "not a price"),
        (but(zones=(Zone("1", "", Decimal("1." + "0" * 17_000), 1),)), "not a price"),
        (but(zones=(Zone("1\x00", "", Decimal(1), 1),)), "zones: not a text"),
        (but(zones=(Zone("1", "", Decimal(1), -1),)), "number of places"),
    ],
)
def test_an_implausible_event_is_not_announced(offer: Offer, said: str) -> None:
    with pytest.raises(Implausible, match=said):
        Event.announce(ID, offer, now=NOW)


def test_an_announced_event_can_be_rescheduled() -> None:
    event = given(announced)
    event.reschedule(SATURDAY, now=NOW)
    assert event.pending == [EventRescheduled(schedule=SATURDAY)]


def test_rescheduling_to_the_same_time_records_nothing() -> None:
    event = given(announced)
    event.reschedule(FRIDAY, now=NOW)
    assert event.pending == []


def test_an_event_is_not_moved_into_the_past() -> None:
    with pytest.raises(Implausible, match="past"):
        given(announced).reschedule(PAST, now=NOW)


def test_prices_change_with_all_zones_there_are() -> None:
    event, zones = given(announced), (STALLS, Zone("1", "Stalls", Decimal(20), 0))
    event.change_prices(zones)
    assert event.pending == [EventZonesChanged(zones=zones)]


def test_the_same_prices_again_record_nothing() -> None:
    event = given(announced)
    event.change_prices((STALLS,))
    assert event.pending == []


def test_an_event_is_cancelled_with_a_reason() -> None:
    event = given(announced)
    event.cancel("storm")
    assert event.pending == [cancelled]


@pytest.mark.parametrize("reason", [" ", "a\x00b", "a" * 1_001])
def test_a_cancellation_without_a_readable_reason_is_refused(reason: str) -> None:
    with pytest.raises(Implausible, match="reason"):
        given(announced).cancel(reason)


def test_a_cancelled_event_changes_no_more() -> None:
    for change in (
        lambda event: event.cancel("again"),
        lambda event: event.reschedule(SATURDAY, now=NOW),
        lambda event: event.change_prices(()),
    ):
        with pytest.raises(AlreadyCancelled):
            change(given(announced, cancelled))


def test_an_event_of_a_provider_is_not_changed_by_command() -> None:
    for change in (
        lambda event: event.cancel("storm"),
        lambda event: event.reschedule(SATURDAY, now=NOW),
        lambda event: event.change_prices(()),
    ):
        with pytest.raises(OwnedByProvider, match="acme"):
            change(given(taken_over))


def test_a_providers_plan_is_taken_over_as_it_is_even_when_past() -> None:
    event = Event.take_over(PLAN, but(schedule=PAST))
    assert event.pending == [msgspec.structs.replace(taken_over, schedule=PAST)]


def test_what_a_provider_changes_is_recorded_piece_by_piece() -> None:
    event, sale = given(taken_over), Sale("offline", sold_out=True)
    event.revise(Offer("Jazz!", SATURDAY, (), sale, None))
    assert event.pending == [
        EventRenamed(title="Jazz!"),
        EventRescheduled(schedule=SATURDAY),
        EventZonesChanged(zones=()),
        EventSaleChanged(sale=sale),
        EventOrganizerChanged(organizer=None),
    ]


def test_a_plan_that_is_as_it_was_records_nothing() -> None:
    event = given(taken_over)
    event.revise(OFFER)
    assert event.pending == []


def test_an_event_is_delisted_once() -> None:
    event = given(taken_over)
    event.delist(RUN)
    event.delist(uuid4())
    assert event.pending == [delisted]


def test_a_delisted_event_that_comes_back_is_listed_again() -> None:
    event = given(taken_over, delisted)
    event.revise(OFFER)
    assert event.pending == [EventRelisted()]


def test_the_same_plan_is_the_same_event_wherever_it_is_read() -> None:
    assert PLAN.event_id == PlanRef("acme", "291", "291").event_id
    others = [
        PlanRef("other", "291", "291"),
        PlanRef("acme", "322", "291"),
        PlanRef("acme", "29", "1291"),
    ]
    assert len({PLAN.event_id, *(other.event_id for other in others)}) == 4

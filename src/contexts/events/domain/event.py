"""An event people may attend: announced once, changed at will, cancelled for good."""

from datetime import datetime
from typing import Self, assert_never
from uuid import UUID, uuid5

import msgspec

from contexts.events.domain.offer import Offer, Sale, Schedule, Zone, implausibility, is_text
from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Invalid, Refused


class PlanRef(msgspec.Struct, frozen=True):
    """Which plan of which provider an event stands for. Plan ids repeat under other bases."""

    provider: str
    base_id: str
    plan_id: str

    @property
    def event_id(self) -> UUID:
        """The same for the same plan, whenever and wherever it is read."""
        return uuid5(_PLANS, "\n".join((self.provider, self.base_id, self.plan_id)))


_PLANS = UUID("5a1f3a52-51a6-5a0c-8b6a-0b6f0f1d7c11")


class EventAnnounced(DomainEvent, tag="events.event_announced"):
    """`plan` is None for an event of our own."""

    event_id: UUID
    title: str
    schedule: Schedule
    zones: tuple[Zone, ...]
    sale: Sale
    organizer: str | None = None
    plan: PlanRef | None = None


class EventRenamed(DomainEvent, tag="events.event_renamed"):
    title: str


class EventRescheduled(DomainEvent, tag="events.event_rescheduled"):
    schedule: Schedule


class EventZonesChanged(DomainEvent, tag="events.event_zones_changed"):
    """All zones as they are now, with their prices and the places left."""

    zones: tuple[Zone, ...]


class EventSaleChanged(DomainEvent, tag="events.event_sale_changed"):
    sale: Sale


class EventOrganizerChanged(DomainEvent, tag="events.event_organizer_changed"):
    organizer: str | None


class EventCancelled(DomainEvent, tag="events.event_cancelled"):
    reason: str


class EventDelisted(DomainEvent, tag="events.event_delisted"):
    """The provider sends it no more: missing from a complete feed, read by this run."""

    run_id: UUID


class EventRelisted(DomainEvent, tag="events.event_relisted"):
    """The provider sends it again."""


EventChange = (
    EventAnnounced
    | EventRenamed
    | EventRescheduled
    | EventZonesChanged
    | EventSaleChanged
    | EventOrganizerChanged
    | EventCancelled
    | EventDelisted
    | EventRelisted
)


class Implausible(Invalid):
    code = "events.implausible"


class AlreadyCancelled(Refused):
    code = "events.already_cancelled"


class OwnedByProvider(Refused):
    code = "events.owned_by_provider"


class Event(Aggregate[EventChange]):
    stream = "event"
    events = EventChange

    title: str
    schedule: Schedule
    zones: tuple[Zone, ...]
    sale: Sale
    organizer: str | None
    plan: PlanRef | None
    cancelled = False
    delisted = False

    @classmethod
    def announce(cls, id: UUID, offer: Offer, *, now: datetime) -> Self:
        """Announce an event of our own. `now` is an instant; it must lie ahead."""
        _must_be_plausible(offer)
        _must_be_ahead(offer.schedule, now)
        return cls._announced(id, offer, None)

    @classmethod
    def take_over(cls, plan: PlanRef, offer: Offer) -> Self:
        """Take over a provider's plan as it is: providers state facts, also about the past."""
        return cls._announced(plan.event_id, offer, plan)

    def revise(self, offer: Offer) -> None:
        """Take in what its provider says of it now; record what is different."""
        if self.delisted:
            self.record(EventRelisted())
        if offer.title != self.title:
            self.record(EventRenamed(title=offer.title))
        if offer.schedule != self.schedule:
            self.record(EventRescheduled(schedule=offer.schedule))
        if offer.zones != self.zones:
            self.record(EventZonesChanged(zones=offer.zones))
        if offer.sale != self.sale:
            self.record(EventSaleChanged(sale=offer.sale))
        if offer.organizer != self.organizer:
            self.record(EventOrganizerChanged(organizer=offer.organizer))

    def delist(self, run_id: UUID) -> None:
        if not self.delisted:
            self.record(EventDelisted(run_id=run_id))

    def reschedule(self, schedule: Schedule, *, now: datetime) -> None:
        self._must_be_ours_and_stand()
        _must_be_plausible(self._offer(schedule=schedule))
        _must_be_ahead(schedule, now)
        if schedule != self.schedule:
            self.record(EventRescheduled(schedule=schedule))

    def change_prices(self, zones: tuple[Zone, ...]) -> None:
        self._must_be_ours_and_stand()
        _must_be_plausible(self._offer(zones=zones))
        if zones != self.zones:
            self.record(EventZonesChanged(zones=zones))

    def cancel(self, reason: str) -> None:
        self._must_be_ours_and_stand()
        if not reason.strip() or not is_text(reason, lines=True):
            raise Implausible("reason: say why, in a text for those who hold tickets")
        self.record(EventCancelled(reason=reason))

    def apply(self, event: EventChange) -> None:
        match event:
            case EventAnnounced():
                self.title = event.title
                self.schedule = event.schedule
                self.zones = event.zones
                self.sale = event.sale
                self.organizer = event.organizer
                self.plan = event.plan
            case EventRenamed():
                self.title = event.title
            case EventRescheduled():
                self.schedule = event.schedule
            case EventZonesChanged():
                self.zones = event.zones
            case EventSaleChanged():
                self.sale = event.sale
            case EventOrganizerChanged():
                self.organizer = event.organizer
            case EventCancelled():
                self.cancelled = True
            case EventDelisted():
                self.delisted = True
            case EventRelisted():
                self.delisted = False
            case _:
                assert_never(event)

    @classmethod
    def _announced(cls, id: UUID, offer: Offer, plan: PlanRef | None) -> Self:
        event = cls(id)
        event.record(
            EventAnnounced(
                event_id=id,
                title=offer.title,
                schedule=offer.schedule,
                zones=offer.zones,
                sale=offer.sale,
                organizer=offer.organizer,
                plan=plan,
            )
        )
        return event

    def _offer(
        self, *, schedule: Schedule | None = None, zones: tuple[Zone, ...] | None = None
    ) -> Offer:
        """What is offered, once this is changed."""
        return Offer(
            self.title,
            schedule or self.schedule,
            self.zones if zones is None else zones,
            self.sale,
            self.organizer,
        )

    def _must_be_ours_and_stand(self) -> None:
        if self.plan is not None:
            raise OwnedByProvider(
                f"event {self.id} belongs to provider {self.plan.provider!r} "
                "and changes only with its feed"
            )
        if self.cancelled:
            raise AlreadyCancelled(f"event {self.id} is cancelled")


def _must_be_ahead(schedule: Schedule, now: datetime) -> None:
    if schedule.starts_at_utc <= now:
        raise Implausible(f"starts_at: {schedule.starts_at.isoformat()} is past")


def _must_be_plausible(offer: Offer) -> None:
    if reason := implausibility(offer):
        raise Implausible(reason)

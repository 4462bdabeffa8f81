"""What each event changes of how an event is shown; every read model of events folds with this."""

from collections.abc import Iterable
from typing import Any, assert_never

import msgspec

from contexts.events.application.queries import EventShown, Status
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
)
from contexts.events.domain.offer import Sale, Schedule, Zone, price_range
from shared.application.event_store import Recorded


def show(shown: EventShown | None, recorded: Recorded[EventChange]) -> EventShown:
    """How the event is shown after this; `shown` is None before it was announced."""
    event = recorded.event
    if isinstance(event, EventAnnounced):
        return _announced(event, recorded)
    assert shown is not None, f"{recorded.ref} comes before the event was announced"
    changes = _changes(shown, event)
    changed = msgspec.structs.replace(
        shown, **changes, version=recorded.version, updated_at=recorded.recorded_at
    )
    return msgspec.structs.replace(changed, available=_is_available(changed))


def _changes(shown: EventShown, event: EventChange) -> dict[str, Any]:
    match event:
        case EventAnnounced():
            raise AssertionError("an event is announced once")
        case EventRenamed(title=title):
            return {"title": title}
        case EventRescheduled(schedule=schedule):
            return _times(schedule)
        case EventZonesChanged(zones=zones):
            return _prices(zones)
        case EventSaleChanged(sale=sale):
            return {**_sale(sale), "ever_online": shown.ever_online or sale.mode == "online"}
        case EventOrganizerChanged(organizer=organizer):
            return {"organizer": organizer}
        case EventCancelled(reason=reason):
            return {"status": "cancelled", "cancellation_reason": reason}
        case EventDelisted():
            return _status(shown, "delisted")
        case EventRelisted():
            return _status(shown, "listed")
        case _:
            assert_never(event)


def _announced(event: EventAnnounced, recorded: Recorded[EventChange]) -> EventShown:
    plan = event.plan
    shown = EventShown(
        id=recorded.id,
        title=event.title,
        status="listed",
        available=False,
        organizer=event.organizer,
        provider=plan.provider if plan else None,
        base_id=plan.base_id if plan else None,
        plan_id=plan.plan_id if plan else None,
        ever_online=event.sale.mode == "online",
        version=recorded.version,
        updated_at=recorded.recorded_at,
        **_times(event.schedule),
        **_prices(event.zones),
        **_sale(event.sale),
    )
    return msgspec.structs.replace(shown, available=_is_available(shown))


def _times(schedule: Schedule) -> dict[str, Any]:
    return {
        "starts_at": schedule.starts_at_utc,
        "ends_at": schedule.ends_at_utc,
        "local_starts_at": schedule.starts_at,
        "local_ends_at": schedule.ends_at,
        "timezone": schedule.timezone,
    }


def _prices(zones: Iterable[Zone]) -> dict[str, Any]:
    zones = tuple(zones)
    left = [zone for zone in zones if zone.capacity > 0]
    every, available = price_range(zones), price_range(left)
    return {
        "zones": zones,
        "min_price": every.min,
        "max_price": every.max,
        "available_min_price": available.min,
        "available_max_price": available.max,
        "places": sum(zone.capacity for zone in left),
    }


def _sale(sale: Sale) -> dict[str, Any]:
    return {
        "sell_mode": sale.mode,
        "sell_from": sale.opens_at,
        "sell_to": sale.closes_at,
        "sold_out": sale.sold_out,
    }


def _status(shown: EventShown, status: Status) -> dict[str, Any]:
    return {} if shown.status == "cancelled" else {"status": status}


def _is_available(shown: EventShown) -> bool:
    return (
        shown.status == "listed"
        and shown.sell_mode == "online"
        and shown.places > 0
        and not shown.sold_out
    )

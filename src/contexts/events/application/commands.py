"""What may be asked of our own events; each command stands right above what is done for it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.events.application.ports import Clock
from contexts.events.domain.event import Event, Implausible
from contexts.events.domain.offer import Offer, Sale, Schedule, Zone
from shared.application.bus import Command
from shared.application.repository import Repository
from shared.domain.timezones import is_timezone


class Changed(msgspec.Struct, frozen=True):
    """An event, and the version it is at after the command."""

    id: UUID
    version: int


class AskedZone(Zone, frozen=True, forbid_unknown_fields=True):
    """A zone as a caller states it: what we are asked is read strictly, what we remember is not."""


class AnnounceEvent(Command[Changed], frozen=True):
    """Times are wall times in `timezone` (IANA). Without zones nothing is sold yet."""

    title: str
    starts_at: datetime
    timezone: str
    ends_at: datetime | None = None
    zones: tuple[AskedZone, ...] = ()
    organizer: str | None = None


async def announce_event(
    command: AnnounceEvent, events: Repository[Event], clock: Clock
) -> Changed:
    offer = Offer(
        title=command.title.strip(),
        schedule=_schedule(command.starts_at, command.ends_at, command.timezone),
        zones=_plain(command.zones),
        sale=Sale(mode="online"),
        organizer=command.organizer,
    )
    event = Event.announce(uuid7(), offer, now=clock())
    return Changed(event.id, await events.save(event))


class RescheduleEvent(Command[Changed], frozen=True):
    """`expected_version` refuses the command unless the event is at just that version."""

    event_id: UUID
    starts_at: datetime
    timezone: str | None = None
    ends_at: datetime | None = None
    expected_version: int | None = None


async def reschedule_event(
    command: RescheduleEvent, events: Repository[Event], clock: Clock
) -> Changed:
    event = await events.get(command.event_id, expected=command.expected_version)
    timezone = event.schedule.timezone if command.timezone is None else command.timezone
    event.reschedule(_schedule(command.starts_at, command.ends_at, timezone), now=clock())
    return Changed(event.id, await events.save(event))


class ChangePrices(Command[Changed], frozen=True):
    """`zones` are all zones there are from now on."""

    event_id: UUID
    zones: tuple[AskedZone, ...]
    expected_version: int | None = None


async def change_prices(command: ChangePrices, events: Repository[Event]) -> Changed:
    event = await events.get(command.event_id, expected=command.expected_version)
    event.change_prices(_plain(command.zones))
    return Changed(event.id, await events.save(event))


class CancelEvent(Command[Changed], frozen=True):
    event_id: UUID
    reason: str
    expected_version: int | None = None


async def cancel_event(command: CancelEvent, events: Repository[Event]) -> Changed:
    event = await events.get(command.event_id, expected=command.expected_version)
    event.cancel(command.reason)
    return Changed(event.id, await events.save(event))


def _plain(zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """As they are remembered, so that the same zones are equal."""
    return tuple(Zone(*msgspec.structs.astuple(zone)) for zone in zones)


def _schedule(starts_at: datetime, ends_at: datetime | None, timezone: str) -> Schedule:
    if not is_timezone(timezone):
        raise Implausible(f"timezone: {timezone!r} is not an IANA time zone such as Europe/Madrid")
    for name, time in (("starts_at", starts_at), ("ends_at", ends_at)):
        if time is not None and time.tzinfo is not None:
            raise Implausible(
                f"{name}: give the time as the venue's clock shows it, without an offset; "
                "the time zone is a field of its own"
            )
    return Schedule(starts_at, ends_at, timezone)

"""What a provider's plans change: taken in when they are new or different, delisted when gone."""

import hashlib
from uuid import UUID

import msgspec

from contexts.events.application.ports import Plan
from contexts.events.domain.event import Event, PlanRef
from contexts.events.domain.offer import Offer, Sale, Schedule
from shared.application.bus import Command
from shared.application.repository import Repository


class TakenIn(msgspec.Struct, frozen=True):
    announced: int
    changed: int
    events: int


class TakeInPlans(Command[TakenIn], frozen=True):
    """Take in plans that are new or have changed; all of these or none."""

    provider: str
    timezone: str
    plans: tuple[Plan, ...]


async def take_in_plans(command: TakeInPlans, events: Repository[Event]) -> TakenIn:
    plans = {PlanRef(command.provider, plan.base_id, plan.plan_id): plan for plan in command.plans}
    known = await events.get_many(ref.event_id for ref in plans)
    touched, fingerprints = [], {}
    for ref, plan in plans.items():
        offer = offer_of(plan, command.timezone)
        if event := known.get(ref.event_id):
            event.revise(offer)
        else:
            event = Event.take_over(ref, offer)
        touched.append(event)
        fingerprints[event.id] = fingerprint(plan, command.timezone)
    announced = len(plans) - len(known)
    changed = sum(1 for event in known.values() if event.pending)
    count = await events.save_many(touched, fingerprints)
    return TakenIn(announced=announced, changed=changed, events=count)


class DelistEvents(Command[int], frozen=True):
    """Note that these left the feed; how many events that appended."""

    event_ids: tuple[UUID, ...]
    run_id: UUID


async def delist_events(command: DelistEvents, events: Repository[Event]) -> int:
    known = await events.get_many(command.event_ids)
    for event in known.values():
        event.delist(command.run_id)
    return await events.save_many(known.values())


def fingerprint(plan: Plan, timezone: str) -> str:
    """A digest of all that is taken in of a plan: the same digest, nothing to take in."""
    digest = hashlib.blake2b(msgspec.msgpack.encode(plan), digest_size=16)
    digest.update(timezone.encode())
    return digest.hexdigest()


def offer_of(plan: Plan, timezone: str) -> Offer:
    return Offer(
        title=plan.title,
        schedule=Schedule(plan.starts_at, plan.ends_at, timezone),
        zones=plan.zones,
        sale=Sale(plan.sell_mode, plan.sell_from, plan.sell_to, plan.sold_out),
        organizer=plan.organizer,
    )

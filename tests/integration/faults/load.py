"""All kinds of events, appended by commands for as long as a fault lasts."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from bootstrap import Application
from contexts.events.application.commands import (
    AnnounceEvent,
    CancelEvent,
    ChangePrices,
    RescheduleEvent,
)
from contexts.events.application.ports import Plan
from contexts.events.application.taking_in import DelistEvents, TakeInPlans
from contexts.events.domain.event import PlanRef
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import ProviderRun, RunReport

JULY = datetime(2100, 7, 1, 21)


@asynccontextmanager
async def writing(application: Application) -> AsyncIterator[set[str]]:
    """Append all kinds of events; the runs that were asked for, by their ids.

    Nothing is on its way any more when it ends: whoever is cancelled while he appends does not
    learn whether it happens, or when.
    """
    requested: set[str] = set()
    enough = asyncio.Event()
    writers = [
        asyncio.create_task(writer)
        for writer in (
            _provider(application, "acme", enough, seed=1),
            _provider(application, "bravo", enough, seed=2),
            _own_events(application, enough, seed=3),
            _runs(application, enough, requested),
        )
    ]
    try:
        yield requested
        assert not any(writer.done() for writer in writers), "a writer broke off"
    finally:
        enough.set()
        await asyncio.gather(*writers, return_exceptions=True)


async def _provider(
    application: Application, provider: str, enough: asyncio.Event, *, seed: int
) -> None:
    """Plans come, change, leave and come back."""
    chance = random.Random(seed)
    while not enough.is_set():
        await take_in_plans(application, provider, chance, 20)
        await asyncio.sleep(chance.uniform(0, 0.1))


async def take_in_plans(
    application: Application, provider: str, chance: random.Random, count: int
) -> None:
    plans = [_plan(chance, str(n)) for n in chance.sample(range(3_000), count)]
    await application.bus()(TakeInPlans(provider, "Europe/Madrid", tuple(plans)))
    gone = [PlanRef(provider, plan.base_id, plan.plan_id).event_id for plan in plans[:3]]
    await application.bus()(DelistEvents(tuple(gone), uuid4()))


async def _own_events(application: Application, enough: asyncio.Event, *, seed: int) -> None:
    chance = random.Random(seed)
    while not enough.is_set():
        announced = await application.bus()(AnnounceEvent("Own", JULY, "UTC", zones=_zones(chance)))
        starts_at = JULY + timedelta(days=chance.randrange(300))
        await application.bus()(RescheduleEvent(announced.id, starts_at))
        await application.bus()(ChangePrices(announced.id, _zones(chance)))
        if chance.random() < 0.3:
            await application.bus()(CancelEvent(announced.id, "storm"))
        await asyncio.sleep(chance.uniform(0, 0.05))


async def _runs(application: Application, enough: asyncio.Event, requested: set[str]) -> None:
    runs, now = application.events.runs(), JULY.astimezone()
    while not enough.is_set():
        run = ProviderRun.request(uuid4(), "acme", now=now)
        await runs.save(run)
        requested.add(str(run.id))
        report = RunReport(source="-", started_at=now, finished_at=now, plans=len(requested))
        if len(requested) % 3:
            run.complete("acme", report)
        else:
            run.fail("acme", "gone", report)
        await runs.save(run)
        await asyncio.sleep(0.02)


def _plan(chance: random.Random, id: str) -> Plan:
    return Plan(
        base_id=id,
        plan_id=id,
        title=chance.choice(["Jazz", "Rock", "Été"]),
        starts_at=JULY + timedelta(days=chance.randrange(3)),
        ends_at=None,
        sell_mode=chance.choice(["online", "offline"]),
        sell_from=None,
        sell_to=None,
        sold_out=chance.random() < 0.1,
        organizer=chance.choice([None, "Blue Note"]),
        zones=_zones(chance),
    )


def _zones(chance: random.Random) -> tuple[Zone, ...]:
    return tuple(
        Zone(str(n), f"Zone {n}", Decimal(chance.randrange(9_999)) / 100, chance.randrange(3))
        for n in range(chance.randrange(6))
    )

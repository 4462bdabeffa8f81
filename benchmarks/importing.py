"""Reading a feed that has not changed, and parsing it alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter

from bootstrap import running
from contexts.events.application.feed_runs import RunFeed
from contexts.events.application.ports import Plan, Provider
from contexts.events.domain.offer import Zone
from contexts.events.infrastructure.feeds.formats import parse_feed
from settings import Settings

PLANS, ZONES = 2_000, 200
PROVIDER = Provider("bench-feed")


async def unchanged(settings: Settings) -> float:
    feed = str(_feed())
    async with running(settings, "marquee-bench") as application:
        await application.bus()(RunFeed(PROVIDER, source=feed))
        started = perf_counter()
        report = await application.bus()(RunFeed(PROVIDER, source=feed))
        assert report.unchanged == PLANS
        return PLANS / (perf_counter() - started)


async def parse(settings: Settings) -> float:
    started = perf_counter()
    count = sum(1 for _ in parse_feed(_feed()))
    return count / (perf_counter() - started)


def plans(count: int, *, zones: int, first: int = 0) -> Iterator[Plan]:
    """Plans of our own making, no two alike."""
    sold = tuple(Zone(str(n), f"Zone {n}", Decimal(20 + n), 100 + n) for n in range(zones))
    for number in range(first, first + count):
        starts_at = datetime(2027, 1, 1, 20) + timedelta(hours=number % 5_000)
        yield Plan(
            base_id=str(number // 4),
            plan_id=str(number),
            title=f"Show number {number}",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=2),
            sell_mode="online",
            sell_from=None,
            sell_to=None,
            sold_out=False,
            organizer=None,
            zones=sold,
        )


@cache
def _feed() -> Path:
    """A feed of the 2025 vocabulary, written once a run."""
    path = Path(gettempdir()) / "marquee-bench-feed.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write("<planList><output>")
        for plan in plans(PLANS, zones=ZONES):
            assert plan.ends_at is not None
            file.write(
                f'<base_plan base_plan_id="{plan.base_id}-{plan.plan_id}" sell_mode="online"'
                f' title="{plan.title}"><plan plan_id="{plan.plan_id}" sold_out="false"'
                f' plan_start_date="{plan.starts_at.isoformat()}"'
                f' plan_end_date="{plan.ends_at.isoformat()}"'
                ' sell_from="2026-01-01T00:00:00" sell_to="2027-01-01T00:00:00">'
            )
            for zone in plan.zones:
                file.write(
                    f'<zone zone_id="{zone.zone_id}" capacity="{zone.capacity}"'
                    f' price="{zone.price}.00" name="{zone.name}" numbered="false"/>'
                )
            file.write("</plan></base_plan>")
        file.write("</output></planList>")
    return path

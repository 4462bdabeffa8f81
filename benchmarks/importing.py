"""Reading a feed that has not changed, and parsing it alone; each in a process of its own."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import psutil

from benchmarks.contest import Entry, Figure, Row
from benchmarks.place import MIGRATED, Place, child
from bootstrap import running
from contexts.events.application.feed_runs import RunFeed
from contexts.events.application.ports import Plan, Provider
from contexts.events.domain.offer import Zone
from contexts.events.infrastructure.feeds.formats import parse_feed
from settings import Settings

PROVIDER = Provider("bench-feed")
IMPORTED = "feed_imported"
ZONES = 200
MEGABYTE = 1_000_000


def rows() -> list[Row]:
    return [
        Row(
            f"unchanged feed, {ZONES} zones a plan",
            "plans/s",
            (
                Entry("marquee", unchanged),
                # One and a half times the time is two thirds of the rate.
                Entry("parsing it alone", parsed, ("at least", 1 / 1.5)),
            ),
        )
    ]


async def unchanged(place: Place) -> Figure:
    feed = await place.once("feed", lambda: _feed(place))
    await place.once(IMPORTED, lambda: _import(place, feed))
    async with place.database(IMPORTED) as settings:
        return await _measured(place, "unchanged", feed, settings)


async def parsed(place: Place) -> Figure:
    feed = await place.once("feed", lambda: _feed(place))
    return await _measured(place, "parse", feed, place.settings(MIGRATED))


async def _measured(place: Place, task: str, feed: Path, settings: Settings) -> Figure:
    result = await child(
        __name__,
        task,
        feed=str(feed),
        count=_count(place),
        settings=msgspec.to_builtins(settings),
    )
    return Figure(result.pop("rate"), result)


def _count(place: Place) -> int:
    return place.size(9_000, 1_000)


async def _import(place: Place, feed: Path) -> None:
    await place.make(IMPORTED, copy_of=MIGRATED)
    async with running(place.settings(IMPORTED), "marquee-bench") as application:
        await application.bus()(RunFeed(PROVIDER, source=str(feed)))


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


async def _feed(place: Place) -> Path:
    """A feed of the 2025 vocabulary."""
    path = place.folder / "feed.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write("<planList><output>")
        for plan in plans(_count(place), zones=ZONES):
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


class _Memory(threading.Thread):
    """Looks at this process' memory while something runs in it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._ended = threading.Event()
        self.before = self.peak = self._process.memory_info().rss

    def run(self) -> None:
        while not self._ended.wait(0.02):
            self.peak = max(self.peak, self._process.memory_info().rss)

    def notes(self) -> dict[str, float]:
        self._ended.set()
        self.join()
        return {
            "MB at start": round(self.before / MEGABYTE, 1),
            "MB peak growth": round((self.peak - self.before) / MEGABYTE, 1),
        }


async def _run(task: str, feed: str, count: int, settings: dict[str, Any]) -> dict[str, float]:
    notes = {"MB of feed": round(os.path.getsize(feed) / MEGABYTE, 1)}  # noqa: ASYNC240
    if task == "parse":
        memory = _Memory()
        memory.start()
        started = perf_counter()
        assert sum(1 for _ in parse_feed(Path(feed))) == count
        return {"rate": count / (perf_counter() - started), **notes, **memory.notes()}
    async with running(msgspec.convert(settings, Settings), "marquee-bench") as application:
        memory = _Memory()
        memory.start()
        started = perf_counter()
        report = await application.bus()(RunFeed(PROVIDER, source=feed))
        assert report.unchanged == count, report
        return {"rate": count / (perf_counter() - started), **notes, **memory.notes()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(sys.argv[1], **json.loads(sys.argv[2])))))

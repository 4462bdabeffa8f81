"""A feed of two thousand plans with fifty zones each: what it costs new, unchanged and changed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.feed_runs import RunFeed
from contexts.events.application.ports import Provider
from contexts.events.application.reading import BATCH, batches
from contexts.events.domain.event import PlanRef
from contexts.events.domain.provider_run import Quarantined, RunReport

PLANS, ZONES = 2_000, 50
MEGABYTE = 1024**2


def write_feed(path: Path, plans: int, dearer: Sequence[int] = ()) -> None:
    """As many plans; in those that are `dearer` the first zone costs more."""
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?><planList>')
        for n in range(plans):
            file.write(
                f'<base_plan base_plan_id="{n}" sell_mode="online" title="Concert {n}">'
                f'<plan plan_id="{n}" plan_start_date="2026-07-03T21:00:00"'
                ' plan_end_date="2026-07-03T23:00:00" sold_out="false">'
            )
            for zone in range(ZONES):
                price = 99 if zone == 0 and n in dearer else 10 + zone
                file.write(
                    f'<zone zone_id="{zone}" name="Row {n}-{zone}" price="{price}.00"'
                    f' capacity="{n % 100}" numbered="true"/>'
                )
            file.write("</plan></base_plan>")
        file.write("</planList>")


class Spied:
    """What was asked of the event store."""

    def __init__(self, application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        store = application.store()
        read = store.read

        async def spy(streams: Sequence[str]) -> object:
            self.read += streams
            return await read(streams)

        monkeypatch.setattr(store, "read", spy)

    def events_read(self) -> set[str]:
        """The streams of events that were loaded since the last time."""
        found = {stream for stream in self.read if stream.startswith("event-")}
        self.read.clear()
        return found


class Memory:
    def __init__(self) -> None:
        self.before = self.peak = psutil.Process().memory_info().rss

    @property
    def grown(self) -> float:
        """Megabytes that the process was larger at its largest."""
        return float((self.peak - self.before) / MEGABYTE)


@asynccontextmanager
async def watching() -> AsyncIterator[Memory]:
    """Look at the size of this process again and again."""
    memory, done = Memory(), threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not done.wait(0.01):
            memory.peak = max(memory.peak, process.memory_info().rss)

    watcher = asyncio.create_task(asyncio.to_thread(watch))
    try:
        yield memory
    finally:
        done.set()
        await watcher


async def read_feed(application: Application, path: Path) -> RunReport:
    return await application.bus()(RunFeed(Provider("acme"), source=str(path)))


async def last_position(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select max(position) from event_store.events")
        return int((await cursor.fetchone() or (0,))[0])


async def appended_after(application: Application, position: int) -> dict[str, int]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select type, count(*) from event_store.events where position > %s group by type",
            (position,),
        )
        return dict(await cursor.fetchall())


async def test_a_big_feed_costs_what_is_new_in_it_and_no_memory(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, big = tmp_path / "small.xml", tmp_path / "big.xml"
    write_feed(small, 2 * BATCH)
    write_feed(big, PLANS)
    spied = Spied(application, monkeypatch)
    await read_feed(application, small)

    async with watching() as memory:
        report = await read_feed(application, big)
    assert (report.plans, report.announced, report.unchanged) == (PLANS, PLANS - 2 * BATCH, 400)
    assert report.bytes == big.stat().st_size > 8 * MEGABYTE
    assert memory.grown < 12, "once it is warm, the size of a feed makes no difference"
    await caught_up(application)

    position = await last_position(application)
    spied.events_read()
    report = await read_feed(application, big)
    assert (report.unchanged, report.events) == (PLANS, 0)
    assert await last_position(application) == position
    assert spied.events_read() == set(), "the digests are enough"

    dearer = range(0, PLANS, 100)
    write_feed(big, PLANS, dearer)
    report = await read_feed(application, big)
    assert (report.changed, report.unchanged, report.events) == (20, PLANS - 20, 20)
    changed = {f"event-{PlanRef('acme', str(n), str(n)).event_id}" for n in dearer}
    assert spied.events_read() == changed
    assert await appended_after(application, position) == {
        "events.event_zones_changed": 20,
        "events.run_completed": 1,
    }


async def test_each_feed_is_parsed_in_one_thread_that_parses_nothing_else() -> None:
    """libxml2 crashes the process where a parser, or what it made, is used by several threads."""
    loop = threading.get_ident()

    def parse(feed: int) -> Iterator[Quarantined]:
        for _ in range(5 * BATCH):
            yield Quarantined(str(threading.get_ident()), str(feed))

    async def threads(feed: int) -> set[str]:
        found = set()
        async for batch in batches(parse(feed)):
            found |= {item.reason for item in batch if isinstance(item, Quarantined)}
        return found

    by_feed = await asyncio.gather(*map(threads, range(20)))
    assert {len(found) for found in by_feed} == {1}
    assert len(set.union(*by_feed)) == 20
    assert str(loop) not in set.union(*by_feed)

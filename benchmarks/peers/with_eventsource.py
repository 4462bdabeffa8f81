"""`eventsource-py`: asynchronous repositories on its PostgreSQL store, and its global feed."""

import asyncio
import json
import sys
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
from eventsource import (
    AggregateRepository,
    AggregateRoot,
    DomainEvent,
    PostgreSQLEventStore,
    create_async_engine,
    register_event,
)
from eventsource.migrations import get_schema
from eventsource.ports import FeedReadOptions, Position
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError

from benchmarks.delivery import delivery
from benchmarks.peers.disturbance import disturb

FEED = FeedReadOptions(limit=500)


@register_event
class ShowAnnounced(DomainEvent):
    event_type: str = "ShowAnnounced"
    aggregate_type: str = "Show"
    title: str
    starts_at: str
    timezone: str


@register_event
class ShowRescheduled(DomainEvent):
    event_type: str = "ShowRescheduled"
    aggregate_type: str = "Show"
    starts_at: str


class ShowState(BaseModel):
    title: str = ""
    starts_at: str = ""
    timezone: str = ""


class Show(AggregateRoot[ShowState]):
    aggregate_type = "Show"

    def _get_initial_state(self) -> ShowState:
        return ShowState()

    def _apply(self, event: DomainEvent) -> None:
        match event:
            case ShowAnnounced():
                self._state = ShowState(
                    title=event.title, starts_at=event.starts_at, timezone=event.timezone
                )
            case ShowRescheduled():
                assert self._state is not None
                self._state = self._state.model_copy(update={"starts_at": event.starts_at})

    def announce(self, title: str, starts_at: str, timezone: str) -> None:
        self.apply_event(
            ShowAnnounced(
                aggregate_id=self.aggregate_id,
                title=title,
                starts_at=starts_at,
                timezone=timezone,
                aggregate_version=self.get_next_version(),
            )
        )

    def reschedule(self, starts_at: str) -> None:
        self.apply_event(
            ShowRescheduled(
                aggregate_id=self.aggregate_id,
                starts_at=starts_at,
                aggregate_version=self.get_next_version(),
            )
        )


class Shows:
    def __init__(self, url: str, connections: int) -> None:
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://"),
            pool_size=connections,
            max_overflow=4,
        )
        self.store = PostgreSQLEventStore(self.engine)
        self._shows = AggregateRepository(
            event_store=self.store, aggregate_factory=Show, aggregate_type="Show"
        )

    async def announce(self) -> Any:
        show = self._shows.create_new(uuid4())
        show.announce("Benchmark", "2100-01-01T20:00:00", "UTC")
        await self._shows.save(show)
        return show.aggregate_id

    async def reschedule(self, id: Any, starts_at: str) -> None:
        show = await self._shows.load(id)
        show.reschedule(starts_at)
        await self._shows.save(show)


async def append(url: str, writers: int, seconds: float) -> dict[str, Any]:
    _create_tables(url)
    shows = Shows(url, writers)
    await asyncio.gather(*(shows.announce() for _ in range(writers)))
    started = perf_counter()
    until = started + seconds

    async def write() -> int:
        count = 0
        while perf_counter() < until:
            await shows.announce()
            count += 1
        return count

    counts = await asyncio.gather(*(write() for _ in range(writers)))
    elapsed = perf_counter() - started
    await shows.engine.dispose()
    return {"rate": sum(counts) / elapsed}


async def lose(url: str, writers: int, seconds: float) -> dict[str, Any]:
    _create_tables(url)
    disturb(url, "public.events")
    shows = Shows(url, writers + 2)
    done = asyncio.Event()
    started = perf_counter()
    until = started + seconds

    async def write() -> None:
        while perf_counter() < until:
            try:
                id = await shows.announce()
            except DBAPIError:
                continue
            for hour in range(3):
                try:
                    await shows.reschedule(id, f"2100-01-01T{20 + hour}:00:00")
                except DBAPIError:
                    continue

    follower = asyncio.create_task(_follow(shows, done))
    await asyncio.gather(*(write() for _ in range(writers)))
    elapsed = perf_counter() - started
    done.set()
    delivered = await follower
    await shows.engine.dispose()
    with psycopg.connect(url) as connection:
        committed = [
            (str(stream), version)
            for stream, version in connection.execute("select aggregate_id, version from events")
        ]
    return {
        "rate": len(committed) / elapsed,
        "delivery": delivery(committed, delivered)._asdict(),
    }


async def _follow(shows: Shows, done: asyncio.Event) -> list[tuple[str, int]]:
    """Its global feed from the start on, until nothing comes after the writers are `done`."""
    delivered: list[tuple[str, int]] = []
    position: Position | None = None
    while True:
        last = done.is_set()
        empty = True
        async for envelope in shows.store.read_all(position, FEED):
            delivered.append((str(envelope.stream_id.aggregate_id), envelope.stream_version))
            position, empty = envelope.position, False
        if empty:
            if last:
                return delivered
            await asyncio.sleep(0.002)


def _create_tables(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(get_schema("events").encode())


TASKS = {"append": append, "lose": lose}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(TASKS[sys.argv[1]](**json.loads(sys.argv[2])))))

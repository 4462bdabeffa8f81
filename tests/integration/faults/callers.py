"""Callers over HTTP that remember what they were answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2

from bootstrap import Application
from faults.outcome import pairs
from faults.worker_group import PATIENCE

CALLERS = 6


class Callers:
    """Announce events, each under a title of its own; every other caller repeats, under one key,
    what has not been answered well."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.accepted: dict[str, str] = {}
        """The id of the event that each title was answered with."""
        self.unknown: set[str] = set()
        """Titles that were answered with 5xx and not sent again: they may have been announced."""
        self.statuses: Counter[int] = Counter()

    async def more_accepted(self, count: int) -> None:
        """Wait until so many more were answered well."""
        await self._until(lambda: len(self.accepted), count)

    async def more_failed(self, count: int) -> None:
        await self._until(lambda: self.statuses[503], count)

    async def _until(self, counted: Callable[[], int], more: int) -> None:
        before = counted()
        async with asyncio.timeout(PATIENCE):
            while counted() < before + more:
                for task in self._tasks:
                    assert not task.done(), task.exception()
                await asyncio.sleep(0.01)

    async def each_is_in_the_log_once(self, application: Application, *, besides: str = "") -> None:
        """What was answered well is there, once; nothing is there that nobody asked for, unless
        it has this other title."""
        announced = await pairs(
            application,
            "select stream, data->>'title' from event_store.events"
            " where type = 'events.event_announced'",
        )
        titles = Counter(title for title in announced.values() if title != besides)
        accepted = {f"event-{id}": title for title, id in self.accepted.items()}
        assert len(accepted) == len(self.accepted)
        assert {stream: announced.get(stream) for stream in accepted} == accepted
        assert set(titles.values()) == {1}, [each for each in titles.items() if each[1] > 1]
        assert set(titles) - set(self.accepted) <= self.unknown

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._call(n)) for n in range(CALLERS)]

    async def end(self) -> None:
        """Let everybody get the answer they wait for."""
        self._stop.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._tasks)

    async def break_off(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _call(self, number: int) -> None:
        repeats = number % 2 == 1
        while not self._stop.is_set():
            title, key = f"{number}-{uuid4()}", {"Idempotency-Key": str(uuid4())}
            while (status := await self._announce(title, key if repeats else {})) != 201:
                assert status in ((503, 409) if repeats else (503,)), status
                await asyncio.sleep(0.05)
                if not repeats:
                    self.unknown.add(title)
                    break

    async def _announce(self, title: str, key: dict[str, str]) -> int:
        body = {"title": title, "starts_at": "2100-07-01T21:00:00", "timezone": "UTC"}
        response = await self._client.post("/events", json=body, headers=key)
        self.statuses[response.status_code] += 1
        if response.status_code == 201:
            self.accepted[title] = response.json()["id"]
        else:
            assert response.headers["content-type"] == "application/problem+json"
        return response.status_code


@asynccontextmanager
async def calling(client: httpx2.AsyncClient) -> AsyncIterator[Callers]:
    callers = Callers(client)
    callers.start()
    try:
        yield callers
        await callers.end()
    finally:
        await callers.break_off()

"""A read model is built anew while commands arrive and queries are asked: does anybody notice?"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPException
from time import perf_counter
from typing import Any

import psycopg

from benchmarks.appending import COMMAND
from benchmarks.contest import Entry, Figure, Measure, Row
from benchmarks.growing import FILL
from benchmarks.place import MIGRATED, Place
from benchmarks.processes import api, worker
from benchmarks.projecting import CATALOGUE
from bootstrap import Application, running

COMMANDS_A_SECOND = 200
PATIENCE = 3_600


def rows() -> list[Row]:
    return [
        Row(
            f"rebuild of {events:,} events under {COMMANDS_A_SECOND} commands/s",
            "events/s",
            (Entry("marquee", of(events)),),
            limits={"failed queries": 0, "failed commands": 0, "rows missing": 0},
            rounds=1,
            large=large,
        )
        for events, large in ((50_000, False), (1_000_000, True))
    ]


class Seen:
    def __init__(self) -> None:
        self.commands = self.queries = self.failed_commands = self.failed_queries = 0
        self.slowest = 0.0
        self.stop = False


def of(events: int) -> Measure:
    async def measure(place: Place) -> Figure:
        count = place.size(events, 5_000)
        async with (
            place.database(MIGRATED, broker_namespace="bench-rebuilding") as settings,
            running(settings, "marquee-bench") as program,
        ):
            await program.bus()(COMMAND)
            await _fill(settings.database(), count)
            async with worker(settings, place.folder), api(settings, place.folder) as (port, _):
                await _until_read(port, 1, lag=0)
                return await _rebuilt(program, port)

    return measure


async def _rebuilt(program: Application, port: int) -> Figure:
    async with _busy(program, port) as seen:
        await asyncio.sleep(1)
        started = perf_counter()
        await asyncio.to_thread(_ask, port, "POST", f"/projections/{CATALOGUE}/rebuilds")
        built = await _until_read(port, 2)
        seconds = perf_counter() - started
        switching = perf_counter()
        for _ in range(4):
            # Back, forth, back and forth again.
            await asyncio.to_thread(_ask, port, "POST", f"/projections/{CATALOGUE}/switch", {})
        switched = (perf_counter() - switching) / 4
    assert all(check["passed"] for check in built["instances"][0]["checks"])
    await _until_read(port, 2, lag=0)
    async with program.pool().connection() as connection:
        cursor = await connection.execute(
            "select count(*), (select count(distinct stream) from event_store.events)"
            " from events.catalogue"
        )
        rows, streams = await cursor.fetchone() or (0, 0)
    return Figure(
        built["position"] / seconds,
        {
            "failed queries": seen.failed_queries,
            "failed commands": seen.failed_commands,
            "rows missing": streams - rows,
            "queries": seen.queries,
            "commands": seen.commands,
            "slowest query, ms": seen.slowest * 1000,
            "seconds": seconds,
            "a switch, ms": switched * 1000,
        },
    )


@asynccontextmanager
async def _busy(program: Application, port: int) -> AsyncIterator[Seen]:
    seen = Seen()

    async def command() -> None:
        try:
            await program.bus()(COMMAND)
        except Exception:
            seen.failed_commands += 1
        seen.commands += 1

    async def commands() -> None:
        started, sent = perf_counter(), set[asyncio.Task[None]]()
        number = 0
        while not seen.stop:
            sent.add(task := asyncio.create_task(command()))
            task.add_done_callback(sent.discard)
            number += 1
            await asyncio.sleep(max(0, started + number / COMMANDS_A_SECOND - perf_counter()))
        await asyncio.gather(*sent)

    def queries() -> None:
        while not seen.stop:
            started = perf_counter()
            try:
                answer = _ask(port, "GET", f"/events?pageSize=20&page={1 + seen.queries % 50}")
                well = len(answer["data"]) == 20
            except (OSError, HTTPException, RuntimeError):
                well = False
            seen.queries += 1
            seen.failed_queries += not well
            seen.slowest = max(seen.slowest, perf_counter() - started)

    asking = asyncio.create_task(asyncio.to_thread(queries))
    writing = asyncio.create_task(commands())
    try:
        yield seen
    finally:
        seen.stop = True
        await asyncio.gather(asking, writing)


async def _until_read(port: int, instance: int, *, lag: int | None = None) -> dict[str, Any]:
    """Wait until this instance is the one that is read, and no further behind than that."""
    deadline = perf_counter() + PATIENCE
    while perf_counter() < deadline:
        shown = await asyncio.to_thread(_ask, port, "GET", f"/projections/{CATALOGUE}")
        active = shown["instances"][0]
        if active["instance"] == instance and (lag is None or shown["lag_events"] <= lag):
            return shown
        assert all(each["state"] != "built" for each in shown["instances"]), shown
        await asyncio.sleep(0.25)
    raise TimeoutError(f"instance {instance} is not read after {PATIENCE} s")


def _ask(port: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            method,
            path,
            None if body is None else json.dumps(body),
            {} if body is None else {"content-type": "application/json"},
        )
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        found: dict[str, Any] = json.loads(content)
        return found
    finally:
        connection.close()


async def _fill(url: str, events: int) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(FILL, (events, 1))
        await connection.execute("vacuum analyze event_store.events")

"""kill -9 all workers at once, again and again, while read models are built anew under load."""

import asyncio
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import msgspec
import psycopg

from bootstrap import Application
from faults.api_process import served
from faults.load import take_in_plans, writing
from faults.outcome import (
    all_at_the_end,
    errors,
    last_position,
    nothing_is_lost_or_doubled,
    pairs,
)
from faults.worker_group import (
    PATIENCE,
    READ_MODELS,
    TALLIES,
    RedisTally,
    Session,
    Tally,
    Workers,
    working,
)
from settings import Settings
from shared.application.projections import RebuildProjection
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import Runner

KILLS = 3
WORKERS = 2
BATCH = 50
"""Events in a batch at first: so few that building takes about as long as all the kills."""

ENOUGH = 20_000
"""Events in the log, so many at most: what is switched has been proved before, and that takes the
longer the more there are. A busy machine might never come to the end of it."""

READS = b"select from events.catalogue limit 1"
"""Whoever has done this in a transaction that is open keeps the catalogue from being switched."""

MAKES_THE_VIEW = (
    'create or replace view "events"."catalogue" as select * from "events"."catalogue_2"'
)
"""The first thing a switch does that others can see once it is committed."""


async def test_a_rebuild_goes_on_whenever_all_workers_are_killed_and_no_query_fails(
    application: Application, settings: Settings, database: str, tmp_path: Path
) -> None:
    # On a busy machine a query may take its time, but it must not fail.
    patient = msgspec.structs.replace(settings, connect_seconds=60.0, statement_seconds=120.0)
    async with (
        working(settings, tmp_path, workers=WORKERS) as workers,
        served(patient, tmp_path) as client,
    ):
        chance = random.Random(4)
        for _ in range(4):
            await take_in_plans(application, "acme", chance, 500)
        await _until_something_is_listed(application)
        async with _reading(application, client) as asked:
            async with writing(application):
                await _until_there_is_one(application, *TALLIES)
                await workers.kill_all()
                await _start_rebuilds(application)
                built = 0
                async with await psycopg.AsyncConnection.connect(database) as reader:
                    await reader.execute(READS)
                    for _ in range(KILLS):
                        await workers.start(WORKERS, batch_size=BATCH)
                        built = await _until_more_is_built(application, built)
                        assert await workers.kill_all() == WORKERS
                        assert "events.catalogue" in await _states(application, "building")
                    await workers.start(WORKERS)
                    await _kill_in_the_switch(workers, reader)
                assert "events.catalogue" in await _states(application, "building")
                await workers.start(WORKERS)
                await _until_all_are_switched(application, unless_there_are=ENOUGH)
            await _until_all_are_switched(application)
            await _the_new_ones_are_read(application)
        await all_at_the_end(application)
    assert len(asked) > 20
    await nothing_is_lost_or_doubled(application)


async def _until_something_is_listed(application: Application) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await pairs(application, "select 1, count(*) from events.catalogue"))[1]:
            await asyncio.sleep(0.05)


async def _start_rebuilds(application: Application) -> None:
    """Of all that there are, through one process that builds nothing itself."""
    pool = application.pool()
    tallies = (
        Tally(),
        RedisTally(application.redis(), application.log(), application.active()),
    )
    runner = Runner(pool, HighWaterMark(), application.codec(), tallies)
    rebuilds = Rebuilds(pool, HighWaterMark(), runner)
    for name in READ_MODELS:
        assert await application.bus()(RebuildProjection(name)) == 2
    for name in TALLIES:
        assert await rebuilds.start(RebuildProjection(name)) == 2


async def _kill_in_the_switch(workers: Workers, reader: psycopg.AsyncConnection) -> None:
    """The view that is read is another one, and that is not committed, when its worker dies.

    The reader is in the way of the switch, and holds the worker there, where it can be stopped.
    """
    while True:
        waiting = await workers.until_one(
            lambda session: session.waits and session.query == MAKES_THE_VIEW
        )
        workers.stop_all()
        await reader.rollback()

        def it_stands(session: Session, pid: int = waiting.pid) -> bool:
            return session.pid == pid and not session.is_busy

        stopped = await workers.until_one(it_stands)
        if (stopped.state, stopped.query) == ("idle in transaction", MAKES_THE_VIEW):
            break
        # It had given up before it was stopped: a switch does not wait for long.
        await reader.execute(READS)
        workers.go_on()
    await workers.kill_all()


@asynccontextmanager
async def _reading(
    application: Application, client: httpx2.AsyncClient
) -> AsyncIterator[list[int]]:
    """Ask for all kinds of things, all the time; no answer may fail, or show less than before."""
    seen: list[int] = []
    stop = asyncio.Event()

    async def ask() -> None:
        while not stop.is_set():
            for path in ("/events?pageSize=3", "/search", "/events?sortBy=title&page=2"):
                response = await client.get(path)
                assert response.status_code == 200, response.text
            listed = (await client.get("/events?pageSize=1")).json()["data"]
            shown = await client.get(f"/events/{listed[0]['id']}")
            assert shown.status_code == 200, shown.text
            seen.append((await pairs(application, "select 1, sum(events) from tally"))[1] or 0)
            assert seen == sorted(seen), "a reader was shown an older state"

    reader = asyncio.create_task(ask())
    try:
        yield seen
        assert not reader.done(), reader.exception()
    finally:
        stop.set()
        await reader


async def _states(application: Application, state: str) -> set[str]:
    found = await pairs(
        application, "select projection || ' ' || state, 1 from event_store.instances"
    )
    return {name for name, _, each in (key.partition(" ") for key in found) if each == state}


async def _until_there_is_one(application: Application, *names: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not {*names} <= await _states(application, "active"):
            await asyncio.sleep(0.02)


async def _until_more_is_built(application: Application, before: int) -> int:
    """Wait until the instances that are made anew have come further than they had; how far."""
    async with asyncio.timeout(PATIENCE):
        while True:
            assert await errors(application) == []
            built = await pairs(
                application,
                "select 1, coalesce(sum(position), 0) from event_store.checkpoints"
                " where instance = 2",
            )
            assert built[1] >= before, "what was built is gone"
            if built[1] > before:
                return int(built[1])
            await asyncio.sleep(0.01)


async def _until_all_are_switched(
    application: Application, unless_there_are: float = math.inf
) -> None:
    """Or until there are so many events in the log."""
    async with asyncio.timeout(PATIENCE):
        while (
            await _states(application, "building")
            and await last_position(application) < unless_there_are
        ):
            assert await _states(application, "built") == set()
            await asyncio.sleep(0.05)


async def _the_new_ones_are_read(application: Application) -> None:
    active = await pairs(
        application,
        "select projection, instance from event_store.instances where state = 'active'",
    )
    assert {name: active[name] for name in (*READ_MODELS, *TALLIES)} == dict.fromkeys(
        (*READ_MODELS, *TALLIES), 2
    )

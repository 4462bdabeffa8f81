"""`GET /events` as many clients ask it at once, and a handler that returns the same bytes."""

import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.contest import Entry, Figure, Row
from benchmarks.importing import plans
from benchmarks.place import MIGRATED, Place, child
from benchmarks.processes import api, served
from bootstrap import running
from contexts.events.application.taking_in import TakeInPlans

LISTED = "catalogue_listed"
PATH = "/events?pageSize=20"
CONNECTIONS = 16
SECONDS = 2.0
EVENTS = 1_000


def rows() -> list[Row]:
    return [
        Row(
            "GET /events, the same page",
            "requests/s",
            (
                Entry("marquee", ours),
                Entry("a handler with the same bytes", constant, ("at least", 0.6)),
            ),
            limits={"half load: ms p99": 50},
        )
    ]


async def ours(place: Place) -> Figure:
    """With its settings as they come: a line is logged for every request."""
    await place.once(LISTED, lambda: fill(place))
    async with place.database(LISTED) as settings, api(settings, place.folder) as (port, _):
        return await loaded(place, port, PATH)


async def constant(place: Place) -> Figure:
    await place.once("body", lambda: _answer(place))
    body = str(_body(place))
    async with served("benchmarks.constant", place.folder, BENCH_BODY=body) as (port, _):
        return await loaded(place, port, PATH)


async def loaded(place: Place, port: int, path: str) -> Figure:
    """The rate at full load; with notes of the times, at full and at half that load."""

    async def load(seconds: float, **more: Any) -> dict[str, Any]:
        return await child(
            "benchmarks.client",
            "load",
            port=port,
            path=path,
            connections=CONNECTIONS,
            seconds=seconds,
            **more,
        )

    seconds = place.seconds(SECONDS)
    await load(0.5)
    full = await load(seconds)
    half = await load(seconds, rate=full["rate"] / 2)
    return Figure(
        full["rate"],
        {
            **{f"full load: {name}": full[name] for name in ("ms p50", "ms p99", "client CPU")},
            **{f"half load: {name}": half[name] for name in ("ms p50", "ms p99")},
        },
    )


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        body: bytes = answer.read()
        return body


def _body(place: Place) -> Path:
    return place.folder / "body.json"


async def _answer(place: Place) -> None:
    await place.once(LISTED, lambda: fill(place))
    async with place.database(LISTED) as settings, api(settings, place.folder) as (port, _):
        _body(place).write_bytes(get(port, PATH))


async def fill(place: Place) -> None:
    """A catalogue of some events, that has caught up."""
    await place.make(LISTED, copy_of=MIGRATED)
    async with running(place.settings(LISTED), "marquee-bench") as program:
        some = tuple(plans(EVENTS, zones=3))
        await program.bus()(TakeInPlans("bench", "UTC", some))
        for name in program.runner().types:
            await program.runner().catch_up(name)

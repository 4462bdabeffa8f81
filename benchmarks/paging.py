"""`GET /events` out of a million in PostgreSQL: the first page, and pages in their midst."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from time import perf_counter
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks.contest import Entry, Figure, Row
from benchmarks.figures import percentile
from benchmarks.place import MIGRATED, Place, Unavailable
from benchmarks.processes import api
from benchmarks.projecting import CATALOGUE
from bootstrap import running

MILLION = "catalogue_million"
SIZE = 100
PAGES = 10

_asked: dict[int, str] = {}
"""How each question was put in this measurement; the cache in Redis outlives it."""

FILL = """
insert into events.catalogue (tenant, id, version, title, folded_title, status, available,
    ever_online, starts_at, ends_at, local_starts_at, local_ends_at, timezone, min_price, max_price,
    available_min_price, available_max_price, places, sold_out, sell_mode, provider, base_id,
    plan_id, updated_at)
select 'default', gen_random_uuid(), 1, 'Show number ' || n, 'show number ' || n, 'listed', true,
    true, at, at + interval '2 hours', at at time zone 'UTC', at at time zone 'UTC', 'UTC',
    20 + n %% 50, 80 + n %% 50, 20 + n %% 50, 80 + n %% 50, 300, false, 'online', 'bench',
    (n / 4)::text, n::text, now()
from generate_series(1, %s) n
cross join lateral (select timestamptz '2027-01-01' + n * interval '1 minute' as at) s
"""


def rows() -> list[Row]:
    return [
        Row(
            "GET /events out of 1,000,000, page in their midst",
            "ms, p50",
            (
                Entry("marquee, by cursor", by_cursor),
                Entry("the first page", first, ("at most", 2)),
                Entry("by page number", by_number),
                Entry("the first page, rows counted", counted),
            ),
        )
    ]


async def first(place: Place) -> Figure:
    async with _served(place) as connection:
        return _timed([_get(connection, _unlike(n)) for n in range(PAGES + 1)])


async def counted(place: Place) -> Figure:
    """As it is answered to whoever does not say that the count is of no use to them."""
    async with _served(place) as connection:
        paths = [_unlike(n).replace("&count=none", "") for n in range(PAGES + 1)]
        return _timed([_get(connection, path) for path in paths])


async def by_number(place: Place) -> Figure:
    depth = _count(place) // 2 // SIZE
    async with _served(place) as connection:
        return _timed([_get(connection, f"{_unlike(n)}&page={depth}") for n in range(PAGES + 1)])


async def by_cursor(place: Place) -> Figure:
    """Page by page from the depth on: no page is asked for twice."""
    depth = _count(place) // 2 // SIZE
    async with _served(place) as connection:
        answers = [_get(connection, f"{_unlike(0)}&page={depth}")]
        for _ in range(PAGES + 1):
            cursor = answers[-1][1].get("nextCursor")
            if cursor is None:
                raise Unavailable("the answer holds no nextCursor")
            answers.append(_get(connection, f"{_unlike(0)}&cursor={quote(cursor)}"))
        return _timed(answers[1:])


def _unlike(number: int) -> str:
    """The same list, asked for in words that no cache has seen: all of it is of 2027 or later."""
    if (at := _asked.get(number)) is None:
        at = _asked[number] = f"2026-01-01T00:00:00.{random.randrange(10**6):06}Z"
    return f"/events?pageSize={SIZE}&count=none&starts_at={at}"


def _get(connection: HTTPConnection, path: str) -> tuple[float, dict[str, Any]]:
    started = perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    elapsed = (perf_counter() - started) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    page: dict[str, Any] = json.loads(body)
    assert len(page["data"]) == SIZE, path
    return elapsed, page


def _timed(answers: list[tuple[float, dict[str, Any]]]) -> Figure:
    times = [elapsed for elapsed, _ in answers[1:]]
    return Figure(percentile(times, 0.5), {"ms highest": max(times)})


def _count(place: Place) -> int:
    return place.size(1_000_000, 100_000)


@asynccontextmanager
async def _served(place: Place) -> AsyncIterator[HTTPConnection]:
    """An API that has just started on the full catalogue; nothing is in its cache."""
    await place.once(MILLION, lambda: _fill(place))
    settings = place.settings(MILLION)
    _asked.clear()
    async with api(settings, place.folder) as (port, _):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()


async def _fill(place: Place) -> None:
    await place.make(MILLION, copy_of=MIGRATED)
    async with running(place.settings(MILLION), "marquee-bench") as program:
        # Makes its tables, where they are not there from the migrations.
        await program.runner().catch_up(CATALOGUE)
    async with await psycopg.AsyncConnection.connect(
        place.settings(MILLION).database(), autocommit=True
    ) as connection:
        await connection.execute(FILL, (_count(place),))
        await connection.execute("vacuum analyze")

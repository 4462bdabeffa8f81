"""A CSV whose types nobody says, and the same rows copied by psql into columns that have them."""

import asyncio
import csv
import json
import os
import random
import resource
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from psycopg import AsyncConnection

from benchmarks.contest import Entry, Figure, Row
from benchmarks.place import Place, child
from contexts.analytics.application.ports import Corrections, LoadOptions
from contexts.analytics.infrastructure.loading import Loading
from settings import Settings
from shared.infrastructure.postgres import pool

ROWS = 1_000_000
COLUMNS = "day,weekday,hour,ticket,cashier,article,pieces,price,amount"
TABLE = (
    "create table measured.typed (day date, weekday text, hour time, ticket text, cashier bigint,"
    " article text, pieces numeric, price bigint, amount bigint)"
)
COPY = "copy measured.typed from stdin (format csv, header)"


def rows() -> list[Row]:
    return [
        Row(
            f"CSV of {ROWS:,} rows, types inferred",
            "rows/s",
            (
                Entry("marquee", loaded),
                Entry("\\copy into typed columns", copied, ("at least", 0.5)),
            ),
        )
    ]


async def loaded(place: Place) -> Figure:
    file = await place.once("csv", lambda: _file(place))
    async with place.database() as settings:
        await _execute(settings, "create schema measured")
        result = await child(
            __name__, "load", file=str(file), settings=msgspec.to_builtins(settings)
        )
        assert result.pop("rows") == _count(place), result
        return Figure(result.pop("rate"), result)


async def copied(place: Place) -> Figure:
    """By psql, or by psycopg where it is missing; which is noted."""
    file = await place.once("csv", lambda: _file(place))
    psql = shutil.which("psql")
    async with place.database() as settings:
        await _execute(settings, "create schema measured", TABLE)
        started = perf_counter()
        await (_by_psql(psql, settings, file) if psql else _by_psycopg(settings, file))
        rate = _count(place) / (perf_counter() - started)
    return Figure(rate, {"psql": float(psql is not None)})


async def _by_psql(psql: str, settings: Settings, file: Path) -> None:
    with file.open("rb") as source:
        process = await asyncio.create_subprocess_exec(
            *(psql, settings.database(), "-qX", "-v", "ON_ERROR_STOP=1", "-c", f"\\{COPY}"),
            stdin=source,
        )
        assert await process.wait() == 0


async def _by_psycopg(settings: Settings, file: Path) -> None:
    async with (
        await AsyncConnection.connect(settings.database(), autocommit=True) as connection,
        connection.cursor() as cursor,
        cursor.copy(COPY.encode()) as copy,
    ):
        async for block in _blocks(file):
            await copy.write(block)


async def _execute(settings: Settings, *statements: str) -> None:
    async with await AsyncConnection.connect(settings.database(), autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


def _count(place: Place) -> int:
    return place.size(ROWS, 50_000)


async def _file(place: Place) -> Path:
    """Sales of a shop of our own making: few values in most columns, many tickets."""
    count, chance = _count(place), random.Random(9)
    articles = [(f"Article no. {n}", chance.randrange(50, 3_000, 50)) for n in range(250)]
    path = place.folder / "sales.csv"
    ticket = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS.split(","))
        for number in range(count):
            ticket += chance.random() < 0.5
            day = date(2023, 1, 1) + timedelta(days=number * 900 // count)
            article, price = chance.choice(articles)
            pieces = chance.choice((1, 1, 1, 2, 3, 6, 0.5))
            writer.writerow(
                (
                    f"{day.month}/{day.day}/{day.year}",
                    f"{day:%A}",
                    f"{9 + ticket % 12}:{ticket % 60:02}",
                    f"B-{ticket:09}",
                    chance.choice((3, 14, 15, 92)),
                    article,
                    pieces,
                    price,
                    round(price * pieces),
                )
            )
    return path


async def _blocks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while block := source.read(1_000_000):
            yield block


async def _load(file: str, settings: dict[str, Any]) -> dict[str, float]:
    url = msgspec.convert(settings, Settings).database()
    connections = pool(url, name="bench", size=1, statement_seconds=600, connect_seconds=10)
    await connections.open(wait=True, timeout=10)

    before = _peak()
    started = perf_counter()
    found = await Loading(connections).load(
        lambda: _blocks(Path(file)),
        dataset="sales",
        version=1,
        schema="measured",
        table="inferred",
        options=LoadOptions(),
        corrections=Corrections(),
    )
    seconds = perf_counter() - started
    await connections.close()
    return {
        "rows": found.relation.rows,
        "rate": found.relation.rows / seconds,
        "MB of CSV": round(os.path.getsize(file) / 1e6, 1),  # noqa: ASYNC240
        "MB peak growth": round(_peak() - before, 1),
    }


def _peak() -> float:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    assert sys.argv[1] == "load"
    print(json.dumps(asyncio.run(_load(**json.loads(sys.argv[2])))))

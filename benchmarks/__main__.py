"""`make bench`: what things cost, as ratios against a limit that is measured in the same run.

The machine may be small and noisy: every row is measured in rounds that alternate between the thing
and its limit, and the median of the ratios is what counts.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import appending, importing, projecting
from bootstrap import MIGRATIONS
from embedded import Servers
from settings import Settings
from shared.infrastructure.migrations import migrate

Measure = Callable[[Settings], Awaitable[float]]
"""One round; the rate it reached, in things a second."""


class Row(NamedTuple):
    name: str
    unit: str
    ours: Measure
    limit_name: str
    limit: Measure


ROWS = [
    Row(
        "command to log, 1 writer",
        "appends/s",
        appending.commands(1),
        "bare prepared INSERT",
        appending.inserts(1),
    ),
    Row(
        "command to log, 16 writers",
        "appends/s",
        appending.commands(16),
        "bare prepared INSERT",
        appending.inserts(16),
    ),
    Row(
        "catalogue catches up",
        "events/s",
        projecting.catch_up,
        "reading the log alone",
        projecting.read,
    ),
    Row(
        "unchanged feed, 200 zones a plan",
        "plans/s",
        importing.unchanged,
        "parsing it alone",
        importing.parse,
    ),
]


async def run(settings: Settings, rounds: int, wanted: str) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    for row in ROWS:
        if wanted not in row.name:
            continue
        ours, limits = [], []
        for _ in range(rounds):
            ours.append(await row.ours(settings))
            limits.append(await row.limit(settings))
        ratios = [a / b for a, b in zip(ours, limits, strict=True)]
        results.append(
            {
                "row": row.name,
                "unit": row.unit,
                "limit": row.limit_name,
                "ours": ours,
                "limits": limits,
                "ratios": ratios,
            }
        )
    return results


def show(results: list[dict[str, object]], console: Console) -> None:
    table = Table("what", "rate", "limit", "its rate", "ratio", "lowest to highest")
    for result in results:
        ours, limits, ratios = (result[name] for name in ("ours", "limits", "ratios"))
        assert isinstance(ours, list)
        assert isinstance(limits, list)
        assert isinstance(ratios, list)
        table.add_row(
            str(result["row"]),
            f"{statistics.median(ours):,.0f} {result['unit']}",
            str(result["limit"]),
            f"{statistics.median(limits):,.0f}",
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--json", type=Path, help="write every single figure here")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Servers(Path(folder) / "home") as servers:
            migrate(servers.database_url, MIGRATIONS)
            settings = Settings(
                database_url=servers.database_url,
                redis_url=servers.redis_url,
                database_connections=20,
                log_level="error",
            )
            results = asyncio.run(run(settings, arguments.rounds, arguments.only))
    console = Console(width=120)
    console.print(f"Python {platform.python_version()}, {arguments.rounds} rounds, fsync on")
    show(results, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: what things cost, beside their limits and the peers, as ratios.

The machine may be small and noisy: all entries of a row take turns in every round, and the median
of the ratios of the rounds is what counts.
"""

import argparse
import asyncio
import importlib.metadata
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil
import psycopg
from rich.console import Console

from benchmarks import (
    appending,
    csv_loading,
    growing,
    importing,
    losing,
    memory,
    paging,
    projecting,
    rebuilding,
    serving,
    talking,
    waking,
)
from benchmarks.contest import Result, Row, contest
from benchmarks.place import Place
from benchmarks.table import markdown, table
from embedded import Servers
from settings import Settings
from shared.application.encryption_keys import new_key

PACKAGES = ("psycopg", "litestar", "granian", "dramatiq", "redis", "msgspec", "uvloop")
PEERS = ("eventsourcing", "eventsource-py")


def rows() -> list[Row]:
    files = (
        *(appending, losing, projecting, waking, serving, talking),
        *(paging, importing, csv_loading, rebuilding, memory, growing),
    )
    return [row for file in files for row in file.rows()]


async def run(
    place: Place,
    chosen: Sequence[Row],
    rounds: int,
    console: Console,
    measured: Callable[[list[Result]], None],
) -> list[Result]:
    """`measured` is told of all results so far, after each row."""
    await place.prepare()
    results: list[Result] = []
    for row in chosen:
        console.print(f"measuring: {row.name}", style="dim")
        results.append(await contest(row, place, rounds))
        measured(results)
    return results


def machine(database_url: str, peers: Path | None) -> dict[str, object]:
    with psycopg.connect(database_url) as connection:
        server = connection.info.server_version
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": f"{server // 10_000}.{server % 10_000}",
        "fsync": "on",
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        **_peer_versions(peers),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")


def _peer_versions(peers: Path | None) -> dict[str, str]:
    if peers is None:
        return {}
    places = [str(each) for each in peers.parent.parent.glob("lib/*/site-packages")]
    found = importlib.metadata.distributions(path=places)
    return {each.name: each.version for each in found if each.name in PEERS}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--json", type=Path, help="write every single figure here")
    parser.add_argument("--markdown", type=Path, help="write the table here, as it is documented")
    parser.add_argument("--quick", action="store_true", help="small and short: does it still work?")
    parser.add_argument("--large", action="store_true", help="also a log of ten million events")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--peers", type=Path, help="the Python that the peers are installed for")
    arguments = parser.parse_args()
    console = Console(width=150)
    chosen = [
        row
        for row in rows()
        if arguments.only in row.name and (arguments.large or arguments.list or not row.large)
    ]
    if arguments.list:
        console.print("\n".join(f"{row.name}{' (--large)' * row.large}" for row in chosen))
        return 0
    if not chosen:
        parser.error(f"no row is named like {arguments.only!r}; --list names them")
    rounds = 1 if arguments.quick else arguments.rounds
    with TemporaryDirectory() as folder:
        # Servers that root starts run as somebody else, who has to get in.
        Path(folder).chmod(0o755)
        with Servers(Path(folder) / "home") as servers:
            settings = Settings(
                database_url=servers.database_url,
                redis_url=servers.redis_url,
                key_encryption_keys=new_key(),
                database_connections=20,
                log_level="error",
                statement_seconds=600,
            )
            place = Place(settings, Path(folder), peers=arguments.peers, quick=arguments.quick)
            about = machine(servers.database_url, arguments.peers)

            def keep(results: list[Result]) -> None:
                """At once: a run that is cut short has not been for nothing."""
                if arguments.json:
                    form = {
                        "machine": about,
                        "rounds": rounds,
                        "quick": arguments.quick,
                        "rows": results,
                    }
                    text = msgspec.json.format(msgspec.json.encode(form), indent=2)
                    arguments.json.write_bytes(text)

            results = asyncio.run(run(place, chosen, rounds, console, keep))
    console.print(", ".join(f"{name} {value}" for name, value in about.items()))
    console.print(f"{rounds} rounds. Ratio: ours divided by this one, round by round.")
    if arguments.quick:
        console.print("Quick: sizes and times are a fraction of what the rows are named for.")
    console.print(table(results))
    if arguments.markdown:
        arguments.markdown.write_text(markdown(results), encoding="utf-8")
    return int(any(entry.failed for result in results for entry in result.entries))


if __name__ == "__main__":
    sys.exit(main())

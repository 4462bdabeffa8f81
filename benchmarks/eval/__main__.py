"""`python -m benchmarks.eval [folder...]`: the figures of each set, and on wish what went wrong."""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.eval.judging import Judged, judge
from benchmarks.eval.place import Place
from benchmarks.eval.sets import Set, sets_in
from bootstrap import running
from contexts.analytics.application.ports import Planner
from contexts.analytics.infrastructure.model_planner.planner import ModelPlanner
from contexts.analytics.infrastructure.offline_planner import OfflinePlanner
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from embedded import Servers
from settings import Settings, load
from shared.application.encryption_keys import new_key
from shared.infrastructure.migrations import migrate
from shared.infrastructure.postgres import pool
from stored import MIGRATIONS

OWN = Path(__file__).parent / "sets"

TARGETS = {"right": 0.85, "sure": 0.95, "chart": 0.9}
"""Of our own sets: rightly answered of all that can be, rightly answered of all answered, the right
chart of those. What cannot be answered has to be declined, all of it."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one set and one planner; milliseconds are per question, once the lexicon is there."""

    set: str
    planner: str
    questions: int
    answerable: int
    right: int
    wrong: int
    declined_rightly: int
    declined_wrongly: int
    chart_right: int
    median_ms: float
    p95_ms: float

    @property
    def answered(self) -> int:
        return self.right + self.wrong

    @property
    def met(self) -> bool:
        return (
            self.right >= TARGETS["right"] * self.answerable
            and self.right >= TARGETS["sure"] * self.answered
            and self.chart_right >= TARGETS["chart"] * self.right
            and self.declined_rightly == self.questions - self.answerable
        )


def figures(name: str, planner: str, judged: Sequence[Judged]) -> Figures:
    def count(verdict: str) -> int:
        return sum(one.verdict == verdict for one in judged)

    times = sorted(one.milliseconds for one in judged)
    return Figures(
        set=name,
        planner=planner,
        questions=len(judged),
        answerable=sum(one.asked.rows is not None for one in judged),
        right=count("right"),
        wrong=count("wrong"),
        declined_rightly=count("declined rightly"),
        declined_wrongly=count("declined wrongly"),
        chart_right=sum(one.chart_right for one in judged),
        median_ms=statistics.median(times),
        p95_ms=times[int(0.95 * (len(times) - 1))],
    )


@asynccontextmanager
async def planners_for(wish: str, settings: Settings) -> AsyncIterator[list[Planner]]:
    """The model is asked the way the program asks it; what it costs is on whoever set it up."""
    offline = OfflinePlanner()
    if wish == "offline":
        yield [offline]
        return
    assert settings.database_url is not None
    await asyncio.to_thread(migrate, settings.database_url, MIGRATIONS)
    async with running(settings, "marquee-eval") as application:
        model = application.language_model()
        if not model.configured:
            raise SystemExit("no language model is set up: give MARQUEE_LLM_MODEL and its server")
        planner = ModelPlanner(model, compile_spec)
        yield [planner] if wish == "model" else [offline, planner]


async def run(
    settings: Settings, sets: Sequence[Set], wish: str
) -> list[tuple[Figures, list[Judged]]]:
    assert settings.database_url is not None
    results = []
    connections = pool(
        settings.database_url,
        name="marquee-eval",
        size=2,
        statement_seconds=60,
        connect_seconds=10,
    )
    async with connections, planners_for(wish, settings) as planners:
        place = Place(connections)
        await place.prepare()
        for planner in planners:
            for one in sets:
                judged: list[Judged] = []
                for case in one.cases:
                    await judge(case, planner, place, judged.append)
                results.append((figures(one.name, planner.name, judged), judged))
    return results


def summary(all_figures: Sequence[Figures]) -> Table:
    table = Table()
    for title in (
        *("set", "planner", "questions", "right", "wrong", "declined rightly"),
        *("declined wrongly", "right of all", "right of answered", "chart right", "ms", "ms p95"),
    ):
        table.add_column(title, justify="left" if title in ("set", "planner") else "right")
    for f in all_figures:
        numbers = (f.questions, f.right, f.wrong, f.declined_rightly, f.declined_wrongly)
        table.add_row(
            f.set,
            f.planner,
            *map(str, numbers),
            _percent(f.right, f.answerable),
            _percent(f.right, f.answered),
            _percent(f.chart_right, f.right),
            f"{f.median_ms:.1f}",
            f"{f.p95_ms:.1f}",
        )
    return table


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def told(one: Judged) -> str:
    """All that is needed to see why a question went wrong."""
    lines = [f"[{one.asked.id or ''} {one.table}] {one.asked.question}", f"  {one.verdict}"]
    if one.reason:
        lines.append(f"  {one.reason}")
    if one.spec is not None:
        lines.append(f"  spec: {msgspec.json.encode(one.spec).decode()}")
        lines.append(f"  sql: {' '.join(one.sql.split())}")
        lines.append(f"  got {len(one.rows)}: {str(list(map(list, one.rows[:8])))[:400]}")
        expected = one.asked.rows or []
        lines.append(f"  right {len(expected)}: {str(expected[:8])[:400]}")
        lines.append(f"  chart {one.chart}, right {one.asked.chart}")
    return "\n".join(lines)


def shown(one: Judged, wish: str) -> bool:
    match wish:
        case "wrong":
            return one.verdict == "wrong"
        case "declined":
            return one.verdict == "declined wrongly"
        case "chart":
            return one.verdict == "right" and not one.chart_right
        case _:
            return wish == "all"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="sets beside our own")
    parser.add_argument("--set", action="append", help="only sets of this name")
    parser.add_argument("--show", choices=("wrong", "declined", "chart", "all"))
    parser.add_argument("--planner", choices=("offline", "model", "both"), default="offline")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--database", help="a PostgreSQL to use instead of an embedded one")
    chosen = parser.parse_args(arguments)
    sets = [
        one
        for folder in (OWN, *chosen.folders)
        for one in sets_in(folder)
        if not chosen.set or one.name in chosen.set
    ]
    settings = load()
    settings = msgspec.structs.replace(
        settings, key_encryption_keys=settings.key_encryption_keys or new_key()
    )
    if chosen.database:
        settings = msgspec.structs.replace(settings, database_url=chosen.database)
        results = asyncio.run(run(settings, sets, chosen.planner))
    else:
        with TemporaryDirectory() as folder:
            # Servers that root starts run as somebody else, who has to get in.
            os.chmod(folder, 0o755)
            with Servers(Path(folder) / "home", durable=False) as servers:
                urls = {"database_url": servers.database_url, "redis_url": servers.redis_url}
                settings = msgspec.structs.replace(settings, **urls)
                results = asyncio.run(run(settings, sets, chosen.planner))
    if chosen.show:
        for _, judged in results:
            for one in judged:
                if shown(one, chosen.show):
                    print(told(one), end="\n\n")
    if chosen.json:
        print(msgspec.json.encode([f for f, _ in results]).decode())
    else:
        Console(width=160).print(summary([f for f, _ in results]))
    own = {one.name for one in sets_in(OWN)}
    missed = [f for f, _ in results if f.set in own and not f.met]
    for figure in missed:
        print(f"{figure.set} ({figure.planner}) misses a target", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

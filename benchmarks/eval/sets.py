"""Sets of questions as they lie in folders, and the tables that they are asked of."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from contexts.analytics.domain.answer import Cell

SAMPLES = Path(__file__).parents[2] / "src" / "samples"
"""Tables that come with the program may be asked, too."""


class Asked(msgspec.Struct, frozen=True):
    """A line of a set. `rows` is None where the table has no answer; `table` is the name of a file;
    `now` is when it is asked (ISO 8601), `after` a question that it follows."""

    question: str
    chart: str = "table"
    rows: list[list[Cell]] | None = None
    table: str | None = None
    id: str | None = None
    after: str | None = None


class Case(msgspec.Struct, frozen=True):
    asked: Asked
    table: Path


class Set(msgspec.Struct, frozen=True):
    name: str
    cases: list[Case]


def sets_in(folder: Path) -> Iterator[Set]:
    """Every `.jsonl` of questions, each line naming its table or the file being named like it, and
    every `.txt` of questions that no table answers, asked of each table."""
    tables: list[Path] = []
    for path in sorted(folder.rglob("*.jsonl")):
        lines = path.read_bytes().splitlines()
        if not lines or b'"question"' not in lines[0]:
            continue
        cases = [_case(msgspec.json.decode(line, type=Asked), path) for line in lines]
        tables += [case.table for case in cases]
        name = path.stem if path.stem != "questions" else path.parent.name
        yield Set(name, cases)
    for path in sorted(folder.rglob("*.txt")):
        questions = [Asked(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        each = dict.fromkeys(tables)
        yield Set(path.stem, [Case(asked, table) for table in each for asked in questions])


def _case(asked: Asked, path: Path) -> Case:
    name = asked.table or f"{path.stem}.csv"
    for folder in (path.parent / "tables", path.parent, path.parent.parent / "data", SAMPLES):
        if (folder / name).exists():
            return Case(asked, folder / name)
    raise FileNotFoundError(
        f"{path}: its table {name} is neither beside it, in tables/ nor a sample"
    )

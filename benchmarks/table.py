"""The results for people: the middle of all rounds, and from the lowest to the highest."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from benchmarks.contest import Measured, Result
from benchmarks.figures import spread

HEADINGS = ("what", "median", "lowest to highest", "ratio", "its range", "target", "beside it")
COUNTED = ("skipped", "repeated", "reordered", "unreal", "wrong rows")


def table(results: Sequence[Result]) -> Table:
    made = Table(*HEADINGS)
    for result in results:
        made.add_section()
        made.add_row(f"[bold]{result.row}[/] ({result.unit})")
        for entry in result.entries:
            made.add_row(*_cells(entry))
    return made


def markdown(results: Sequence[Result]) -> str:
    """The same for a page of the documentation."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
    for result in results:
        lines.append(f"| **{result.row}** ({result.unit})" + " |" * len(HEADINGS))
        lines += [
            "| " + " | ".join(map(str.strip, _cells(entry))) + " |" for entry in result.entries
        ]
    return "\n".join(lines) + "\n"


def _cells(entry: Measured) -> tuple[str, ...]:
    if not entry.values:
        return f"  {entry.name}", "-", "", "", "", "", entry.missing or ""
    middle, lowest, highest = spread(entry.values)
    ratio = its_range = ""
    if entry.ratios:
        ratio = f"{spread(entry.ratios).median:.2f}"
        its_range = f"{min(entry.ratios):.2f} to {max(entry.ratios):.2f}"
    target = ""
    if entry.target is not None:
        target = f"{entry.target}: {'reached' if entry.reached else 'missed'}"
    return (
        f"  {entry.name}",
        number(middle),
        f"{number(lowest)} to {number(highest)}",
        ratio,
        its_range,
        target,
        _beside(entry.notes) + (f" ({entry.missing})" if entry.missing else ""),
    )


def _beside(notes: Sequence[Mapping[str, float]]) -> str:
    """What was lost is added up over all rounds; of all else, the middle."""
    names = list(dict.fromkeys(name for each in notes for name in each))
    said = []
    for name in names:
        values = [each[name] for each in notes if name in each]
        lost = name in COUNTED
        said.append(f"{name} {number(sum(values) if lost else spread(values).median)}")
    return ", ".join(said)


def number(value: float) -> str:
    """Three digits that matter, and no more."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"

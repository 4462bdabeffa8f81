"""What is said about the answer to a question that was put to the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from contexts.conversations.infrastructure.offline_assistant import writing
from contexts.conversations.infrastructure.offline_assistant.message import fold

_ROWS = 10
"""Rows that are written out; the others come with the answer, and in its chart."""

_CELL = 60
"""Characters of a cell that are written out."""


def answered(result: Mapping[str, Any]) -> str:
    rows = result.get("rows") or []
    lines = [str(result.get("analysis") or "Here is what I found.")]
    if len(rows) > 1 or (rows and not _is_told(result)):
        lines += ["", *_table(result.get("columns") or [], rows[:_ROWS])]
    shown = min(len(rows), _ROWS)
    if result.get("truncated"):
        lines.append(f"These are the first {shown} rows; there were more than can be kept.")
    elif len(rows) > shown:
        lines.append(f"These are {shown} of {writing.number(len(rows))} rows.")
    lines += ["", *_understood(result)]
    if result.get("chart") is not None and result.get("chart_type") not in (None, "table"):
        lines.append(f"A {result['chart_type']} chart comes with it.")
    return "\n".join(lines).rstrip()


def _is_told(result: Mapping[str, Any]) -> bool:
    """Whether the sentences hold all of a single row: a figure, or one of a group. A row that was
    looked up is only counted in them."""
    columns = result.get("columns") or []
    told = fold(str(result.get("analysis") or ""))
    row = (result.get("rows") or [[]])[0]
    cells = [_cell(cell, columns[at]) for at, cell in enumerate(row) if cell is not None]
    return len(columns) <= 2 and all(fold(cell) in told for cell in cells)


def unclear(result: Mapping[str, Any], options: Sequence[Mapping[str, Any]]) -> str:
    """Asked back, with numbers to choose by."""
    lines = [writing.sentence(str(result.get("reason") or "that can be meant in several ways"))]
    if not options:
        return f"{lines[0]} Please say it more exactly."
    lines += ["", "Which do you mean?"]
    lines += [f"{at}. {_option(option)}" for at, option in enumerate(options, start=1)]
    return "\n".join(lines)


def declined(result: Mapping[str, Any]) -> str:
    """Why there is no answer, and what there would be one to."""
    reason = writing.sentence(str(result.get("reason") or "I can't tell what is asked"))
    match result.get("outcome"):
        case "failed":
            return f"The question could not be answered: {_begun(reason)} Try again in a moment."
        case "refused":
            return f"I won't do that: {_begun(reason)}"
    suggestions = [str(each) for each in result.get("suggestions") or []][:4]
    told = f"I can't answer that from the data: {_begun(reason)}"
    if not suggestions:
        return f"{told} Ask 'which datasets are there' to see what can be asked."
    return "\n".join([told, "", "These would work, or are close to it:", *_dashed(suggestions)])


def as_search(result: Mapping[str, Any]) -> str:
    """Before a search that takes the place of an answer."""
    reason = writing.sentence(str(result.get("reason") or "the data does not tell it"))
    return (
        f"The data can't answer that ({_begun(reason).rstrip('.')}), so I searched the catalogue."
    )


def _understood(result: Mapping[str, Any]) -> list[str]:
    explanation = str(result.get("explanation") or "").strip()
    assumed = [writing.sentence(str(each)) for each in result.get("assumptions") or []]
    dataset = f"'{result.get('dataset')}'"
    if result.get("dataset") and not any(dataset in each for each in assumed):
        assumed.append(f"Asked of the dataset {dataset}.")
    told = [f"Understood as: {_begun(explanation).rstrip('.')}."] if explanation else []
    return [*told, *assumed]


def _table(columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A line for each row: "Alfajor: 1,250"; from three columns on, with their titles above."""
    titles = [_cut(str(column.get("title") or column.get("name"))) for column in columns]
    told = [[_cell(cell, columns[at]) for at, cell in enumerate(row)] for row in rows]
    if len(titles) == 1:
        return [f"- {row[0]}" for row in told]
    if len(titles) == 2:
        return [f"- {row[0]}: {row[1]}" for row in told]
    return [" | ".join(titles), *(f"- {' | '.join(row)}" for row in told)]


def _cell(value: Any, column: Mapping[str, Any]) -> str:
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    name, kind = str(column.get("name")), column.get("type")
    if isinstance(value, int | float):
        # A year is a number that is a name.
        is_year = name == "year" or name.endswith("_year")
        if column.get("in_percent"):
            return f"{writing.number(round(value * 100, 1))}%"
        return str(value) if is_year and isinstance(value, int) else writing.number(value)
    if kind in ("date", "timestamp"):
        return writing.moment(str(value), name.rpartition("_")[2])
    return _cut(str(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CELL else f"{line[: _CELL - 1].rstrip()}…"


def _option(option: Mapping[str, Any]) -> str:
    label, question = str(option.get("label") or ""), str(option.get("question") or "")
    return label if not question or question == label else f"{label} — {question}"


def _begun(text: str) -> str:
    """As it stands within a sentence."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else f"{text[:1].lower()}{text[1:]}"


def _dashed(texts: Sequence[str]) -> list[str]:
    return [f"- {text}" for text in texts]

"""What is known of each column of a table that was just filled."""

from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composable, Identifier

from contexts.analytics.application.ports import Corrections
from contexts.analytics.domain.relation import Column, Relation
from contexts.analytics.infrastructure.csv.evidence import KEPT, Evidence
from contexts.analytics.infrastructure.csv.filling import Filling
from contexts.analytics.infrastructure.csv.headers import Named
from contexts.analytics.infrastructure.csv.reading import Reading
from contexts.analytics.infrastructure.csv.roles import main_measure, main_time, role

_SAMPLES = 5
_AT_ONCE = 500
"""Columns that are asked about at once: PostgreSQL answers 1,664 things at most."""


async def relation_of(
    connection: AsyncConnection[Any],
    filling: Filling,
    *,
    dataset: str,
    version: int,
    schema: str,
    table: str,
    corrections: Corrections,
) -> Relation:
    """The table is analyzed already.

    Rows without a value, the least and the greatest are exact. Different values are counted as the
    file has them, up to KEPT; beyond, their number is PostgreSQL's estimate.
    """
    where = SQL("{}.{}").format(Identifier(schema), Identifier(table))
    facts = await _facts(connection, where, filling)
    estimates = await _estimates(connection, schema, table)
    columns = []
    for place, (named, reading, evidence) in enumerate(
        zip(filling.file.columns, filling.readings, filling.evidence, strict=True)
    ):
        filled, least, greatest = facts[place]
        distinct, why = _distinct(evidence, reading, filled, estimates.get(named.name, 0.0))
        column = Column(
            name=named.name,
            title=named.title,
            type=reading.type,
            role="measure",
            why=reading.why + why,
            format=reading.format,
            unit=corrections.units.get(named.name) or _unit(named, reading),
            synonyms=tuple(corrections.synonyms.get(named.name, ())),
            distinct=distinct,
            empty=filling.rows - filled,
            minimum=least,
            maximum=greatest,
            samples=tuple(evidence.samples(_SAMPLES)),
        )
        columns.append(_with_role(column, filling.rows, place))
    known = tuple(columns)
    names = {column.name for column in known}
    return Relation(
        dataset=dataset,
        version=version,
        schema=schema,
        table=table,
        columns=known,
        rows=filling.rows,
        row_noun=corrections.row_noun,
        measure=corrections.measure if corrections.measure in names else main_measure(known),
        time=corrections.time if corrections.time in names else main_time(known),
    )


def _with_role(column: Column, rows: int, place: int) -> Column:
    return msgspec.structs.replace(column, role=role(column, rows, place))


def _unit(named: Named, reading: Reading) -> str | None:
    """What the cells state counts more than what the header does; texts and dates have none."""
    return (reading.unit or named.unit) if reading.type in ("integer", "decimal") else None


async def _facts(
    connection: AsyncConnection[Any], where: Composable, filling: Filling
) -> list[tuple[int, str | None, str | None]]:
    """Of each column: rows that have a value, the least and the greatest, where they have an order
    that tells something."""
    asked: list[Composable] = []
    for named, reading in zip(filling.file.columns, filling.readings, strict=True):
        ordered = reading.type not in ("text", "boolean")
        form = "count({0}), min({0})::text, max({0})::text" if ordered else "count({0}), null, null"
        asked.append(SQL(form).format(Identifier(named.name)))
    found: list[tuple[int, str | None, str | None]] = []
    for first in range(0, len(asked), _AT_ONCE):
        some = SQL(", ").join(asked[first : first + _AT_ONCE])
        cursor = await connection.execute(SQL("select {} from {}").format(some, where))
        row = await cursor.fetchone()
        assert row is not None
        found += [(row[at], row[at + 1], row[at + 2]) for at in range(0, len(row), 3)]
    return found


async def _estimates(connection: AsyncConnection[Any], schema: str, table: str) -> dict[str, float]:
    """PostgreSQL's `n_distinct`: below 0 it is a share of the rows."""
    cursor = await connection.execute(
        "select attname, n_distinct from pg_stats where schemaname = %s and tablename = %s",
        (schema, table),
    )
    return {name: float(number) for name, number in await cursor.fetchall()}


def _distinct(
    evidence: Evidence, reading: Reading, filled: int, estimate: float
) -> tuple[int, str]:
    """How many different values there are, and a remark if that is estimated."""
    if evidence.complete:
        kept = ("",) if reading.type == "text" else ("", "nothing")
        return sum(
            shape.kind != "empty" or shape.style not in kept for shape in evidence.values.values()
        ), ""
    about = round(estimate if estimate > 0 else -estimate * filled)
    about = min(max(about, KEPT), filled)
    return about, f"; about {about:,} different values, an estimate"


def warnings(filling: Filling) -> list[str]:
    """What people should know of how the file was read, or may want to correct."""
    found = filling.file.warnings()
    for named, reading, (misfits, example) in zip(
        filling.file.columns, filling.readings, filling.misfits, strict=True
    ):
        if reading.warning is not None:
            found.append(f"{named.name}: {reading.warning}")
        if misfits:
            cells = "1 cell is" if misfits == 1 else f"{misfits:,} cells are"
            found.append(
                f"{named.name}: {cells} not {reading.type} and left empty, such as "
                f"{example[:50]!r}; correct the type to text to see them"
            )
    return found

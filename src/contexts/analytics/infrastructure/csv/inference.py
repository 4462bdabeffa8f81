"""Which type each column of a file has, decided from all of its cells.

A column has a type when all of its cells have it, those left aside that are empty or say so (`NA`,
`null`, `-`). Where there are 200 or more, one in 200 may be something else, up to a thousand in
all: then those cells are left empty and counted. What is neither is text, as it stands.
"""

from collections.abc import Collection, Mapping, Sequence

from contexts.analytics.application.ports import LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv.date_order import DateOrder, moment_reading
from contexts.analytics.infrastructure.csv.evidence import FORGIVEN, Evidence
from contexts.analytics.infrastructure.csv.headers import Named
from contexts.analytics.infrastructure.csv.meanings import says_date, says_phone, says_postal
from contexts.analytics.infrastructure.csv.moments import moment
from contexts.analytics.infrastructure.csv.numbers import (
    EITHER,
    NAMES,
    TOO_LONG,
    WITH_COMMA,
    WITH_POINT,
    fits,
    is_whole,
)
from contexts.analytics.infrastructure.csv.reading import TYPES, Reading
from contexts.analytics.infrastructure.csv.shapes import BOOLEANS

_ENOUGH = 200
"""Cells from which on a few may not fit."""


def readings(
    names: Sequence[Named],
    evidence: Sequence[Evidence],
    options: LoadOptions,
    forced: Mapping[str, str],
) -> list[Reading]:
    """One for each column. `forced` are types by SQL name. Raise LoadFailed for an unknown type."""
    comma = _file_has_commas(evidence, options)
    order = DateOrder.of(evidence, options)
    found = []
    for name, each in zip(names, evidence, strict=True):
        reading = _reading(name.name, each, comma, order)
        if (wanted := forced.get(name.name)) is not None:
            reading = _forced(wanted, reading, name.name, each, comma, order)
        found.append(reading)
    return found


def tolerable(misfits: int, cells: int) -> bool:
    return misfits == 0 or (cells >= _ENOUGH and misfits <= min(FORGIVEN, cells // _ENOUGH))


def _reading(name: str, evidence: Evidence, comma: bool | None, order: DateOrder) -> Reading:
    cells = sum(evidence.rows.values()) - evidence.count("empty")
    if not cells:
        return Reading(type="text", why="no cell has a value")
    if evidence.is_text:
        return Reading(type="text", why=_why_text(evidence))
    for reading, fitting in (
        _number(name, evidence, comma),
        _boolean(evidence),
        moment_reading(evidence, order),
    ):
        if reading is not None and tolerable(cells - fitting, cells):
            return reading
    return Reading(type="text", why=_why_text(evidence))


def _forced(
    wanted: str,
    inferred: Reading,
    name: str,
    evidence: Evidence,
    comma: bool | None,
    order: DateOrder,
) -> Reading:
    if (type_ := TYPES.get(wanted)) is None:
        raise LoadFailed(
            f"there is no type {wanted!r} for the column {name}: it is one of {', '.join(TYPES)}"
        )
    why = "as it was corrected"
    if type_ in ("integer", "decimal"):
        number, _ = _number("", evidence, comma)
        return Reading(
            type=type_,
            comma=bool(number and number.comma),
            unit=number.unit if number else None,
            why=why,
        )
    if type_ in ("date", "timestamp", "time"):
        moment, _ = moment_reading(evidence, order)
        same = moment is not None and moment.type == type_
        return Reading(
            type=type_,
            month_first=bool(moment and moment.month_first),
            format=moment.format if moment and same else None,
            why=why,
        )
    return Reading(type=type_, why=why)


def _number(name: str, evidence: Evidence, file_comma: bool | None) -> tuple[Reading | None, int]:
    """The reading as numbers, if there is one, and how many cells fit it."""
    shapes = evidence.of("number")
    if not shapes or any(shape.style in NAMES for shape, _ in shapes):
        return None, 0
    units = {shape.unit for shape, _ in shapes if shape.unit}
    styles = {shape.style for shape, _ in shapes}
    if len(units) > 1:
        return None, 0
    if styles == {"1"} and not units and (says_postal(name) or says_phone(name)):
        return None, 0
    comma, warning = _decimal_mark(styles, file_comma, evidence)
    fitting = sum(count for shape, count in shapes if fits(shape.style, comma))
    if styles == {"1"} and says_date(name):
        dated = _compact_dates(evidence)
        if dated is not None:
            return dated, fitting
    whole = all(is_whole(style, comma) for style in styles if fits(style, comma))
    unit = next(iter(units), None)
    example = _example(evidence, styles if whole else {s for s in styles if not is_whole(s, comma)})
    mark = "the comma is the decimal mark" if comma else ""
    why = f"{'whole ' if whole else ''}numbers such as {example}"
    return (
        Reading(
            type="integer" if whole else "decimal",
            comma=comma and bool(styles - {"1"}),
            unit=unit,
            why=f"{why}; {mark}" if mark else why,
            warning=warning,
        ),
        fitting,
    )


def _decimal_mark(
    styles: set[str], file_comma: bool | None, evidence: Evidence
) -> tuple[bool, str | None]:
    """Whether it is the comma; and a warning where nothing proves it."""
    if styles & WITH_COMMA and not styles & WITH_POINT:
        return True, None
    if styles & WITH_POINT and not styles & WITH_COMMA:
        return False, None
    if styles & WITH_POINT:
        rows = evidence.rows
        commas = sum(n for shape, n in rows.items() if shape.style in WITH_COMMA)
        points = sum(n for shape, n in rows.items() if shape.style in WITH_POINT)
        return commas > points, None
    if not styles & EITHER:
        return False, None
    if file_comma is not None:
        return file_comma, None
    example = _example(evidence, EITHER)
    value = example.replace(",", "")
    return False, (
        f"{example} was taken as {value}; if the comma is the decimal mark of the file, "
        "load it with decimal=,"
    )


def _example(evidence: Evidence, styles: Collection[str]) -> str:
    cells = (c.strip() for c, shape in evidence.values.items() if shape.style in styles)
    return next(cells, "")


def _file_has_commas(evidence: Sequence[Evidence], options: LoadOptions) -> bool | None:
    """Whether the comma is the decimal mark where a column alone does not show it."""
    if options.decimal is not None:
        return options.decimal == ","
    styles = [{shape.style for shape, _ in each.of("number")} for each in evidence]
    commas = sum(bool(seen & WITH_COMMA) and not seen & WITH_POINT for seen in styles)
    points = sum(bool(seen & WITH_POINT) and not seen & WITH_COMMA for seen in styles)
    return None if commas == points else commas > points


def _compact_dates(evidence: Evidence) -> Reading | None:
    """Whole numbers that are dates such as 20241113, all of them, in a column named for dates."""
    cells = [cell.strip() for cell, shape in evidence.values.items() if shape.kind == "number"]
    if not evidence.complete or any(len(cell) != 8 or moment(cell) is None for cell in cells):
        return None
    return Reading(type="date", format="%Y%m%d", why=f"dates such as {cells[0]}")


_LETTERS = frozenset("tfynsjo")


def _boolean(evidence: Evidence) -> tuple[Reading | None, int]:
    """Words of one pair. A single letter is a letter, unless the other one is there too."""
    shapes = evidence.of("boolean")
    words = {shape.style for shape, _ in shapes}
    for pair in BOOLEANS:
        if words <= set(pair) and words and (len(words) == 2 or not words <= _LETTERS):
            return (
                Reading(type="boolean", why=f"{' or '.join(sorted(words))}, nothing else"),
                sum(count for _, count in shapes),
            )
    return None, 0


def _why_text(evidence: Evidence) -> str:
    numbers = {shape.style for shape, _ in evidence.of("number")}
    units = {shape.unit for shape, _ in evidence.of("number") if shape.unit}
    if "01" in numbers:
        return "digits with leading zeros, kept as they stand"
    if TOO_LONG in numbers:
        return "digits too many for a quantity, kept as they stand"
    if len(units) > 1:
        return f"amounts in several units ({', '.join(sorted(units))})"
    if numbers and not evidence.count("text", "boolean", "date", "timestamp", "time"):
        return "digits under a name of codes or telephones, kept as they stand"
    kinds = {shape.kind for shape in evidence.rows if shape.kind != "empty"}
    return "texts" if kinds == {"text"} else "cells of several kinds"

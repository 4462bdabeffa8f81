"""Criteria: a small typed tree of comparisons, and the registry of fields it may speak of.

What a caller sends reaches a database as the value of a comparison and in no other way: fields and
operators are looked up here, and anything unknown is refused with what is allowed instead.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias, assert_never
from uuid import UUID

import msgspec

from shared.application.pages import Sort
from shared.domain.errors import Invalid

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "is_null"]
EQUALITY: tuple[Operator, ...] = ("eq", "ne", "in")
ORDER: tuple[Operator, ...] = ("eq", "ne", "lt", "lte", "gt", "gte", "in")
NULLABLE_ORDER: tuple[Operator, ...] = (*ORDER, "is_null")

MAX_DEPTH = 8
MAX_COMPARISONS = 50


class Comparison(msgspec.Struct, frozen=True):
    """One field against a value of its type; against a tuple of them with `in`."""

    field: str
    operator: Operator
    value: Any


class And(msgspec.Struct, frozen=True):
    criteria: tuple["Criteria", ...]


class Or(msgspec.Struct, frozen=True):
    criteria: tuple["Criteria", ...]


class Not(msgspec.Struct, frozen=True):
    criterion: "Criteria"


Criteria: TypeAlias = Comparison | And | Or | Not
EVERYTHING = And(())


def canonical(criteria: Criteria) -> bytes:
    """The same for criteria that say the same in another order, and for no others."""
    return msgspec.msgpack.encode(_canonical(criteria))


def _canonical(criteria: Criteria) -> Any:
    match criteria:
        case Comparison(field=name, operator="in", value=values):
            return name, "in", sorted({msgspec.msgpack.encode(each) for each in values})
        case Comparison(field=name, operator=operator, value=value):
            return name, operator, value
        case And(criteria=(part,)) | Or(criteria=(part,)):
            return _canonical(part)
        case And(criteria=parts):
            return "and", sorted({canonical(part) for part in parts})
        case Or(criteria=parts):
            return "or", sorted({canonical(part) for part in parts})
        case Not(criterion=part):
            return "not", canonical(part)
        case _:
            assert_never(criteria)


_LOST_PLUS = re.compile(r"^(.*T.*) (\d\d:?\d\d)$")


def instant(text: str) -> datetime:
    """An RFC 3339 time as an instant; without an offset it is taken as UTC.

    A `+` that was not encoded arrives as a space, so `...T20:00:00 02:00` is read as `+02:00`.
    """
    text = _LOST_PLUS.sub(r"\1+\2", text.strip().upper())
    if "T" not in text:
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    return found.astimezone(UTC)


def _decimal(text: str) -> Decimal:
    if len(text) > 40 or "_" in text:
        raise ValueError(text)
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 12:
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _text(text: str) -> str:
    if "\x00" in text or len(text) > 200:
        raise ValueError(text)
    return text


_READERS: Mapping[type, tuple[Callable[[str], Any], str]] = {
    datetime: (instant, "a time such as 2026-07-31T20:00:00Z"),
    Decimal: (_decimal, "a number such as 30 or 12.50"),
    bool: (_boolean, "true or false"),
    str: (_text, "a text of at most 200 characters"),
    UUID: (UUID, "a UUID"),
}


class Field(msgspec.Struct, frozen=True):
    """What may be asked of one field of a resource. `choices` closes the set of its values.

    A text that may be longer than an index can hold is sorted by its first `sorted_by` characters.
    """

    name: str
    type: type
    operators: tuple[Operator, ...]
    column: str
    sortable: bool = False
    choices: tuple[str, ...] = ()
    sorted_by: int | None = None


class Fields:
    """The registry of one resource: every field that criteria and sorting may name."""

    def __init__(self, *fields: Field) -> None:
        self._fields = {field.name: field for field in fields}

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def names(self) -> list[str]:
        return list(self._fields)

    @property
    def sortable(self) -> list[str]:
        return [field.name for field in self._fields.values() if field.sortable]

    def comparison(
        self, name: str, operator: str, raw: str | Sequence[str], *, parameter: str | None = None
    ) -> Comparison:
        """Read one comparison from text; for `in` from several, or from one with commas in it.

        Raise Invalid that names the parameter it came in.
        """
        parameter = parameter or f"{name}[{operator}]"
        field = self._fields.get(name)
        if field is None:
            raise Invalid(f"{parameter}: unknown field {name!r}; known are {_list(self._fields)}")
        if operator not in field.operators:
            raise Invalid(
                f"{parameter}: {name} can't be compared with {operator!r}, "
                f"only with {_list(field.operators)}"
            )
        if operator == "in":
            items = [i for i in raw.split(",") if i] if isinstance(raw, str) else raw
            if not items:
                raise Invalid(f"{parameter}: give one value or several, with commas between them")
            return Comparison(name, operator, tuple(_value(field, i, parameter) for i in items))
        if not isinstance(raw, str):
            raise Invalid(f"{parameter}: only 'in' takes several values, {operator!r} takes one")
        if operator == "is_null":
            return Comparison(name, operator, _read(bool, raw, parameter))
        return Comparison(name, operator, _value(field, raw, parameter))

    def tree(self, raw: Any, *, parameter: str = "filter") -> Criteria:
        """Read a tree from decoded JSON.

        `{"and": [...]}`, `{"or": [...]}`, `{"not": {...}}` or
        `{"field": "title", "op": "contains", "value": "jazz"}`.
        """
        left = [MAX_COMPARISONS]
        return self._tree(raw, parameter, MAX_DEPTH, left)

    def _tree(self, raw: Any, parameter: str, depth: int, left: list[int]) -> Criteria:
        if depth == 0:
            raise Invalid(f"{parameter}: criteria are nested more than {MAX_DEPTH} deep")
        match raw:
            case {"and": [*items], **rest} if not rest:
                return And(tuple(self._tree(i, parameter, depth - 1, left) for i in items))
            case {"or": [*items], **rest} if items and not rest:
                return Or(tuple(self._tree(i, parameter, depth - 1, left) for i in items))
            case {"not": item, **rest} if not rest:
                return Not(self._tree(item, parameter, depth - 1, left))
            case {"field": str(name), "op": str(operator), "value": value, **rest} if not rest:
                left[0] -= 1
                if left[0] < 0:
                    raise Invalid(f"{parameter}: more than {MAX_COMPARISONS} comparisons")
                raw_value = (
                    [_as_text(each, parameter) for each in value]
                    if isinstance(value, list)
                    else _as_text(value, parameter)
                )
                return self.comparison(name, operator, raw_value, parameter=parameter)
        raise Invalid(
            f'{parameter}: expected {{"and": [...]}}, {{"or": [...]}}, {{"not": {{...}}}} or '
            '{"field": ..., "op": ..., "value": ...}'
        )

    def sort(self, by: str, direction: str) -> Sort:
        """Raise Invalid when the field is not one that a list may be sorted by."""
        if by not in self.sortable:
            raise Invalid(f"sortBy: can't sort by {by!r}, only by {_list(self.sortable)}")
        match direction:
            case "asc" | "desc":
                return Sort(by, direction)
        raise Invalid(f"sortDir: {direction!r} is neither 'asc' nor 'desc'")


def all_of(*criteria: Criteria) -> Criteria:
    return criteria[0] if len(criteria) == 1 else And(criteria)


def _value(field: Field, raw: str, parameter: str) -> Any:
    value = _read(field.type, raw, parameter)
    if field.choices and value not in field.choices:
        raise Invalid(f"{parameter}: {raw!r} is none of {_list(field.choices)}")
    return value


def _read(kind: type, raw: str, parameter: str) -> Any:
    reader, expected = _READERS[kind]
    try:
        return reader(raw)
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        raise Invalid(f"{parameter}: {raw[:80]!r} is not {expected}") from None


def _as_text(value: Any, parameter: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case None:
            raise Invalid(f"{parameter}: nothing compares with null, ask with 'is_null'")
    raise Invalid(f"{parameter}: expected a text, a number, true, false or a list of them")


def _list(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names)

"""Holds a model's spec against the relation: columns that it has, and values that they have."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from contexts.analytics.application import wording
from contexts.analytics.application.ports import Ask
from contexts.analytics.domain.query_spec import Filter, QuerySpec
from contexts.analytics.infrastructure.model_planner.reply import ReplyUnusable

_LONGEST_VALUE = 1_000
_MOST_PARTS = 200
"""Structs in one spec; a question of some words needs a few dozen."""

_EXACT = ("eq", "in", "ne", "not_in")


def check_columns_and_values(spec: QuerySpec, ask: Ask) -> None:
    """Raise ReplyUnusable, with what could have been meant."""
    columns = [column.name for column in ask.relation.columns]
    values = {each.column: each.values for each in ask.values if each.complete}
    for number, part in enumerate(_parts(spec)):
        if number >= _MOST_PARTS:
            raise ReplyUnusable("the spec is far longer than any question needs")
        for field in ("column", "times", "per"):
            name = getattr(part, field, None)
            if isinstance(name, str) and name not in columns:
                raise ReplyUnusable(f"there is no column {_quoted(name)}; {_near(name, columns)}")
        if isinstance(part, Filter):
            _check_values(part, values)


def _check_values(given: Filter, values: Mapping[str, Sequence[str]]) -> None:
    texts = [value for value in given.values if isinstance(value, str)]
    if any(len(text) > _LONGEST_VALUE or "\0" in text for text in texts):
        raise ReplyUnusable(f"a value of the filter on {given.column} is no value of a table")
    if given.operator not in _EXACT or given.grain is not None or given.column not in values:
        return
    known = set(values[given.column])
    for text in texts:
        if text not in known:
            near = _near(text, values[given.column])
            raise ReplyUnusable(f"{given.column} has no value {_quoted(text)}; {near}")


def _parts(part: object) -> Iterator[msgspec.Struct]:
    if isinstance(part, msgspec.Struct):
        yield part
        for field in part.__struct_fields__:
            yield from _parts(getattr(part, field))
    elif isinstance(part, tuple):
        for each in part:
            yield from _parts(each)


def _near(text: str, known: Sequence[str]) -> str:
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(text.casefold(), list(folded)[:2_000], n=5, cutoff=0.5)
    shown = [_quoted(folded[each]) for each in near] or [_quoted(each) for each in known[:10]]
    return f"there is {wording.listed(shown)}"


def _quoted(text: str) -> str:
    return f"'{wording.cut(text, 60)}'"

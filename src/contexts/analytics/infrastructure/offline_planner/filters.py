"""How conditions are put together: what stands before them, what denies and what joins them."""

from collections.abc import Sequence

from contexts.analytics.domain.query_spec import Filter
from contexts.analytics.infrastructure.offline_planner.readings import (
    Held,
    Item,
    Named,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence

Where = tuple[Filter, ...]

_DENIES = ("ne", "not_in", "not_contains")


def add(sentence: Sentence, at: int, condition: Filter) -> None:
    """As one more condition, or as another way to meet the one before when `or` joins them."""
    where = sentence.wanted.where
    sentence.wanted.told_at[condition] = sentence.items[at].start
    joined = any(
        sentence.items[i].is_("or") and not sentence.items[i].used
        for i in range(max(0, at - 2), at + 1)
    )
    if joined and where:
        where[-1] = (*where[-1], condition)
        for i in range(max(0, at - 2), at + 1):
            if sentence.items[i].is_("or"):
                sentence.items[i].used = True
    elif (condition,) not in where:
        where.append((condition,))


def negated(sentence: Sentence, at: int) -> bool:
    """Whether the words right before deny it; they are used up then."""
    for back in (1, 2):
        if sentence.is_(at - back, "not"):
            sentence.use(at - back)
            return True
        if sentence.named(at - back) is None:
            return False
    return False


def values_of(column: str, values: Sequence[str], *, ne: bool = False) -> Filter:
    if len(values) == 1:
        return Filter(column=column, operator="ne" if ne else "eq", values=(values[0],))
    return Filter(column=column, operator="not_in" if ne else "in", values=tuple(values))


def listed_values(sentence: Sentence, at: int, column: str) -> tuple[list[str], int]:
    """The values of a column from there on, as in `A, B or C`, and where the list ends."""
    values = _of(sentence.items[at], column)
    last = at
    step = 2
    while True:
        joined = sentence.says(last + 1, "or", "and", "versus")
        joined = joined or (
            sentence.is_(last + 1, "break") and sentence.items[last + 1].text == ","
        )
        if not joined:
            return values, last
        following = sentence.free(last + step)
        held = following.as_(Held) if following else None
        if following is None or held is None or column not in dict(held.held):
            return values, last
        values += [v for v in _of(following, column) if v not in values]
        last += step


def _of(item: Item, column: str) -> list[str]:
    held = item.as_(Held)
    if held is None:
        return []
    known = dict(held.held)
    return list(
        known.get(column) or known.get("") or (item.text.strip("'\"\u2018\u2019\u201c\u201d"),)
    )


def beside(sentence: Sentence, at: int) -> list[int]:
    """The column before a condition, unless it is also what the answer is split by."""
    named = sentence.items[at - 1].as_(Named)
    opens = named is not None and named.choices[0].whole
    opens = opens and not any(
        item.as_(Named) is not None or item.sign("row", "person", "aggregate", "sell")
        for item in sentence.items[: at - 1]
    )
    return [] if opens or sentence.says(at - 2, "group", "each") else [at - 1]


def left_of(sentence: Sentence, at: int) -> str | None:
    """The column that stands right before a condition."""
    if sentence.named(at - 1) is None or sentence.is_(at - 1, "row"):
        return None
    return sentence.pick(at - 1)


def plain(number: float) -> int | float:
    return int(number) if number == int(number) else number


def narrowed(before: tuple[Where, ...], more: Sequence[Where]) -> tuple[Where, ...]:
    """A condition on the same column takes the place of the one before: "and February?". What
    denies something comes beside it, or in the place of that very thing."""
    fresh = {
        (condition.column, condition.grain)
        for group in more
        for condition in group
        if condition.operator not in _DENIES and not _is_around(group)
    }
    denied = {
        (condition.column, condition.grain, value)
        for group in more
        for condition in group
        if condition.operator in _DENIES
        for value in condition.values
    }
    kept = [
        group
        for group in before
        if not any((condition.column, condition.grain) in fresh for condition in group)
        and not all(
            condition.operator in ("eq", "in", "contains")
            and all((condition.column, condition.grain, v) in denied for v in condition.values)
            for condition in group
        )
    ]
    return (*kept, *(group for group in more if group not in kept))


def _is_around(group: Where) -> bool:
    """All but a stretch of time: before it, or after."""
    return tuple(each.operator for each in group) == ("lt", "ge")

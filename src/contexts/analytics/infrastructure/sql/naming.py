"""What the columns of a result are called: keys for programs, titles for people."""

import re
from collections.abc import Iterable

from contexts.analytics.application import conditions
from contexts.analytics.domain.query_spec import Dimension, Grain, Measure
from contexts.analytics.domain.relation import Relation
from contexts.analytics.infrastructure.sql.values import column_of

LONGEST = 60
"""Bytes of a name; PostgreSQL cuts off what is longer than 63."""

_GRAINS: dict[Grain, str] = {
    "quarter_of_year": "Quarter",
    "month_of_year": "Month",
    "day_of_month": "Day of the month",
    "weekday": "Weekday",
    "hour_of_day": "Hour of the day",
}
_OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "lt": "under",
    "le": "up to",
    "gt": "over",
    "ge": "from",
    "between": "between",
    "in": "is any of",
    "not_in": "is none of",
    "contains": "contains",
    "not_contains": "contains no",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "is_null": "is empty",
    "not_null": "is not empty",
}


def words(title: str) -> str:
    """A column's title as it stands at the beginning of a sentence: no underscores, a capital."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
    text = re.sub(r"[\s_]+", " ", spaced).strip() or title
    return text[:1].upper() + text[1:]


def inside(title: str) -> str:
    """The same within a sentence: no capital, unless it is an abbreviation."""
    text = words(title)
    first = text.split(" ")[0]
    return text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]


def plural(noun: str) -> str:
    """Of an English noun, by the common rules."""
    if re.search(r"[^aeiou]y$", noun, re.IGNORECASE):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun, re.IGNORECASE) else f"{noun}s"


def dimension_name(given: Dimension) -> str:
    if given.width is not None:
        return f"{given.column}_from"
    return given.column if given.grain is None else f"{given.column}_{given.grain}"


def dimension_title(given: Dimension, relation: Relation) -> str:
    title = column_of(relation, given.column).title
    if given.width is not None:
        return f"{words(title)} from"
    if given.grain is None:
        return words(title)
    grain = _GRAINS.get(given.grain, given.grain.capitalize())
    times = [each for each in relation.columns if each.type in ("date", "timestamp")]
    return grain if len(times) <= 1 else f"{grain} of {inside(title)}"


def measure_name(given: Measure) -> str:
    parts = [given.aggregate, given.column or ""]
    parts += ["times", given.times] if given.times else []
    parts += ["per", given.per] if given.per else []
    parts += ["where", *dict.fromkeys(each.column for each in given.where)] if given.where else []
    parts += [given.shown_as] if given.shown_as != "value" else []
    return "_".join(part for part in parts if part)


def measure_title(given: Measure, relation: Relation) -> str:
    text = _aggregate_title(given, relation)
    if given.per:
        text += f" per {inside(column_of(relation, given.per).title)}"
    if given.shown_as == "rate":
        only = " and ".join(conditions.condition(each, relation) for each in given.where)
        return f"Share of {inside(text)} where {only}"
    if given.where:
        text += f" ({', '.join(_filter_words(given, relation))})"
    if given.shown_as == "share":
        return f"Share of {inside(text)}"
    if given.shown_as == "running_total":
        return f"Running {inside(text)}"
    return text


def _aggregate_title(given: Measure, relation: Relation) -> str:
    if given.column is None:
        noun = "row" if relation.row_noun is None else relation.row_noun
        return f"Number of {plural(inside(noun))}"
    column = column_of(relation, given.column)
    title = inside(column.title)
    if given.times:
        title += f" times {inside(column_of(relation, given.times).title)}"
    if given.aggregate in ("count", "count_distinct"):
        different = "different " if given.aggregate == "count_distinct" else ""
        return f"Number of {different}{plural(title)}"
    if given.aggregate == "sum":
        return words(title) if title.split(" ")[0] == "total" else f"Total {title}"
    if given.aggregate in ("avg", "median"):
        return f"{'Average' if given.aggregate == 'avg' else 'Median'} {title}"
    least = given.aggregate == "min"
    if column.type in ("date", "timestamp", "time"):
        return f"{'Earliest' if least else 'Latest'} {title}"
    if column.type == "text":
        return f"{words(title)}, {'first' if least else 'last'} in the alphabet"
    return f"{'Lowest' if least else 'Highest'} {title}"


def _filter_words(given: Measure, relation: Relation) -> Iterable[str]:
    for each in given.where:
        subject = inside(each.grain or column_of(relation, each.column).title)
        values = " and ".join(str(value) for value in each.values[:3])
        values += f" and {len(each.values) - 3} others" if len(each.values) > 3 else ""
        values = f"the {each.relative_to}" if each.relative_to else values
        yield " ".join(part for part in (subject, _OPERATORS[each.operator], values) if part)


class Names:
    """Gives every name once, and short enough: a second `count` is `count_2`."""

    def __init__(self, *taken: str, longest: int = LONGEST, tail: str = "_{}") -> None:
        self._taken = set(taken)
        self._longest = longest
        self._tail = tail

    def take(self, wanted: str) -> str:
        short = candidate = _cut(wanted, self._longest)
        number = 2
        while candidate in self._taken:
            tail = self._tail.format(number)
            candidate = _cut(short, self._longest - len(tail)) + tail
            number += 1
        self._taken.add(candidate)
        return candidate


def _cut(text: str, longest: int) -> str:
    return text.encode()[:longest].decode(errors="ignore")

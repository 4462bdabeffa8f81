"""Parts of a whole: `what percentage was refunded`, `the share of sales that came by phone`."""

import re
from collections.abc import Sequence

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, Period
from contexts.analytics.infrastructure.offline_planner.counting import is_flag, yes
from contexts.analytics.infrastructure.offline_planner.english import words
from contexts.analytics.infrastructure.offline_planner.readings import Item, Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import days
from contexts.analytics.infrastructure.offline_planner.words import fold

Where = tuple[Filter, ...]

ADDED_UP = ("count", "count_distinct", "sum")

_PARTS = words("share shares proportion fraction portion") | {"what share", "what part"}
"""Words for a part; a breakdown or a split is of all parts."""

_UNCLEAR = (
    "it is not clear which is the part and which the whole: ask for a percentage with one "
    "condition, or split by one of them"
)

_SAYS = re.compile(
    r"(?:is|are|was|were|been|be|came|comes?|coming|that|which|who|went|goes|made|belongs?|had|has"
    r"|have)(?: .*)?"
)
"""What stands between the whole and what is said of it: "of sales came from the web"."""


def part_of_whole(
    sentence: Sentence, listed: Sequence[Dimension], *, grouped: bool
) -> list[Measure] | None:
    """What is asked for, as rates; what they are of stays in the conditions of the sentence. None
    where no part is asked for, or where it can't be told which is the part: `cannot` says so."""
    wanted = sentence.wanted
    if not _asked(sentence, listed):
        return None
    whole = _whole(sentence, listed)
    if whole is None:
        return None
    part = _part(sentence, alone=not grouped)
    obstacle = _obstacle(sentence, whole, part, grouped=grouped)
    if part is None or obstacle is not None:
        wanted.cannot = wanted.cannot or obstacle
        return None
    wanted.where = [group for group in wanted.where if group not in part]
    if wanted.share and not any(item.sign("chart") is not None for item in sentence.items):
        wanted.chart = None
    if "sales" in {fold(item.text) for item in sentence.all} and _of_flag(sentence, part):
        # A sale that was refunded may have been set to nothing, and is one of so many still.
        whole = [*whole, Measure(aggregate="count")]
    elif not (wanted.measures or listed or _of_flag(sentence, part)):
        wanted.assumptions.append("rows are counted, as no figure is named")
    only = tuple(each for group in part for each in group)
    return [msgspec.structs.replace(each, where=only, shown_as="rate") for each in whole]


def _asked(sentence: Sentence, listed: Sequence[Dimension]) -> bool:
    """A flag that is listed narrows as well: "percentage of refunds"."""
    wanted = sentence.wanted
    if wanted.rank is not None or wanted.having or wanted.comparison is not None:
        return False
    flags = [d for d in listed if is_flag(sentence.column(d.column)) and len(listed) == 1]
    said = any(fold(item.text) in _PARTS for item in sentence.all if item.sign("share"))
    narrowed = bool(wanted.where) or wanted.period is not None or bool(flags)
    return narrowed and (wanted.percent or (wanted.share and said))


def _whole(sentence: Sentence, listed: Sequence[Dimension]) -> list[Measure] | None:
    """A share of orders is of so many different ones; of nothing that is named, of rows."""
    measures = sentence.wanted.measures
    if measures or len(listed) > 1:
        return [*measures] if measures and not listed else None
    if not listed:
        return [Measure(aggregate="count")]
    column = sentence.column(listed[0].column)
    if listed[0].grain is not None:
        return None
    if is_flag(column):
        sentence.wanted.where.append((yes(column),))
        return [Measure(aggregate="count")]
    if column.type in ("integer", "decimal") and column.role == "measure":
        return [Measure(aggregate="sum", column=column.name)]
    if sentence.lexicon.unique(column.name):
        return [Measure(aggregate="count")]
    return [Measure(aggregate="count_distinct", column=column.name)]


def _part(sentence: Sentence, *, alone: bool) -> list[Where] | None:
    """What is said of the whole: behind the verb, else the yes of a flag, else all that there is.
    Where the answer is split, a condition without a verb is of the whole."""
    wanted = sentence.wanted
    verb = next((item.end for item in _behind(sentence) if _SAYS.fullmatch(fold(item.text))), None)
    if verb is not None:
        behind = [group for group in wanted.where if _told_at(sentence, group) >= verb]
        if behind:
            return behind
        if wanted.period_at is not None and wanted.period_at >= verb:
            return _period(sentence)
    flags = [group for group in wanted.where if _of_flag(sentence, [group])]
    if len(flags) == 1:
        return flags
    if not alone:
        return None
    if len(wanted.where) == 1:
        return [*wanted.where]
    return None if wanted.where else _period(sentence)


def _behind(sentence: Sentence) -> list[Item]:
    """What follows the word for a part."""
    at = [i for i, item in enumerate(sentence.all) if item.sign("share", "percent") is not None]
    return sentence.all[at[0] + 1 :] if at else []


def _told_at(sentence: Sentence, group: Where) -> int:
    return min(sentence.wanted.told_at.get(each, -1) for each in group)


def _period(sentence: Sentence) -> list[Where] | None:
    """The period as a condition: it is the part then, and no longer the whole."""
    period = sentence.wanted.period
    if period is None or period.start is None or period.end is None:
        return None
    sentence.wanted.period = None
    return [(days(period.column, period.start, period.end),)]


def _of_all_flagged(sentence: Sentence, part: Sequence[Where]) -> str | None:
    """The flag that names a thing of its own: that of "percentage of refunds" and "percentage of
    damaged orders", which may be the whole as well."""
    columns = {each.column for group in part for each in group}
    for item in sentence.all:
        named = item.as_(Named)
        if named is None or named.choices[0].column not in columns:
            continue
        column = sentence.column(named.choices[0].column)
        if is_flag(column) and (named.plural or any(item is one for one in sentence.aside)):
            return column.title.lower()
    return None


def reparted(
    measures: tuple[Measure, ...], where: Sequence[Where], period: Period | None
) -> tuple[tuple[Measure, ...], list[Where], Period | None]:
    """Rates whose part is another one now, and what else was narrowed: "and on Sundays?" after a
    percentage on Saturdays asks for that of Sundays."""
    rates = [each for each in measures if each.shown_as == "rate"]
    known = {(part.column, part.grain) for each in rates for part in each.where}
    fresh: dict[tuple[str, str | None], Filter] = {}
    for group in where:
        if len(group) == 1 and (group[0].column, group[0].grain) in known:
            fresh[group[0].column, group[0].grain] = group[0]
    kept = [group for group in where if group[0] not in fresh.values()]
    if period is not None and (period.column, None) in known and period.start and period.end:
        fresh[period.column, None] = days(period.column, period.start, period.end)
        period = None
    changed = tuple(
        msgspec.structs.replace(
            each, where=tuple(fresh.get((part.column, part.grain), part) for part in each.where)
        )
        if each.shown_as == "rate"
        else each
        for each in measures
    )
    return changed, kept, period


def _of_flag(sentence: Sentence, part: Sequence[Where]) -> bool:
    return all(is_flag(sentence.column(each.column)) for group in part for each in group)


def _obstacle(
    sentence: Sentence, whole: Sequence[Measure], part: Sequence[Where] | None, *, grouped: bool
) -> str | None:
    """Why the part of that whole can't be told."""
    if part is None:
        return None if grouped or len(sentence.wanted.where) < 2 else _UNCLEAR
    if grouped and (flag := _of_all_flagged(sentence, part)) is not None:
        return (
            f"a percentage may be of all that are {flag}, or of all rows: ask what percentage was "
            f"{flag}"
        )
    if any(each.aggregate not in ADDED_UP or each.per for each in whole):
        return "a percentage is of what adds up: of a number or a total, not of an average"
    if any(len(group) > 1 for group in part):
        return "a percentage of several conditions joined by 'or' cannot be worked out here"
    things = [each.column for each in whole if each.aggregate == "count_distinct"]
    figures = [
        sentence.column(each.column).title
        for group in part
        for each in group
        if sentence.column(each.column).role == "measure"
    ]
    if things and things[0] is not None and figures:
        title = sentence.column(things[0]).title
        return f"one {title} may have several rows, whose {figures[0]} is not added up here"
    return None

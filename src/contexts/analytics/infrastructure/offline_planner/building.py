"""How the clauses of a question become one spec."""

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Measure, QuerySpec
from contexts.analytics.infrastructure.offline_planner.counting import is_flag, usual
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING, grouped
from contexts.analytics.infrastructure.offline_planner.listing import ranked_rows, rows
from contexts.analytics.infrastructure.offline_planner.parts import part_of_whole
from contexts.analytics.infrastructure.offline_planner.readings import Named
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import apart
from contexts.analytics.infrastructure.offline_planner.words import fold

_RANKS = ("top", "bottom", "best", "worst")
"""Words for the first and the last of things, of which no figure need be named."""


class _Draft(msgspec.Struct):
    """What is measured, what it is split by, and the columns that were only named."""

    measures: list[Measure]
    groups: list[Dimension]
    listed: list[Dimension]


def build(sentence: Sentence) -> QuerySpec | None:
    """None when nothing was asked for."""
    wanted = sentence.wanted
    _by_rows(sentence)
    draft = _drafted(sentence)
    rates = part_of_whole(sentence, draft.listed, grouped=bool(draft.groups))
    if wanted.cannot is not None:
        return None
    if rates is not None:
        return grouped(sentence, _merged(draft.groups), rates)
    _single_figure(sentence, draft)
    _split(sentence, draft)
    if wanted.each_row and not draft.groups and not draft.listed and wanted.rank is None:
        # "How many votes did each player get" asks for what each row says.
        columns = [
            m.column for m in draft.measures if m.aggregate not in ("count", "count_distinct")
        ]
        if columns and len(columns) == len(draft.measures):
            draft.listed = [Dimension(column=name) for name in columns if name]
            draft.measures = []
    only_named = not draft.measures and not draft.groups and wanted.rank is None
    if wanted.each_row and only_named and all(_adds(sentence, d) for d in draft.listed):
        # "The enrollment of each school" tells which school, too.
        labels = [Dimension(column=name) for name in sentence.lexicon.labels]
        draft.listed = [*labels, *draft.listed]
    _settle(sentence, draft)
    rank = wanted.rank
    if rank is not None and rank.column is not None and not draft.measures:
        return ranked_rows(sentence, rank, draft.groups, draft.listed)
    if wanted.having and not draft.groups:
        wanted.cannot = "groups can be narrowed by a number, but what is left is not counted again"
        return None
    wanted.cannot = wanted.cannot or _no_share(sentence, draft)
    if wanted.cannot is not None:
        return None
    if draft.measures:
        return grouped(sentence, _merged(draft.groups), draft.measures)
    return rows(sentence, _merged(draft.listed))


def _no_share(sentence: Sentence, draft: _Draft) -> str | None:
    """Why there is no percentage of what is not split by anything."""
    wanted = sentence.wanted
    documents = all(sentence.column(d.column).role == "identifier" for d in draft.groups)
    of_some = bool(wanted.where) and wanted.split is None
    flags = [f for group in wanted.where for f in group if is_flag(sentence.column(f.column))]
    if wanted.percent and flags:
        return "how many of each group are so, in percent, cannot be worked out here"
    if any(fold(item.text) in ("ratio", "ratios") for item in sentence.all):
        return "a ratio is not worked out here: ask to compare the two"
    if (wanted.percent or wanted.share) and not wanted.groups and (documents or of_some):
        return "a percentage needs what it is split by, such as: in percent by month"
    return None


def _drafted(sentence: Sentence) -> _Draft:
    wanted = sentence.wanted
    draft = _Draft([*wanted.measures], [*wanted.groups], [])
    draft.listed = [d for d in wanted.listed if d not in draft.groups]
    if wanted.rank and wanted.rank.measure and wanted.rank.measure not in draft.measures:
        draft.measures.append(wanted.rank.measure)
    if _tops_by_money(sentence, draft):
        assert sentence.lexicon.money is not None
        draft.measures.append(sentence.lexicon.money)
        word = next(t for item in sentence.items if (t := item.text.lower()) in _RANKS)
        wanted.assumptions.append(f"'{word}' is taken as by revenue")
    if wanted.having and not draft.measures:
        draft.measures.append(wanted.having[0].measure)
    if not draft.measures and _counts(sentence):
        draft.measures.append(Measure(aggregate="count"))
    if not (draft.measures or draft.groups or draft.listed or wanted.rank):
        # "List the names in alphabetical order" lists what it orders.
        draft.listed = [Dimension(column=w.column) for w in wanted.orders if w.column]
    beside = not draft.groups or sentence.compares
    if beside and (time := apart(sentence)) is not None:
        draft.groups += [] if _in_time(draft) else [time]
        if wanted.percent and len(draft.groups) > 1:
            wanted.cannot = "percentages of several times are not put side by side: ask for each"
    if sentence.compares and wanted.split is not None and not draft.measures:
        # "Compare A and B by pieces" sets their pieces side by side.
        figures = [d for d in draft.groups if _adds(sentence, d)]
        draft.groups = [d for d in draft.groups if d not in figures]
        draft.measures += [_usually(sentence, d) for d in figures]
    if sentence.compares and _sets_beside(sentence, draft) and not _has_figure(sentence, draft):
        draft.measures.append(_compared(sentence))
    return draft


def _in_time(draft: _Draft) -> bool:
    return any(dimension.grain in TRUNCATING for dimension in draft.groups)


def _sets_beside(sentence: Sentence, draft: _Draft) -> bool:
    """Two values, two times, or all there are of something: "compare channels"."""
    wanted, listed = sentence.wanted, draft.listed
    if wanted.split is not None or wanted.apart is not None:
        return True
    if wanted.comparison is not None and wanted.period is not None:
        return True
    if len(listed) != 1 or wanted.chart or sentence.column(listed[0].column).role != "dimension":
        return False
    named = [item.as_(Named) for item in sentence.items]
    return any(n and n.plural and n.choices[0].column == listed[0].column for n in named)


def _has_figure(sentence: Sentence, draft: _Draft) -> bool:
    return bool(
        draft.measures or sentence.wanted.rank or any(_adds(sentence, d) for d in draft.listed)
    )


def _compared(sentence: Sentence) -> Measure:
    """ "Compare July and August" is by revenue where there is one, else by how many there are."""
    split = sentence.wanted.split
    flag = split is not None and is_flag(sentence.column(split.column))
    money = None if flag else sentence.lexicon.money
    figure = "the revenue" if money is not None else "the number of rows"
    sentence.wanted.assumptions.append(f"{figure} is compared, as no figure is named")
    sentence.wanted.unsure = money is None and not flag
    return money or Measure(aggregate="count")


def _tops_by_money(sentence: Sentence, draft: _Draft) -> bool:
    """ "Top products" are those that bring the most; the first ten rows are just that."""
    rank = sentence.wanted.rank
    if rank is None or rank.column is not None or draft.measures or sentence.lexicon.money is None:
        return False
    said = any(item.text.lower() in _RANKS for item in sentence.items)
    things = [d for d in (*draft.groups, *draft.listed) if not _adds(sentence, d)]
    return said and bool(things) and len(things) == len(draft.groups) + len(draft.listed)


def _single_figure(sentence: Sentence, draft: _Draft) -> None:
    """ "Revenue last week" is one figure, not the list of all that came in."""
    wanted = sentence.wanted
    if draft.measures or draft.groups or wanted.rank or wanted.chart or wanted.shape:
        return
    if len(draft.listed) != 1 or not _adds(sentence, draft.listed[0]):
        return
    column = sentence.column(draft.listed[0].column)
    if usual(column) == "sum":
        draft.measures, draft.listed = [Measure(aggregate="sum", column=column.name)], []


def _split(sentence: Sentence, draft: _Draft) -> None:
    """ "The number of male and female students" asks for both numbers, "compare A and B" too."""
    split = sentence.wanted.split
    counts = any(m.aggregate == "count" for m in draft.measures)
    figures = bool(draft.measures) and not any(_adds(sentence, d) for d in draft.listed)
    if split is None or not (counts or (sentence.compares and figures)):
        return
    if split.column not in {d.column for d in draft.groups}:
        draft.groups.append(split)


def _settle(sentence: Sentence, draft: _Draft) -> None:
    """What becomes of columns that were only named: numbers are measured, the rest splits; a list
    of rows stays one."""
    numbers = [d for d in draft.listed if _adds(sentence, d)]
    others = [d for d in draft.listed if d not in numbers]
    documents = [d for d in others if _is_document(sentence, d)]
    if draft.groups and not draft.measures and documents == draft.listed != []:
        # "Orders per month" are so many.
        column = documents[0].column
        draft.measures, draft.listed = [Measure(aggregate="count_distinct", column=column)], []
    elif not draft.measures and draft.groups and draft.listed and _is_list(sentence, draft):
        draft.groups, draft.listed = [], [*draft.groups, *draft.listed]
    elif draft.groups or ((draft.measures or (_ranked_by_none(sentence) and numbers)) and others):
        usually = [_usually(sentence, d) for d in numbers]
        draft.measures += [m for m in usually if m not in draft.measures]
        draft.groups += others
        draft.listed = []
    elif draft.measures:
        draft.groups, draft.listed = draft.listed, []
    if draft.groups and not draft.measures and not sentence.wanted.rank:
        draft.measures.append(Measure(aggregate="count"))


def _ranked_by_none(sentence: Sentence) -> bool:
    """`the revenue of the top 3 sellers`: what is asked for is also what ranks."""
    rank = sentence.wanted.rank
    return rank is not None and rank.measure is None and rank.column is None


def _is_document(sentence: Sentence, dimension: Dimension) -> bool:
    column = sentence.column(dimension.column)
    told = column.type == "text" or column.name in sentence.wanted.things
    identifies = column.role == "identifier" and told
    return identifies and not sentence.lexicon.unique(column.name)


def _is_list(sentence: Sentence, draft: _Draft) -> bool:
    """Whether there is nothing to add up: every group is one row, or it would be identifiers."""
    alone = any(d.grain is None and sentence.lexicon.unique(d.column) for d in draft.groups)
    return alone or all(
        sentence.column(d.column).role == "identifier" and sentence.numeric(d.column)
        for d in draft.listed
    )


def _by_rows(sentence: Sentence) -> None:
    """`which crew has the most wins`, in a table of crews: the figure of a row, not a sum."""
    wanted, rank = sentence.wanted, sentence.wanted.rank
    who = any(
        item.text.lower().startswith("who ") or item.text.lower() == "who"
        for item in sentence.items
    )
    if rank is None or rank.measure is None or not (wanted.whole_rows or who):
        return
    measure = rank.measure
    if who and not wanted.groups and not wanted.listed and _names_nobody(sentence):
        wanted.cannot = "it is not clear who is meant: say which column names them"
        return
    plain = measure.aggregate not in ("count", "count_distinct") and not measure.times
    if plain and not measure.per and not wanted.groups and not wanted.listed:
        rank.measure, rank.column = None, measure.column


def _names_nobody(sentence: Sentence) -> bool:
    """Whether a row goes by the name of what has several of them, such as a product."""
    lexicon = sentence.lexicon
    return not (lexicon.persons or any(lexicon.unique(name) for name in lexicon.labels))


def _counts(sentence: Sentence) -> bool:
    """One column whose distribution, share or chart is asked: how many rows have each value."""
    wanted = sentence.wanted
    if wanted.groups or wanted.rank is not None:
        return False
    if wanted.each_row and all(_adds(sentence, d) for d in wanted.listed):
        return False
    single = len(wanted.listed) == 1
    pictured = wanted.shape or wanted.percent or wanted.chart in ("bar", "pie", "line")
    pictured = pictured or any(wish.axis == "y" for wish in wanted.orders)
    return single and pictured


def _adds(sentence: Sentence, dimension: Dimension) -> bool:
    column = sentence.column(dimension.column)
    return (
        dimension.grain is None
        and column.type in ("integer", "decimal")
        and column.role == "measure"
    )


def _usually(sentence: Sentence, dimension: Dimension) -> Measure:
    column = sentence.column(dimension.column)
    aggregate = usual(column)
    if aggregate == "avg":
        sentence.wanted.assumptions.append(f"the average of {column.title} is taken")
    return Measure(aggregate=aggregate, column=column.name)


def _merged(dimensions: list[Dimension]) -> tuple[Dimension, ...]:
    """Each once; a time by its grain where one is told."""
    grained = {d.column for d in dimensions if d.grain is not None}
    kept: list[Dimension] = []
    for dimension in dimensions:
        if dimension.grain is None and dimension.column in grained:
            continue
        if dimension not in kept:
            kept.append(dimension)
    return tuple(kept)

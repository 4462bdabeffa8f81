"""From the words of a question to a spec: each kind of clause is read in turn, and takes the items
that it understood, so that what is left is what nobody did."""

import msgspec

from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.infrastructure.offline_planner.building import build
from contexts.analytics.infrastructure.offline_planner.columns import words_of
from contexts.analytics.infrastructure.offline_planner.conditions import read_conditions
from contexts.analytics.infrastructure.offline_planner.doubts import doubt
from contexts.analytics.infrastructure.offline_planner.grouping import read_columns, read_groups
from contexts.analytics.infrastructure.offline_planner.holding import read_values
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.manner import read_manner
from contexts.analytics.infrastructure.offline_planner.measures import read_measures
from contexts.analytics.infrastructure.offline_planner.ranking import read_rank
from contexts.analytics.infrastructure.offline_planner.ratios import read_ratios
from contexts.analytics.infrastructure.offline_planner.readings import Item, SignKind
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import read_opposites
from contexts.analytics.infrastructure.offline_planner.wishes import (
    read_axes,
    read_chart,
    read_orders,
)

_CLAUSES = (
    read_chart,
    read_orders,
    read_axes,
    read_opposites,
    read_conditions,
    read_values,
    read_manner,
    read_rank,
    read_ratios,
    read_groups,
    read_measures,
    read_columns,
)
"""The order matters: what wishes for a look is taken off first, then what narrows, then who comes
first, then what it is split by; the columns that remain are simply asked for."""

_SAYS_LITTLE: tuple[SignKind, ...] = (
    *("filler", "and", "or", "break", "where", "which", "list", "distribution", "each", "row"),
    *("person", "preposition", "group", "order", "axis", "follow", "when", "place", "versus"),
    *("sell", "share", "distinct", "letters", "chart", "equal", "value"),
)
"""What may be left over without changing what was asked."""


class Parsed(msgspec.Struct, frozen=True):
    """`spec` is None where nothing is asked for; `unplaced` are the words that no clause took."""

    sentence: Sentence
    spec: QuerySpec | None
    unplaced: tuple[Item, ...]


def parse(lexicon: Lexicon, items: list[Item], *, whole: bool = True) -> Parsed:
    """A fragment, which is not `whole`, is read but not put together."""
    sentence = Sentence(lexicon, items)
    for read in _CLAUSES:
        read(sentence)
    sentence.wanted.where = list(dict.fromkeys(sentence.wanted.where))
    left = tuple(item for item in sentence.items if not item.used and _matters(item))
    left += tuple(item for item in sentence.items if _asks_for_nobody(sentence, item))
    left = tuple(sorted(left, key=lambda item: item.start))
    spec = build(sentence) if whole and not left else None
    if spec is not None and spec.measures and not spec.dimensions and _asks_who(sentence):
        sentence.wanted.cannot = "it is not clear who is meant: say which column names them"
    if spec is not None and sentence.wanted.cannot is None:
        sentence.wanted.cannot = doubt(sentence, spec)
    return Parsed(sentence, spec, left)


def _asks_who(sentence: Sentence) -> bool:
    """ "Who has the lowest sales", "who bought": no figure is anybody."""
    return bool(sentence.all) and sentence.all[0].text.lower().split()[0] == "who"


def _asks_for_nobody(sentence: Sentence, item: Item) -> bool:
    """A "who" in a table that names nobody."""
    if item.text.lower() not in ("who", "who is", "who are", "who was", "who were"):
        return False
    lexicon, wanted = sentence.lexicon, sentence.wanted
    named = [
        d for d in (*wanted.groups, *wanted.listed) if sentence.column(d.column).role != "time"
    ]
    titled = any({"name", "title"} & {*words_of(lexicon.column(name))} for name in lexicon.labels)
    return not (lexicon.persons or titled or named or item.used)


def _matters(item: Item) -> bool:
    return item.sign(*_SAYS_LITTLE) is None

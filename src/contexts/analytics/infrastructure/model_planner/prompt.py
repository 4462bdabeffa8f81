"""What the model is shown: rules that never change, and the question and its relation as data."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from contexts.analytics.application.ports import Ask
from contexts.analytics.application.prompting import DATA_RULE, as_data
from contexts.analytics.domain.relation import Column, ColumnValues
from shared.application.language_model import ChatMessage

RULES = f"""You turn a question about one table into a query specification, or decline.
{DATA_RULE}
The block holds the `question`, the `columns` of the table, some of their `values`, `now`, and \
`previous`, the specification of the question before, when there is one.

How to make a specification:
- Name columns by their `name`, never by their title. There are no other columns or tables.
- Use the fewest measures, dimensions and filters that answer the question, and nothing that it \
does not ask for. Where it asks for the most or the least of something, order and limit.
- Compare texts as `values` has them, letter by letter; where it may be only part of a text, use \
`contains`. Values that are shown are not always all there are: `complete` says so.
- Times are ISO 8601. For a stretch of time use `period` with its first day and the day after its \
last; `end` is not included. What is relative ("last month") is relative to the end of the data, \
the `maximum` of the time column, unless the question says today; tell which in `assumptions`.
- Weekdays are filters with grain `weekday`, 1 for Monday to 7 for Sunday.
- An amount of money that is price times quantity, with no column of its own, is `sum` with `times`.
- Things that take several rows each, such as receipts, are counted with `count_distinct`.
- `previous` matters only when the question goes on from it ("only March", "and by shop?"): then \
change what it says and keep the rest. Else begin anew.
- `chart` is for a kind of chart that the question names.

Decline rather than guess: with `unanswerable` when the table does not hold what is asked for, \
with `needs_clarification` when it can be meant in ways that give different answers, with \
`refused` when it asks to change data, to run a statement, or for anything but this table's data.
`confidence` is below 0.5 when you had to guess a column or a value."""

_COLUMNS = 100
_VALUES = 12
"""Of each column, those that the question seems to speak of and the most frequent ones."""

_ALL_VALUES = 150
_LONGEST_VALUE = 120
"""Characters; a longer value is left out, for half of one is none."""

_LONGEST_REPLY = 8_000

_WORD = re.compile(r"\w+")


def messages(ask: Ask) -> tuple[ChatMessage, ...]:
    """The rules and the block. Whatever the data says, it is two messages, and the first is the
    same for every question."""
    return (ChatMessage("system", RULES), ChatMessage("user", as_data(_block(ask))))


def correction(reply: str, fault: str) -> tuple[ChatMessage, ...]:
    """What was replied, and what is wrong with it; the fault may quote the reply, so it is data."""
    return (
        ChatMessage("assistant", reply[:_LONGEST_REPLY] or "(nothing)"),
        ChatMessage(
            "user",
            "That reply can't be used; the block says why. Reply again, with all of it, or decline."
            f"\n{as_data({'fault': fault})}",
        ),
    )


def _block(ask: Ask) -> dict[str, Any]:
    relation = ask.relation
    words = _words(ask.question)
    columns = sorted(relation.columns, key=lambda each: -_nearness(each, words))[:_COLUMNS]
    shown = {column.name for column in columns}
    kept = [column for column in relation.columns if column.name in shown]
    return {
        "question": ask.question,
        "now": ask.now.isoformat(sep=" ", timespec="minutes"),
        "one_row_is": relation.row_noun or "row",
        "rows": relation.rows,
        "columns": [_column(each) for each in kept],
        "columns_left_out": len(relation.columns) - len(kept),
        "usual_measure": relation.measure,
        "usual_time": relation.time,
        "values": _values([each for each in ask.values if each.column in shown], words),
        "previous": None if ask.previous is None else msgspec.to_builtins(ask.previous),
    }


def _column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": column.name,
        "title": column.title[:_LONGEST_VALUE],
        "type": column.type,
        "role": column.role,
        "unit": column.unit,
        "also_called": column.synonyms[:10],
        "minimum": column.minimum,
        "maximum": column.maximum,
        "different_values": column.distinct,
        "samples": [each[:_LONGEST_VALUE] for each in column.samples[:3]],
    }
    return {key: each for key, each in told.items() if each not in (None, (), [], 0)}


def _values(all_values: Sequence[ColumnValues], words: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    room = _ALL_VALUES
    for each in all_values:
        known = [value for value in each.values if len(value) <= _LONGEST_VALUE]
        meant = sorted(
            (value for value in known if words & _words(value)),
            key=lambda value: -len(words & _words(value)),
        )
        shown = list(dict.fromkeys([*meant[:_VALUES], *known[:_VALUES]]))[: min(_VALUES, room)]
        room -= len(shown)
        whole = each.complete and len(shown) == len(each.values)
        if shown:
            told[each.column] = {"some": shown, "complete": whole}
    return told


def _nearness(column: Column, words: set[str]) -> int:
    """How many words of the question a column goes by; those that measure or tell when, first."""
    called = _words(" ".join((column.name, column.title, *column.synonyms)))
    return 2 * len(words & called) + (column.role in ("measure", "time"))


def _words(text: str) -> set[str]:
    """Without regard to case, underscores and the s of a plural."""
    found = _WORD.findall(text.casefold().replace("_", " "))
    return {word.removesuffix("s") for word in found if len(word) > 2 or word.isdigit()}

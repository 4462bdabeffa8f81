"""Values and numbers that stand without a comparison: `Fridays`, `from Lisbon`, `id 10`."""

from contexts.analytics.domain.query_spec import Dimension, Filter, Operator, Scalar
from contexts.analytics.infrastructure.offline_planner.filters import (
    add,
    listed_values,
    negated,
    plain,
    values_of,
)
from contexts.analytics.infrastructure.offline_planner.periods import part_of_time, stretch_of_time
from contexts.analytics.infrastructure.offline_planner.readings import (
    Held,
    Named,
    Numeral,
)
from contexts.analytics.infrastructure.offline_planner.sentence import Ambiguous, Sentence
from contexts.analytics.infrastructure.offline_planner.words import fold, names_in

_LEADS = {"from": {"from", "origin", "source", "start", "departure"}, "to": {"to", "destination"}}
"""Which columns a preposition speaks of, where several hold a value."""


def read_values(sentence: Sentence) -> None:
    """Values, times and numbers that no comparison has taken."""
    for at in range(len(sentence)):
        if sentence.free(at) is not None:
            _ = _held(sentence, at) or part_of_time(sentence, at) or stretch_of_time(sentence, at)
    for at in range(len(sentence)):
        if sentence.free(at) is not None:
            _number(sentence, at)


def _held(sentence: Sentence, at: int) -> bool:
    item = sentence.items[at]
    held = item.as_(Held)
    if held is None or held.held[0][0] == "":
        return False
    if held.part and (item.is_("row") or item.is_("person") or item.is_("sell")):
        return False
    if not held.quoted and item.as_(Named) is not None and (held.part or _spoken(sentence, at)):
        return False
    ambiguous = len(sentence.wanted.ambiguous)
    column, beside = _whose(sentence, at, held)
    if held.weak and not beside:
        del sentence.wanted.ambiguous[ambiguous:]
        return False
    if held.part:
        return _word(sentence, at, held, column, beside)
    deny = negated(sentence, at)
    if column != held.held[0][0] and held.quoted is False and column not in dict(held.held):
        return False
    values, last = listed_values(sentence, at, column)
    if last > at and not deny and any(sentence.says(i, "and", "versus") for i in range(at, last)):
        sentence.wanted.split = Dimension(column=column)
    sentence.use(*range(at, last + 1), *beside)
    add(sentence, at, values_of(column, values, ne=deny))
    return True


def _spoken(sentence: Sentence, at: int) -> bool:
    """Whether a word that is both a column and a value is more likely the column."""
    before = sentence.items[at - 1].as_(Named) if at else None
    held = sentence.items[at].as_(Held)
    columns = {column for column, _ in held.held} if held is not None else set()
    named = sentence.items[at].as_(Named)
    if named is not None and not named.choices[0].whole and not _follows_group(sentence, at):
        return False  # Half a name is less than a whole value.
    return before is None or not columns & {choice.column for choice in before.choices}


def _follows_group(sentence: Sentence, at: int) -> bool:
    return sentence.is_(at - 1, "group") or sentence.is_(at - 1, "each")


def _whose(sentence: Sentence, at: int, held: Held) -> tuple[str, list[int]]:
    """The column of a value: one that is named beside it, one that its preposition speaks of, or
    that in which it is the rarest kind of value."""
    for beside in (at - 1, at + 1):
        named = sentence.named(beside)
        for choice in named.choices if named else ():
            if choice.column in dict(held.held) and named is not None:
                partly = beside == at + 1 and sentence.items[beside].is_("row")
                return choice.column, [] if partly else [beside]
    if len(held.held) > 1:
        before = _word_before(sentence, at)
        for column, _ in held.held:
            if _LEADS.get(before, set()) & {*names_in(column)}:
                return column, []
        sizes = [len(values) for _, values in held.held]
        if not held.part and sizes[0] == sizes[1]:
            columns = tuple(column for column, _ in held.held)
            sentence.wanted.ambiguous.append(Ambiguous(sentence.items[at], columns))
    return held.held[0][0], []


def _word_before(sentence: Sentence, at: int) -> str:
    place = next(i for i, item in enumerate(sentence.all) if item is sentence.items[at])
    return sentence.all[place - 1].text.lower() if place else ""


def _word(sentence: Sentence, at: int, held: Held, column: str, beside: list[int]) -> bool:
    """A word that values hold among others: those that contain it."""
    text = sentence.items[at].text
    values = dict(held.held)[column]
    shorter = (text, text[:-1], text[:-2])
    stemmed = next(
        (t for t in shorter if all(fold(t) in fold(value) for value in values)), text[:-2]
    )
    deny = negated(sentence, at)
    sentence.use(at, *beside)
    operator = "not_contains" if deny else "contains"
    add(sentence, at, Filter(column=column, operator=operator, values=(stemmed,)))  # type: ignore[arg-type]
    title = sentence.column(column).title
    sentence.wanted.assumptions.append(f"'{text}' is looked for within the values of {title}")
    return True


def _number(sentence: Sentence, at: int) -> bool:
    """`id 10`, `whose floor is 3`: a number right after a column is its value."""
    numeral = sentence.items[at].as_(Numeral)
    if numeral is None or sentence.named(at - 1) is None:
        return False
    column = sentence.pick(at - 1, "any")
    if column is None or sentence.says(at + 1, "extreme", "adjective", "often", "top"):
        return False
    number: Scalar = plain(numeral.number)
    if not sentence.numeric(column):
        if sentence.column(column).type != "text":
            return False
        number = sentence.items[at].text
    operator: Operator = "ne" if negated(sentence, at - 1) else "eq"
    sentence.use(at - 1, at)
    add(sentence, at - 1, Filter(column=column, operator=operator, values=(number,)))
    return True

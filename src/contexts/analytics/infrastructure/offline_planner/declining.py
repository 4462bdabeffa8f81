"""Saying no: which words could not be placed, what could be asked instead, what is refused."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches

from contexts.analytics.application.ports import Declined, Option
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.relation import Column
from contexts.analytics.infrastructure.offline_planner.english import words
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import parse
from contexts.analytics.infrastructure.offline_planner.readings import Item, Named
from contexts.analytics.infrastructure.offline_planner.sentence import Ambiguous
from contexts.analytics.infrastructure.offline_planner.wordforms import plural
from contexts.analytics.infrastructure.offline_planner.words import fold, names_in, tokens_of

NAME = "offline"

_CHANGES = words(
    """
    delete drop truncate insert update alter remove erase overwrite destroy wipe clear
    modify edit rename replace grant revoke
    """
)
_CHANGED = words(
    """
    row rows record records table tables data dataset datasets database databases schema
    column columns entry entries everything all into from
    """
)
_COMMANDS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous)"
    r"|\b(?:system|developer) prompt\b|\byou are now\b|\bpretend (?:to be|you)\b"
    r"|\b(?:reveal|print|show|tell)\b.{0,30}"
    r"\b(?:password|api key|credentials|secrets?|instructions)\b"
    r"|\bselect\b.{1,200}\bfrom\b.{0,200}(?:;|\bwhere\b|\bunion\b|\blimit\b|$)"
    r"|\bunion select\b|;\s*--"
)
_POLITE = words(
    """
    please can could would you i want to now just then and kindly
    """
)


def refused(question: str, lexicon: Lexicon) -> Declined | None:
    """What asks to change the data, or tells the program what to do, is refused; a column or a
    value of such a name may be asked for."""
    folded = fold(question)
    words = [token.folded for token in tokens_of(question) if token.kind == "word"]
    reason = None
    for at, word in enumerate(words):
        first = all(before in _POLITE for before in words[:at])
        if word in _CHANGES and first and _CHANGED & {*words[at + 1 : at + 6]}:
            reason = f"data can be asked, not changed: '{word}' is not done here"
    if reason is None and _COMMANDS.search(folded) and not _is_value(question, lexicon):
        reason = "this is an instruction or a statement, not a question about the data"
    return None if reason is None else Declined(outcome="refused", reason=reason, planner=NAME)


def _is_value(question: str, lexicon: Lexicon) -> bool:
    """Whether what looks like a command stands in a quoted text."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", question)
    return not _COMMANDS.search(fold(bare))


def unplaceable(question: str, items: Sequence[Item], lexicon: Lexicon, now: datetime) -> Declined:
    unknown = [item for item in items if not item.readings]
    phrases = list(_phrases(question, unknown or items))
    if phrases:
        quoted = " and ".join(f"'{phrase}'" for phrase in phrases)
        mean = "means" if len(phrases) == 1 else "mean"
        reason = f"nothing in {lexicon.relation.dataset} tells what {quoted} {mean}"
    else:
        reason = f"the question names nothing that {lexicon.relation.dataset} has"
    return Declined(
        outcome="unanswerable",
        reason=reason,
        planner=NAME,
        unplaced=tuple(phrases),
        suggestions=(*_near(phrases, lexicon), *examples(lexicon, now)),
    )


def _phrases(question: str, items: Sequence[Item]) -> Iterator[str]:
    """Unplaced words, those that stand beside one another together."""
    start = end = None
    for item in items:
        if start is not None and end is not None and question[end : item.start].strip() == "":
            end = item.end
            continue
        if start is not None:
            yield question[start:end]
        start, end = item.start, item.end
    if start is not None:
        yield question[start:end]


def _near(phrases: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Columns and values that are written nearly like what was not placed."""
    names = {word: c.title for c in lexicon.relation.columns for word in names_in(c.title)}
    names |= {" ".join(names_in(c.title)): c.title for c in lexicon.relation.columns}
    found: list[str] = []
    for phrase in phrases:
        for word in (fold(phrase), *names_in(phrase)):
            found += [names[near] for near in get_close_matches(word, names, n=2, cutoff=0.75)]
            found += lexicon.values.near(word)
    return list(dict.fromkeys(found))[:5]


def examples(lexicon: Lexicon, now: datetime) -> list[str]:
    """Up to four questions that this dataset answers: each has been read."""
    read = (question for question in _made(lexicon) if _is_read(question, lexicon, now))
    return [*read] or ["how many rows are there?"]


def _is_read(question: str, lexicon: Lexicon, now: datetime) -> bool:
    parsed = parse(lexicon, lexicon.items(question, now))
    if parsed.spec is None or not parsed.spec.measures:
        return False
    return parsed.sentence.wanted.cannot is None


def _made(lexicon: Lexicon) -> list[str]:
    columns = lexicon.relation.columns
    measure = next((c for c in columns if c.name == lexicon.relation.measure), None) or next(
        (c for c in columns if c.role == "measure"), None
    )
    groups = [c for c in columns if c.role == "dimension" and 1 < c.distinct < 1000]
    groups = [c for c in groups if c.type == "text"] or groups
    made: list[str] = []
    if measure is not None:
        made += [f"average {_said(measure)} by {_said(group)}" for group in groups[:1]]
        if lexicon.time is not None:
            made.append(f"{_summed(measure)} by month")
        made += [f"top 5 {plural(_said(group))} by {_summed(measure)}" for group in groups[1:2]]
    made += [f"number of rows by {_said(group)}" for group in groups[:1]]
    return made


def _summed(measure: Column) -> str:
    said = _said(measure)
    return said if said.startswith("total") else f"total {said}"


def _said(column: Column) -> str:
    return " ".join(names_in(column.title)) or column.name


def unclear(
    question: str, ambiguous: Sequence[Ambiguous], spec: QuerySpec, lexicon: Lexicon
) -> Declined | None:
    """The first words that may mean two columns equally well, where the answer rests on one."""
    used = _columns_of(spec)
    for one in ambiguous:
        if not used & {*one.columns}:
            continue
        item = one.item
        options = []
        for name in one.columns:
            title = _said(lexicon.column(name))
            meant = f'"{item.text}" as {title}'
            asked = f"{question[: item.start]}{_put(item, title)}{question[item.end :]}"
            options.append(Option(meant, asked))
        titles = " or ".join(f"'{_said(lexicon.column(name))}'" for name in one.columns)
        return Declined(
            outcome="needs_clarification",
            reason=f"'{item.text}' may mean {titles}",
            planner=NAME,
            options=tuple(options),
        )
    return None


def _put(item: Item, title: str) -> str:
    """A column in the place of its half name; a value gets its column before it."""
    return title if item.as_(Named) is not None else f"{title} {item.text}"


def _columns_of(spec: QuerySpec) -> set[str | None]:
    used: set[str | None] = {d.column for d in spec.dimensions}
    used |= {m.column for m in spec.measures if m.aggregate != "count"}
    used |= {f.column for group in spec.where for f in group}
    return used

"""Questions about the answer before: how many orders that was, what percent of all, which rows it
is of. What can't be told of an answer is declined by name; it is never asked of all the data."""

import re
from datetime import datetime

import msgspec

from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, QuerySpec
from contexts.analytics.infrastructure.offline_planner.grouped import TRUNCATING
from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import Parsed, parse
from contexts.analytics.infrastructure.offline_planner.parts import ADDED_UP
from contexts.analytics.infrastructure.offline_planner.sentence import Sentence
from contexts.analytics.infrastructure.offline_planner.side_by_side import days
from contexts.analytics.infrastructure.offline_planner.words import fold

_SO = r"(?:(?:and|ok|okay|so|but|please|now|well|can you|could you)\s+)*"
_THAT = "(?:that|those|these|it|this|they|them)"
_END = r"(?:\s+(?:please|pls|then|again|all|all together|altogether|in total))*\W*"
_IS = r"(?:is|are|was|were|['\u2019]?s)"

_LISTED = re.compile(
    rf"{_SO}(?:(?:list|show(?: me)?|name|give me|print)\s+(?:me\s+)?(?:them|those|these)"
    rf"|(?:which|what)(?: ones)?(?: {_IS} (?:they|those|these|them))?(?<!what)(?<!which)"
    rf"|who are they|list){_END}"
)
_PERCENT = re.compile(
    rf"{_SO}what(?:\s?{_IS}|\s+(?:percent|percentage|share|proportion|fraction|part|%))\s+"
    rf"(?:of (?:the )?(?:total|whole|all) )?(?:{_IS}\s+)?{_THAT}(?P<of>\s+of\s+.+?|\s+in percent)?"
    rf"{_END}"
)
_OF_ALL = re.compile(
    r"\s+(?:in percent(?:age)?|of (?:the |our )?(?:total|whole|all|everything|overall|grand total))"
)
_FIGURE = re.compile(
    rf"{_SO}(?P<asked>(?:how (?:many|much)|what number of|which number of)(?:\s+\S+){{1,5}}?)\s+"
    rf"{_IS}\s+{_THAT}{_END}"
)
_COMPARED = re.compile(
    rf"{_SO}compare\s+(?:them|those|these|both|the two|that|it)(?:\s+(?:both|all|two))?{_END}"
)
_DIFFERENCE = re.compile(
    rf"{_SO}(?:by how (?:much|many)|(?:what(?:\s?{_IS})?\s+)?(?:the\s+)?"
    r"(?:difference|ratio|gap|growth|change)"
    r"|how (?:much|many) (?:more|less|fewer|better|worse|higher|lower|bigger|smaller))"
    rf"(?:\s+(?:in (?:%|percent)|{_IS} {_THAT}|between (?:them|those|the two|both)))?{_END}"
)
_OUT_OF = re.compile(rf"{_SO}(?:out )?of how (?:many|much){_END}")
_SOMEBODY = re.compile(
    r"\b(?:did|does|is|was|has|had|how|what|when|which)\b.*\b(?P<he>he|she)\b"
    r"|\b(?P<it>(?:bought|buys?|sold|sells?|paid for|when was|where was) (?:it|them)|of it)\b"
)

_COLUMNS = 12
"""How many columns of a row are shown."""


def refer(
    lexicon: Lexicon, question: str, previous: QuerySpec | None, now: datetime
) -> Parsed | None:
    """None for a question that is not about the answer before; where there is none, such a question
    is declined as well."""
    asked = fold(question.strip())
    if _LISTED.fullmatch(asked) is not None:
        return None if previous is None else _listed(lexicon, previous)
    if (match := _PERCENT.fullmatch(asked)) is not None and _says_percent(asked):
        return _percent(lexicon, previous, match["of"] or "")
    if (match := _FIGURE.fullmatch(asked)) is not None:
        return _figure(lexicon, match["asked"], previous, now)
    if _COMPARED.fullmatch(asked) is not None and previous is not None:
        return _compared(lexicon, previous)
    if _DIFFERENCE.fullmatch(asked) is not None and previous is not None:
        return _difference(lexicon, previous)
    if _OUT_OF.fullmatch(asked) is not None:
        return _cannot(lexicon, "it is not clear out of what: say what the whole is")
    if (match := _SOMEBODY.search(asked)) is not None:
        who = match["he"] or match["it"].rpartition(" ")[2]
        return _cannot(lexicon, f"it is not clear who or what '{who}' is here: say the name")
    return None


def _says_percent(asked: str) -> bool:
    return re.search(r"\b(?:percent|percentage|share|proportion|fraction|part)\b|%", asked) is not (
        None
    )


def _listed(lexicon: Lexicon, previous: QuerySpec) -> Parsed:
    """The rows behind a figure, or what was counted of them; groups are told once more."""
    if not previous.measures or previous.dimensions:
        return _again(lexicon, previous)
    measure = previous.measures[0]
    if len({each.where for each in previous.measures}) > 1:
        return _cannot(lexicon, "which rows those figures are of is not clear: ask for a list")
    part = tuple((each,) for each in measure.where)
    kept = QuerySpec(where=(*previous.where, *part), period=previous.period)
    sentence = Sentence(lexicon, [])
    if measure.aggregate == "count_distinct" and measure.column is not None:
        column = Dimension(column=measure.column)
        return Parsed(
            sentence, msgspec.structs.replace(kept, dimensions=(column,), distinct=True), ()
        )
    everything = tuple(Dimension(column=each.name) for each in lexicon.relation.columns[:_COLUMNS])
    sentence.wanted.assumptions.append("these are the rows that the answer before is of")
    return Parsed(sentence, msgspec.structs.replace(kept, dimensions=everything), ())


def _percent(lexicon: Lexicon, previous: QuerySpec | None, of: str) -> Parsed:
    if previous is None or not previous.measures:
        return _no_figure(lexicon)
    if of and _OF_ALL.fullmatch(of) is None:
        return _cannot(
            lexicon,
            "it is not clear what is to be the part and what the whole: name both, such as: what "
            "percentage of the total was of one of them",
        )
    plain = all(
        each.aggregate in ADDED_UP and not each.per and each.shown_as == "value"
        for each in previous.measures
    )
    if not plain or previous.comparison is not None:
        return _cannot(lexicon, "a percentage is of a number or a total: ask for one of these")
    if previous.dimensions:
        if previous.limit is not None or previous.having:
            return _cannot(lexicon, "only some were shown, so that they are no whole: ask for all")
        return _shown(lexicon, previous, "share", previous.measures)
    part = _part(previous)
    if part is None:
        return _cannot(lexicon, "it is not clear what that is a part of: name the part and whole")
    measures = tuple(msgspec.structs.replace(each, where=part) for each in previous.measures)
    whole = msgspec.structs.replace(previous, where=(), period=None)
    return _shown(lexicon, whole, "rate", measures)


def _part(previous: QuerySpec) -> tuple[Filter, ...] | None:
    """All that narrows it, as conditions of which each has to hold."""
    if any(len(group) > 1 for group in previous.where) or any(m.where for m in previous.measures):
        return None
    found = [group[0] for group in previous.where]
    period = previous.period
    if period is not None:
        if period.start is None or period.end is None:
            return None
        found.append(days(period.column, period.start, period.end))
    return tuple(found) or None


def _shown(
    lexicon: Lexicon, spec: QuerySpec, shown_as: str, measures: tuple[Measure, ...]
) -> Parsed:
    shown = tuple(msgspec.structs.replace(each, shown_as=shown_as) for each in measures)
    return Parsed(Sentence(lexicon, []), msgspec.structs.replace(spec, measures=shown), ())


def _figure(
    lexicon: Lexicon, asked: str, previous: QuerySpec | None, now: datetime
) -> Parsed | None:
    """Another figure of the rows that the answer before is of."""
    parsed = parse(lexicon, lexicon.items(asked, now), whole=False)
    wanted = parsed.sentence.wanted
    if parsed.unplaced or not wanted.measures:
        return None if parsed.unplaced else _no_figure(lexicon)
    if wanted.groups or wanted.where or wanted.period or wanted.rank or wanted.listed:
        return None
    if previous is None:
        return _no_figure(lexicon)
    if previous.limit is not None or previous.having or previous.comparison is not None:
        return _cannot(
            lexicon,
            "another figure of some that were chosen by their figures can't be told: name them",
        )
    if not previous.measures:
        previous = msgspec.structs.replace(previous, dimensions=(), order=(), distinct=False)
    parts = {each.where for each in previous.measures}
    if len(parts) > 1:
        return _cannot(lexicon, "which of the figures before is meant is not clear: ask it in full")
    part = parts.pop() if parts else ()
    measures = tuple(
        msgspec.structs.replace(each, where=(*each.where, *part)) for each in wanted.measures
    )
    spec = msgspec.structs.replace(previous, measures=measures, order=())
    return Parsed(parsed.sentence, spec, ())


def _difference(lexicon: Lexicon, previous: QuerySpec) -> Parsed:
    """What goes from one time to another is told with its change; nothing else is."""
    in_time = any(each.grain in TRUNCATING for each in previous.dimensions)
    if previous.measures and (previous.comparison is not None or in_time):
        return _again(lexicon, previous)
    if not previous.dimensions:
        return _cannot(
            lexicon,
            "the answer before is one figure: name what it is to be compared with, such as: vs the "
            "month before",
        )
    return _cannot(
        lexicon,
        "a difference between two of the figures is not worked out here: both stand in the answer "
        "before",
    )


def _compared(lexicon: Lexicon, previous: QuerySpec) -> Parsed:
    """What stands side by side already."""
    if not previous.dimensions or not previous.measures:
        return _cannot(lexicon, "there are no two figures to compare: name both")
    return _again(lexicon, previous)


def _again(lexicon: Lexicon, previous: QuerySpec) -> Parsed:
    """The same once more, where it says already what is asked for."""
    sentence = Sentence(lexicon, [])
    sentence.wanted.assumptions.append("this is the answer before, once more")
    return Parsed(sentence, previous, ())


def _no_figure(lexicon: Lexicon) -> Parsed:
    return _cannot(lexicon, "there is no answer before of which it could be told: ask it in full")


def _cannot(lexicon: Lexicon, why: str) -> Parsed:
    sentence = Sentence(lexicon, [])
    sentence.wanted.cannot = why
    return Parsed(sentence, None, ())

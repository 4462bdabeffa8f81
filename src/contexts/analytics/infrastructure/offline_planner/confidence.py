"""How sure a plan is, and on what it rests, in words."""

from contexts.analytics.infrastructure.offline_planner.lexicon import Lexicon
from contexts.analytics.infrastructure.offline_planner.parsing import Parsed
from contexts.analytics.infrastructure.offline_planner.readings import Held, Item, Named, Span

_ASSUMED = 0.05
"""What each choice costs that the question left open."""


def confidence_of(parsed: Parsed, lexicon: Lexicon) -> tuple[float, tuple[str, ...]]:
    """The sureness of the least sure placement, less something for each assumption. A question that
    is placed word for word in names and values has 1.0; nothing goes below 0.3."""
    surest = 1.0
    rests_on: list[str] = []
    for item in parsed.sentence.all:
        told = _told(item, lexicon)
        if told is None:
            continue
        words, sureness = told
        surest = min(surest, sureness)
        if words not in rests_on:
            rests_on.append(words)
    assumptions = dict.fromkeys(parsed.sentence.wanted.assumptions)
    score = 0.5 + 0.5 * surest - _ASSUMED * (len(assumptions) + parsed.sentence.wanted.unsure)
    return round(max(0.3, min(1.0, score)), 2), tuple(rests_on)


def _told(item: Item, lexicon: Lexicon) -> tuple[str, float] | None:
    reading = item.readings[0] if item.readings else None
    match reading:
        case Named():
            best = reading.choices[0]
            title = lexicon.column(best.column).title
            if best.whole and best.fit >= 0.97:
                return f"'{item.text}' is the column {title}", 1.0
            return f"'{item.text}' is taken as the column {title}", best.fit
        case Held() if reading.held and reading.held[0][0]:
            column, values = reading.held[0]
            title = lexicon.column(column).title
            if reading.part:
                return f"'{item.text}' is a word of values of {title}", 0.7
            return f"'{item.text}' is the value {values[0]} of {title}", reading.sureness
        case Span():
            return f"'{item.text}' is from {reading.start} to before {reading.end}", 1.0
    return None

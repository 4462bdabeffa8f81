"""What tells a search from a question about data: words of the one, and words of the other."""

import re

import msgspec

from contexts.conversations.infrastructure.offline_assistant.english import DATA_NOUNS, EVENTS
from contexts.conversations.infrastructure.offline_assistant.message import Reading, whole
from contexts.conversations.infrastructure.offline_assistant.phrases import one_of, stands

_FIGURES = stands(
    r"""
    how many | number of | numbers of | the numbers | figures | count | count of | average | avg
    median | sum | (?<!€ )(?<!eur )(?<!euros )(?<!dollars )(?<!in )totals? | revenues? | sales
    (?<!that )(?<!it )(?<!this )(?<!you )(?<!i )mean | turnover
    incomes? | earnings | profits? | takings | percent | percentages? | shares? of | proportion
    breakdown | break down | broken down | distribution | trends? | growth | grew | cumulative
    running total | charts? | graphs? | plot | pie | histogram | group(?:ed)? by | compared?
    per (?!person|ticket|head|seat)\w+ | versus | vs | datasets? | data sets? | rows? | columns
    best-? ?sell\w* | top-? ?sell\w* | worst-? ?sell\w* | most sold | most bought | least sold
    hourly | daily | weekly | monthly | quarterly | yearly | over time | month over month
    (?:in|from|of) (?:the |our |my )?\w+(?: \w+)? (?:data|table)
    year over year | correlation | ascending | descending | x-? ?axis | y-? ?axis
    sells? (?:the )?(?:best|most|worst|least) | (?:better|worse) than | (?:go|goes|went) (?:up|down)
    ratios? | did (?:we|they|he|she) (?:sell|make|earn|take)
    refunds? rates? | how much (?:did|have|has|was|were|do we|does each|money|revenue) | [a-z]+_\w+
    """
)
"""Words that only a question for figures has; an underscore is that of a name in data."""

_RANKING = stands(
    r"""
    top | bottom | best | worst | most | least | highest | lowest | largest | smallest | biggest
    maximum | minimum | busiest | quietest | each | every | by (?:year|quarter|month|week|weekday)
    by (?:day|hour) | by \w+(?= ?\??$)
    """
)

_BEST_SHOWS = stands(
    r"""
    (?:top|bottom|best|worst)(?: \d+)? shows?(?! [^?!])
    (?:top|bottom|best|worst)(?: \d+)? shows? (?:in|by)
    """
)
"""Shows in the order of what they brought; with a day to come they are looked for."""

_WHATS_ON = stands(
    r"""
    what(?:'s| is| are|s)?(?: there)? (?:on|playing|happening|going on|showing|coming up|new)
    what(?:'s| is| are|s)? there to (?:do|see) | things to (?:do|see) | going out | go out
    (?:what|which|where) (?:can|could|should) (?:i|we) (?:see|go|do|watch|hear|attend|visit)
    to do (?:tonight|tomorrow|this|next|on|in) | night out | date night | coming up | line-?up
    (?:anything|something|nothing) (?:on|with|for|to|in|at|about|under|by|between|from|after|before)
    (?:anything|something|nothing) (?:good|nice|cheap|cheaper|fun|free|interesting|else|happening)
    (?:anything|something) (?:\w+ )?(?:this|next|tonight|today|tomorrow) | (?:is|are) there any
    (?:is|are) there (?:some|something|anything) | is there an? | tickets? (?:for|to|under|below)
    seats? for | when (?:is|are|does|do|will) | when's | where(?:'s| is| are| does)
    what time (?:is|are|does|do|will) | who(?:'s| is) (?:playing|on|performing|singing)
    who (?:plays|sings|performs) | playing | performing | how much (?:is|are|does|do)(?! we)
    what (?:do|does) (?:\S+ )+cost
    sold out | live music | events? | event's | shows | shows? (?:of|by|with)
    (?:an?|the|any|some|next|what|which|this|that|best|good|late|last|first|\w+y|new) show
    """
)
_LEFT = stands(
    "how many (?:tickets|seats|places)(?: are)?(?: there)?(?: still)? (?:left|available|free)"
)
"""What the catalogue tells of each event, though it is a figure."""

_PAST = stands(
    r"""
    was | were | did | sold | bought | had | made | earned | came | went | yesterday
    last (?:year|month|week|quarter) | 20[01]\d | 202[0-5]
    """
)
_AHEAD = stands(
    r"""
    tonight | today | tomorrow | weekend | upcoming | coming | evening
    (?:this|next|coming|the) (?:week|month|year|monday|tuesday|wednesday|thursday|friday)
    (?:this|next|coming|the) (?:saturday|sunday)
    """
)
_TIMES = "(?:year|quarter|month|week|weekday|day)"
_CATALOGUE_COUNT = re.compile(
    rf"\b(?:events?|concerts?|gigs?) (?:by|per|each|every) {_TIMES}(?!\S)|"
    r"\b(?:how many|number of|count(?: of)?)(?: (?:all|the|different|upcoming|sold out|available"
    r"|free|live))* (?:events?|concerts?|gigs?)(?!\S)"
)
_SELLING = stands(
    r"sold | sell | sells | selling | revenue | sales | tickets | buyers? | customers? | refund\w*"
)
_GROUPED = stands(
    r"""
    by \w+ | per | each | every | average | avg | median | sum | total | revenue | sold | sales
    top | shares? | percent | percentage | trends? | charts? | graphs? | pie | compared? | most
    least
    """
)
_OF_THESE = re.compile(
    r"(?:and |so |ok |well )*(?:how many|what's the total|what is the total)(?: "
    + one_of(
        """
        of (?:those|these|them) | events | shows | concerts | results | are (?:there|they|those)
        is that | in all | in total | altogether | did you find | were (?:there|found) | are | left
        have (?:places|seats|tickets) | available | still | with | places | seats | tickets | on
        free | sold out
        """
    )
    + r")*(?: (?:under|below|over|on|in|after|before|less|for)\b.*)?"
)

_SOMEBODY = r"(?:customers?|clients?|callers?|guests?|visitors?|somebody|someone|couple|group)"
ON_BEHALF = whole(
    rf"(?:(?:i have|i've got|i've|there is|there's|we have|got) )?(?:for )?(?:an? |my |the |some )?"
    rf"{_SOMEBODY} (?:here |on the (?:phone|line) )?(?:(?:who|that) )?(?:is |are )?"
    r"(?:asking|asks|ask|looking|wanting|wants?|would like)(?: (?:to (?:see|go to)|for|about))?"
)
"""Whom it is for, where it is for somebody else."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`figures`: data is meant; `ranking`: it can be. `events`: the catalogue is meant; `ahead`: it
    can be, for the days named are still to come. `past`: it is of what has been."""

    figures: bool
    ranking: bool
    events: bool
    ahead: bool
    past: bool = False


def weigh(reading: Reading) -> Evidence:
    # A customer who asks for a concert is no figure.
    text = ON_BEHALF.sub(lambda match: " " * len(match[0]), reading.folded)
    words = {text[word.at : word.end] for word in reading.words if word.kind == "word"}
    nouns = bool(words & DATA_NOUNS) and "sold out" not in text
    left = _LEFT.search(text) is not None
    events = left or bool(words & EVENTS) or _WHATS_ON.search(text) is not None
    past = _PAST.search(text) is not None
    ahead = _AHEAD.search(text) is not None and not past
    figured = nouns or _FIGURES.search(text) is not None or counts_events(reading)
    return Evidence(
        figures=not left and (figured or (_BEST_SHOWS.search(text) is not None and not ahead)),
        ranking=_RANKING.search(text) is not None,
        events=events,
        ahead=ahead,
        past=past,
    )


def counts_events(reading: Reading) -> bool:
    """Whether events of the catalogue are counted, and nothing that was sold."""
    text = reading.folded
    return _CATALOGUE_COUNT.search(text) is not None and _SELLING.search(text) is None


def counts_these(reading: Reading) -> bool:
    """ "How many are there?", of what was found before."""
    return _OF_THESE.fullmatch(reading.folded.rstrip(" ?")) is not None


def is_grouped(reading: Reading) -> bool:
    """Whether more is asked for than a number or a list of events, so that a search can't tell."""
    return _GROUPED.search(reading.folded) is not None

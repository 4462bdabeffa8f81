"""What a search asks for, in a message of its own or in one that changes the search before."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from contexts.conversations.infrastructure.offline_assistant.calendar import Days
from contexts.conversations.infrastructure.offline_assistant.dates import When, when
from contexts.conversations.infrastructure.offline_assistant.day_words import COUNTS
from contexts.conversations.infrastructure.offline_assistant.english import FILLER
from contexts.conversations.infrastructure.offline_assistant.evidence import ON_BEHALF
from contexts.conversations.infrastructure.offline_assistant.message import Reading, fold, whole
from contexts.conversations.infrastructure.offline_assistant.phrases import stands
from contexts.conversations.infrastructure.offline_assistant.prices import (
    Prices,
    bare_prices,
    order_of,
    signed_prices,
)
from contexts.conversations.infrastructure.offline_assistant.wishes import Search

MOST = 20
"""Events that the tool gives at once."""

_LONGEST = 8
"""Words that are looked for; all of them have to be in a title, and no title has more."""

_SOLD_OUT_TOO = stands(
    """
    (?:also|including|include|even|with)(?: the)?(?: those| ones)?(?: that are| if)? sold out
    sold out (?:ones )?(?:too|as well|also) | (?:even )?if (?:they are|it is|they're|it's) sold out
    """
)
_HOW_MANY_LEFT = stands(
    "how many (?:tickets|seats|places)(?: are)?(?: there)?(?: still)? (?:left|available|free)"
)
_PLACES_LEFT = stands(
    """
    (?:with |where |that have |which have |has |have |having |if )?(?:there are |there is |still )?
    """.strip()
    + "(?:any |some |free |available )?(?:seats?|places?|tickets?|spots?|availability)"
    + """(?: are| is)?(?: still)? (?:left|available|free|remaining)
    (?:that are |that is |which are )?(?:not|n't) sold out | (?:still|only|just) available(?: ones)?
    with (?:free )?(?:seats|places|availability) | free (?:seats|places) | bookable
    (?:i|we) can still (?:get|buy|book)(?: tickets for)?
    """
)
_SOLD_OUT = stands("sold out")
_COUNT = "|".join(sorted((word for word in COUNTS if len(word) > 2), key=len, reverse=True))
_PARTY = whole(
    rf"(?:for |with |we are |we're )?(?:\d{{1,2}}|{_COUNT}) (?:tickets?|people|persons?|adults?"
    r"|friends|of us|seats?|places?|hours?|kids and|guests)"
)
"""How many go there is no criterion."""
_IN_TOTAL = re.compile(r"\d(?: \S+)? (?P<total>(?:in )?total|altogether|all together)(?!\S)")
_VERB = re.compile(
    r"(?<!\S)(?:does|do|will|who|when|where|did|you)(?: .*)? "
    r"(?P<verb>plays?|sings?|appears?|sells?)(?!\S)"
)
_NUMBER = rf"(?P<limit>\d{{1,2}}|{_COUNT})"
_EVENTS = r"(?:events|concerts|gigs|shows|plays|of them|results|options|ideas|suggestions)"
_SHOW = "(?:show me|show|list|give me|find me|find|top|first|the first|only|just)"
_LIMITS = (
    whole(rf"(?:{_SHOW} )?{_NUMBER} {_EVENTS}"),
    whole(rf"{_SHOW} {_NUMBER}(?= [?]|$)"),
    whole(rf"(?:the )?{_NUMBER} (?=cheapest|dearest|most expensive|least expensive)"),
)
_WITHOUT_A_LIMIT = stands(
    """
    (?:at )?any (?:price|cost) | without (?:a |the |any )?price(?: limit)? | no price limit
    (?:whatever|no matter) the (?:price|cost) | (?:price|money) doesn't matter
    no matter what (?:it|they) costs?
    """
)
_ANY_TIME = stands("(?:at )?any (?:time|day|date) | whenever | no matter when | all dates | ever")
_ANYTHING = stands("(?:of )?any (?:kind|type|sort) | anything at all | no matter what")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A search, and which parts of it the message itself named."""

    search: Search
    when: bool
    price: bool
    ordered: bool
    available: bool
    words: bool

    limited: bool

    @property
    def changes(self) -> bool:
        """Whether anything besides the words is named."""
        return self.when or self.price or self.ordered or self.available or self.limited

    @property
    def anything(self) -> bool:
        return self.changes or self.words


def search_of(reading: Reading, today: date, before: Search | None = None) -> Found:
    """Takes from the message what it understands; `before` is the search that it may change:
    what the message names takes the place of what there was, and the rest stays."""
    base = before or Search()
    wider = _widened(reading, base)
    availability = _availability(reading)
    for_all = _shared(reading)
    signed = signed_prices(reading)
    for pattern, group in ((ON_BEHALF, 0), (_PARTY, 0), (_VERB, "verb")):
        if (match := reading.find(pattern)) is not None:
            reading.take(match, group)
    limit = _limit(reading)
    time = when(reading, today, _days(base))
    prices = signed or bare_prices(reading)
    if for_all and prices and prices.high is not None:
        prices = msgspec.structs.replace(prices, high=prices.high / for_all)
    order = order_of(reading)
    words = words_left(reading)
    low, high = (prices.low, prices.high) if prices else (wider.low, wider.high)
    search = msgspec.structs.replace(
        base,
        words=words or wider.words,
        start=time.start if time else wider.start,
        end=time.end if time else wider.end,
        low=low,
        high=high,
        available_only=base.available_only if availability is None else availability,
        limit=limit,
        order=order,
        notes=tuple(_notes(time, prices, for_all)),
    )
    changed = wider != base
    return Found(
        search=search,
        when=time is not None,
        price=prices is not None or changed,
        ordered=order != "start",
        available=availability is not None,
        words=bool(words),
        limited=limit is not None,
    )


def cheaper(before: Search, events: list[Mapping[str, Any]]) -> Search | None:
    """Those in the lower half of the prices that were shown; None where none was."""
    prices = sorted({Decimal(str(e["min_price"])) for e in events if e["min_price"] is not None})
    if not prices:
        return None
    middle = (prices[(len(prices) - 1) // 2] + prices[len(prices) // 2]) / 2
    high = middle if len(prices) > 1 else max(prices[0] - Decimal("0.01"), Decimal(0))
    low = None if before.low is not None and before.low > high else before.low
    return msgspec.structs.replace(before, low=low, high=high, order="cheapest")


def words_left(reading: Reading) -> str:
    """What is looked for: words that mean something and that nothing else took."""
    wanted = [
        _bare(word.text)
        for word in reading.left()
        if word.kind == "quoted" or (word.kind != "mark" and fold(word.text) not in FILLER)
    ]
    return " ".join(wanted[:_LONGEST])[:200].strip()


def _bare(word: str) -> str:
    return re.sub(r"['\u2019]s$", "", word)


def _days(search: Search) -> Days | None:
    if search.start is None and search.end is None:
        return None
    first, last = (date.fromisoformat(t[:10]) if t else None for t in (search.start, search.end))
    return Days(first, last)


def _widened(reading: Reading, base: Search) -> Search:
    """Without the bounds that the message says do not matter."""
    lifted: dict[str, Any] = {}
    for pattern, names in (
        (_WITHOUT_A_LIMIT, {"low": None, "high": None}),
        (_ANY_TIME, {"start": None, "end": None}),
        (_ANYTHING, {"words": ""}),
    ):
        if (match := reading.find(pattern)) is not None:
            reading.take(match)
            lifted |= names
    return msgspec.structs.replace(base, **lifted)


def _availability(reading: Reading) -> bool | None:
    # "Is it sold out?" is seen from what comes when those are not left out.
    ways = (False, _HOW_MANY_LEFT), (False, _SOLD_OUT_TOO), (True, _PLACES_LEFT), (False, _SOLD_OUT)
    for wanted, pattern in ways:
        if (match := reading.find(pattern)) is not None:
            reading.take(match)
            return wanted
    return None


def _shared(reading: Reading) -> int | None:
    """Among how many an amount "in total" is to be shared; None where it is for one."""
    party, total = reading.find(_PARTY), reading.find(_IN_TOTAL)
    if total is None or party is None:
        return None
    reading.take(total, "total")
    number = next((word for word in party[0].split() if word.isdigit() or word in COUNTS), "1")
    return max(int(number) if number.isdigit() else COUNTS[number], 1)


def _limit(reading: Reading) -> int | None:
    """At most as many as come at once."""
    for pattern in _LIMITS:
        if (match := reading.find(pattern)) is not None:
            said = match["limit"]
            count = int(said) if said.isdigit() else COUNTS[said]
            # "two concerts" asks for as many, and what they are is still looked for.
            reading.take_span(match.start(), match.end("limit"))
            return min(max(count, 1), MOST)
    return None


def _notes(time: When | None, prices: Prices | None, for_all: int | None) -> list[str]:
    notes = []
    if for_all and prices and prices.high is not None:
        notes.append(f"Prices are for one place, so I shared the amount among {for_all}.")
    if time is not None and time.lost:
        notes.append(
            f"I can't pick hours ('{time.lost}') out of more than one day, so all hours are in it; "
            "name one day for that."
        )
    if prices is not None and prices.around is not None:
        notes.append("I took 'around' as a quarter less or more.")
    return notes

"""The steps of a search: what is tried when nothing is found, and how the cheapest is told.

The tool gives the soonest events, 20 at most. The cheapest of more than that is found by looking
for anything cheaper than what was found, until there is nothing.
"""

from collections.abc import Generator, Iterator, Mapping, Set
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from contexts.conversations.application.content import ToolPart
from contexts.conversations.infrastructure.offline_assistant import telling_events, telling_help
from contexts.conversations.infrastructure.offline_assistant.earlier import (
    SEARCH,
    Earlier,
    result_of,
)
from contexts.conversations.infrastructure.offline_assistant.english import ALIKE
from contexts.conversations.infrastructure.offline_assistant.message import fold
from contexts.conversations.infrastructure.offline_assistant.searching import MOST
from contexts.conversations.infrastructure.offline_assistant.steps import Call, Steps
from contexts.conversations.infrastructure.offline_assistant.wishes import Search

_SHOWN = 10
"""Events that are listed at once, unless so many are asked for."""

_FEW = 5
"""Where other events than those asked for are listed, or only their number was asked for."""

_LOOKS = 5
"""How often anything cheaper is looked for."""

_PROBED = 4
"""Words that are looked for one by one."""

_CENT = Decimal("0.01")

_DOING = "Searching the catalogue"


def find(search: Search) -> Steps:
    if search.order != "start":
        return (yield from _by_price(search))
    part = yield _call(search, search.limit or (_FEW if search.counted else _SHOWN))
    if part.error is not None:
        return telling_help.troubled(_DOING, part.error)
    total, events = _told(part)
    if total:
        return telling_events.found(search, total, events)
    return (yield from _otherwise(search))


def find_more(before: Earlier, seen: Set[str]) -> Steps:
    """Those after the events that were shown: from the start of the last one, where they were shown
    in the order of their starts. `seen` are the ids of all that were shown before."""
    if before.found is None or not before.events:
        return telling_events.more(0, [])
    search = Search.again(before.found.arguments)
    starts, since = [str(event["starts_at"]) for event in before.events], search.start
    # From before the first day on there is also what is over by then.
    if starts == sorted(starts) and starts[-1] >= (since or ""):
        search = _replaced(search, start=starts[-1])
    part = yield _call(search, MOST)
    if part.error is not None:
        return telling_help.troubled(_DOING, part.error)
    total, events = _told(part)
    fresh = [event for event in events if str(event["id"]) not in seen]
    return telling_events.more(total - (len(events) - len(fresh)), fresh, since)


def _by_price(search: Search) -> Steps:
    part = yield _call(search, MOST)
    if part.error is not None:
        return telling_help.troubled(_DOING, part.error)
    total, listed = _told(part)
    if not total:
        return (yield from _otherwise(search))
    proven = total <= len(listed)
    for _ in range(_LOOKS):
        beyond = None if proven else _beyond(search, listed)
        if beyond is None:
            break
        part = yield _call(beyond, MOST)
        if part.error is not None:
            break
        left, events = _told(part)
        listed = _merged(events, listed)
        proven = left <= len(events)
    shown = _sorted(search, listed)[: search.limit or _SHOWN]
    return telling_events.by_price(search, total, shown, proven=proven)


def _beyond(search: Search, events: list[Mapping[str, Any]]) -> Search | None:
    """A search for anything that costs less (or more) than all of these; None where none can."""
    cheapest = search.order == "cheapest"
    end = "min_price" if cheapest else "max_price"
    known = [Decimal(str(event[end])) for event in events if event.get(end) is not None]
    if not known:
        return None
    if not cheapest:
        low = max(known) + _CENT
        return None if search.high is not None and low > search.high else _replaced(search, low=low)
    high = min(known) - _CENT
    if high < max(search.low or Decimal(0), Decimal(0)):
        return None
    return _replaced(search, high=high)


def _sorted(search: Search, events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By price, then by time; those without a price are left out where others have one."""
    sign, end = (1, "min_price") if search.order == "cheapest" else (-1, "max_price")
    priced = [event for event in events if event.get(end) is not None] or events
    return sorted(priced, key=lambda e: (sign * float(e.get(end) or 0), str(e["starts_at"])))


def _merged(
    events: list[Mapping[str, Any]], more: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    ids = {event["id"] for event in events}
    return [*events, *(event for event in more if event["id"] not in ids)]


def _otherwise(search: Search) -> Steps:
    """Nothing was found: what a wider search finds, the first that finds anything. Words that no
    title has are left out, and that is said."""
    words = search.words.split()
    if words and not (yield from _are_in_titles(search.words)):
        absent = yield from _absent(words)
        if not absent:
            return (yield from _each(search))
        found = yield from _alike(absent)
        own = [found.get(word, word) for word in words if word in found or word not in absent]
        search = _replaced(search, words=" ".join(own))
        missing = telling_events.missing(absent, found)
        if not search.arguments:
            return missing
        told = yield from find(search)
        return f"{missing} {told}"
    for how, wider in _wider(search):
        part = yield _call(wider, _FEW)
        total, events = _told(part)
        if total:
            told = telling_events.wider(how, wider, total, events)
            return telling_events.none(search, told)
    return telling_events.none(search)


def _absent(words: list[str]) -> Generator[Call, ToolPart, list[str]]:
    """Those that no title has, at any time and price."""
    if len(words) == 1:
        return words
    absent = []
    for word in words[:_PROBED]:
        if not (yield from _are_in_titles(word)):
            absent.append(word)
    return absent


def _alike(absent: list[str]) -> Generator[Call, ToolPart, dict[str, str]]:
    """For words that no title has, others for the same that some title has."""
    found = {}
    for word in absent:
        other = ALIKE.get(fold(word))
        if other is not None and (yield from _are_in_titles(other)):
            found[word] = other
    return found


def _each(search: Search) -> Steps:
    """Titles have each of the words, and none has all: "rock or jazz"."""
    told = [telling_events.not_in_titles(search.words.split())]
    for word in search.words.split()[:_PROBED]:
        one = _replaced(search, words=word)
        part = yield _call(one, _FEW)
        total, events = _told(part)
        told.append(telling_events.found(one, total, events) if total else telling_events.none(one))
    return "\n\n".join(told)


def _are_in_titles(words: str) -> Generator[Call, ToolPart, bool]:
    part = yield _call(Search(words=words, available_only=False), 1)
    return part.error is not None or _told(part)[0] > 0


def _wider(search: Search) -> Iterator[tuple[str, Search]]:
    """What makes it wider, in words that begin a sentence, and the wider search."""
    if search.low is not None or search.high is not None:
        yield "Without the limit to the price", _replaced(search, low=None, high=None)
    later = _replaced(search, start=_behind(search.end), end=None) if search.end else None
    if later is not None and search.words:
        yield "Later", later
    if search.words and (search.start is not None or search.end is not None):
        yield "At other times", _replaced(search, start=None, end=None)
    if search.words:
        yield f"Without '{search.words}' in the title", _replaced(search, words="")
    elif later is not None:
        yield "Later", later


def _behind(end: str) -> str:
    """The day after a day, all of which was looked through; a time as it is."""
    if len(end) > len("2026-11-28"):
        return end
    day = date.fromisoformat(end)
    return (day + timedelta(days=day < date.max)).isoformat()


def _replaced(search: Search, **changes: Any) -> Search:
    return msgspec.structs.replace(search, **changes)


def _call(search: Search, limit: int) -> Call:
    return Call(SEARCH, {**search.arguments, "limit": limit})


def _told(part: ToolPart) -> tuple[int, list[Mapping[str, Any]]]:
    result = result_of(part)
    return int(result.get("total") or 0), list(result.get("events") or [])

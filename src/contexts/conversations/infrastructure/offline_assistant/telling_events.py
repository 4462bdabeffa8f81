"""What is said about events that were found, or that were not."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from contexts.conversations.infrastructure.offline_assistant import writing
from contexts.conversations.infrastructure.offline_assistant.english import KINDS
from contexts.conversations.infrastructure.offline_assistant.message import fold
from contexts.conversations.infrastructure.offline_assistant.wishes import Search, plain

Events = Sequence[Mapping[str, Any]]

_DAYS = 2
"""What ends so many days after its beginning is no long night."""


def found(search: Search, total: int, events: Events) -> str:
    """What was found, what was understood, and an event in each line."""
    verb = "is" if total == 1 else "are"
    told = f"There {verb} {writing.counted(total, 'event')}{_criteria(search)}."
    lines = [_joined(told, *search.notes)]
    if events:
        head = _head(total, len(events)) if total > len(events) else ""
        lines += [head, *_lines(search, events)]
    if total > len(events):
        lines += ["", "Say 'more' for those that follow, or narrow it: a day, a price, a word."]
    return "\n".join(lines)


def by_price(search: Search, total: int, events: Events, *, proven: bool) -> str:
    """The cheapest or the dearest first; `proven` when no other can come before them."""
    end, name = ("min_price", "lowest") if search.order == "cheapest" else ("max_price", "highest")
    priced = [event for event in events if event.get(end) is not None]
    if not priced:
        return found(search, total, events)
    extreme = writing.price(float(priced[0][end]))
    extreme = "nothing: it is free" if extreme == "0" else extreme
    verb = "is" if total == 1 else "are"
    told = f"There {verb} {writing.counted(total, 'event')}{_criteria(search)}."
    if proven:
        told += f" The {name} price is {extreme}."
    else:
        told += f" The {name} price I found is {extreme}; there may be others."
    first = "cheapest" if search.order == "cheapest" else "dearest"
    cut = f" ({len(priced)} of them)" if total > len(priced) else ""
    lines = [_joined(told, *search.notes), f"The {first} first{cut}:"]
    lines += _lines(search, priced)
    return "\n".join(lines)


def none(search: Search, wider: str | None = None) -> str:
    """Nothing was found; `wider` is what was found without some of it, in words."""
    told = [f"I found no events{_criteria(search)}.", *search.notes]
    if wider is None:
        tries = ["another day"]
        if search.high is not None:
            tries.append("a higher price")
        if search.words:
            tries.append("another word of the title")
        return _joined(*told, f"Try {' or '.join(tries)}.")
    return f"{_joined(*told)}\n\n{wider}"


def wider(how: str, search: Search, total: int, events: Events) -> str:
    """What a wider search found; `how` it is wider, in words that begin a sentence."""
    verb = "is" if total == 1 else "are"
    cut = f"; the first {len(events)}" if total > len(events) else ""
    told = f"{how} there {verb} {writing.counted(total, 'event')}{_criteria(search)}{cut}:"
    return "\n".join([told, *_lines(search, events)])


def missing(absent: Sequence[str], alike: Mapping[str, str]) -> str:
    """No title has these words; for some of them, others were looked for."""
    gone = [word for word in absent if word not in alike]
    told = [f"No title has '{word}' in it, so I looked for '{alike[word]}'." for word in alike]
    if gone:
        kind = all(fold(word) in KINDS for word in gone)
        told.append(kinds(gone) if kind else not_in_titles(gone))
    return " ".join(told)


def kinds(words: Sequence[str]) -> str:
    """Why nothing was found by words that say what kind of event is wanted."""
    quoted = writing.listed([f"'{word}'" for word in words])
    return f"No title has {quoted} in it, and the catalogue tells no kinds of events."


def not_in_titles(words: Sequence[str]) -> str:
    which = "all of " if len(words) > 1 else ""
    return f"No event has {which}'{' '.join(words)}' in its title."


def more(left: int, events: Events, since: str | None = None) -> str:
    """`since` is the first day that was asked for."""
    if not events:
        return (
            "That was all of them."
            if left <= 0
            else f"There are {writing.counted(left, 'event')} more, which begin at the same time "
            "as those I showed. Narrow it to see them: by a price, or by a word of the title."
        )
    rest = left - len(events)
    lines = ["The next ones:" if rest > 0 else "These are the rest:"]
    lines += [line(event, since) for event in events]
    if rest > 0:
        lines += ["", f"{writing.number(rest)} more follow; say 'more', or narrow it."]
    return "\n".join(lines)


def detail(event: Mapping[str, Any]) -> str:
    """All that is known of one event."""
    until = f" to {_clock(event)}" if event.get("ends_at") else ""
    zone = f" ({event['timezone']})" if event.get("timezone") else ""
    lines = [
        f"**{event['title']}**",
        f"When: {writing.short_time(event['starts_at'])}{until}{zone}",
        f"Price: {writing.prices(event.get('min_price'), event.get('max_price'))}",
        f"Places left: {writing.number(event.get('places') or 0)}",
    ]
    if event.get("organizer"):
        lines.append(f"Organizer: {event['organizer']}")
    if event.get("url"):
        lines.append(f"More: {event['url']}")
    return "\n".join(lines)


def no_such(count: int) -> str:
    """One was asked for that is not in the list."""
    return f"I showed {writing.counted(count, 'event')}; which of them do you mean?"


def line(event: Mapping[str, Any], since: str | None = None) -> str:
    """`since` is the first day that was asked for: of what began before, it matters how long it
    is on."""
    title = " ".join(str(event["title"]).split())
    when = _when(event, since)
    price = writing.prices(event.get("min_price"), event.get("max_price"))
    price = f"price {price}" if price[:1].isdigit() else price
    return f"- {title} — {when} — {price} — {_places(event)}"


def _when(event: Mapping[str, Any], since: str | None) -> str:
    """What goes on for days is told by its days."""
    starts, ends = str(event["starts_at"]), str(event.get("ends_at") or event["starts_at"])
    if (date.fromisoformat(ends[:10]) - date.fromisoformat(starts[:10])).days < _DAYS:
        return writing.short_time(starts)
    if since is not None and starts[:10] < since[:10]:
        return f"on until {writing.short_day(ends)}"
    return f"{writing.short_day(starts)} to {writing.short_day(ends)}"


def _places(event: Mapping[str, Any]) -> str:
    places = event.get("places") or 0
    return f"{writing.counted(places, 'place')} left" if places else "no places left"


def _clock(event: Mapping[str, Any]) -> str:
    starts, ends = str(event["starts_at"]), str(event["ends_at"])
    return ends[11:16] if starts[:10] == ends[:10] else writing.short_time(ends)


def _head(total: int, count: int) -> str:
    return "The first one:" if count == 1 else f"The first {count}:"


def _criteria(search: Search) -> str:
    """What was asked for, in words that follow "events"."""
    told = ""
    if search.words:
        told += f" with '{search.words}' in the title"
    if time := writing.stretch(search.start, search.end):
        told += f" {time}"
    low, high = plain(search.low), plain(search.high)
    if high == 0:
        told += " that cost nothing"
    elif low is not None and high is not None:
        told += f" for {writing.price(low)} to {writing.price(high)}"
    elif high is not None:
        told += f" for at most {writing.price(high)}"
    elif low is not None:
        told += f" for at least {writing.price(low)}"
    if search.available_only is not None:
        told += " with places left" if search.available_only else ", sold out or not"
    return told


def _lines(search: Search, events: Events) -> list[str]:
    return [line(event, search.start) for event in events]


def _joined(*sentences: str) -> str:
    return " ".join(sentences)

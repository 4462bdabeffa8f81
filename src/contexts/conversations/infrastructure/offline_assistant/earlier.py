"""What was done before in a conversation, and what of it was shown: a message may go on from it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.infrastructure.offline_assistant.telling_events import detail, line

SEARCH, ASK, DATASETS = "search_events", "ask_data", "list_datasets"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """`answer` is the last message that searched or asked, and `last` which of both it did last.

    A search that found nothing is followed by wider ones: `wanted` is the one that was asked for,
    without words that no title has, and `found` the first that found anything. `events` are those
    that stand in the answer, in the order in which they stand there; a model that answered may have
    written them otherwise, and then they are those that it was given. `last_told` is the place of
    the one of them that was told of since.
    """

    last: ToolPart | None = None
    wanted: ToolPart | None = None
    found: ToolPart | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    last_told: int | None = None

    @property
    def was_search(self) -> bool:
        return self.last is not None and self.last.name == SEARCH

    @property
    def was_question(self) -> bool:
        return self.last is not None and self.last.name == ASK

    @property
    def dataset(self) -> str | None:
        """The one that was asked last."""
        if self.last is None or not self.was_question:
            return None
        dataset = result_of(self.last).get("dataset")
        return None if dataset is None else str(dataset)

    @property
    def options(self) -> list[Mapping[str, Any]]:
        """What the last question can be meant as, where it was asked back."""
        if self.last is None or not self.was_question:
            return []
        result = result_of(self.last)
        if result.get("outcome") != "needs_clarification":
            return []
        return list(result.get("options") or [])


NOTHING = Earlier()


def earlier(path: tuple[Message, ...]) -> Earlier:
    for message in reversed(path):
        calls = [part for part in calls_in((message,)) if part.name in (SEARCH, ASK)]
        if calls:
            searches = [part for part in calls if part.name == SEARCH]
            events = _last_shown(path) or tuple(_given(message).values())
            return Earlier(
                last=calls[-1],
                wanted=_wanted(searches),
                found=_found(searches),
                events=events,
                last_told=_last_told(path, events),
            )
    return NOTHING


def calls_in(path: tuple[Message, ...]) -> Iterator[ToolPart]:
    """Calls of tools that had a result, in order."""
    for message in path:
        if message.author == "assistant":
            for part in message.parts:
                if isinstance(part, ToolPart) and part.result is not None:
                    yield part


def answered_of(path: tuple[Message, ...]) -> str | None:
    """The dataset of the last answer to a question, whatever was declined since."""
    datasets = [
        result_of(part).get("dataset")
        for part in calls_in(path)
        if part.name == ASK and result_of(part).get("outcome") == "answered"
    ]
    return str(datasets[-1]) if datasets and datasets[-1] is not None else None


def shown_in(path: tuple[Message, ...]) -> frozenset[str]:
    """The ids of the events that were shown of the last search: in its answer, and page by page."""
    ids: set[str] = set()
    page: Mapping[str, Any] | None = None
    for message in reversed(path):
        if (found := earlier((message,)).found) is None:
            continue
        of = {name: found.arguments[name] for name in found.arguments.keys() - {"from", "limit"}}
        if page is not None and of != page:
            break
        page = of
        ids |= {str(event["id"]) for event in _shown(message)}
    return frozenset(ids)


def result_of(part: ToolPart) -> Mapping[str, Any]:
    return part.result or {}


def _last_shown(path: tuple[Message, ...]) -> tuple[Mapping[str, Any], ...]:
    return next((events for message in reversed(path) if (events := _shown(message))), ())


def _last_told(path: tuple[Message, ...], events: tuple[Mapping[str, Any], ...]) -> int | None:
    """Of the events, the one whose details the last answer is."""
    answers = [message.text for message in path if message.author == "assistant"]
    told = answers[-1] if answers else ""
    return next((at for at, event in enumerate(events) if told == detail(event)), None)


def _wanted(searches: Sequence[ToolPart]) -> ToolPart | None:
    """The one without the words of which it was found that no title has them."""
    absent = [_is_probe(part) and not result_of(part).get("total") for part in searches]
    if not any(absent):
        return searches[0] if searches else None
    behind = max(at for at, gone in enumerate(absent) if gone)
    left = [part for part in searches[behind:] if not _is_probe(part)]
    return left[0] if left else replace(searches[0], arguments={})


def _found(searches: Sequence[ToolPart]) -> ToolPart | None:
    found = [part for part in searches if result_of(part).get("total")]
    shown = [part for part in found if not _is_probe(part)]
    return next(iter(shown or found), None)


def _is_probe(part: ToolPart) -> bool:
    """Whether it looked for words alone, sold out or not, and for one event: that is to know
    whether any title has them."""
    asked = {name: value for name, value in part.arguments.items() if value is not None}
    alone = asked.keys() == {"words", "available_only", "limit"}
    return alone and not asked["available_only"] and asked["limit"] == 1


def _given(message: Message) -> Mapping[str, Mapping[str, Any]]:
    """The events that searches found for a message, by their ids."""
    return {
        str(event["id"]): event
        for part in calls_in((message,))
        if part.name == SEARCH
        for event in result_of(part).get("events") or []
    }


def _shown(message: Message) -> tuple[Mapping[str, Any], ...]:
    """Those that stand in it, in order."""
    given = _given(message)
    if not given:
        return ()
    places = {told: at for at, told in enumerate(message.text.split("\n"))}
    standing = [
        (places[told], event)
        for event in given.values()
        for told in (line(event), line(event, str(date.max)))
        if told in places
    ]
    standing.sort(key=lambda each: each[0])
    return tuple({str(event["id"]): event for _, event in standing}.values())

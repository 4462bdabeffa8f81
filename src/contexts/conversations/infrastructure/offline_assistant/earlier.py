"""What was done before in a conversation, and what of it was shown: a message may go on from it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.infrastructure.offline_assistant.telling_events import line

SEARCH, ASK, DATASETS = "search_events", "ask_data", "list_datasets"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """`answer` is the last message that searched or asked, and `last` which of both it did last.

    A search that found nothing is followed by wider ones: `wanted` is the one that was asked for,
    and `found` the first that found anything. `events` are those that stand in the answer, in the
    order in which they stand there; a model that answered may have written them otherwise, and then
    they are those that it was given.
    """

    last: ToolPart | None = None
    wanted: ToolPart | None = None
    found: ToolPart | None = None
    events: tuple[Mapping[str, Any], ...] = ()

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
            return Earlier(
                last=calls[-1],
                wanted=searches[0] if searches else None,
                found=next((part for part in searches if result_of(part).get("total")), None),
                events=_last_shown(path) or tuple(_given(message).values()),
            )
    return NOTHING


def calls_in(path: tuple[Message, ...]) -> Iterator[ToolPart]:
    """Calls of tools that had a result, in order."""
    for message in path:
        if message.author == "assistant":
            for part in message.parts:
                if isinstance(part, ToolPart) and part.result is not None:
                    yield part


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
    standing = [(places[line(event)], event) for event in given.values() if line(event) in places]
    return tuple(event for _, event in sorted(standing, key=lambda each: each[0]))

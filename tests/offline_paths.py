"""Conversations with the offline assistant, made in a line: who wrote what, and what tools did."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from contexts.conversations.application.content import Message, Part, TextPart, ToolPart
from contexts.conversations.application.ports import Turn
from contexts.conversations.domain.run import RunId

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
"""A Wednesday."""


def found(*events: dict[str, Any], total: int | None = None, **arguments: Any) -> ToolPart:
    """A search that has been made; `from_` is `from`."""
    named = {name.rstrip("_"): value for name, value in arguments.items()}
    return ToolPart(
        id="1",
        name="search_events",
        arguments=named,
        result={"total": len(events) if total is None else total, "events": list(events)},
    )


def event(title: str, price: str | None = "20", day: str = "2026-11-21", **more: Any) -> Any:
    """An event as the tool tells it, at 21:00 for two hours."""
    return {
        "id": str(uuid4()),
        "title": title,
        "starts_at": f"{day}T21:00:00",
        "ends_at": f"{day}T23:00:00",
        "timezone": "Europe/Madrid",
        "min_price": price,
        "max_price": price,
        "places": 40,
        "organizer": None,
        "url": "/events/1",
    } | more


def asked(question: str, outcome: str = "answered", **result: Any) -> ToolPart:
    """A question that was put to the data."""
    empty = {"dataset": "sales", "explanation": "", "columns": [], "rows": [], "truncated": False}
    return ToolPart(
        id="1",
        name="ask_data",
        arguments={"question": question},
        result={**empty, "outcome": outcome, **result},
    )


Spoken: TypeAlias = str | ToolPart | list[ToolPart | str]


def path(*said: Spoken) -> tuple[Message, ...]:
    """Texts are what somebody wrote; a tool, or a list of tools and texts, is an answer."""
    messages: list[Message] = []
    for each in said:
        if isinstance(each, str):
            messages.append(_message("user", [TextPart(each)]))
        else:
            parts = each if isinstance(each, list) else [each, "There."]
            told = [TextPart(part) if isinstance(part, str) else part for part in parts]
            messages.append(_message("assistant", told))
    return tuple(messages)


def turn(*said: Spoken, now: datetime = NOW) -> Turn:
    said_before = path(*said)
    return Turn(run=RunId(uuid4(), 1), owner=uuid4(), path=said_before, now=now, took=[].append)


def _message(author: Any, parts: Sequence[Part]) -> Message:
    return Message(
        id=uuid4(), parent_id=UUID(int=1), author=author, parts=tuple(parts), written_at=NOW
    )

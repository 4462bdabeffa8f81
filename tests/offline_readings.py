"""What the offline assistant understood, in a form that a table of examples can hold."""

from typing import Any

from contexts.conversations.infrastructure.offline_assistant.wishes import (
    Ask,
    Cannot,
    Describe,
    Detail,
    More,
    Search,
    Talk,
    Wish,
)


def told(wish: Wish) -> tuple[str, Any]:
    """The kind, and what is asked of tools, or the kind of reply."""
    match wish:
        case Search():
            kind = {"start": "search"}.get(wish.order, wish.order)
            limit = {} if wish.limit is None else {"limit": wish.limit}
            return "count" if wish.counted else kind, wish.arguments | limit
        case More():
            return "more", None
        case Detail():
            return "detail", wish.index
        case Ask():
            return "ask", wish.arguments
        case Describe():
            return "describe", wish.dataset
        case Talk():
            return "talk", wish.about
        case Cannot():
            return "cannot", wish.what

"""The assistant that needs no model: reads a message, has tools do what it wants, and says it."""

from collections.abc import AsyncGenerator

from contexts.conversations.application.ports import Piece, Said, ToolBegun, ToolDone, Tools, Turn
from contexts.conversations.infrastructure.offline_assistant import (
    telling_events,
    telling_help,
    writing,
)
from contexts.conversations.infrastructure.offline_assistant.earlier import (
    DATASETS,
    answered_of,
    earlier,
    result_of,
    shown_in,
)
from contexts.conversations.infrastructure.offline_assistant.finding import find, find_more
from contexts.conversations.infrastructure.offline_assistant.questions import ask
from contexts.conversations.infrastructure.offline_assistant.reading import read
from contexts.conversations.infrastructure.offline_assistant.steps import Call, Steps
from contexts.conversations.infrastructure.offline_assistant.wishes import (
    Ask,
    Cannot,
    Describe,
    Detail,
    More,
    Search,
    Talk,
)


class OfflineAssistant:
    """Fits the port `Assistant`. The same conversation at the same time, and tools that say the
    same, make the same answer."""

    name = "offline"

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def reply(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        steps = _steps(turn)
        number = 0
        try:
            call = next(steps)
            while True:
                number += 1
                id = f"{turn.run.number}-{number}"
                yield ToolBegun(id, call.name, call.arguments)
                part = await self._tools.call(id, call.name, call.arguments, turn.path)
                yield ToolDone(part)
                call = steps.send(part)
        except StopIteration as end:
            text = str(end.value)
        for piece in writing.pieces(text):
            yield Said(piece)


def _steps(turn: Turn) -> Steps:
    wish = read(turn.path, turn.now)
    before = earlier(turn.path)
    match wish:
        case Search():
            return find(wish)
        case Ask():
            of = answered_of(turn.path)
            unanswered = of is None and before.was_question
            return ask(wish, of=of, unanswered=unanswered)
        case More():
            return find_more(before, shown_in(turn.path))
        case Detail():
            events = before.events
            if not -len(events) <= wish.index < len(events):
                return _said(telling_events.no_such(len(events)))
            return _said(telling_events.detail(events[wish.index]))
        case Describe() | Talk("help" | "datasets"):
            return _of_datasets(wish)
        case Talk():
            return _said(telling_help.small_talk(wish.about))
        case Cannot():
            return _said(telling_help.cannot(wish))


def _said(text: str) -> Steps:
    """Nothing has to be looked up."""
    return text
    yield  # what makes it steps, of which there are none


def _of_datasets(wish: Describe | Talk) -> Steps:
    part = yield Call(DATASETS, {})
    if part.error is not None:
        return telling_help.troubled("Looking up the data", part.error)
    datasets = result_of(part).get("datasets") or []
    if isinstance(wish, Describe):
        if wish.perhaps and not telling_help.is_one(wish.dataset, datasets):
            return telling_help.cannot(Cannot("knowledge"))
        return telling_help.described(wish.dataset, datasets)
    if wish.about == "help":
        return telling_help.help_with(datasets)
    return telling_help.datasets_told(datasets)

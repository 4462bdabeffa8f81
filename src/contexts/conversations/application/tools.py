"""Does what assistants want done: asks the other contexts, in bounded time and in plain words."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from traceback import extract_tb
from typing import Any

from contexts.analytics.published import AskInConfidence, ListAskable
from contexts.conversations.application import tool_results
from contexts.conversations.application.content import Message, ToolPart
from contexts.conversations.application.tool_arguments import (
    NAMES,
    OFFERED,
    AskData,
    ListDatasets,
    SearchEvents,
    read_arguments,
)
from contexts.conversations.domain.run import Spent
from contexts.events.published import FindOffers
from shared.application.bus import Bus
from shared.application.language_model import Tool
from shared.domain.errors import DomainError

logger = logging.getLogger(__name__)


class BusTools:
    """Fits the port Tools. A call takes `seconds` at most."""

    def __init__(self, bus: Bus, *, seconds: float = 30.0) -> None:
        self._bus = bus
        self._seconds = seconds

    @property
    def offered(self) -> tuple[Tool, ...]:
        return OFFERED

    async def call(
        self, id: str, name: str, arguments: Mapping[str, Any], path: tuple[Message, ...]
    ) -> ToolPart:
        began = perf_counter()
        result, error, spent = None, None, Spent()
        try:
            async with asyncio.timeout(self._seconds):
                result, spent = await self._do(read_arguments(name, arguments), path)
        except TimeoutError:
            error = f"it took longer than {self._seconds:g} s; ask for less, or again later"
        except DomainError as refusal:
            error = str(refusal)
        except Exception as fault:
            _log(name, fault)
            error = "something went wrong on our side; try again later"
        milliseconds = round((perf_counter() - began) * 1000, 1)
        logger.info(
            "tool called",
            extra={"tool": _known(name), "ms": milliseconds, "failed": error is not None},
        )
        return ToolPart(
            id=id,
            name=name,
            arguments=dict(arguments),
            result=result,
            error=error,
            milliseconds=milliseconds,
            spent=spent,
        )

    async def _do(
        self, asked: SearchEvents | AskData | ListDatasets, path: tuple[Message, ...]
    ) -> tuple[dict[str, Any], Spent]:
        match asked:
            case SearchEvents():
                return await self._search(asked), Spent()
            case AskData():
                return await self._ask(asked, None if asked.new_topic else last_thread(path))
            case ListDatasets():
                there = await self._bus(ListAskable())
                return tool_results.datasets(there), Spent()

    async def _search(self, asked: SearchEvents) -> dict[str, Any]:
        first, last = asked.range
        found = await self._bus(
            FindOffers(
                words=asked.words,
                starts_from=first,
                starts_to=last,
                min_price=asked.min_price,
                max_price=asked.max_price,
                available_only=asked.available_only,
                limit=asked.limit,
            )
        )
        return tool_results.offers(found, available_only=asked.available_only)

    async def _ask(
        self, asked: AskData, thread: dict[str, Any] | None
    ) -> tuple[dict[str, Any], Spent]:
        told = await self._bus(
            AskInConfidence(question=asked.question, dataset=asked.dataset, follows=thread)
        )
        spent = Spent()
        if told.input_tokens or told.output_tokens:
            spent = Spent(
                input_tokens=told.input_tokens, output_tokens=told.output_tokens, cost=told.cost
            )
        return tool_results.answer(told), spent


def last_thread(path: tuple[Message, ...]) -> dict[str, Any] | None:
    """What the next question goes on from: the last one that was answered."""
    for message in reversed(path):
        for part in reversed(message.parts):
            if isinstance(part, ToolPart) and part.name == "ask_data" and part.result is not None:
                thread = part.result.get("thread")
                if part.result.get("outcome") == "answered" and isinstance(thread, dict):
                    return thread
    return None


def _log(name: str, fault: Exception) -> None:
    """Its kind and place alone: the message of an exception, and what stood in variables, may be
    what somebody said."""
    where = extract_tb(fault.__traceback__)[-1]
    logger.error(
        "tool broke off",
        extra={
            "tool": _known(name),
            "error": type(fault).__name__,
            "where": f"{Path(where.filename).name}:{where.lineno}",
        },
    )


def _known(name: str) -> str:
    return name if name in NAMES else "none"

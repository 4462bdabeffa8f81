"""What stands for the part of a conversation that a model is not shown any more."""

import logging
from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from contexts.conversations.application.ports import BudgetSpent, Turn
from contexts.conversations.infrastructure.model_assistant.exchanges import Exchange
from contexts.conversations.infrastructure.model_assistant.fitting import clipped, tokens
from contexts.conversations.infrastructure.model_assistant.paying import Payer, Purse
from contexts.conversations.infrastructure.model_assistant.prompting import SUMMARISE
from contexts.conversations.infrastructure.model_assistant.results import as_data
from contexts.conversations.infrastructure.model_assistant.voice import without_thoughts
from shared.application.language_model import ChatMessage, Completion, LanguageModelFailed

logger = logging.getLogger(__name__)

MOST = 500
"""Tokens that stand for it, at most."""

_WORTH_IT = 250
"""Tokens of what was said; what is less is only counted."""

_WRITTEN = 400
"""Tokens that the model may write."""

_TEXT = 300
"""Tokens of each message that the model is shown."""

_READ = 6_000
"""Tokens of all messages that it is shown: the newest that fit."""

_SECONDS = 20.0
_REMEMBERED = 256


class Summaries:
    """Summaries are remembered in this process alone, and for `seconds`."""

    def __init__(self, purse: Purse, *, context_tokens: int, seconds: float = 600.0) -> None:
        self._purse = purse
        self._room = min(_READ, context_tokens // 2)
        self._seconds = seconds
        self._remembered: dict[tuple[UUID, UUID, UUID], tuple[float, str]] = {}

    async def before(self, turn: Turn, dropped: Sequence[Exchange]) -> str:
        """A block of data, "" when nothing was dropped. What it can't sum up, it counts."""
        if not dropped:
            return ""
        # Ids of imported messages are whatever somebody wrote into a file.
        key = (turn.owner, turn.run.conversation_id, dropped[-1].id)
        summary = self._recalled(key)
        if summary is None and sum(tokens(each.user + each.answer) for each in dropped) > _WORTH_IT:
            try:
                payer = Payer(turn.owner, turn.run, turn.took)
                completed = await self._purse.complete(payer, self._request(dropped))
            except BudgetSpent as error:
                logger.info("no summary", extra={"run": str(turn.run), "why": error.code})
            except LanguageModelFailed as failure:
                logger.info("no summary", extra={"run": str(turn.run), "why": failure.kind})
            else:
                summary = without_thoughts(completed.text).strip()
                self._remember(key, summary)
        return _block({"earlier_messages_left_out": 2 * len(dropped)}, summary or "")

    def _request(self, dropped: Sequence[Exchange]) -> Completion:
        shown: list[dict[str, str]] = []
        room = self._room
        for exchange in reversed(dropped):
            told = {
                "person": clipped(exchange.user, _TEXT),
                "assistant": clipped(exchange.answer, _TEXT),
            }
            room -= tokens(as_data(told))
            if room < 0 and shown:
                break
            shown.append(told)
        messages = (ChatMessage("system", SUMMARISE), ChatMessage("user", as_data(shown[::-1])))
        return Completion(
            messages=messages,
            purpose="conversations.summarise",
            max_tokens=_WRITTEN,
            deadline=_SECONDS,
        )

    def _recalled(self, key: tuple[UUID, UUID, UUID]) -> str | None:
        now = monotonic()
        self._remembered = {each: kept for each, kept in self._remembered.items() if kept[0] > now}
        _, summary = self._remembered.get(key, (0.0, None))
        return summary

    def _remember(self, key: tuple[UUID, UUID, UUID], summary: str) -> None:
        while len(self._remembered) >= _REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[key] = (monotonic() + self._seconds, summary)


def _block(note: dict[str, int], summary: str) -> str:
    """In bounds also where signs of the summary are escaped."""
    room = MOST
    while summary:
        block = as_data({**note, "summary": clipped(summary, room)})
        if tokens(block) <= MOST:
            return block
        room -= 50
        summary = summary if room > 0 else ""
    return as_data(note)

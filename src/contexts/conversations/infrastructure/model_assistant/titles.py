"""Titles by a language model: a few words for what a conversation is about."""

import logging
import re
from collections.abc import Sequence
from uuid import UUID

from contexts.conversations.application.content import Message
from contexts.conversations.domain.run import RunId, Spent
from contexts.conversations.infrastructure.model_assistant.exchanges import exchanges
from contexts.conversations.infrastructure.model_assistant.fitting import clipped
from contexts.conversations.infrastructure.model_assistant.paying import Payer, Purse
from contexts.conversations.infrastructure.model_assistant.prompting import ENTITLE
from contexts.conversations.infrastructure.model_assistant.results import as_data
from contexts.conversations.infrastructure.model_assistant.voice import without_thoughts
from shared.application.language_model import ChatMessage, Completion, LanguageModelFailed

logger = logging.getLogger(__name__)

_WORDS = 8
_LONGEST = 80
"""Characters."""

_SHOWN = 400
"""Tokens of a message that the model is shown."""

_WRITTEN = 24
_FIRST = 2
"""Exchanges that say what a conversation is about."""

_LABEL = re.compile(r"^(?:title|titel|título|titre)\s*:\s*", re.IGNORECASE)
_AROUND = " \t\"'`*_#\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb.;:,-"


class ModelTitles:
    """Fits the Titles port."""

    def __init__(self, purse: Purse, *, seconds: float = 8.0) -> None:
        self._purse = purse
        self._seconds = seconds

    async def suggest(self, owner: UUID, path: tuple[Message, ...]) -> str | None:
        run = next((message.run for message in reversed(path) if message.run is not None), None)
        if run is None:
            return None
        try:
            completed = await self._purse.complete(
                Payer(owner, RunId.read(run), _of_no_answer), self._request(path)
            )
        except Exception as error:
            why = error.kind if isinstance(error, LanguageModelFailed) else type(error).__name__
            logger.info("no title from the model", extra={"run": run, "why": why})
            return None
        return _tidy(completed.text) or None

    def _request(self, path: Sequence[Message]) -> Completion:
        said = [
            {"person": clipped(each.user, _SHOWN), "assistant": clipped(each.answer, _SHOWN)}
            for each in exchanges(path)[:_FIRST]
        ]
        return Completion(
            messages=(ChatMessage("system", ENTITLE), ChatMessage("user", as_data(said))),
            purpose="conversations.entitle",
            max_tokens=_WRITTEN,
            deadline=self._seconds,
        )


def _of_no_answer(took: Spent) -> None:
    """What a title takes belongs to no answer; it is in the budget all the same."""


def _tidy(reply: str) -> str:
    """One line without what models put around a title; "" where no title is left."""
    lines = (line.strip(_AROUND) for line in without_thoughts(reply).splitlines())
    first = next((line for line in lines if line), "")
    words = _LABEL.sub("", first).strip(_AROUND).split()
    title = " ".join(words[:_WORDS])
    return title[:_LONGEST].strip(_AROUND) if title.isprintable() else ""

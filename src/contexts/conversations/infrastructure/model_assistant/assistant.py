"""Answers with a language model: call by call, until it has said what it has to say."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from contexts.conversations.application.ports import (
    AssistantFailed,
    BudgetSpent,
    Piece,
    Said,
    ToolBegun,
    ToolDone,
    Tools,
    Turn,
)
from contexts.conversations.infrastructure.model_assistant.calling import done, wanted
from contexts.conversations.infrastructure.model_assistant.exchanges import Step
from contexts.conversations.infrastructure.model_assistant.failing import EMPTY, failed
from contexts.conversations.infrastructure.model_assistant.paying import Payer, Purse
from contexts.conversations.infrastructure.model_assistant.prompting import CUT, STOPPED
from contexts.conversations.infrastructure.model_assistant.summaries import Summaries
from contexts.conversations.infrastructure.model_assistant.talk import Limits, Talk
from contexts.conversations.infrastructure.model_assistant.voice import Voice
from shared.application.language_model import (
    Completed,
    LanguageModelFailed,
)

logger = logging.getLogger(__name__)


class ModelAssistant:
    """Fits the Assistant port. `name` is that of the model."""

    def __init__(self, purse: Purse, tools: Tools, *, name: str, limits: Limits) -> None:
        self.name = name
        self._purse = purse
        self._tools = tools
        self._limits = limits
        self._summaries = Summaries(purse, context_tokens=limits.context_tokens)

    async def reply(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        talk, voice = Talk(turn, self._tools.offered, self._limits), Voice()
        while not talk.ended:
            try:
                async with aclosing(self._round(turn, talk, voice)) as pieces:
                    async for piece in pieces:
                        yield piece
            except BudgetSpent as error:
                if not talk.steps:
                    raise AssistantFailed("budget_spent", str(error)) from None
                voice.begin()
                yield Said(voice.say(STOPPED))
                return
            except LanguageModelFailed as failure:
                extra = {"run": str(turn.run), "why": failure.kind, "detail": str(failure)}
                if voice.text or not talk.put_otherwise(failure):
                    logger.warning("no answer from the model", extra=extra)
                    raise failed(failure) from None
                logger.info("the model is asked otherwise", extra=extra)

    async def _round(self, turn: Turn, talk: Talk, voice: Voice) -> AsyncGenerator[Piece, None]:
        """One call, and what it wants of tools. Raise BudgetSpent or LanguageModelFailed."""
        completed: Completed | None = None
        async with aclosing(self._ask(turn, talk, voice)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completed):
                    completed = piece
                else:
                    yield piece
        assert completed is not None
        if completed.tool_calls and talk.may_call:
            async with aclosing(self._use_tools(turn, talk, voice, completed)) as uses:
                async for use in uses:
                    yield use
        elif voice.text:
            if completed.finish == "length":
                yield Said(CUT)
            talk.ended = True
        elif not talk.was_empty():
            raise AssistantFailed("empty_answer", EMPTY)

    async def _ask(
        self, turn: Turn, talk: Talk, voice: Voice
    ) -> AsyncGenerator[Piece | Completed, None]:
        if not talk.before:
            talk.before = await self._summaries.before(turn, talk.recalled.dropped)
        voice.begin()
        payer, request = Payer(turn.owner, turn.run, turn.took), talk.request()
        async with aclosing(self._purse.stream(payer, request)) as deltas:
            async for delta in deltas:
                if isinstance(delta, Completed):
                    if said := voice.end():
                        yield Said(said)
                    yield delta
                elif said := voice.say(delta.text):
                    yield Said(said)

    async def _use_tools(
        self, turn: Turn, talk: Talk, voice: Voice, completed: Completed
    ) -> AsyncGenerator[Piece, None]:
        """All calls of a reply at once; the next request has what they found."""
        calls = wanted(completed.tool_calls, sum(len(step.tools) for step in talk.steps))
        for call in calls:
            yield ToolBegun(call.id, call.name, call.arguments)
        found = []
        async with aclosing(done(self._tools, calls, turn, talk.steps)) as parts:
            async for part in parts:
                found.append(part)
                yield ToolDone(part)
        talk.steps.append(Step(voice.text, tuple(found)))

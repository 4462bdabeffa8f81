"""Calls of a model that come out of somebody's budget: reserved before, settled after.

What nobody counted, as of a call that was broken off, is estimated.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from uuid import UUID

import msgspec

from contexts.conversations.application.ports import Budgets
from contexts.conversations.domain.run import RunId, Spent
from contexts.conversations.infrastructure.model_assistant.fitting import size, tokens
from shared.application.language_model import (
    Completed,
    Completion,
    Delta,
    LanguageModel,
    LanguageModelFailed,
    ModelUsage,
)
from shared.infrastructure.language_model.aside import Aside

logger = logging.getLogger(__name__)

_PATIENCE = 10.0
_PATIENCE_WHEN_CANCELLED = 0.5
"""Seconds that who called waits until it is settled; after that it goes on without him."""


class Payer(msgspec.Struct, frozen=True):
    """`took` is told what a call took, once it has ended."""

    owner: UUID
    run: RunId
    took: Callable[[Spent], None]


class _Bill(msgspec.Struct):
    """`read` tokens are asked, `written` came so far; None for `usage` while nobody has counted."""

    read: int
    written: int = 0
    usage: ModelUsage | None = None
    model: str | None = None

    @property
    def spent(self) -> Spent:
        if (usage := self.usage) is None:
            return Spent(input_tokens=self.read, output_tokens=self.written, cost=None)
        return Spent(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost=usage.cost,
            model=self.model,
        )


class Purse:
    """Every request has `max_tokens`."""

    def __init__(self, model: LanguageModel, budgets: Budgets) -> None:
        self._model = model
        self._budgets = budgets
        self._aside = Aside()

    async def complete(self, payer: Payer, request: Completion) -> Completed:
        """Raise BudgetSpent, or LanguageModelFailed."""
        async with self._paid(payer, request) as bill:
            completed = await self._model.complete(request)
            bill.usage, bill.model = completed.usage, completed.model
            return completed

    async def stream(
        self, payer: Payer, request: Completion
    ) -> AsyncGenerator[Delta | Completed, None]:
        """As `complete`; closing it closes the call to the model first."""
        async with (
            self._paid(payer, request) as bill,
            aclosing(self._model.stream(request)) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, Delta):
                    bill.written += tokens(piece.text)
                else:
                    bill.usage, bill.model = piece.usage, piece.model
                yield piece

    async def close(self) -> None:
        """Before what the budgets are kept in is closed."""
        await self._aside.finished()

    @asynccontextmanager
    async def _paid(self, payer: Payer, request: Completion) -> AsyncIterator[_Bill]:
        assert request.max_tokens is not None
        bill, patience = _Bill(size(request.messages, request.tools)), _PATIENCE
        try:
            await self._budgets.reserve(payer.owner, payer.run, bill.read + request.max_tokens)
        except asyncio.CancelledError:
            # It may have been set aside all the same.
            await self._aside.do(self._settle(payer, 0), patience=_PATIENCE_WHEN_CANCELLED)
            raise
        try:
            yield bill
        except LanguageModelFailed as failure:
            bill.usage = failure.usage
            raise
        except (asyncio.CancelledError, GeneratorExit):
            patience = _PATIENCE_WHEN_CANCELLED
            raise
        finally:
            payer.took(bill.spent)
            await self._aside.do(self._settle(payer, bill.spent.tokens), patience=patience)

    async def _settle(self, payer: Payer, took: int) -> None:
        try:
            await self._budgets.settle(payer.owner, payer.run, took)
        except Exception as error:
            # The reservation stands in for it until the run's next call, or the end of the day.
            extra = {"run": str(payer.run), "tokens": took, "error": type(error).__name__}
            logger.warning("not settled what a model took", extra=extra)

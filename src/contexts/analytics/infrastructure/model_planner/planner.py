"""Asks a language model for a spec, and tells it what is wrong until it is right or enough."""

from collections.abc import Callable
from time import monotonic

import msgspec

from contexts.analytics.application.ports import Ask, Declined, Planned, PlannerFailed, SpecInvalid
from contexts.analytics.application.rephrasing import as_usage
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import Usage
from contexts.analytics.domain.relation import Relation
from contexts.analytics.infrastructure.model_planner.checking import check_columns_and_values
from contexts.analytics.infrastructure.model_planner.prompt import correction, messages
from contexts.analytics.infrastructure.model_planner.reply import (
    ReplyUnusable,
    read_reply,
    reply_schema,
)
from shared.application.language_model import (
    ChatMessage,
    Completed,
    Completion,
    FailureKind,
    LanguageModel,
    LanguageModelFailed,
)

_TRANSIENT: tuple[FailureKind, ...] = ("unavailable", "rate_limited", "timeout")
"""What may be over when it is tried again; an empty purse or a wrong key is not."""

_MAX_TOKENS = 1_500


class ModelPlanner:
    """Fits the Planner port.

    `check` is the compiler, or what else raises SpecInvalid for a spec that makes no sense.
    `repairs` is how often a reply that can't be used is sent back with the reason; `seconds` bounds
    all of it.
    """

    name = "model"

    def __init__(
        self,
        model: LanguageModel,
        check: Callable[[QuerySpec, Relation], object] | None = None,
        *,
        repairs: int = 2,
        seconds: float = 60.0,
    ) -> None:
        self._model = model
        self._check = check
        self._repairs = repairs
        self._seconds = seconds
        self._schema = reply_schema()

    async def plan(
        self, ask: Ask, *, on_attempt: Callable[[str], None] | None = None
    ) -> Planned | Declined:
        """`on_attempt` is told why a reply could not be used, each time that another is asked for.

        Raise PlannerFailed.
        """
        until = monotonic() + self._seconds
        talk = messages(ask)
        usage = Usage()
        for repairs_left in range(self._repairs, -1, -1):
            completed = await self._complete(talk, until, usage)
            usage += as_usage(completed.usage, completed.model)
            try:
                return self._read(completed, ask, usage)
            except ReplyUnusable as fault:
                reason = f"the language model's reply can't be used: {fault}"
                if not repairs_left:
                    raise PlannerFailed(reason, transient=False, usage=usage) from None
                if on_attempt is not None:
                    on_attempt(reason)
                talk = (*messages(ask), *correction(completed.text, str(fault)))
        raise AssertionError("unreachable")

    async def _complete(
        self, talk: tuple[ChatMessage, ...], until: float, spent: Usage
    ) -> Completed:
        """`spent` is what earlier replies took; it goes along when this fails."""
        left = until - monotonic()
        if left <= 0:
            reason = f"the language model took longer than {self._seconds:g} s"
            raise PlannerFailed(reason, transient=True, usage=spent)
        request = Completion(
            messages=talk,
            purpose="analytics.plan",
            schema=self._schema,
            max_tokens=_MAX_TOKENS,
            deadline=left,
        )
        try:
            return await self._model.complete(request)
        except LanguageModelFailed as failure:
            raise PlannerFailed(
                str(failure),
                transient=failure.kind in _TRANSIENT,
                usage=spent + as_usage(failure.usage, None),
            ) from failure

    def _read(self, completed: Completed, ask: Ask, usage: Usage) -> Planned | Declined:
        made = read_reply(completed.parsed, self.name, usage)
        if isinstance(made, Declined):
            return made
        check_columns_and_values(made.spec, ask)
        if self._check is not None:
            try:
                self._check(made.spec, ask.relation)
            except SpecInvalid as error:
                raise ReplyUnusable(str(error)) from None
        return msgspec.structs.replace(made, rests_on=(*made.rests_on, completed.model))

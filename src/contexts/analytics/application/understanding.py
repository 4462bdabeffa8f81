"""How a question is understood: a verified answer first, then the planners, one after the other."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Self

import msgspec

from contexts.analytics.application.asking import still_holds
from contexts.analytics.application.keeping import History
from contexts.analytics.application.naming import named_in
from contexts.analytics.application.ports import (
    Ask,
    Compiler,
    Declined,
    Planned,
    Planner,
    PlannerFailed,
    RepairingPlanner,
    SpecInvalid,
    Values,
)
from contexts.analytics.application.relations import Current
from contexts.analytics.domain.dataset import CATALOGUE
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import Option, Question, Usage, WhichPlanner

GOLDEN = "golden"

_RANK = {"refused": 1, "needs_clarification": 2, "unanswerable": 3}

_NEAR = 0.02
"""Two confidences that are closer than this are the same."""


class Before(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a follow-up goes on from: the question before it, as it was understood."""

    dataset: str
    spec: QuerySpec

    @classmethod
    def plan_of(cls, question: Question) -> Self | None:
        plan = question.plan
        return None if plan is None else cls(plan.dataset, plan.spec)


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """What is made of a question, of which dataset; `other` is what another planner makes of it."""

    current: Current
    planned: Planned
    other: Planned | Declined | PlannerFailed | None = None

    @property
    def second_usage(self) -> Usage:
        """What the second opinion took."""
        return self.other.usage if self.other is not None else Usage()


class _Look(msgspec.Struct, frozen=True):
    """What the offline planner makes of a question put to one dataset."""

    current: Current
    ask: Ask
    made: Planned | Declined | PlannerFailed

    @property
    def goes_on(self) -> bool:
        """Whether the question before this one was about the same dataset."""
        return self.ask.previous is not None

    def misfit(self) -> tuple[int, int, bool]:
        """Least for the dataset that the question is most likely about."""
        if isinstance(self.made, Declined):
            return _RANK[self.made.outcome], len(self.made.unplaced), not self.goes_on
        return 0 if isinstance(self.made, Planned) else len(_RANK) + 1, 0, not self.goes_on


class Understanding:
    """`model` is asked what `offline` declines, where one is set up; and as well, where `offline`
    is less sure than `confirm_below`."""

    def __init__(
        self,
        offline: Planner,
        model: RepairingPlanner | None,
        values: Values,
        compiler: Compiler,
        history: History,
        confirm_below: float,
    ) -> None:
        self._offline = offline
        self._model = model
        self._values = values
        self._compiler = compiler
        self._history = history
        self._confirm_below = confirm_below

    async def plan(
        self,
        question: str,
        among: Sequence[Current],
        *,
        now: datetime,
        before: Before | None,
        which: WhichPlanner,
        by_heart: bool = True,
        on_attempt: Callable[[str], None] | None = None,
    ) -> Understood | Declined:
        """Where there was a question `before`, its dataset is the one that is asked, if the
        question fits it. `by_heart`: what was found right before is taken as it was. `on_attempt`
        is told why a reply of the model could not be used, each time that another is asked for.

        Raise PlannerFailed when none could even try.
        """
        if before is not None and not self._is_there(before, among):
            before = None
        if by_heart and which == "auto" and before is None:
            for current in among:
                if golden := await self._golden(question, current, now):
                    return Understood(current=current, planned=golden)
        tried = [await self._look(question, current, now, before) for current in among]
        if which == "model":
            return await self._by_model(tried, on_attempt)
        understood = await self._named(question, among, now, before) or _surest(question, tried)
        model = None if which == "offline" else self._model
        if isinstance(understood, Declined):
            if model is None or understood.outcome == "refused":
                return understood
            return await self._by_model(tried, on_attempt)
        unsure = understood.planned.confidence < self._confirm_below
        if model is None or not (which == "both" or unsure):
            return understood
        ask = next(look.ask for look in tried if look.current is understood.current)
        other = await _opinion(self._by(model, ask, on_attempt))
        return msgspec.structs.replace(understood, other=other)

    async def _golden(self, question: str, current: Current, now: datetime) -> Planned | None:
        golden = await self._history.golden(current.relation.dataset, question)
        if golden is None or not still_holds(
            golden, today=now.date(), dataset_version=current.version
        ):
            return None
        if not self._makes_sense(golden.spec, current):
            return None
        return Planned(
            spec=golden.spec,
            planner=GOLDEN,
            confidence=1.0,
            rests_on=(f"the answer to question {golden.question_id} was found right",),
        )

    def _is_there(self, before: Before, among: Sequence[Current]) -> bool:
        return any(
            current.relation.dataset == before.dataset and self._makes_sense(before.spec, current)
            for current in among
        )

    def _makes_sense(self, spec: QuerySpec, current: Current) -> bool:
        """Another version of a dataset may have other columns."""
        try:
            self._compiler(spec, current.relation)
        except SpecInvalid:
            return False
        return True

    async def _look(
        self, question: str, current: Current, now: datetime, before: Before | None
    ) -> _Look:
        goes_on = before is not None and before.dataset == current.relation.dataset
        previous = before.spec if before is not None and goes_on else None
        ask = Ask(
            question=question,
            relation=current.relation,
            values=await self._values(current.relation),
            now=now,
            previous=previous,
        )
        made = self._checked(self._offline.name, ask, self._offline.plan(ask))
        return _Look(current, ask, await _opinion(made))

    async def _named(
        self, question: str, among: Sequence[Current], now: datetime, before: Before | None
    ) -> Understood | None:
        """What the question means to the dataset that it names, without that name."""
        named = named_in(question, (current.relation.dataset for current in among))
        if named is None:
            return None
        current = next(each for each in among if each.relation.dataset == named.dataset)
        planned = (await self._look(named.question, current, now, before)).made
        if not isinstance(planned, Planned):
            return None
        if len(among) > 1:
            said = f"asked of the dataset {named.dataset!r}, which it names"
            planned = msgspec.structs.replace(planned, assumptions=(*planned.assumptions, said))
        return Understood(current=current, planned=planned)

    async def _by_model(
        self, tried: Sequence[_Look], on_attempt: Callable[[str], None] | None
    ) -> Understood | Declined:
        """A model is given one dataset: of several, the one that fits best."""
        if self._model is None:
            raise PlannerFailed(
                "no language model is set up: set LLM_BASE_URL and LLM_MODEL, or leave the planner "
                "to 'auto'",
                transient=False,
            )
        look = min(tried, key=_Look.misfit)
        made = await self._by(self._model, look.ask, on_attempt)
        return (
            made if isinstance(made, Declined) else Understood(current=look.current, planned=made)
        )

    async def _by(
        self, model: RepairingPlanner, ask: Ask, on_attempt: Callable[[str], None] | None
    ) -> Planned | Declined:
        return await self._checked(model.name, ask, model.plan(ask, on_attempt=on_attempt))

    async def _checked(
        self, planner: str, ask: Ask, making: Awaitable[Planned | Declined]
    ) -> Planned | Declined:
        """A plan that can't be made into SQL is none."""
        made = await making
        if isinstance(made, Planned):
            try:
                self._compiler(made.spec, ask.relation)
            except SpecInvalid as error:
                raise PlannerFailed(
                    f"the {planner} planner made a query that makes no sense: {error}",
                    transient=False,
                    usage=made.usage,
                ) from error
        return made


async def _opinion(
    making: Awaitable[Planned | Declined],
) -> Planned | Declined | PlannerFailed:
    try:
        return await making
    except PlannerFailed as failure:
        return failure


def _surest(question: str, tried: Sequence[_Look]) -> Understood | Declined:
    """Where no dataset was named, that of the question before, else the plan that is surest; two
    that are as sure of different datasets need a word from whoever asks. Raise PlannerFailed when
    there is nothing else."""
    planned = [(look, look.made) for look in tried if isinstance(look.made, Planned)]
    if not planned:
        best = min(tried, key=_Look.misfit).made
        if isinstance(best, PlannerFailed):
            raise best
        assert isinstance(best, Declined)
        return best
    planned.sort(key=lambda each: (not each[0].goes_on, -each[1].confidence))
    (look, surest), *others = planned
    if len(tried) > 1:
        # That the catalogue is what was sold can't be told from a word or two that fit it as well.
        near = 1.0 if look.current.relation.dataset == CATALOGUE else _NEAR
        rivals = [
            other.current
            for other, plan in others
            if not look.goes_on and plan.confidence >= surest.confidence - near
        ]
        if rivals:
            return _which_dataset(question, [look.current, *rivals])
        why = "like the question before it" if look.goes_on else "which it fits best"
        said = f"asked of the dataset {look.current.relation.dataset!r}, {why}"
        surest = msgspec.structs.replace(surest, assumptions=(*surest.assumptions, said))
    return Understood(current=look.current, planned=surest)


def _which_dataset(question: str, currents: Sequence[Current]) -> Declined:
    names = [current.relation.dataset for current in currents]
    return Declined(
        outcome="needs_clarification",
        reason=f"the question fits {' and '.join(names)} alike: which of them is meant?",
        planner="offline",
        suggestions=tuple(names),
        options=tuple(Option(f"in {name}", question, name) for name in names),
    )

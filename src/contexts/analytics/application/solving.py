"""How a question comes to its outcome: understand, run, tell; whatever is tried again, and why, is
noted in the question."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Protocol

import msgspec

from contexts.analytics.application.agreement import agree
from contexts.analytics.application.explanation import explain
from contexts.analytics.application.keeping import Settings
from contexts.analytics.application.outcomes import beyond_limits, declined
from contexts.analytics.application.ports import (
    Clock,
    Declined,
    Planned,
    PlannerFailed,
    QueryFaulted,
    QueryRefused,
)
from contexts.analytics.application.relations import Current, Relations
from contexts.analytics.application.running import Run, Running
from contexts.analytics.application.telling import Telling
from contexts.analytics.application.understanding import Before, Understanding, Understood
from contexts.analytics.domain.dataset import NoSuchDataset, NotLoaded
from contexts.analytics.domain.query_spec import QuerySpec
from contexts.analytics.domain.question import (
    Agreement,
    Answer,
    Plan,
    Question,
    QuestionAnswered,
    QuestionFailed,
    QuestionUnanswerable,
    Stage,
    Timings,
)

FIRST_PAUSE = 0.5
"""Seconds before the second attempt; it doubles with each."""


class Record(Protocol):
    """What else there is to know of a question, and where it is kept."""

    async def before(self, question: Question) -> Before | None:
        """What it may go on from; asked only where a question has to be understood anew."""

    async def save(self, question: Question) -> object:
        """Keep what has happened so far: whoever comes after goes on from there."""


class Solving:
    """`position` tells how far the log has come."""

    def __init__(
        self,
        *,
        relations: Relations,
        understanding: Understanding,
        running: Running,
        telling: Telling,
        position: Callable[[], Awaitable[int]],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._relations = relations
        self._understanding = understanding
        self._running = running
        self._telling = telling
        self._position = position
        self._clock = clock
        self._settings = settings

    async def solve(self, question: Question, record: Record) -> None:
        """Bring it to its outcome; the last step is for the caller to save.

        What nobody expected is raised, and leaves the question open.
        """
        waited = (self._clock() - question.asked.asked_at).total_seconds() * 1000
        try:
            async with asyncio.timeout(self._settings.question_seconds):
                await self._answer(question, record, Timings(waiting=max(0.0, waited)))
        except TimeoutError:
            limit = self._settings.question_seconds
            self._fail(question, f"it took longer than {limit:g} s; ask again, or for less")

    async def _answer(self, question: Question, record: Record, timings: Timings) -> None:
        began = perf_counter()
        understood = await self._understand(question, record)
        if understood is None:
            return
        timings = msgspec.structs.replace(timings, planning=_since(began))
        assert question.plan is not None
        run = await self._run(question, record, question.plan.spec, understood.current)
        if run is None:
            return
        agreement = await self._agreement(question, understood, run)
        began = perf_counter()
        told = await self._telling.tell(
            question.asked.question, question.plan.spec, understood.current.relation, run.ran.result
        )
        if told.kept_because:
            self._note(question, "telling", told.kept_because)
        question.end(
            QuestionAnswered(
                answer=Answer(
                    sql=run.ran.sql,
                    result=run.ran.result,
                    chart=told.chart,
                    analysis=told.analysis,
                    dataset_version=understood.current.version,
                    log_position=await self._position(),
                    cached=run.cached,
                    agreement=agreement,
                    timings=msgspec.structs.replace(
                        timings,
                        query=0.0 if run.cached else run.ran.milliseconds,
                        telling=_since(began),
                    ),
                    usage=question.plan.usage + understood.second_usage + told.usage,
                ),
                answered_at=self._clock(),
            )
        )

    async def _understand(self, question: Question, record: Record) -> Understood | None:
        """None when the question has ended over it."""
        asked = question.asked
        try:
            among = (
                [await self._relations.of(asked.dataset)]
                if asked.dataset
                else await self._relations.all()
            )
        except (NoSuchDataset, NotLoaded) as error:
            self._unanswerable(question, str(error))
            return None
        if (known := _known(question, among)) is not None:
            return known
        before = await record.before(question)
        for attempt in range(1, self._settings.attempts + 1):
            try:
                made = await self._understanding.plan(
                    asked.question,
                    among,
                    now=asked.now,
                    before=before,
                    which=asked.planner,
                    on_attempt=partial(self._note, question, "planning"),
                )
            except PlannerFailed as failure:
                if not await self._again(question, record, "planning", failure, attempt):
                    return None
            else:
                break
        if isinstance(made, Declined):
            question.end(declined(made, now=self._clock()))
            return None
        planned, relation = made.planned, made.current.relation
        question.understand(
            Plan(
                spec=planned.spec,
                dataset=relation.dataset,
                dataset_version=made.current.version,
                planner=planned.planner,
                confidence=planned.confidence,
                explanation=explain(planned.spec, relation),
                rests_on=planned.rests_on,
                assumptions=planned.assumptions,
                usage=planned.usage,
            ),
            now=self._clock(),
        )
        await record.save(question)
        return made

    async def _run(
        self, question: Question, record: Record, spec: QuerySpec, current: Current
    ) -> Run | None:
        """None when the question has ended over it."""
        for attempt in range(1, self._settings.attempts + 1):
            try:
                return await self._running.run(spec, current, question.asked.now.date())
            except QueryRefused as error:
                question.end(beyond_limits(error, now=self._clock()))
                return None
            except QueryFaulted as fault:
                if not await self._again(question, record, "running", fault, attempt):
                    return None
        raise AssertionError("unreachable")

    async def _again(
        self,
        question: Question,
        record: Record,
        stage: Stage,
        fault: PlannerFailed | QueryFaulted,
        attempt: int,
    ) -> bool:
        """Record what failed; whether to try it again, after a pause."""
        self._note(question, stage, str(fault))
        if not fault.transient or attempt == self._settings.attempts:
            self._fail(question, str(fault))
            return False
        await record.save(question)
        await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
        return True

    async def _agreement(
        self, question: Question, understood: Understood, run: Run
    ) -> Agreement | None:
        match understood.other:
            case None:
                return None
            case Declined():
                return "declined"
            case PlannerFailed() as failure:
                self._note(question, "planning", str(failure))
                return "failed"
            case other:
                try:
                    second = await self._running.run(
                        other.spec, understood.current, question.asked.now.date()
                    )
                except (QueryRefused, QueryFaulted) as error:
                    self._note(question, "running", str(error))
                    return "failed"
                same = agree(run.ran.result, second.ran.result)
                return "confirmed" if same else "differs"

    def _note(self, question: Question, stage: Stage, reason: str) -> None:
        question.fail_attempt(stage, reason, now=self._clock())

    def _unanswerable(self, question: Question, reason: str) -> None:
        question.end(
            QuestionUnanswerable(
                reason=reason, unplaced=(), suggestions=(), declined_at=self._clock()
            )
        )

    def _fail(self, question: Question, reason: str) -> None:
        question.end(QuestionFailed(reason=reason, failed_at=self._clock()))


def _known(question: Question, among: Sequence[Current]) -> Understood | None:
    """What a worker before this one understood, as long as the data is what it was."""
    if (plan := question.plan) is None:
        return None
    for current in among:
        if (current.relation.dataset, current.version) == (plan.dataset, plan.dataset_version):
            planned = Planned(spec=plan.spec, planner=plan.planner, confidence=plan.confidence)
            return Understood(current=current, planned=planned)
    return None


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)

"""How a question comes to its outcome: understand, run, tell; each step an event, done once.

A worker that dies in between leaves the question open, and another goes on from the last step that
was recorded. Whatever is tried again, and why, is recorded too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from uuid import UUID

import msgspec

from contexts.analytics.application.agreement import agree
from contexts.analytics.application.explanation import explain
from contexts.analytics.application.keeping import Claims, History, Settings
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
from contexts.analytics.application.understanding import Understanding, Understood
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
from shared.application.bus import Command
from shared.application.event_store import VersionConflict
from shared.application.repository import Repository

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
"""Seconds before the second attempt; it doubles with each."""


class AnswerQuestion(Command[bool], frozen=True):
    """Bring a question to its outcome; False when it has one, or when another worker is at it."""

    question_id: UUID


class Answering:
    """`position` tells how far the log has come."""

    def __init__(
        self,
        *,
        questions: Repository[Question],
        relations: Relations,
        understanding: Understanding,
        running: Running,
        telling: Telling,
        history: History,
        claims: Claims,
        position: Callable[[], Awaitable[int]],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._questions = questions
        self._relations = relations
        self._understanding = understanding
        self._running = running
        self._telling = telling
        self._history = history
        self._claims = claims
        self._position = position
        self._clock = clock
        self._settings = settings

    async def answer(self, command: AnswerQuestion) -> bool:
        id = command.question_id
        async with self._claims.claim("answer_question", id) as ours:
            if not ours:
                return False
            question = (await self._questions.get_many([id])).get(id)
            if question is None or question.outcome is not None:
                return False
            began = perf_counter()
            waited = (self._clock() - question.asked.asked_at).total_seconds() * 1000
            try:
                async with asyncio.timeout(self._settings.question_seconds):
                    await self._answer(question, Timings(waiting=max(0.0, waited)))
            except TimeoutError:
                limit = self._settings.question_seconds
                self._fail(question, f"it took longer than {limit:g} s; ask again, or for less")
            except VersionConflict:
                raise
            except Exception as error:
                self._break_off(question, error)
            await self._questions.save(question)
            logger.info(
                "question ended",
                extra={
                    "question": str(id),
                    "outcome": type(question.outcome).__name__,
                    "ms": round((perf_counter() - began) * 1000, 1),
                },
            )
            return True

    async def _answer(self, question: Question, timings: Timings) -> None:
        began = perf_counter()
        understood = await self._understand(question)
        if understood is None:
            return
        timings = msgspec.structs.replace(timings, planning=_since(began))
        assert question.plan is not None
        run = await self._run(question, question.plan.spec, understood.current)
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

    async def _understand(self, question: Question) -> Understood | None:
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
        previous = await self._previous(question)
        for attempt in range(1, self._settings.attempts + 1):
            try:
                made = await self._understanding.plan(
                    asked.question,
                    among,
                    now=asked.now,
                    previous=previous,
                    which=asked.planner,
                    on_attempt=partial(self._note, question, "planning"),
                )
            except PlannerFailed as failure:
                if not await self._again(question, "planning", failure, attempt):
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
        await self._questions.save(question)
        return made

    async def _previous(self, question: Question) -> QuerySpec | None:
        """What a follow-up goes on from: the question that it names, or the last of its thread."""
        asked, before = question.asked, question.asked.follows
        if before is None and asked.conversation is not None:
            before = await self._history.last_answered(asked.conversation, before=asked.asked_at)
        if before is None:
            return None
        found = (await self._questions.get_many([before])).get(before)
        if found is None or found.plan is None:
            return None
        if asked.dataset not in (None, found.plan.dataset):
            return None
        return found.plan.spec

    async def _run(self, question: Question, spec: QuerySpec, current: Current) -> Run | None:
        """None when the question has ended over it."""
        for attempt in range(1, self._settings.attempts + 1):
            try:
                return await self._running.run(spec, current, question.asked.now.date())
            except QueryRefused as error:
                question.end(beyond_limits(error, now=self._clock()))
                return None
            except QueryFaulted as fault:
                if not await self._again(question, "running", fault, attempt):
                    return None
        raise AssertionError("unreachable")

    async def _again(
        self, question: Question, stage: Stage, fault: PlannerFailed | QueryFaulted, attempt: int
    ) -> bool:
        """Record what failed; whether to try it again, after a pause."""
        self._note(question, stage, str(fault))
        if not fault.transient or attempt == self._settings.attempts:
            self._fail(question, str(fault))
            return False
        await self._questions.save(question)
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

    def _break_off(self, question: Question, error: Exception) -> None:
        """What nobody expected may pass: the tick finds the question again, a few times."""
        logger.exception("question broke off", extra={"question": str(question.id)})
        self._note(question, "running", f"something went wrong on our side: {type(error).__name__}")
        if question.attempts >= self._settings.attempts:
            self._fail(question, "something went wrong on our side, again and again")

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

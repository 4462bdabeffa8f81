"""A question: how it was understood, what was tried, and the one outcome it ends in."""

from datetime import datetime
from typing import Literal, Self, assert_never
from uuid import UUID

import msgspec

from contexts.analytics.domain.answer import Chart, Result
from contexts.analytics.domain.query_spec import QuerySpec
from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Refused

Stage = Literal["planning", "running", "telling"]

Verdict = Literal["right", "wrong"]

WhichPlanner = Literal["auto", "offline", "model", "both"]
"""Who is to understand a question. `auto`: a golden query, else the offline planner, else a model
where one is set up; `both` asks the two and compares their rows."""


Agreement = Literal["confirmed", "differs", "declined", "failed"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What was spent on a model: tokens in, tokens out, US dollars where the price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    model: str | None = None

    def __add__(self, other: "Usage") -> "Usage":
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=sum(costs) if costs else None,
            model=self.model or other.model,
        )


class Option(msgspec.Struct, frozen=True):
    """One way to be clearer: what it means, and the question that would say so, of which dataset
    where that is what was unclear."""

    label: str
    question: str
    dataset: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked, of which dataset. `follows` is the question that this one may go on from,
    `conversation` the thread that it is part of; `report` is whose run asks it. Without a `dataset`
    the one is taken that fits best. "Yesterday" and the like refer to the wall time `as_of`, where
    that is not when it was asked."""

    question: str
    asked_at: datetime
    dataset: str | None = None
    planner: WhichPlanner = "auto"
    conversation: str | None = None
    follows: UUID | None = None
    report: UUID | None = None
    as_of: datetime | None = None

    @property
    def now(self) -> datetime:
        return self.as_of or self.asked_at


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a question was understood: by whom, how surely (0 to 1), and on what that rests."""

    spec: QuerySpec
    dataset: str
    dataset_version: str
    planner: str
    confidence: float
    explanation: str
    rests_on: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    usage: Usage = Usage()


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds: from the asking until a worker began, planning, the query, the telling."""

    waiting: float = 0.0
    planning: float = 0.0
    query: float = 0.0
    telling: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`sql` is what ran. `log_position` is how far the log had come when it did. `cached`: the rows
    were those of the same query on the same data. `agreement` tells what another planner made of
    the question, where one was asked."""

    sql: str
    result: Result
    chart: Chart
    analysis: str
    dataset_version: str
    log_position: int
    cached: bool = False
    agreement: Agreement | None = None
    timings: Timings = Timings()
    usage: Usage = Usage()


class ReportRun(msgspec.Struct, frozen=True):
    """The report that asked a question, for whoever waits for the outcome."""

    report: UUID
    question: UUID


class QuestionAsked(DomainEvent, tag="analytics.question_asked"):
    question_id: UUID
    asked: Asked


class AttemptFailed(DomainEvent, tag="analytics.attempt_failed"):
    """Something was tried and did not do; it is tried again, or otherwise."""

    stage: Stage
    reason: str
    failed_at: datetime


class QuestionPlanned(DomainEvent, tag="analytics.question_planned"):
    plan: Plan
    planned_at: datetime


class QuestionAnswered(DomainEvent, tag="analytics.question_answered"):
    answer: Answer
    answered_at: datetime
    asked_by: ReportRun | None = None


class ClarificationNeeded(DomainEvent, tag="analytics.clarification_needed"):
    reason: str
    options: tuple[Option, ...]
    declined_at: datetime
    usage: Usage = Usage()
    asked_by: ReportRun | None = None


class QuestionUnanswerable(DomainEvent, tag="analytics.question_unanswerable"):
    """`unplaced` are the words that nothing in the dataset goes by."""

    reason: str
    unplaced: tuple[str, ...]
    suggestions: tuple[str, ...]
    declined_at: datetime
    usage: Usage = Usage()
    asked_by: ReportRun | None = None


class QuestionRefused(DomainEvent, tag="analytics.question_refused"):
    """It asks for what is not done here, or its answer goes beyond a limit."""

    reason: str
    suggestions: tuple[str, ...]
    declined_at: datetime
    usage: Usage = Usage()
    asked_by: ReportRun | None = None


class QuestionFailed(DomainEvent, tag="analytics.question_failed"):
    """Not the question's fault: asked again later it may be answered."""

    reason: str
    failed_at: datetime
    asked_by: ReportRun | None = None


class FeedbackGiven(DomainEvent, tag="analytics.feedback_given"):
    """The last word of anybody counts. A right answer becomes a golden query."""

    verdict: Verdict
    comment: str
    given_at: datetime


Outcome = (
    QuestionAnswered | ClarificationNeeded | QuestionUnanswerable | QuestionRefused | QuestionFailed
)

QuestionChange = QuestionAsked | AttemptFailed | QuestionPlanned | Outcome | FeedbackGiven


class NotAnswered(Refused):
    code = "analytics.not_answered"


class Question(Aggregate[QuestionChange]):
    stream = "question"
    events = QuestionChange

    asked: Asked
    plan: Plan | None = None
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    attempts = 0

    @classmethod
    def ask(cls, id: UUID, asked: Asked) -> Self:
        question = cls(id)
        question.record(QuestionAsked(question_id=id, asked=asked))
        return question

    def fail_attempt(self, stage: Stage, reason: str, *, now: datetime) -> None:
        if self.outcome is None:
            self.record(AttemptFailed(stage=stage, reason=reason, failed_at=now))

    def understand(self, plan: Plan, *, now: datetime) -> None:
        if self.outcome is None:
            self.record(QuestionPlanned(plan=plan, planned_at=now))

    def end(self, outcome: Outcome) -> None:
        """Whoever comes second has been answered already."""
        if self.outcome is not None:
            return
        if self.asked.report is not None:
            run = ReportRun(self.asked.report, self.id)
            outcome = msgspec.structs.replace(outcome, asked_by=run)
        self.record(outcome)

    def judge(self, verdict: Verdict, comment: str, *, now: datetime) -> None:
        if not isinstance(self.outcome, QuestionAnswered):
            raise NotAnswered(f"question {self.id} has no answer that could be right or wrong")
        if verdict != self.verdict or comment:
            self.record(FeedbackGiven(verdict=verdict, comment=comment, given_at=now))

    def apply(self, event: QuestionChange) -> None:
        match event:
            case QuestionAsked():
                self.asked = event.asked
            case AttemptFailed():
                self.attempts += 1
            case QuestionPlanned():
                self.plan = event.plan
            case FeedbackGiven():
                self.verdict = event.verdict
            case (
                QuestionAnswered()
                | ClarificationNeeded()
                | QuestionUnanswerable()
                | QuestionRefused()
                | QuestionFailed()
            ):
                self.outcome = event
            case _:
                assert_never(event)

"""A report: a question on a schedule, what became of each time it was due, and its alert."""

from datetime import datetime, timedelta
from typing import Literal, Self, assert_never
from uuid import UUID, uuid5

import msgspec

from contexts.analytics.domain.answer import Result
from contexts.analytics.domain.condition import Condition, Judged, Number
from contexts.analytics.domain.recurrence import Recurrence
from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Refused

GRACE = timedelta(minutes=10)
"""What begins later than this after it was due was missed, and is caught up with or skipped."""

_MOMENT = timedelta(seconds=1)
"""Due times lie on whole seconds."""

Missed = Literal["latest", "skip"]
"""What to do about due times when nobody was there to run them: run the `latest`, marked as caught
up, and skip those before it; or skip all of them."""

Why = Literal["due", "caught_up", "by_hand"]

SkippedFor = Literal["missed", "paused"]

State = Literal["active", "paused", "retired"]

RunOutcome = Literal["answered", "needs_clarification", "unanswerable", "refused", "failed"]


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked and when. Without a `dataset` the one is asked that fits best."""

    name: str
    question: str
    recurrence: Recurrence
    dataset: str | None = None
    condition: Condition | None = None
    missed: Missed = "latest"


class ReportScheduled(DomainEvent, tag="analytics.report_scheduled"):
    report_id: UUID
    terms: Terms
    scheduled_at: datetime


class ReportPaused(DomainEvent, tag="analytics.report_paused"):
    paused_at: datetime


class ReportResumed(DomainEvent, tag="analytics.report_resumed"):
    resumed_at: datetime


class ReportRetired(DomainEvent, tag="analytics.report_retired"):
    retired_at: datetime


class ReportRunStarted(DomainEvent, tag="analytics.report_run_started"):
    """A question is to be asked, under an id that a due time has for good.

    `as_of` is the wall time in the zone of the report that "yesterday" and the like refer to: when
    it was due, or, by hand, when it was asked for.
    """

    report_id: UUID
    question_id: UUID
    question: str
    dataset: str | None
    why: Why
    due_at: datetime | None
    as_of: datetime
    started_at: datetime


class ReportRunsSkipped(DomainEvent, tag="analytics.report_runs_skipped"):
    """The due times from `first` to `last` are not run any more."""

    first: datetime
    last: datetime
    count: int
    why: SkippedFor


class ReportRunEnded(DomainEvent, tag="analytics.report_run_ended"):
    """`condition_met` is None where there is no condition, or nothing that could be compared;
    `note` says why, or why there was no answer."""

    question_id: UUID
    outcome: RunOutcome
    value: Number | None
    condition_met: bool | None
    note: str | None
    ended_at: datetime


class AlertRaised(DomainEvent, tag="analytics.alert_raised"):
    """The condition is met, and was not the last time that it could be told."""

    report_id: UUID
    question_id: UUID
    name: str
    condition: str
    value: Number | None
    raised_at: datetime


class AlertCleared(DomainEvent, tag="analytics.alert_cleared"):
    """The condition is not met any more."""

    report_id: UUID
    question_id: UUID
    name: str
    condition: str
    value: Number | None
    cleared_at: datetime


ReportChange = (
    ReportScheduled
    | ReportPaused
    | ReportResumed
    | ReportRetired
    | ReportRunStarted
    | ReportRunsSkipped
    | ReportRunEnded
    | AlertRaised
    | AlertCleared
)


class ReportIsRetired(Refused):
    code = "analytics.report_retired"


class Report(Aggregate[ReportChange]):
    """`decided` is how far its due times are run or skipped, so that none ever is twice."""

    stream = "report"
    events = ReportChange

    terms: Terms
    decided: datetime

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.state: State = "active"
        self.runs = 0
        self.open: dict[UUID, int] = {}
        self.judged = 0
        self.alert = False

    @classmethod
    def schedule(cls, id: UUID, terms: Terms, *, now: datetime) -> Self:
        report = cls(id)
        report.record(ReportScheduled(report_id=id, terms=terms, scheduled_at=now))
        return report

    def pause(self, *, now: datetime) -> None:
        self._must_not_be_retired()
        if self.state == "active":
            self.record(ReportPaused(paused_at=now))

    def resume(self, *, now: datetime) -> None:
        """What was due in between is not run any more."""
        self._must_not_be_retired()
        if self.state == "paused":
            self._skip(now, "paused")
            self.record(ReportResumed(resumed_at=now))

    def retire(self, *, now: datetime) -> None:
        if self.state != "retired":
            self.record(ReportRetired(retired_at=now))

    def run_due(self, *, now: datetime) -> None:
        """Decide on all that was due until now and has not been decided on."""
        if self.state != "active":
            return
        due = self.terms.recurrence.latest(self.decided, now)
        if due is None:
            return
        late = now - due > GRACE
        if late and self.terms.missed == "skip":
            self._skip(due, "missed")
            return
        self._skip(due - _MOMENT, "missed")
        why: Why = "caught_up" if late else "due"
        self._start(uuid5(self.id, due.isoformat()), why, due_at=due, now=now)

    def run_by_hand(self, question_id: UUID, *, now: datetime) -> None:
        """At any time, also while it is paused."""
        self._must_not_be_retired()
        self._start(question_id, "by_hand", due_at=None, now=now)

    def end_run(
        self,
        question_id: UUID,
        outcome: RunOutcome,
        *,
        result: Result | None = None,
        note: str | None = None,
        now: datetime,
    ) -> None:
        """Whoever comes second finds it ended."""
        number = self.open.get(question_id)
        if number is None:
            return
        condition, judged = self.terms.condition, Judged(note=note)
        if condition is not None and result is not None:
            judged = condition.judge(result)
        # A run may be overtaken by the next one, which knows better.
        is_news = number > self.judged and self.state != "retired"
        self.record(
            ReportRunEnded(
                question_id=question_id,
                outcome=outcome,
                value=judged.value,
                condition_met=judged.met,
                note=judged.note,
                ended_at=now,
            )
        )
        if condition is None or judged.met in (None, self.alert) or not is_news:
            return
        about = (self.id, question_id, self.terms.name, str(condition), judged.value, now)
        self.record(AlertRaised(*about) if judged.met else AlertCleared(*about))

    def apply(self, event: ReportChange) -> None:
        match event:
            case ReportScheduled():
                self.terms = event.terms
                self.decided = event.scheduled_at
            case ReportPaused():
                self.state = "paused"
            case ReportResumed():
                self.state = "active"
                self.decided = event.resumed_at
            case ReportRetired():
                self.state = "retired"
            case ReportRunStarted():
                self.runs += 1
                self.open[event.question_id] = self.runs
                self.decided = event.due_at or self.decided
            case ReportRunsSkipped():
                self.decided = event.last
            case ReportRunEnded():
                number = self.open.pop(event.question_id)
                if event.condition_met is not None:
                    self.judged = max(self.judged, number)
            case AlertRaised() | AlertCleared():
                self.alert = isinstance(event, AlertRaised)
            case _:
                assert_never(event)

    def _start(
        self, question_id: UUID, why: Why, *, due_at: datetime | None, now: datetime
    ) -> None:
        self.record(
            ReportRunStarted(
                report_id=self.id,
                question_id=question_id,
                question=self.terms.question,
                dataset=self.terms.dataset,
                why=why,
                due_at=due_at,
                as_of=self.terms.recurrence.local(due_at or now),
                started_at=now,
            )
        )

    def _skip(self, until: datetime, why: SkippedFor) -> None:
        recurrence = self.terms.recurrence
        last = recurrence.latest(self.decided, until)
        if last is not None:
            first = next(recurrence.after(self.decided))
            count = recurrence.count(self.decided, last)
            self.record(ReportRunsSkipped(first=first, last=last, count=count, why=why))

    def _must_not_be_retired(self) -> None:
        if self.state == "retired":
            raise ReportIsRetired(f"report {self.id} is retired; schedule another one")

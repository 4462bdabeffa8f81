"""What may be asked of reports: put a question on a schedule, pause it, run it, take it off."""

import logging
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.analytics.application.asking import AskQuestion, QuestionText
from contexts.analytics.application.ports import Clock
from contexts.analytics.domain.answer import Result
from contexts.analytics.domain.condition import Condition
from contexts.analytics.domain.dataset import CATALOGUE, Dataset, dataset_id
from contexts.analytics.domain.recurrence import Recurrence
from contexts.analytics.domain.report import Missed, Report, RunOutcome, State, Terms
from shared.application.bus import Bus, Command
from shared.application.repository import Repository
from shared.domain.errors import Invalid, NotFound, Refused

logger = logging.getLogger(__name__)

ReportName = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$"
    ),
]


class Scheduled(msgspec.Struct, frozen=True):
    """`next_three` are the next times it is due, with the offset of its time zone."""

    id: UUID
    version: int
    next_three: tuple[datetime, ...]


class ReportChanged(msgspec.Struct, frozen=True):
    """How it stands now; `next_three` is empty where it is not due any more."""

    id: UUID
    version: int
    state: State
    next_three: tuple[datetime, ...]


class ScheduleReport(Command[Scheduled], frozen=True, kw_only=True):
    """Ask a question whenever it is due: `cron` has five fields and is read on the clock of the
    IANA `timezone`.

    `condition` compares a column of the answer, or its `rows`, with a number, such as
    `total < 1000`; an alert is raised when it is met and was not before. `missed` tells what to do
    about due times when no worker was there: run the `latest`, or `skip` them all.
    """

    name: ReportName
    question: QuestionText
    cron: str
    timezone: str
    dataset: str | None = None
    condition: str | None = None
    missed: Missed = "latest"


class PauseReport(Command[ReportChanged], frozen=True):
    report_id: UUID


class ResumeReport(Command[ReportChanged], frozen=True):
    """From now on; what was due in between is skipped."""

    report_id: UUID


class RetireReport(Command[None], frozen=True):
    """For good; what it has told stays."""

    report_id: UUID


class RunReportNow(Command[UUID], frozen=True):
    """The id of the run, which is that of its question."""

    report_id: UUID


class RunDueReport(Command[None], frozen=True):
    """Run what is due, if anything is. Asked twice, each due time is run once."""

    report_id: UUID


class AskForReport(Command[None], frozen=True):
    """Ask the question of a run that has started. Asked twice, it is one question."""

    report_id: UUID
    question_id: UUID
    question: str
    dataset: str | None
    as_of: datetime


class EndReportRun(Command[None], frozen=True):
    """Tell a report what became of its question. `note` says why there is no answer."""

    report_id: UUID
    question_id: UUID
    outcome: RunOutcome
    ended_at: datetime
    result: Result | None = None
    note: str | None = None


class Reporting:
    def __init__(
        self,
        bus: Bus,
        reports: Repository[Report],
        datasets: Repository[Dataset],
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._reports = reports
        self._datasets = datasets
        self._clock = clock

    async def schedule(self, command: ScheduleReport) -> Scheduled:
        """Raise Invalid for a cron, a time zone or a condition that is none, and NoSuchDataset."""
        recurrence = Recurrence.of(command.cron, command.timezone)
        condition = None if command.condition is None else Condition.read(command.condition)
        if command.dataset is not None and command.dataset != CATALOGUE:
            id = dataset_id(command.dataset)
            found = (await self._datasets.get_many([id])).get(id)
            (found or Dataset.named(command.dataset)).must_exist(command.dataset)
        terms = Terms(
            name=" ".join(command.name.split()),
            question=" ".join(command.question.split()),
            recurrence=recurrence,
            dataset=command.dataset,
            condition=condition,
            missed=command.missed,
        )
        now = self._clock()
        report = Report.schedule(uuid7(), terms, now=now)
        await self._reports.save(report)
        return Scheduled(report.id, report.version, recurrence.next_three(now))

    async def pause(self, command: PauseReport) -> ReportChanged:
        report = await self._reports.get(command.report_id)
        report.pause(now=self._clock())
        return await self._changed(report)

    async def resume(self, command: ResumeReport) -> ReportChanged:
        report = await self._reports.get(command.report_id)
        report.resume(now=self._clock())
        return await self._changed(report)

    async def retire(self, command: RetireReport) -> None:
        report = await self._reports.get(command.report_id)
        report.retire(now=self._clock())
        await self._reports.save(report)

    async def run_now(self, command: RunReportNow) -> UUID:
        report, question_id = await self._reports.get(command.report_id), uuid7()
        report.run_by_hand(question_id, now=self._clock())
        await self._reports.save(report)
        return question_id

    async def run_due(self, command: RunDueReport) -> None:
        report = await self._reports.get(command.report_id)
        report.run_due(now=self._clock())
        await self._reports.save(report)

    async def ask(self, command: AskForReport) -> None:
        question = AskQuestion(
            question=command.question,
            dataset=command.dataset,
            question_id=command.question_id,
            report=command.report_id,
            as_of=command.as_of,
        )
        try:
            await self._bus(question)
        except (Invalid, NotFound, Refused) as refusal:
            # Its dataset was deleted, say: that is what became of this run.
            logger.warning(
                "not asked", extra={"report": str(command.report_id), "reason": str(refusal)}
            )
            report = await self._reports.get(command.report_id)
            report.end_run(
                command.question_id, "unanswerable", note=str(refusal), now=self._clock()
            )
            await self._reports.save(report)

    async def end_run(self, command: EndReportRun) -> None:
        report = await self._reports.get(command.report_id)
        report.end_run(
            command.question_id,
            command.outcome,
            result=command.result,
            note=command.note,
            now=command.ended_at,
        )
        await self._reports.save(report)

    async def _changed(self, report: Report) -> ReportChanged:
        await self._reports.save(report)
        due = report.terms.recurrence.next_three(self._clock()) if report.state == "active" else ()
        return ReportChanged(report.id, report.version, report.state, due)

"""The road from a due time to the question it asks, and back to its report, on memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contexts.analytics.application.asking import Asking, AskQuestion
from contexts.analytics.application.keeping import Work
from contexts.analytics.application.report_queries import ReportShown, RunShown
from contexts.analytics.application.report_reactions import (
    on_question_ended,
    on_report_run_started,
)
from contexts.analytics.application.report_showing import (
    LAST_RUNS,
    run_id,
    show_report,
    show_run,
    with_next_due,
)
from contexts.analytics.application.reporting import (
    AskForReport,
    EndReportRun,
    PauseReport,
    Reporting,
    ResumeReport,
    RetireReport,
    RunDueReport,
    RunReportNow,
    Scheduled,
    ScheduleReport,
)
from contexts.analytics.domain.answer import Chart, Output, Result
from contexts.analytics.domain.dataset import (
    Dataset,
    DatasetChange,
    DatasetUploaded,
    LoadOptions,
    NoSuchDataset,
    dataset_id,
)
from contexts.analytics.domain.question import (
    Answer,
    ClarificationNeeded,
    Outcome,
    Question,
    QuestionAnswered,
    QuestionChange,
    QuestionFailed,
    QuestionRefused,
    QuestionUnanswerable,
)
from contexts.analytics.domain.report import (
    Report,
    ReportChange,
    ReportIsRetired,
    ReportRunStarted,
    ReportScheduled,
)
from shared.application.bus import Bus, Command
from shared.application.codec import Codec
from shared.application.reactions import Reaction, Reactions
from shared.application.repository import Repository
from shared.domain.aggregate import DomainEvent, kinds_of
from shared.domain.errors import Invalid, NotFound
from shared.infrastructure.event_store.memory_event_store import MemoryEventStore

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAILY: dict[str, Any] = {
    "name": "Low fares",
    "question": "total fare yesterday",
    "cron": "0 8 * * *",
    "timezone": "Europe/Madrid",
}
FARE = Output(name="fare", title="Fare", type="integer", kind="measure")


def answered(*fares: int) -> QuestionAnswered:
    rows = Result(columns=(FARE,), rows=tuple((each,) for each in fares))
    answer = Answer(
        sql="select 1",
        result=rows,
        chart=Chart(type="none", why="one number"),
        analysis="",
        dataset_version="1",
        log_position=1,
    )
    return QuestionAnswered(answer=answer, answered_at=MONDAY)


OUTCOMES: dict[str, Outcome] = {
    "answered": answered(7),
    "needs_clarification": ClarificationNeeded("which fare?", (), MONDAY),
    "unanswerable": QuestionUnanswerable("nothing is called so", (), (), MONDAY),
    "refused": QuestionRefused("too many rows", (), MONDAY),
    "failed": QuestionFailed("the server was away", MONDAY),
}


class Queue:
    async def put(self, work: Work, id: UUID) -> None: ...


class World:
    """Reports and questions on memory; time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.store = MemoryEventStore()
        self.codec = Codec(
            [*kinds_of(ReportChange), *kinds_of(QuestionChange), *kinds_of(DatasetChange)]
        )
        self.reports = Repository(Report, self.store, self.codec)
        self.questions = Repository(Question, self.store, self.codec)
        self.datasets = Repository(Dataset, self.store, self.codec)
        self.bus = Bus()
        reporting = Reporting(self.bus, self.reports, self.datasets, lambda: self.now)
        asking = Asking(self.questions, self.datasets, Queue(), lambda: self.now)
        self.bus.serve(
            {
                ScheduleReport: reporting.schedule,
                PauseReport: reporting.pause,
                ResumeReport: reporting.resume,
                RetireReport: reporting.retire,
                RunReportNow: reporting.run_now,
                RunDueReport: reporting.run_due,
                AskForReport: reporting.ask,
                EndReportRun: reporting.end_run,
                AskQuestion: asking.ask,
            }
        )
        table: Mapping[type[DomainEvent], Sequence[Reaction]] = {
            ReportRunStarted: [on_report_run_started],
            **{kind: [on_question_ended] for kind in kinds_of(Outcome)},
        }
        self.reactions = Reactions(self.bus, table)
        self._reacted = 0

    async def schedule(self, **more: Any) -> UUID:
        return (await self.bus(ScheduleReport(**{**DAILY, **more}))).id

    async def due(self, id: UUID, *, days: int = 1) -> None:
        """As if that many days had gone by, a minute after the report is due."""
        self.now = MONDAY.replace(hour=7, minute=1) + timedelta(days=days)
        await self.bus(RunDueReport(id))
        await self.react()

    async def react(self, *, from_the_start: bool = False) -> None:
        if from_the_start:
            self._reacted = 0
        while self._reacted < len(self.store.log):
            await self.reactions(self.codec.recorded(self.store.log[self._reacted]))
            self._reacted += 1

    async def end(self, question_id: UUID, outcome: Outcome) -> None:
        question = await self.questions.get(question_id)
        question.end(outcome)
        await self.questions.save(question)
        await self.react()

    def shown(self, id: UUID) -> tuple[ReportShown, list[RunShown]]:
        shown, runs = None, dict[UUID, RunShown]()
        for stored in self.store.log:
            if stored.stream == f"report-{id}":
                recorded = self.codec.recorded(stored)
                shown = show_report(shown, recorded)
                if (which := run_id(recorded)) is not None:
                    run = show_run(runs.get(which), recorded)
                    assert run is not None
                    runs[which] = run
        assert shown is not None
        return with_next_due(shown), list(runs.values())


@pytest.fixture
def world() -> World:
    return World()


async def test_a_scheduled_report_tells_when_it_is_next_due(world: World) -> None:
    scheduled = await world.bus(ScheduleReport(**DAILY, condition="fare<10", missed="skip"))
    assert isinstance(scheduled, Scheduled)
    assert [each.isoformat() for each in scheduled.next_three] == [
        f"2026-03-0{day}T08:00:00+01:00" for day in (3, 4, 5)
    ]
    event = world.codec.recorded(world.store.log[0]).event
    assert isinstance(event, ReportScheduled)
    assert (event.terms.missed, str(event.terms.condition)) == ("skip", "fare < 10")
    shown, runs = world.shown(scheduled.id)
    assert (shown.state, shown.condition, shown.next_three) == (
        "active",
        "fare < 10",
        scheduled.next_three,
    )
    assert runs == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "8 o'clock"}, "cron: "),
        ({"timezone": "Madrid"}, "timezone: "),
        ({"condition": "fare is low"}, "condition: "),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(
    world: World, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        await world.schedule(**wrong)
    assert world.store.log == []


async def test_a_report_on_a_dataset_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(NoSuchDataset):
        await world.schedule(dataset="ferries")
    await world.schedule(dataset="events")


async def test_a_report_that_is_not_there_is_not_found(world: World) -> None:
    for kind in (PauseReport, ResumeReport, RetireReport, RunReportNow, RunDueReport):
        command: Command[Any] = kind(uuid4())
        with pytest.raises(NotFound):
            await world.bus(command)


async def test_a_due_time_asks_one_question_whatever_is_done_twice(world: World) -> None:
    id = await world.schedule()
    await world.due(id)
    await world.due(id)
    await world.react(from_the_start=True)
    assert [stored.type for stored in world.store.log] == [
        "analytics.report_scheduled",
        "analytics.report_run_started",
        "analytics.question_asked",
    ]
    _, (run,) = world.shown(id)
    question = await world.questions.get(run.id)
    assert (question.asked.question, question.asked.report) == ("total fare yesterday", id)
    assert (run.status, run.why, run.as_of) == ("running", "due", datetime(2026, 3, 3, 8))
    assert question.asked.now == run.as_of


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_run_ends_in_what_became_of_its_question(world: World, outcome: str) -> None:
    id = await world.schedule(condition="fare < 10")
    run = await world.bus(RunReportNow(id))
    await world.react()
    await world.end(run, OUTCOMES[outcome])
    await world.react(from_the_start=True)
    shown, (told,) = world.shown(id)
    assert (told.id, told.status, shown.last_outcome) == (run, outcome, outcome)
    assert told.ended_at == MONDAY
    if outcome == "answered":
        assert (told.value, told.condition_met, told.note) == (7, True, None)
        assert (shown.alert, shown.alert_since) == (True, MONDAY)
    else:
        assert (told.value, told.condition_met) == (None, None)
        assert told.note == getattr(OUTCOMES[outcome], "reason", "")


async def test_a_question_that_no_report_asked_concerns_none(world: World) -> None:
    for outcome in OUTCOMES.values():
        assert list(on_question_ended(outcome)) == []


async def test_a_run_whose_dataset_is_gone_ends_without_an_answer(world: World) -> None:
    dataset = Dataset.named("ferries")
    dataset.record(
        DatasetUploaded(
            name="ferries",
            version=1,
            upload_id=uuid4(),
            filename="ferries.csv",
            options=LoadOptions(),
            uploaded_at=MONDAY,
        )
    )
    await world.datasets.save(dataset)
    id = await world.schedule(dataset="ferries")
    dataset = await world.datasets.get(dataset_id("ferries"))
    dataset.delete("ferries", now=MONDAY)
    await world.datasets.save(dataset)
    await world.due(id)
    _, (run,) = world.shown(id)
    assert run.status == "unanswerable"
    assert "ferries" in (run.note or "")


async def test_an_alert_is_cleared_by_the_run_that_does_not_meet_its_condition(
    world: World,
) -> None:
    id = await world.schedule(condition="fare < 10")
    for days, fares, alert in [(1, 7, True), (2, 8, True), (3, 10, False)]:
        await world.due(id, days=days)
        await world.end(world.shown(id)[1][-1].id, answered(fares))
        shown, _ = world.shown(id)
        assert shown.alert is alert
    raised = [each.type for each in world.store.log if "alert" in each.type]
    assert raised == ["analytics.alert_raised", "analytics.alert_cleared"]


async def test_a_paused_report_is_not_due_and_what_was_is_shown_as_skipped(world: World) -> None:
    id = await world.schedule()
    paused = await world.bus(PauseReport(id))
    assert (paused.state, paused.version, paused.next_three) == ("paused", 2, ())
    assert world.shown(id)[0].next_due is None
    await world.due(id, days=3)
    resumed = await world.bus(ResumeReport(id))
    shown, (gap,) = world.shown(id)
    assert (gap.status, gap.why, gap.skipped) == ("skipped", "paused", 3)
    assert (gap.due_at, gap.skipped_until) == (
        datetime(2026, 3, 3, 7, tzinfo=UTC),
        datetime(2026, 3, 5, 7, tzinfo=UTC),
    )
    assert shown.next_three == resumed.next_three
    assert shown.next_due == datetime(2026, 3, 6, 7, tzinfo=UTC)
    assert shown.version == resumed.version


async def test_a_retired_report_is_not_due_and_refuses_to_go_on(world: World) -> None:
    id = await world.schedule()
    await world.bus(RetireReport(id))
    await world.bus(RetireReport(id))
    assert (world.shown(id)[0].state, world.shown(id)[0].next_due) == ("retired", None)
    with pytest.raises(ReportIsRetired):
        await world.bus(ResumeReport(id))


async def test_a_report_shows_its_last_runs_the_newest_first(world: World) -> None:
    id = await world.schedule()
    for days in range(1, LAST_RUNS + 3):
        await world.due(id, days=days)
    shown, runs = world.shown(id)
    assert [run.id for run in shown.last_runs] == [run.id for run in runs[:1:-1]]
    assert shown.runs == LAST_RUNS + 2
    await world.end(shown.last_runs[2].id, answered(7))
    again, _ = world.shown(id)
    assert [run.id for run in again.last_runs] == [run.id for run in shown.last_runs]
    assert [run.status for run in again.last_runs].index("answered") == 2
    await world.end(runs[0].id, answered(7))
    assert len(world.shown(id)[0].last_runs) == LAST_RUNS

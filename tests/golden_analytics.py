"""The events of the analytics context as they were meant when they were stored."""

from datetime import UTC, datetime
from uuid import UUID

from contexts.analytics.domain.answer import Chart, Output, Result
from contexts.analytics.domain.condition import Condition
from contexts.analytics.domain.dataset import (
    Corrections,
    DatasetCorrected,
    DatasetDeleted,
    DatasetLoaded,
    DatasetLoadFailed,
    DatasetUploaded,
    Loaded,
    LoadOptions,
    SetAside,
)
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Having,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from contexts.analytics.domain.question import (
    Answer,
    Asked,
    AttemptFailed,
    ClarificationNeeded,
    FeedbackGiven,
    Option,
    Plan,
    QuestionAnswered,
    QuestionAsked,
    QuestionFailed,
    QuestionPlanned,
    QuestionRefused,
    QuestionUnanswerable,
    ReportRun,
    Timings,
    Usage,
)
from contexts.analytics.domain.recurrence import Recurrence
from contexts.analytics.domain.relation import Column, Relation
from contexts.analytics.domain.report import (
    AlertCleared,
    AlertRaised,
    ReportPaused,
    ReportResumed,
    ReportRetired,
    ReportRunEnded,
    ReportRunsSkipped,
    ReportRunStarted,
    ReportScheduled,
    Terms,
)
from shared.domain.aggregate import DomainEvent

UPLOAD = UUID("0199a3f0-7c1e-7a52-8f4b-2d6e9c0b1a35")
BEFORE = UUID("0199a3f0-7c1e-7a52-8f4b-2d6e9c0b1a36")
NOW = datetime(2026, 3, 2, 12, 0, 0, 125000, UTC)
REPORT = UUID("0199a3f0-7c1e-7a52-8f4b-2d6e9c0b1a77")
ASKED = UUID("dd69abfe-a8bd-5662-91d5-5c6250d21ca9")
DUE = datetime(2026, 3, 3, 7, tzinfo=UTC)

USAGE = Usage(input_tokens=812, output_tokens=96, cost=0.00031, model="small")
SPEC = QuerySpec(
    measures=(
        Measure(aggregate="sum", column="fare", times="passengers", per="trip_id"),
        Measure(
            aggregate="count",
            where=(Filter(column="city", operator="eq", values=("Nieve",)),),
            shown_as="share",
        ),
    ),
    dimensions=(
        Dimension(column="day", grain="month"),
        Dimension(column="passengers", width=2.0),
    ),
    where=(
        (
            Filter(column="day", operator="eq", values=(5,), grain="weekday"),
            Filter(column="fare", operator="gt", relative_to="avg"),
        ),
    ),
    period=Period(column="day", start="2026-03-01", end="2026-04-01", said="in March"),
    having=(Having(measure=Measure(aggregate="count"), operator="gt", values=(2.0,)),),
    order=(Order(output=2, descending=True), Order(measure=Measure(aggregate="count"))),
    limit=5,
    limit_per=0,
    distinct=True,
    comparison="previous_period",
    chart="bar",
)
LOADED = Loaded(
    relation=Relation(
        dataset="ferries",
        version=2,
        schema="room_1",
        table="ferries_v2",
        rows=1204,
        columns=(
            Column(
                name="day",
                title="Día",
                type="date",
                role="time",
                why="all 1,204 are dates",
                format="%d/%m/%Y",
                distinct=92,
                minimum="2026-01-01",
                maximum="2026-04-02",
                samples=("01/01/2026",),
            ),
            Column(
                name="fare", title="Fare (€)", type="decimal", role="measure", unit="€", empty=3
            ),
        ),
        row_noun="crossing",
        measure="fare",
        time="day",
    ),
    encoding="cp1252",
    delimiter=";",
    bytes=48213,
    set_aside=(SetAside(7, "5 fields, not 4", "a;b;c;d;e"),),
    set_aside_count=1,
    warnings=("3 cells of fare are no numbers and were left empty",),
)

MEANT: dict[str, DomainEvent] = {
    "analytics.dataset_uploaded": DatasetUploaded(
        name="ferries",
        version=2,
        upload_id=UPLOAD,
        filename="Fähren 2026.csv",
        options=LoadOptions(
            encoding="cp1252", delimiter=";", header=True, decimal=",", dates="day_first"
        ),
        uploaded_at=NOW,
    ),
    "analytics.dataset_loaded": DatasetLoaded(
        name="ferries", version=2, loaded=LOADED, loaded_at=NOW
    ),
    "analytics.dataset_load_failed": DatasetLoadFailed(
        name="ferries", version=2, reason="this is an Excel workbook", failed_at=NOW
    ),
    "analytics.dataset_corrected": DatasetCorrected(
        name="ferries",
        corrections=Corrections(
            types={"zip": "text"},
            synonyms={"fare": ("price", "takings")},
            units={"fare": "EUR"},
            row_noun="crossing",
            measure="fare",
            time="day",
        ),
        version=3,
        corrected_at=NOW,
    ),
    "analytics.dataset_deleted": DatasetDeleted(name="ferries", deleted_at=NOW),
    "analytics.question_asked": QuestionAsked(
        question_id=ASKED,
        asked=Asked(
            question="¿fares by month?",
            asked_at=NOW,
            dataset="ferries",
            planner="both",
            conversation="thread 1",
            follows=BEFORE,
            report=REPORT,
            as_of=datetime(2026, 3, 3, 8),
        ),
    ),
    "analytics.attempt_failed": AttemptFailed(
        stage="planning", reason="the model did not answer in time", failed_at=NOW
    ),
    "analytics.question_planned": QuestionPlanned(
        plan=Plan(
            spec=SPEC,
            dataset="ferries",
            dataset_version="2.1",
            planner="model",
            confidence=0.75,
            explanation="Total of fare by month of day.",
            rests_on=("every word has a place",),
            assumptions=("'March' is that of 2026",),
            usage=USAGE,
        ),
        planned_at=NOW,
    ),
    "analytics.question_answered": QuestionAnswered(
        answer=Answer(
            sql="SELECT 1",
            result=Result(
                columns=(
                    Output(name="city", title="City", type="text", kind="dimension"),
                    Output(
                        name="sum_fare",
                        title="Fare",
                        type="decimal",
                        kind="measure",
                        unit="€",
                        additive=True,
                    ),
                ),
                rows=(("Nieve", 64.5), (None, 3), ("Halvora", None)),
                truncated=True,
            ),
            chart=Chart(type="bar", why="one category", spec={"$schema": "v5", "mark": "bar"}),
            analysis="Nieve leads with 64.5 €.",
            dataset_version="2.1",
            log_position=4711,
            cached=True,
            agreement="confirmed",
            timings=Timings(waiting=12.5, planning=3.25, query=8.0, telling=1.0),
            usage=USAGE,
        ),
        answered_at=NOW,
        asked_by=ReportRun(report=REPORT, question=ASKED),
    ),
    "analytics.clarification_needed": ClarificationNeeded(
        reason="it fits two datasets",
        options=(
            Option("in ferries", "fares by month", "ferries"),
            Option("the sum", "total fare"),
        ),
        declined_at=NOW,
        usage=USAGE,
    ),
    "analytics.question_unanswerable": QuestionUnanswerable(
        reason="nothing goes by 'wingspan'",
        unplaced=("wingspan",),
        suggestions=("total fare by city",),
        declined_at=NOW,
    ),
    "analytics.question_refused": QuestionRefused(
        reason="nothing is changed here", suggestions=("ask for totals",), declined_at=NOW
    ),
    "analytics.question_failed": QuestionFailed(
        reason="it took longer than 60 s",
        failed_at=NOW,
        asked_by=ReportRun(report=REPORT, question=ASKED),
    ),
    "analytics.feedback_given": FeedbackGiven(
        verdict="wrong", comment="one city is missing", given_at=NOW
    ),
    "analytics.report_scheduled": ReportScheduled(
        report_id=REPORT,
        terms=Terms(
            name="Tarifas bajas «ría»",
            question="total fare yesterday",
            recurrence=Recurrence("0 8 * * MON-FRI", "Europe/Madrid"),
            dataset="ferries",
            condition=Condition(column="Total fare", comparison="<", number=1000.5, which="all"),
            missed="skip",
        ),
        scheduled_at=datetime(2026, 3, 2, 12, 0, 0, 125000, UTC),
    ),
    "analytics.report_paused": ReportPaused(paused_at=DUE),
    "analytics.report_resumed": ReportResumed(resumed_at=DUE),
    "analytics.report_retired": ReportRetired(retired_at=DUE),
    "analytics.report_run_started": ReportRunStarted(
        report_id=REPORT,
        question_id=ASKED,
        question="total fare yesterday",
        dataset=None,
        why="caught_up",
        due_at=DUE,
        as_of=datetime(2026, 3, 3, 8),
        started_at=datetime(2026, 3, 3, 7, 20, 1, tzinfo=UTC),
    ),
    "analytics.report_runs_skipped": ReportRunsSkipped(
        first=DUE, last=datetime(2026, 3, 6, 7, tzinfo=UTC), count=4, why="paused"
    ),
    "analytics.report_run_ended": ReportRunEnded(
        question_id=ASKED,
        outcome="needs_clarification",
        value=None,
        condition_met=None,
        note="which fare is meant?",
        ended_at=DUE,
    ),
    "analytics.alert_raised": AlertRaised(
        report_id=REPORT,
        question_id=ASKED,
        name="Tarifas bajas «ría»",
        condition='all "Total fare" < 1000.5',
        value=820.25,
        raised_at=DUE,
    ),
    "analytics.alert_cleared": AlertCleared(
        report_id=REPORT,
        question_id=ASKED,
        name="Rows",
        condition="rows = 0",
        value=3,
        cleared_at=DUE,
    ),
}

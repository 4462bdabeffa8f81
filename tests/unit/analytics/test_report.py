"""When a report runs, what it skips, when its alert is raised; and what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.analytics.domain.answer import Output, Result
from contexts.analytics.domain.condition import Condition
from contexts.analytics.domain.recurrence import Recurrence
from contexts.analytics.domain.report import (
    GRACE,
    AlertCleared,
    AlertRaised,
    Report,
    ReportChange,
    ReportIsRetired,
    ReportPaused,
    ReportResumed,
    ReportRetired,
    ReportRunEnded,
    ReportRunsSkipped,
    ReportRunStarted,
    ReportScheduled,
    Terms,
)

ID, HAND = uuid4(), uuid4()
SCHEDULED = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday; the report is due at 8:00 in Madrid, 7:00 UTC."""
TERMS = Terms(
    name="Low fares",
    question="total fare yesterday",
    recurrence=Recurrence("0 8 * * *", "Europe/Madrid"),
    dataset="ferries",
    condition=Condition.read("fare < 1000"),
)
scheduled = ReportScheduled(report_id=ID, terms=TERMS, scheduled_at=SCHEDULED)


def morning(day: int) -> datetime:
    return datetime(2026, 3, day, 7, tzinfo=UTC)


def given(*history: ReportChange, **terms: Any) -> Report:
    first = msgspec.structs.replace(scheduled, terms=msgspec.structs.replace(TERMS, **terms))
    return Report.replay(ID, [first, *history])


def due_question(due: datetime) -> UUID:
    """The id that every program of whatever version gives the question of this due time."""
    report = given()
    report.decided = due - timedelta(seconds=1)
    report.run_due(now=due)
    (started,) = report.pending
    assert isinstance(started, ReportRunStarted)
    return started.question_id


def run(due: datetime, why: Any = "due", started: datetime | None = None) -> ReportRunStarted:
    return ReportRunStarted(
        report_id=ID,
        question_id=due_question(due),
        question="total fare yesterday",
        dataset="ferries",
        why=why,
        due_at=due,
        as_of=due.replace(hour=8, tzinfo=None),
        started_at=started or due,
    )


def skipped(first: datetime, last: datetime, count: int, why: Any = "missed") -> ReportRunsSkipped:
    return ReportRunsSkipped(first=first, last=last, count=count, why=why)


def fare(*fares: float) -> Result:
    column = Output(name="fare", title="Fare", type="decimal", kind="measure")
    return Result(columns=(column,), rows=tuple((each,) for each in fares))


def test_a_report_is_scheduled_on_its_terms() -> None:
    assert Report.schedule(ID, TERMS, now=SCHEDULED).pending == [scheduled]


def test_a_report_is_not_due_before_its_time_comes() -> None:
    report = given()
    report.run_due(now=morning(3) - timedelta(seconds=1))
    assert report.pending == []


def test_a_due_time_is_run_and_the_days_in_its_question_are_counted_from_it() -> None:
    report = given()
    now = morning(3) + timedelta(seconds=2)
    report.run_due(now=now)
    assert report.pending == [run(morning(3), started=now)]


def test_a_due_time_is_run_once_however_often_it_is_asked_for() -> None:
    report = given()
    for later in range(5):
        report.run_due(now=morning(3) + timedelta(seconds=later))
    report.run_due(now=morning(3) - timedelta(hours=1))
    assert report.pending == [run(morning(3))]
    again = given(*report.pending)
    again.run_due(now=morning(3) + timedelta(hours=2))
    assert again.pending == []


def test_the_question_of_a_due_time_has_the_same_id_for_good() -> None:
    assert due_question(morning(3)) == due_question(morning(3))
    assert due_question(morning(3)) != due_question(morning(4))
    report = Report.replay(UUID(int=7), [scheduled])
    report.run_due(now=morning(3))
    (started,) = report.pending
    assert isinstance(started, ReportRunStarted)
    assert started.question_id == UUID("dd69abfe-a8bd-5662-91d5-5c6250d21ca9")


def test_after_an_outage_the_latest_due_time_is_caught_up_with_and_the_others_are_skipped() -> None:
    report = given()
    now = morning(6) + GRACE + timedelta(seconds=1)
    report.run_due(now=now)
    assert report.pending == [
        skipped(morning(3), morning(5), 3),
        run(morning(6), "caught_up", now),
    ]


def test_what_begins_within_ten_minutes_was_not_missed() -> None:
    for missed in ("latest", "skip"):
        report = given(missed=missed)
        report.run_due(now=morning(3) + GRACE)
        assert report.pending == [run(morning(3), started=morning(3) + GRACE)]


def test_a_report_that_skips_what_was_missed_runs_nothing_late() -> None:
    report = given(missed="skip")
    report.run_due(now=morning(6) + GRACE + timedelta(seconds=1))
    assert report.pending == [skipped(morning(3), morning(6), 4)]
    report.run_due(now=morning(7))
    assert report.pending[1:] == [run(morning(7))]


def test_nothing_that_is_due_is_run_while_a_report_is_paused() -> None:
    report = given()
    report.pause(now=morning(3) - timedelta(hours=1))
    report.run_due(now=morning(3))
    assert report.pending == [ReportPaused(paused_at=morning(3) - timedelta(hours=1))]


def test_what_was_due_in_a_pause_is_skipped_when_it_ends() -> None:
    report = given(ReportPaused(paused_at=SCHEDULED))
    noon = morning(5).replace(hour=12)
    report.resume(now=noon)
    assert report.pending == [
        skipped(morning(3), morning(5), 3, "paused"),
        ReportResumed(resumed_at=noon),
    ]
    report.run_due(now=noon + timedelta(hours=1))
    assert len(report.pending) == 2
    report.run_due(now=morning(6))
    assert report.pending[2:] == [run(morning(6))]


def test_a_pause_in_which_nothing_was_due_skips_nothing() -> None:
    report = given(ReportPaused(paused_at=SCHEDULED))
    report.resume(now=SCHEDULED + timedelta(hours=1))
    assert report.pending == [ReportResumed(resumed_at=SCHEDULED + timedelta(hours=1))]


def test_what_is_so_already_changes_nothing() -> None:
    active, paused = given(), given(ReportPaused(paused_at=SCHEDULED))
    retired = given(ReportRetired(retired_at=SCHEDULED))
    active.resume(now=morning(9))
    paused.pause(now=morning(9))
    retired.retire(now=morning(9))
    assert [*active.pending, *paused.pending, *retired.pending] == []


def test_a_retired_report_runs_nothing_and_is_not_brought_back() -> None:
    report = given()
    report.retire(now=SCHEDULED)
    assert report.pending == [ReportRetired(retired_at=SCHEDULED)]
    report.run_due(now=morning(9))
    for act in (report.pause, report.resume):
        with pytest.raises(ReportIsRetired, match="schedule another"):
            act(now=morning(9))
    with pytest.raises(ReportIsRetired):
        report.run_by_hand(HAND, now=morning(9))
    assert len(report.pending) == 1


def test_a_report_is_run_by_hand_at_any_time_and_is_due_as_before() -> None:
    night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    report = given(ReportPaused(paused_at=SCHEDULED))
    report.run_by_hand(HAND, now=night)
    (started,) = report.pending
    assert isinstance(started, ReportRunStarted)
    assert (started.question_id, started.why, started.due_at) == (HAND, "by_hand", None)
    assert started.as_of == datetime(2026, 3, 3, 0, 30), "it is tomorrow already in Madrid"
    report = given(started)
    report.run_due(now=morning(3))
    assert report.pending == [run(morning(3))]


def ended(number: int, value: float | None = None, **more: Any) -> ReportRunEnded:
    due = morning(number)
    of_run = {"question_id": due_question(due), "outcome": "answered", "note": None}
    met = None if value is None else value < 1000
    return ReportRunEnded(
        **{**of_run, "value": value, "condition_met": met, "ended_at": due, **more}
    )


def alert(kind: Any, number: int, value: float) -> Any:
    due = morning(number)
    return kind(ID, due_question(due), "Low fares", "fare < 1000", value, due)


def end(report: Report, number: int, *fares: float, **more: Any) -> None:
    given = {"outcome": "answered", "result": fare(*fares), **more}
    report.end_run(due_question(morning(number)), **given, now=morning(number))


def test_an_alert_is_raised_when_the_condition_is_met_and_was_not_before() -> None:
    report = given(*map(run, map(morning, (3, 4, 5, 6))))
    end(report, 3, 1000)
    end(report, 4, 999.5)
    end(report, 5, 998)
    end(report, 6, 2000)
    assert report.pending == [
        ended(3, 1000),
        ended(4, 999.5),
        alert(AlertRaised, 4, 999.5),
        ended(5, 998),
        ended(6, 2000),
        alert(AlertCleared, 6, 2000),
    ]


def test_a_run_ends_once() -> None:
    report = given(run(morning(3)))
    end(report, 3, 5)
    end(report, 3, 5000)
    end(report, 4, 5)
    assert report.pending == [ended(3, 5), alert(AlertRaised, 3, 5)]


def test_what_could_not_be_told_leaves_the_alert_as_it_was() -> None:
    report = given(*map(run, map(morning, (3, 4, 5))), ended(3, 5), alert(AlertRaised, 3, 5))
    end(report, 4, outcome="failed", result=None, note="the server was away")
    end(report, 5)
    assert report.pending == [
        ended(4, outcome="failed", note="the server was away"),
        ended(5, note="there are no rows to compare; `rows = 0` asks for that"),
    ]
    assert report.alert


def test_a_run_that_was_overtaken_does_not_change_the_alert() -> None:
    report = given(*map(run, map(morning, (3, 4))))
    end(report, 4, 5000)
    end(report, 3, 5)
    assert report.pending == [ended(4, 5000), ended(3, 5)]
    report = given(*map(run, map(morning, (3, 4))), ended(4))
    end(report, 3, 5)
    assert report.alert, "the later one told nothing"


def test_without_a_condition_there_is_nothing_to_be_met() -> None:
    report = given(run(morning(3)), condition=None)
    end(report, 3, 5)
    assert report.pending == [ended(3)]


def test_a_run_that_ends_after_its_report_was_retired_raises_no_alert() -> None:
    report = given(run(morning(3)), ReportRetired(retired_at=morning(3)))
    end(report, 3, 5)
    assert report.pending == [ended(3, 5)]

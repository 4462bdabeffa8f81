"""What each event changes of how a report and its runs are shown; read models fold with this."""

from datetime import UTC
from typing import Any, assert_never
from uuid import UUID, uuid5

import msgspec

from contexts.analytics.application.report_queries import ReportShown, RunShown
from contexts.analytics.domain.recurrence import Recurrence
from contexts.analytics.domain.report import (
    AlertCleared,
    AlertRaised,
    ReportChange,
    ReportPaused,
    ReportResumed,
    ReportRetired,
    ReportRunEnded,
    ReportRunsSkipped,
    ReportRunStarted,
    ReportScheduled,
)
from shared.application.event_store import Recorded

LAST_RUNS = 5
"""How many runs are shown with a report."""


def show_report(shown: ReportShown | None, recorded: Recorded[ReportChange]) -> ReportShown:
    """How the report is shown after this, but for when it is next due; `shown` is None before it
    was scheduled."""
    event = recorded.event
    if isinstance(event, ReportScheduled):
        return _scheduled(event, recorded)
    assert shown is not None, f"{recorded.ref} comes before the report was scheduled"
    return msgspec.structs.replace(
        shown,
        **_changes(shown, event),
        last_runs=_last_runs(shown, recorded),
        version=recorded.version,
    )


def with_next_due(shown: ReportShown) -> ReportShown:
    """Worked out once for many events: a due time costs more than an event does."""
    if shown.state != "active":
        return msgspec.structs.replace(shown, next_due=None, next_three=())
    three = Recurrence(shown.cron, shown.timezone).next_three(shown.decided_until)
    due = three[0].astimezone(UTC) if three else None
    return msgspec.structs.replace(shown, next_due=due, next_three=three)


def run_id(recorded: Recorded[ReportChange]) -> UUID | None:
    """Which run this is about; None where it is about none."""
    event = recorded.event
    if isinstance(event, ReportRunStarted | ReportRunEnded):
        return event.question_id
    return uuid5(recorded.id, recorded.ref) if isinstance(event, ReportRunsSkipped) else None


def show_run(shown: RunShown | None, recorded: Recorded[ReportChange]) -> RunShown | None:
    """How the run that this is about is shown after it."""
    event, id = recorded.event, run_id(recorded)
    if id is None:
        return shown
    if isinstance(event, ReportRunStarted):
        return RunShown(
            id=id,
            report_id=recorded.id,
            status="running",
            why=event.why,
            due_at=event.due_at,
            as_of=event.as_of,
            started_at=event.started_at,
        )
    if isinstance(event, ReportRunsSkipped):
        return RunShown(
            id=id,
            report_id=recorded.id,
            status="skipped",
            why=event.why,
            due_at=event.first,
            skipped=event.count,
            skipped_until=event.last,
        )
    if shown is None or not isinstance(event, ReportRunEnded):
        return shown
    return msgspec.structs.replace(
        shown,
        status=event.outcome,
        ended_at=event.ended_at,
        condition_met=event.condition_met,
        value=event.value,
        note=event.note,
    )


def _scheduled(event: ReportScheduled, recorded: Recorded[ReportChange]) -> ReportShown:
    terms = event.terms
    return ReportShown(
        id=recorded.id,
        name=terms.name,
        question=terms.question,
        dataset=terms.dataset,
        cron=terms.recurrence.cron,
        timezone=terms.recurrence.timezone,
        condition=None if terms.condition is None else str(terms.condition),
        missed=terms.missed,
        state="active",
        next_due=None,
        alert=False,
        runs=0,
        last_run_at=None,
        last_outcome=None,
        scheduled_at=event.scheduled_at,
        decided_until=event.scheduled_at,
        version=recorded.version,
    )


def _changes(shown: ReportShown, event: ReportChange) -> dict[str, Any]:
    match event:
        case ReportScheduled():
            raise AssertionError("a report is scheduled once")
        case ReportPaused():
            return {"state": "paused"}
        case ReportResumed():
            return {"state": "active", "decided_until": event.resumed_at}
        case ReportRetired():
            return {"state": "retired"}
        case ReportRunStarted():
            return {
                "runs": shown.runs + 1,
                "last_run_at": event.started_at,
                "decided_until": event.due_at or shown.decided_until,
            }
        case ReportRunsSkipped():
            return {"decided_until": event.last}
        case ReportRunEnded():
            return {"last_outcome": event.outcome}
        case AlertRaised():
            return {"alert": True, "alert_since": event.raised_at}
        case AlertCleared():
            return {"alert": False, "alert_since": None}
        case _:
            assert_never(event)


def _last_runs(shown: ReportShown, recorded: Recorded[ReportChange]) -> tuple[RunShown, ...]:
    id = run_id(recorded)
    if id is None:
        return shown.last_runs
    known = {run.id: run for run in shown.last_runs}
    run = show_run(known.get(id), recorded)
    if run is None:
        return shown.last_runs
    if id in known:
        return tuple({**known, id: run}.values())
    return (run, *shown.last_runs)[:LAST_RUNS]

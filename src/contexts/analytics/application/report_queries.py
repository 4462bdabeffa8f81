"""What may be asked about reports and their runs, and the shape of each answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from contexts.analytics.domain.condition import Number
from contexts.analytics.domain.report import Missed, RunOutcome, SkippedFor, State, Why
from shared.application.bus import Query
from shared.application.criteria import EQUALITY, NULLABLE_ORDER, ORDER, Field, Fields
from shared.application.lists import ListQuery
from shared.application.pages import Page, PageRequest, Sort

RunStatus = Literal[
    "running", "skipped", "answered", "needs_clarification", "unanswerable", "refused", "failed"
]
"""The last five are outcomes."""


class ReportListed(msgspec.Struct, frozen=True, kw_only=True):
    """A report in short. `next_due` is empty where it is paused or retired; `alert` tells whether
    its condition was met when it could last be told."""

    id: UUID
    name: str
    question: str
    dataset: str | None
    cron: str
    timezone: str
    condition: str | None
    missed: Missed
    state: State
    next_due: datetime | None
    alert: bool
    runs: int
    last_run_at: datetime | None
    last_outcome: RunOutcome | None
    scheduled_at: datetime


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a report, or due times that were skipped: `skipped` of them, from `due_at` to
    `skipped_until`, and `why`.

    A run has the id of its question. `as_of` is the wall time that "yesterday" and the like refer
    to. `note` says why there is no answer, or why the condition could not be told.
    """

    id: UUID
    report_id: UUID
    status: RunStatus
    why: Why | SkippedFor
    due_at: datetime | None = None
    as_of: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    condition_met: bool | None = None
    value: Number | None = None
    note: str | None = None
    skipped: int | None = None
    skipped_until: datetime | None = None


class ReportShown(ReportListed, frozen=True, kw_only=True):
    """A report with its last runs, the newest first.

    `next_three` have the offset of its time zone. All that was due until `decided_until` was run
    or skipped.
    """

    next_three: tuple[datetime, ...] = ()
    decided_until: datetime
    last_runs: tuple[RunShown, ...] = ()
    alert_since: datetime | None = None
    version: int = 0


class GetReport(Query[ReportShown], frozen=True):
    """As the log has it, so it shows a report as soon as it was scheduled."""

    report_id: UUID


class ListReportRuns(Query[Page[RunShown]], frozen=True):
    """The runs of a report and what was skipped, the newest first."""

    report_id: UUID
    page: PageRequest = PageRequest()


class GetReportRun(Query[RunShown], frozen=True):
    """As the log has it likewise."""

    report_id: UUID
    run_id: UUID


REPORT_FIELDS = Fields(
    Field("name", str, (*EQUALITY, "contains"), "name", sortable=True),
    Field("question", str, (*EQUALITY, "contains"), "question"),
    Field("dataset", str, (*EQUALITY, "is_null"), "dataset"),
    Field("state", str, EQUALITY, "state", choices=("active", "paused", "retired")),
    Field("alert", bool, ("eq",), "alert"),
    Field("next_due", datetime, NULLABLE_ORDER, "next_due", sortable=True),
    Field("scheduled_at", datetime, ORDER, "scheduled_at", sortable=True),
    Field("last_run_at", datetime, NULLABLE_ORDER, "last_run_at"),
    Field(
        "last_outcome",
        str,
        (*EQUALITY, "is_null"),
        "last_outcome",
        choices=("answered", "needs_clarification", "unanswerable", "refused", "failed"),
    ),
)


class ListReports(ListQuery[ReportListed | Mapping[str, Any]], frozen=True, kw_only=True):
    """Reports by criteria, the newest first."""

    sort: Sort = Sort("scheduled_at", "desc")

"""Reports over HTTP: put a question on a schedule, see its runs, open one, run it now."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from contexts.analytics.application.queries import GetQuestion, QuestionShown
from contexts.analytics.application.report_queries import (
    REPORT_FIELDS,
    GetReport,
    GetReportRun,
    ListReportRuns,
    ListReports,
    ReportListed,
    ReportShown,
    RunShown,
)
from contexts.analytics.application.reporting import (
    PauseReport,
    ReportChanged,
    ResumeReport,
    RetireReport,
    RunReportNow,
    Scheduled,
    ScheduleReport,
)
from shared.application.bus import Bus
from shared.application.criteria import all_of
from shared.application.pages import Page, PageRequest, Sort, Stretch
from shared.domain.errors import Invalid, NotFound, Refused
from shared.presentation.conditional import NOT_MODIFIED, IfNoneMatch, etag, not_modified, unchanged
from shared.presentation.json import JSONResponse
from shared.presentation.lists import (
    PAGE_PARAMETERS,
    PageNumber,
    PageSize,
    list_asked,
    list_operation,
    only,
)
from shared.presentation.problems import refusals


class RunAccepted(msgspec.Struct, frozen=True):
    """A run has the id of its question."""

    question_id: UUID


class RunOpened(msgspec.Struct, frozen=True):
    """A run with its question as `GET /questions/{id}` shows it; None where none was asked."""

    run: RunShown
    question: QuestionShown | None


class ReportsController(Controller):
    path = "/reports"
    tags = ("Reports",)

    @post(responses=refusals(Invalid, NotFound))
    async def schedule(
        self, data: JSONBody[ScheduleReport], bus: NamedDependency[Bus]
    ) -> JSONResponse[Scheduled]:
        """Ask a question on a schedule; the answer shows the next three times it is due."""
        scheduled = await bus(data)
        headers = {**etag(scheduled.version), "location": f"/reports/{scheduled.id}"}
        return JSONResponse(scheduled, status_code=201, headers=headers)

    @get(operation_class=list_operation(REPORT_FIELDS), responses=refusals(Invalid))
    async def list_reports(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> JSONResponse[Stretch[ReportListed | Mapping[str, Any]]]:
        """List reports by criteria, the newest first, by page or by cursor; also retired ones."""
        return JSONResponse(await bus(_asked(request.scope["query_string"])))

    @get("/{report_id:uuid}", responses={**NOT_MODIFIED, **refusals(Invalid, NotFound)})
    async def show(
        self,
        report_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        if_none_match: IfNoneMatch = None,
    ) -> JSONResponse[ReportShown]:
        """Show a report: how it stands, when it is due, its last runs, its alert."""
        shown = await bus(GetReport(report_id))
        if not_modified(if_none_match, shown.version):
            return unchanged(shown.version)
        return JSONResponse(shown, headers=etag(shown.version))

    @delete("/{report_id:uuid}", responses=refusals(Invalid, NotFound))
    async def retire(self, report_id: FromPath[UUID], bus: NamedDependency[Bus]) -> None:
        """Retire a report for good; its runs can still be read."""
        await bus(RetireReport(report_id))

    @post(
        "/{report_id:uuid}/pause", status_code=200, responses=refusals(Invalid, NotFound, Refused)
    )
    async def pause(
        self, report_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> JSONResponse[ReportChanged]:
        """Run nothing that is due until it is resumed; it can still be run by hand."""
        return _changed(await bus(PauseReport(report_id)))

    @post(
        "/{report_id:uuid}/resume", status_code=200, responses=refusals(Invalid, NotFound, Refused)
    )
    async def resume(
        self, report_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> JSONResponse[ReportChanged]:
        """Run what is due from now on; what was due in between is skipped."""
        return _changed(await bus(ResumeReport(report_id)))

    @post("/{report_id:uuid}/runs", status_code=202, responses=refusals(Invalid, NotFound, Refused))
    async def run_now(
        self, report_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> JSONResponse[RunAccepted]:
        """Run a report now, whenever it is due; the Location shows what comes of it."""
        question_id = await bus(RunReportNow(report_id))
        headers = {"location": f"/reports/{report_id}/runs/{question_id}"}
        return JSONResponse(RunAccepted(question_id), status_code=202, headers=headers)

    @get("/{report_id:uuid}/runs", responses=refusals(Invalid, NotFound))
    async def list_runs(
        self,
        request: Request[Any, Any, Any],
        report_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        page: PageNumber = 1,
        pageSize: PageSize = 20,
    ) -> Page[RunShown]:
        """List the runs of a report and what was skipped, the newest first."""
        only(request, *PAGE_PARAMETERS)
        return await bus(ListReportRuns(report_id, PageRequest(page, pageSize)))

    @get("/{report_id:uuid}/runs/{run_id:uuid}", responses=refusals(Invalid, NotFound))
    async def open_run(
        self, report_id: FromPath[UUID], run_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> JSONResponse[RunOpened]:
        """Open one run: what it told, and its question with all of the answer."""
        run = await bus(GetReportRun(report_id, run_id))
        try:
            question = await bus(GetQuestion(run_id))
        except NotFound:
            question = None
        return JSONResponse(RunOpened(run, question))


def _changed(changed: ReportChanged) -> JSONResponse[ReportChanged]:
    return JSONResponse(changed, headers=etag(changed.version))


def _asked(query_string: bytes) -> ListReports:
    read = list_asked(
        query_string,
        fields=REPORT_FIELDS,
        kind=ReportListed,
        sort=Sort("scheduled_at", "desc"),
    )
    return ListReports(
        criteria=all_of(*read.criteria),
        sort=read.sort,
        page=read.page,
        cursor=read.cursor,
        count=read.count,
        fields=read.fields,
    )

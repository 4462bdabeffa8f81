"""What happens to reports and to their questions, and what we then ask of ourselves."""

from collections.abc import Iterator
from typing import assert_never

from contexts.analytics.application.reporting import AskForReport, EndReportRun
from contexts.analytics.domain.question import (
    ClarificationNeeded,
    Outcome,
    QuestionAnswered,
    QuestionFailed,
    QuestionRefused,
    QuestionUnanswerable,
)
from contexts.analytics.domain.report import ReportRunStarted


def on_report_run_started(event: ReportRunStarted) -> Iterator[AskForReport]:
    """Whenever a run starts, its question is asked."""
    yield AskForReport(
        event.report_id, event.question_id, event.question, event.dataset, event.as_of
    )


def on_question_ended(event: Outcome) -> Iterator[EndReportRun]:
    """A report is told what became of the question that it asked."""
    if event.asked_by is None:
        return
    run = event.asked_by.report, event.asked_by.question
    match event:
        case QuestionAnswered():
            yield EndReportRun(*run, "answered", event.answered_at, event.answer.result)
        case ClarificationNeeded():
            yield EndReportRun(*run, "needs_clarification", event.declined_at, None, event.reason)
        case QuestionUnanswerable():
            yield EndReportRun(*run, "unanswerable", event.declined_at, None, event.reason)
        case QuestionRefused():
            yield EndReportRun(*run, "refused", event.declined_at, None, event.reason)
        case QuestionFailed():
            yield EndReportRun(*run, "failed", event.failed_at, None, event.reason)
        case _:
            assert_never(event)

"""What each event changes of how a dataset or a question is shown; read models fold with this."""

from datetime import datetime
from typing import Any, assert_never

import msgspec

from contexts.analytics.application.queries import (
    Attempt,
    DatasetShown,
    Loading,
    LoadingFailed,
    QuestionShown,
)
from contexts.analytics.domain.dataset import (
    DatasetChange,
    DatasetCorrected,
    DatasetDeleted,
    DatasetLoaded,
    DatasetLoadFailed,
    DatasetUploaded,
    LoadOptions,
    corrected,
)
from contexts.analytics.domain.question import (
    AttemptFailed,
    ClarificationNeeded,
    FeedbackGiven,
    QuestionAnswered,
    QuestionAsked,
    QuestionChange,
    QuestionFailed,
    QuestionPlanned,
    QuestionRefused,
    QuestionUnanswerable,
    Usage,
)
from contexts.analytics.domain.relation import Relation
from shared.application.event_store import Recorded


def show_dataset(
    shown: DatasetShown | None, recorded: Recorded[DatasetChange]
) -> DatasetShown | None:
    """How the dataset is shown after this; None where it is gone."""
    event = recorded.event
    if isinstance(event, DatasetDeleted):
        return None
    if shown is None:
        shown = _nothing_yet(event.name, recorded.recorded_at)
    return msgspec.structs.replace(
        shown, **_dataset_changes(shown, event), updated_at=recorded.recorded_at
    )


def _dataset_changes(shown: DatasetShown, event: DatasetChange) -> dict[str, Any]:
    match event:
        case DatasetUploaded():
            return {
                "status": "loading",
                "filename": event.filename,
                "options": event.options,
                "uploaded_at": event.uploaded_at,
                "loading": Loading(event.version, event.uploaded_at),
                "failure": None,
            }
        case DatasetLoaded(loaded=loaded):
            return {
                "status": "loaded",
                "version": event.version,
                "set_aside": loaded.set_aside_count,
                "encoding": loaded.encoding,
                "delimiter": loaded.delimiter,
                "bytes": loaded.bytes,
                "rows_set_aside": loaded.set_aside,
                "warnings": loaded.warnings,
                "loaded_at": event.loaded_at,
                "loading": None,
                "failure": None,
                **_relation(loaded.relation),
            }
        case DatasetLoadFailed():
            return {
                # The version before it goes on answering.
                "status": "failed" if shown.version is None else "loaded",
                "loading": None,
                "failure": LoadingFailed(event.version, event.reason, event.failed_at),
            }
        case DatasetCorrected():
            return _corrections(shown, event)
        case DatasetDeleted():
            raise AssertionError("told by the caller")
        case _:
            assert_never(event)


def _relation(relation: Relation) -> dict[str, Any]:
    return {
        "asked": relation.columns,
        "columns": len(relation.columns),
        "rows": relation.rows,
        "revision": relation.revision,
        "row_noun": relation.row_noun,
        "measure": relation.measure,
        "time": relation.time,
    }


def _corrections(shown: DatasetShown, event: DatasetCorrected) -> dict[str, Any]:
    """What was said shows at once; a type, once the table has it."""
    before = Relation(
        dataset=shown.name,
        version=shown.version or 0,
        schema="",
        table="",
        columns=shown.asked,
        rows=shown.rows or 0,
        row_noun=shown.row_noun,
        measure=shown.measure,
        time=shown.time,
    )
    after = corrected(before, event.corrections, revision=shown.revision + 1)
    loading = (
        {"status": "loading", "loading": Loading(event.version, event.corrected_at)}
        if event.version is not None
        else {}
    )
    return {**_relation(after), **loading}


def _nothing_yet(name: str, now: datetime) -> DatasetShown:
    return DatasetShown(
        name=name,
        status="loading",
        version=None,
        rows=None,
        columns=None,
        set_aside=0,
        filename=None,
        updated_at=now,
        asked=(),
        revision=0,
        row_noun=None,
        measure=None,
        time=None,
        encoding=None,
        delimiter=None,
        bytes=None,
        options=LoadOptions(),
        rows_set_aside=(),
        warnings=(),
        uploaded_at=None,
        loaded_at=None,
        loading=None,
        failure=None,
    )


def show_question(shown: QuestionShown | None, recorded: Recorded[QuestionChange]) -> QuestionShown:
    """How the question is shown after this; `shown` is None before it was asked."""
    event = recorded.event
    if isinstance(event, QuestionAsked):
        return _asked(event, recorded)
    assert shown is not None, f"{recorded.ref} comes before the question was asked"
    return msgspec.structs.replace(
        shown, **_question_changes(shown, event), version=recorded.version
    )


def _asked(event: QuestionAsked, recorded: Recorded[QuestionChange]) -> QuestionShown:
    asked = event.asked
    return QuestionShown(
        id=recorded.id,
        question=asked.question,
        status="asked",
        outcome=None,
        dataset=asked.dataset,
        conversation=asked.conversation,
        follows=asked.follows,
        report=asked.report,
        asked_at=asked.asked_at,
        ended_at=None,
        planner=None,
        confidence=None,
        chart_type=None,
        rows=None,
        verdict=None,
        version=recorded.version,
    )


def _question_changes(shown: QuestionShown, event: QuestionChange) -> dict[str, Any]:
    match event:
        case QuestionAsked():
            raise AssertionError("a question is asked once")
        case AttemptFailed():
            attempt = Attempt(event.stage, event.reason, event.failed_at)
            return {"attempts": (*shown.attempts, attempt)}
        case QuestionPlanned(plan=plan):
            return {
                "status": "planned",
                "dataset": plan.dataset,
                "dataset_version": plan.dataset_version,
                "planner": plan.planner,
                "confidence": plan.confidence,
                "spec": plan.spec,
                "explanation": plan.explanation,
                "assumptions": plan.assumptions,
                "rests_on": plan.rests_on,
                "usage": plan.usage,
            }
        case QuestionAnswered(answer=answer):
            return {
                **_ended("answered", event.answered_at),
                "sql": answer.sql,
                "columns": answer.result.columns,
                "result": answer.result.rows,
                "rows": len(answer.result.rows),
                "truncated": answer.result.truncated,
                "chart": answer.chart,
                "chart_type": answer.chart.type,
                "analysis": answer.analysis,
                "dataset_version": answer.dataset_version,
                "log_position": answer.log_position,
                "cached": answer.cached,
                "agreement": answer.agreement,
                "timings": answer.timings,
                "usage": answer.usage,
            }
        case ClarificationNeeded():
            return {
                **_declined("needs_clarification", event.reason, event.declined_at, event.usage),
                "options": event.options,
            }
        case QuestionUnanswerable():
            return {
                **_declined("unanswerable", event.reason, event.declined_at, event.usage),
                "unplaced": event.unplaced,
                "suggestions": event.suggestions,
            }
        case QuestionRefused():
            return {
                **_declined("refused", event.reason, event.declined_at, event.usage),
                "suggestions": event.suggestions,
            }
        case QuestionFailed():
            return {**_ended("failed", event.failed_at), "reason": event.reason}
        case FeedbackGiven():
            return {"verdict": event.verdict, "comment": event.comment or None}
        case _:
            assert_never(event)


def _ended(outcome: str, at: datetime) -> dict[str, Any]:
    return {"status": outcome, "outcome": outcome, "ended_at": at}


def _declined(outcome: str, reason: str, at: datetime, usage: Usage) -> dict[str, Any]:
    return {**_ended(outcome, at), "reason": reason, "usage": usage}

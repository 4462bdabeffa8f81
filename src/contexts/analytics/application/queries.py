"""What may be asked about datasets and questions, and the shape of each answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from contexts.analytics.domain.answer import Cell, Chart, Output
from contexts.analytics.domain.dataset import LoadOptions, SetAside
from contexts.analytics.domain.query_spec import ChartType, QuerySpec
from contexts.analytics.domain.question import (
    Agreement,
    Option,
    Stage,
    Timings,
    Usage,
    Verdict,
)
from contexts.analytics.domain.relation import Column
from shared.application.bus import Query
from shared.application.criteria import EQUALITY, NULLABLE_ORDER, ORDER, Field, Fields
from shared.application.lists import ListQuery
from shared.application.pages import Sort

DatasetStatus = Literal["loading", "loaded", "failed"]


class DatasetListed(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset in short. `version` is the one that answers questions; None before the first."""

    name: str
    status: DatasetStatus
    version: int | None
    rows: int | None
    columns: int | None
    set_aside: int
    filename: str | None
    updated_at: datetime


class Loading(msgspec.Struct, frozen=True):
    """A version on its way."""

    version: int
    since: datetime


class LoadingFailed(msgspec.Struct, frozen=True):
    """The last file did not become a version."""

    version: int
    reason: str
    at: datetime


class DatasetShown(DatasetListed, frozen=True, kw_only=True):
    """A dataset with all that is known of it. `asked` are its columns, with what their types rest
    on; `rows_set_aside` names the first hundred rows that are not in the table."""

    asked: tuple[Column, ...]
    revision: int
    row_noun: str | None
    measure: str | None
    time: str | None
    encoding: str | None
    delimiter: str | None
    bytes: int | None
    options: LoadOptions
    rows_set_aside: tuple[SetAside, ...]
    warnings: tuple[str, ...]
    uploaded_at: datetime | None
    loaded_at: datetime | None
    loading: Loading | None
    failure: LoadingFailed | None


class ListDatasets(Query[list[DatasetListed]], frozen=True):
    """All datasets by name, the catalogue among them."""


class GetDataset(Query[DatasetShown], frozen=True):
    name: str


QuestionStatus = Literal[
    "asked", "planned", "answered", "needs_clarification", "unanswerable", "refused", "failed"
]
"""The last five are outcomes."""


class QuestionListed(msgspec.Struct, frozen=True, kw_only=True):
    """A question in short. Without a `dataset` it has not been decided yet which it is about."""

    id: UUID
    question: str
    status: QuestionStatus
    dataset: str | None
    conversation: str | None
    report: UUID | None
    asked_at: datetime
    ended_at: datetime | None
    planner: str | None
    confidence: float | None
    chart_type: ChartType | None
    rows: int | None
    verdict: Verdict | None


class Attempt(msgspec.Struct, frozen=True):
    """Something that was tried and did not do."""

    stage: Stage
    reason: str
    at: datetime


class QuestionShown(QuestionListed, frozen=True, kw_only=True):
    """A question with all that is known of it.

    `outcome` is the status once it has ended. `result` are the rows, in the order of `columns`;
    `truncated` says that there were more. `sql` is what ran. `explanation` puts the `spec` in
    words, and `rests_on` says what the confidence (0 to 1) rests on. `reason`, `unplaced`,
    `suggestions` and `options` tell why there is no answer, and what would have one.
    """

    outcome: QuestionStatus | None
    follows: UUID | None
    spec: QuerySpec | None = None
    explanation: str | None = None
    assumptions: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    sql: str | None = None
    columns: tuple[Output, ...] = ()
    result: tuple[tuple[Cell, ...], ...] = ()
    truncated: bool = False
    chart: Chart | None = None
    analysis: str | None = None
    dataset_version: str | None = None
    log_position: int | None = None
    cached: bool = False
    agreement: Agreement | None = None
    reason: str | None = None
    unplaced: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    timings: Timings | None = None
    usage: Usage = Usage()
    comment: str | None = None
    version: int = 0


class GetQuestion(Query[QuestionShown], frozen=True):
    """Folded from the log, so it shows a question as soon as it was asked."""

    question_id: UUID


QUESTION_FIELDS = Fields(
    Field("asked_at", datetime, ORDER, "asked_at", sortable=True),
    Field("ended_at", datetime, NULLABLE_ORDER, "ended_at"),
    Field("question", str, (*EQUALITY, "contains"), "question"),
    Field(
        "status",
        str,
        EQUALITY,
        "status",
        choices=(
            "asked",
            "planned",
            "answered",
            "needs_clarification",
            "unanswerable",
            "refused",
            "failed",
        ),
    ),
    Field("dataset", str, (*EQUALITY, "is_null"), "dataset"),
    Field("conversation", str, (*EQUALITY, "is_null"), "conversation"),
    Field("report", UUID, (*EQUALITY, "is_null"), "report"),
    Field("planner", str, EQUALITY, "planner"),
    Field("chart_type", str, EQUALITY, "chart_type"),
    Field("verdict", str, (*EQUALITY, "is_null"), "verdict", choices=("right", "wrong")),
)


class ListQuestions(ListQuery[QuestionListed | Mapping[str, Any]], frozen=True, kw_only=True):
    """Questions by criteria, the newest first."""

    sort: Sort = Sort("asked_at", "desc")

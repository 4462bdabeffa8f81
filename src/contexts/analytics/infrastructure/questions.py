"""The questions, in PostgreSQL: the table, what fills it, what is asked of it.

A row has what lists show; the whole of a question stays in the log, and one is folded from there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON

from contexts.analytics.application.asking import normalized
from contexts.analytics.application.queries import (
    QUESTION_FIELDS,
    GetQuestion,
    ListQuestions,
    QuestionListed,
    QuestionShown,
)
from contexts.analytics.application.showing import show_question
from contexts.analytics.domain.question import Question, QuestionChange
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.cursors import Cursors
from shared.application.event_store import EventStore
from shared.application.pages import Stretch
from shared.domain.aggregate import kinds_of
from shared.domain.errors import NotFound
from shared.infrastructure.lists.criteria_sql import where
from shared.infrastructure.lists.listing import Listing
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

QUESTIONS = Table(
    "questions",
    MetaData(schema="analytics"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("question", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("dataset", Text),
    Column("conversation", Text),
    Column("report", Uuid),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("planner", Text),
    Column("confidence", Double),
    Column("chart_type", Text),
    Column("rows", Integer),
    Column("verdict", Text),
    Column("normalized", Text, nullable=False),
    Column("shown", JSON, nullable=False),
)
"""`shown` is the question without its rows, as far as it has come: the next event goes on from it.
"""
Index("questions_by_time", QUESTIONS.c.tenant, QUESTIONS.c.asked_at, QUESTIONS.c.id)
Index(
    "questions_by_conversation",
    QUESTIONS.c.tenant,
    QUESTIONS.c.conversation,
    QUESTIONS.c.asked_at,
    postgresql_where=QUESTIONS.c.conversation.is_not(None),
)
Index(
    "questions_by_report",
    QUESTIONS.c.tenant,
    QUESTIONS.c.report,
    QUESTIONS.c.asked_at,
    postgresql_where=QUESTIONS.c.report.is_not(None),
)
Index("questions_open", QUESTIONS.c.asked_at, postgresql_where=QUESTIONS.c.ended_at.is_(None))
Index(
    "questions_golden",
    QUESTIONS.c.tenant,
    QUESTIONS.c.dataset,
    QUESTIONS.c.normalized,
    postgresql_where=QUESTIONS.c.verdict == "right",
)

_LISTED = QuestionListed.__struct_fields__


class Questions(PostgresProjection):
    name = "analytics.questions"
    handles = kinds_of(QuestionChange)
    tables = (QUESTIONS,)

    def __init__(self, pool: Pool, store: EventStore, codec: Codec, cursors: Cursors) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self._listing = Listing(pool, QUESTIONS, QUESTION_FIELDS, QuestionListed, cursors)

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        found = await rows_before(connection, into[QUESTIONS], ["id", "shown::text"], batch)
        shown = {
            (tenant, id): msgspec.json.decode(text, type=QuestionShown)
            for tenant, id, text in found
        }
        for recorded in batch:
            key = recorded.tenant, recorded.id
            shown[key] = show_question(shown.get(key), recorded)
        await upsert(
            connection, into[QUESTIONS], (_row(tenant, one) for (tenant, _), one in shown.items())
        )

    async def list_questions(
        self, query: ListQuestions
    ) -> Stretch[QuestionListed | Mapping[str, Any]]:
        condition = where(query.criteria, QUESTION_FIELDS, QUESTIONS)
        return await self._listing.answer(
            query, condition & (QUESTIONS.c.tenant == current_context().tenant)
        )

    async def get(self, query: GetQuestion) -> QuestionShown:
        stream = f"{Question.stream}-{query.question_id}"
        shown = None
        for stored in (await self._store.read([stream])).get(stream, ()):
            shown = show_question(shown, self._codec.recorded(stored))
        if shown is None:
            raise NotFound(f"no question {query.question_id}")
        return shown

    async def last_answered(self, conversation: str, *, before: datetime) -> UUID | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select id from analytics.questions where tenant = %s and conversation = %s"
                " and asked_at < %s and status = 'answered' order by asked_at desc limit 1",
                (current_context().tenant, conversation, before),
            )
            row = await cursor.fetchone()
        return row[0] if row else None

    async def golden_for(self, dataset: str, question: str) -> UUID | None:
        """The last question like this one whose answer was found right."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select id from analytics.questions where tenant = %s and dataset = %s"
                " and normalized = %s and verdict = 'right' order by asked_at desc limit 1",
                (current_context().tenant, dataset, normalized(question)),
            )
            row = await cursor.fetchone()
        return row[0] if row else None

    async def golden_ids(self) -> Sequence[UUID]:
        """One for each question, the newest, in order of dataset and question."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select distinct on (dataset, normalized) id from analytics.questions"
                " where tenant = %s and verdict = 'right'"
                " order by dataset, normalized, asked_at desc",
                (current_context().tenant,),
            )
            return [row[0] for row in await cursor.fetchall()]

    async def left_open(self, seconds: float, limit: int = 100) -> Sequence[tuple[str, UUID]]:
        """Tenant and id of questions asked longer ago than this that have not ended."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select tenant, id from analytics.questions where ended_at is null"
                " and asked_at < clock_timestamp() - %s order by asked_at limit %s",
                (timedelta(seconds=seconds), limit),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]


def _row(tenant: str, shown: QuestionShown) -> dict[str, Any]:
    return {
        "tenant": tenant,
        **{name: getattr(shown, name) for name in _LISTED},
        "normalized": normalized(shown.question),
        "shown": msgspec.structs.replace(shown, result=(), chart=None),
    }

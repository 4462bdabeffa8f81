"""The reports and their runs, in PostgreSQL: the tables, what fills them, what is asked of them.

One report or run is shown from its row, or from the log where that has come further.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from psycopg.sql import SQL, Identifier
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSON

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
from contexts.analytics.application.report_showing import (
    run_id,
    show_report,
    show_run,
    with_next_due,
)
from contexts.analytics.domain.report import Report, ReportChange
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.cursors import Cursors
from shared.application.event_store import EventStore, Recorded
from shared.application.pages import Page, Stretch
from shared.domain.aggregate import kinds_of
from shared.domain.errors import NotFound
from shared.infrastructure.lists.criteria_sql import where
from shared.infrastructure.lists.listing import Listing
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import identifier, rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

_SCHEMA = MetaData(schema="analytics")

REPORTS = Table(
    "reports",
    _SCHEMA,
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("dataset", Text),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("condition", Text),
    Column("missed", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_due", DateTime(timezone=True)),
    Column("alert", Boolean, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("last_run_at", DateTime(timezone=True)),
    Column("last_outcome", Text),
    Column("scheduled_at", DateTime(timezone=True), nullable=False),
    Column("shown", JSON, nullable=False),
)
"""`shown` is the report as far as it has come: the next event goes on from it."""
Index("reports_due", REPORTS.c.next_due, postgresql_where=REPORTS.c.next_due.is_not(None))
Index("reports_by_time", REPORTS.c.tenant, REPORTS.c.scheduled_at, REPORTS.c.id)
Index("reports_by_name", REPORTS.c.tenant, REPORTS.c.name, REPORTS.c.id)

RUNS = Table(
    "report_runs",
    _SCHEMA,
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("report_id", Uuid, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("shown", JSON, nullable=False),
)
"""`position` is where it began in the log."""
Index("report_runs_by_report", RUNS.c.tenant, RUNS.c.report_id, RUNS.c.position.desc())

T = TypeVar("T", ReportShown, RunShown)

_LISTED = ReportListed.__struct_fields__

Runs = dict[tuple[str, UUID], tuple[int, RunShown]]


class Reports(PostgresProjection):
    name = "analytics.reports"
    handles = kinds_of(ReportChange)
    tables = (REPORTS, RUNS)

    def __init__(self, pool: Pool, store: EventStore, codec: Codec, cursors: Cursors) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self._listing = Listing(pool, REPORTS, REPORT_FIELDS, ReportListed, cursors)

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        found = await rows_before(connection, into[REPORTS], ["id", "shown::text"], batch)
        shown = {
            (tenant, id): msgspec.json.decode(text, type=ReportShown) for tenant, id, text in found
        }
        runs = await _runs_before(batch, connection, into[RUNS])
        changed: Runs = {}
        for recorded in batch:
            key = recorded.tenant, recorded.id
            shown[key] = show_report(shown.get(key), recorded)
            if (id := run_id(recorded)) is not None:
                position, before = runs.get((recorded.tenant, id), (recorded.position, None))
                if (run := show_run(before, recorded)) is not None:
                    runs[recorded.tenant, id] = changed[recorded.tenant, id] = position, run
        await upsert(
            connection, into[REPORTS], (_row(tenant, one) for (tenant, _), one in shown.items())
        )
        await upsert(
            connection, into[RUNS], (_run_row(key[0], *run) for key, run in changed.items())
        )

    async def list_reports(self, query: ListReports) -> Stretch[ReportListed | Mapping[str, Any]]:
        condition = where(query.criteria, REPORT_FIELDS, REPORTS)
        return await self._listing.answer(
            query, condition & (REPORTS.c.tenant == current_context().tenant)
        )

    async def get(self, query: GetReport) -> ReportShown:
        shown = await self._current(query.report_id)
        if shown is None:
            for recorded in await self._history(query.report_id):
                shown = show_report(shown, recorded)
        if shown is None:
            raise NotFound(f"no report {query.report_id}")
        return with_next_due(shown)

    async def list_runs(self, query: ListReportRuns) -> Page[RunShown]:
        about = (current_context().tenant, query.report_id)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select count(*) from analytics.report_runs where tenant = %s and report_id = %s",
                about,
            )
            total = (await cursor.fetchone() or (0,))[0]
            if not total:
                await self._must_exist(query.report_id)
            cursor = await connection.execute(
                "select shown::text from analytics.report_runs where tenant = %s and report_id = %s"
                " order by position desc limit %s offset %s",
                (*about, query.page.size, query.page.offset),
            )
            runs = [msgspec.json.decode(text, type=RunShown) for (text,) in await cursor.fetchall()]
        return Page.of(runs, query.page, total)

    async def get_run(self, query: GetReportRun) -> RunShown:
        run = None
        if await self._current(query.report_id) is not None:
            run = await self._one("report_runs", query.run_id, RunShown)
            if run is not None and run.report_id != query.report_id:
                run = None
        else:
            for recorded in await self._history(query.report_id):
                if run_id(recorded) == query.run_id:
                    run = show_run(run, recorded)
        if run is None:
            raise NotFound(f"report {query.report_id} has no run {query.run_id}")
        return run

    async def _current(self, id: UUID) -> ReportShown | None:
        """As the table has it, unless the log has come further."""
        stream = f"{Report.stream}-{id}"
        head = (await self._store.heads([stream])).get(stream)
        shown = await self._one("reports", id, ReportShown)
        return shown if shown and head and shown.version == head.version else None

    async def _one(self, table: str, id: UUID, kind: type[T]) -> T | None:
        statement = SQL("select shown::text from {} where tenant = %s and id = %s")
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                statement.format(Identifier("analytics", table)), (current_context().tenant, id)
            )
            row = await cursor.fetchone()
        return msgspec.json.decode(row[0], type=kind) if row else None

    async def _must_exist(self, id: UUID) -> None:
        if not await self._store.heads([f"{Report.stream}-{id}"]):
            raise NotFound(f"no report {id}")

    async def _history(self, id: UUID) -> list[Recorded[ReportChange]]:
        stream = f"{Report.stream}-{id}"
        stored = (await self._store.read([stream])).get(stream, ())
        return [self._codec.recorded(each) for each in stored]


async def _runs_before(batch: Batch, connection: Connection, table: Table) -> Runs:
    wanted: dict[str, list[UUID]] = {}
    for recorded in batch:
        if (id := run_id(recorded)) is not None:
            wanted.setdefault(recorded.tenant, []).append(id)
    statement = SQL(
        "select id, position, shown::text from {} where tenant = %s and id = any(%s)"
    ).format(identifier(table))
    found: Runs = {}
    for tenant, ids in wanted.items():
        cursor = await connection.execute(statement, (tenant, ids))
        for id, position, text in await cursor.fetchall():
            found[tenant, id] = position, msgspec.json.decode(text, type=RunShown)
    return found


def _row(tenant: str, shown: ReportShown) -> dict[str, Any]:
    shown = with_next_due(shown)
    return {
        "tenant": tenant,
        **{name: getattr(shown, name) for name in _LISTED},
        "shown": shown,
    }


def _run_row(tenant: str, position: int, run: RunShown) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "id": run.id,
        "report_id": run.report_id,
        "position": position,
        "shown": run,
    }

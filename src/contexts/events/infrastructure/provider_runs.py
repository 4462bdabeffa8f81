"""The runs of each provider, in PostgreSQL: the table, what fills it, what is asked of it."""

from typing import Any, assert_never
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON

from contexts.events.application.queries import GetRun, ListRuns, RunShown
from contexts.events.domain.provider_run import (
    ProviderRun,
    RunChange,
    RunCompleted,
    RunFailed,
    RunReport,
    RunRequested,
)
from shared.application.codec import Codec
from shared.application.context import current_context
from shared.application.event_store import EventStore, Recorded
from shared.application.pages import Page
from shared.domain.aggregate import kinds_of
from shared.domain.errors import NotFound
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.rows import rows_before, upsert
from shared.infrastructure.projections.subscriptions import Batch, Connection

RUNS = Table(
    "provider_runs",
    MetaData(schema="events"),
    Column("tenant", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("requested_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("report", JSON),
)
Index("provider_runs_by_provider", RUNS.c.tenant, RUNS.c.provider, RUNS.c.position.desc())
Index(
    "provider_runs_requested",
    RUNS.c.tenant,
    RUNS.c.provider,
    RUNS.c.position,
    postgresql_where=RUNS.c.status == "requested",
)
_COLUMNS = "id, provider, status, requested_at, finished_at, reason, report::text"


class ProviderRuns(PostgresProjection):
    name = "events.provider_runs"
    handles = kinds_of(RunChange)
    tables = (RUNS,)

    def __init__(self, pool: Pool, store: EventStore, codec: Codec) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        runs = await _runs(batch, connection, into[RUNS])
        positions = {}
        for recorded in batch:
            key = recorded.tenant, recorded.id
            runs[key] = _show(runs.get(key), recorded)
            positions[key] = recorded.position
        rows = (
            {**msgspec.structs.asdict(run), "tenant": key[0], "position": positions[key]}
            for key, run in runs.items()
        )
        await upsert(connection, into[RUNS], rows)

    async def list_runs(self, query: ListRuns) -> Page[RunShown]:
        about = (current_context().tenant, query.provider)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select count(*) from events.provider_runs where tenant = %s and provider = %s",
                about,
            )
            total = (await cursor.fetchone() or (0,))[0]
            cursor = await connection.execute(
                f"select {_COLUMNS} from events.provider_runs"  # noqa: S608 (a constant)
                " where tenant = %s and provider = %s order by position desc limit %s offset %s",
                (*about, query.page.size, query.page.offset),
            )
            runs = [_run(row) for row in await cursor.fetchall()]
        return Page.of(runs, query.page, total)

    async def get(self, query: GetRun) -> RunShown:
        """Folded from the log, so that a run can be shown as soon as it was asked for."""
        stream = f"{ProviderRun.stream}-{query.run_id}"
        run = None
        for stored in (await self._store.read([stream])).get(stream, ()):
            run = _show(run, self._codec.recorded(stored))
        if run is None or run.provider != query.provider:
            raise NotFound(f"provider {query.provider!r} has no recorded run {query.run_id}")
        return run


async def _runs(
    batch: Batch, connection: Connection, runs: Table
) -> dict[tuple[str, UUID], RunShown]:
    found = await rows_before(connection, runs, [_COLUMNS], batch)
    return {(tenant, row[0]): _run(tuple(row)) for tenant, *row in found}


def _show(run: RunShown | None, recorded: Recorded[RunChange]) -> RunShown:
    event = recorded.event
    run = run or RunShown(id=recorded.id, provider=event.provider, status="requested")
    match event:
        case RunRequested():
            return msgspec.structs.replace(run, requested_at=event.requested_at)
        case RunCompleted(report=report):
            return msgspec.structs.replace(
                run, status="completed", report=report, finished_at=report.finished_at
            )
        case RunFailed(report=report, reason=reason):
            return msgspec.structs.replace(
                run, status="failed", report=report, reason=reason, finished_at=report.finished_at
            )
        case _:
            assert_never(event)


def _run(row: tuple[Any, ...]) -> RunShown:
    id, provider, status, requested_at, finished_at, reason, report = row
    return RunShown(
        id=id,
        provider=provider,
        status=status,
        requested_at=requested_at,
        finished_at=finished_at,
        reason=reason,
        report=msgspec.json.decode(report, type=RunReport) if report else None,
    )

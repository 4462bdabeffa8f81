"""PostgreSQL keeps its connections open and says nothing any more: who asks is told in time."""

import asyncio
from pathlib import Path

import httpx2
import msgspec
import psycopg
import pytest

from faults.api_process import served
from faults.worker_group import PATIENCE
from misbehaving import wire_to
from settings import Settings
from shared.infrastructure import postgres

BODY = {"title": "Jazz", "starts_at": "2100-07-01T21:00:00", "timezone": "UTC"}


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "1"}])
async def test_a_command_is_answered_while_postgres_says_nothing_and_done_when_it_does(
    settings: Settings, tmp_path: Path, key: dict[str, str]
) -> None:
    async with wire_to(settings.database()) as wire:
        through = msgspec.structs.replace(
            settings, database_url=wire.url, connect_seconds=2.0, statement_seconds=1.0
        )
        async with served(through, tmp_path) as client:
            await _is_done(client)
            wire.stall()
            refused = await client.post("/events", json=BODY, headers=key, timeout=60)
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            wire.mend()
            await _is_done(client, key)


async def _is_done(client: httpx2.AsyncClient, key: dict[str, str] | None = None) -> None:
    """Sooner or later: on a busy machine a second may go by without an answer, and whoever was
    refused may be at work for another moment."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await client.post("/events", json=BODY, headers=key)).status_code != 201:
            assert answer.status_code in ((503, 409) if key else (503,)), answer.text


async def test_a_statement_that_may_take_long_is_not_hung_up_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "GRACE", 0.0)
    pool = postgres.pool(
        settings.database(), name="x", size=1, statement_seconds=0.1, connect_seconds=5
    )
    async with pool, pool.connection() as connection:
        await connection.execute("set statement_timeout = 0")
        with postgres.however_long_it_takes(connection):
            await connection.execute("select pg_sleep(0.4)")
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("select pg_sleep(30)")

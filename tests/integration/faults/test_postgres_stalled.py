"""PostgreSQL keeps its connections open and says nothing any more: who asks is told in time."""

from pathlib import Path

import msgspec
import psycopg
import pytest

from faults.api_process import served
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
            assert (await client.post("/events", json=BODY)).status_code == 201
            wire.stall()
            refused = await client.post("/events", json=BODY, headers=key, timeout=60)
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            wire.mend()
            done = await client.post("/events", json=BODY, headers=key, timeout=60)
            assert done.status_code == 201


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

"""PostgreSQL is stopped, killed, started again and cut off while commands arrive over HTTP."""

import signal
from pathlib import Path
from uuid import uuid4

import msgspec

from bootstrap import running
from faults.api_process import served
from faults.callers import calling
from faults.outcome import all_at_the_end, nothing_is_lost_or_doubled
from faults.own_servers import own_postgres
from faults.worker_group import working
from keys import KEYS
from misbehaving import wire_to
from servers import Urls
from settings import Settings
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

EACH = 40
"""Commands that are answered well between two faults."""


async def test_what_was_answered_well_is_there_once_however_often_postgres_stops(
    servers: Urls, tmp_path: Path
) -> None:
    async with own_postgres() as postgres:
        settings = _settings(postgres.url, servers)
        migrate(postgres.url, MIGRATIONS)
        async with (
            working(settings, tmp_path),
            served(settings, tmp_path) as client,
            running(settings, "marquee-test") as application,
        ):
            async with calling(client) as callers:
                for end in (
                    lambda: postgres.stop(signal.SIGINT),  # fast: sessions are ended
                    lambda: postgres.stop(signal.SIGQUIT),  # immediate: as in a crash
                    postgres.kill,
                ):
                    await callers.more_accepted(EACH)
                    await end()
                    await callers.more_failed(1)
                    await postgres.start()
                await callers.more_accepted(EACH)
            await callers.each_is_in_the_log_once(application)
            await all_at_the_end(application)
        async with running(settings, "marquee-test") as application:
            await nothing_is_lost_or_doubled(application)


async def test_what_was_answered_well_is_there_once_however_often_the_wire_is_cut(
    settings: Settings, tmp_path: Path
) -> None:
    """Cut where it may be between an append and its answer; and slow, which fails nobody."""
    async with (
        running(settings, "marquee-test") as application,
        wire_to(settings.database()) as wire,
        working(settings, tmp_path),
    ):
        through = msgspec.structs.replace(settings, database_url=wire.url, connect_seconds=2.0)
        async with served(through, tmp_path) as client, calling(client) as callers:
            wire.delay = 0.005
            await callers.more_accepted(EACH)
            assert callers.statuses.keys() == {201}, "slow is no fault"
            for _ in range(6):
                await callers.more_accepted(EACH)
                wire.cut()
                await callers.more_failed(1)
                wire.mend()
        await callers.each_is_in_the_log_once(application)
        await all_at_the_end(application)
    async with running(settings, "marquee-test") as application:
        await nothing_is_lost_or_doubled(application)


def _settings(database_url: str, servers: Urls) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=servers.redis,
        key_encryption_keys=KEYS,
        broker_namespace=f"test-{uuid4().hex}",
        tick_seconds=0.2,
        connect_seconds=2.0,
        log_level="warning",
    )

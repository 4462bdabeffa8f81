"""What a worker does when one of the servers it stands on is away at its start."""

import asyncio
import os
import subprocess
import sys
from datetime import datetime

from bootstrap import Application
from contexts.events.application.commands import AnnounceEvent
from contexts.events.application.queries import ListEvents
from keys import KEY_VARIABLE

PATIENCE = 60.0


def _environment(application: Application, **changes: str) -> dict[str, str]:
    settings = application.settings()
    return {
        **os.environ,
        **KEY_VARIABLE,
        "DATABASE_URL": settings.database(),
        "REDIS_URL": settings.redis(),
        "MARQUEE_CONNECT_SECONDS": "1",
        **changes,
    }


def test_a_worker_without_a_database_ends_with_one_line_to_be_started_again(
    application: Application,
) -> None:
    worker = subprocess.run(
        [sys.executable, "-m", "cli", "worker"],
        env=_environment(application, DATABASE_URL="postgresql://127.0.0.1:1/nowhere"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert worker.returncode == 1
    assert worker.stderr.startswith("marquee: the worker can't start: ")
    assert len(worker.stderr.splitlines()) == 1


async def test_a_worker_without_a_broker_keeps_the_catalogue_up_to_date(
    application: Application,
) -> None:
    """Messages are hints: the tick looks into the log by itself."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "cli", "worker"],
        env=_environment(application, REDIS_URL="redis://127.0.0.1:1/0"),
        stdout=subprocess.DEVNULL,
    )
    try:
        await application.bus()(AnnounceEvent("Jazz", datetime(2100, 1, 1, 20), "UTC"))
        async with asyncio.timeout(PATIENCE):
            while (await application.bus()(ListEvents())).total_rows != 1:
                await asyncio.sleep(0.05)
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(15)

"""kill -9 a worker in the middle of a batch, many times, while events are appended."""

import asyncio
from pathlib import Path

import dramatiq

from bootstrap import Application
from faults.load import writing
from faults.outcome import all_at_the_end, errors, last_position, nothing_is_lost_or_doubled
from faults.worker_group import working
from settings import Settings
from shared.infrastructure.broker import FEEDS

KILLS = 40
EVENTS = 5_000
"""So many at least: kills, and events that are appended meanwhile."""

PATIENCE = 600
"""Seconds that all the kills together may take; on an idle machine it is a thirtieth of that."""


async def test_workers_killed_in_the_middle_of_batches_lose_and_double_nothing(
    application: Application, settings: Settings, tmp_path: Path
) -> None:
    async with working(settings, tmp_path) as workers:
        async with writing(application) as requested:
            kills = 0
            async with asyncio.timeout(PATIENCE):
                while kills < KILLS or await last_position(application) < EVENTS:
                    await workers.kill_one_in_a_batch(written=kills % 2 == 1)
                    kills += 1
                    assert await errors(application) == []
        await all_at_the_end(application)

    assert _queued_runs(application) >= requested, "each run that was asked for is queued"
    await nothing_is_lost_or_doubled(application)


def _queued_runs(application: Application) -> set[str]:
    queue = f"{application.settings().broker_namespace}:{FEEDS}.msgs"
    messages = map(dramatiq.Message.decode, application.broker().client.hvals(queue))
    return {run_id for _, run_id in (message.args for message in messages)}

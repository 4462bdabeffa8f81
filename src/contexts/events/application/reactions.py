"""What happens, and what we then ask of ourselves."""

from collections.abc import Iterator

from contexts.events.application.feed_runs import QueueRun
from contexts.events.domain.provider_run import RunRequested


def on_run_requested(event: RunRequested) -> Iterator[QueueRun]:
    """Whenever a run is asked for, the workers that fetch feeds are given it."""
    yield QueueRun(provider=event.provider, run_id=event.run_id)

"""`marquee archive`: streams that have ended are put away from those that live on."""

import re
from collections.abc import Sequence
from datetime import timedelta

import click
from rich.console import Console

from bootstrap import Application
from contexts.events.domain.event import Event, EventCancelled
from contexts.events.domain.provider_run import ProviderRun, RunCompleted, RunFailed
from shared.application.event_store import StoredEvent
from shared.domain.aggregate import tag_of
from shared.domain.errors import NotFound, Refused
from shared.infrastructure.event_store.archive import ended_streams

ENDINGS = {
    ProviderRun.stream: frozenset([tag_of(RunCompleted), tag_of(RunFailed)]),
    Event.stream: frozenset([tag_of(EventCancelled)]),
}
"""For each kind of stream the types of event that nothing comes after."""

TOGETHER = 100
"""Streams moved in one transaction; nobody can append during it."""

_AGE = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class StillOpen(Refused):
    code = "stream_still_open"


def age(text: str) -> timedelta:
    """Raise UsageError for what is not a number and a unit."""
    if (found := _AGE.fullmatch(text)) is None:
        raise click.UsageError(f"--older-than: {text!r} is not an age such as 12h, 90d or 4w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


async def run(
    application: Application,
    console: Console,
    streams: Sequence[str],
    *,
    kind: str | None,
    older_than: timedelta,
    dry_run: bool,
) -> None:
    """Raise NotFound or StillOpen for a named stream that can't be moved; nothing moves then."""
    if kind is None:
        chosen = await _closed(application, streams)
    else:
        chosen = await ended_streams(application.pool(), kind, sorted(ENDINGS[kind]), older_than)
    if dry_run:
        console.print("\n".join(chosen), markup=False, highlight=False)
        console.print(f"streams to move: {len(chosen):,}")
        return
    events = 0
    for first in range(0, len(chosen), TOGETHER):
        events += await application.store().archive(chosen[first : first + TOGETHER])
    console.print(f"streams moved: {len(chosen):,}, events: {events:,}")


async def _closed(application: Application, streams: Sequence[str]) -> list[str]:
    found = await application.store().read(streams)
    for stream in streams:
        if stream not in found:
            raise NotFound(f"the log has no stream {stream!r}")
        if not _is_closed(found[stream]):
            raise StillOpen(f"{stream} is still open: its last event is {found[stream][-1].type}")
    return list(found)


def _is_closed(history: Sequence[StoredEvent]) -> bool:
    kind = history[-1].stream.partition("-")[0]
    return history[-1].type in ENDINGS.get(kind, frozenset())

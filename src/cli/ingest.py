"""`marquee ingest`: the same road as a scheduled run, with somebody watching."""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any

import click
import msgspec
from rich.console import Console

from bootstrap import Application
from cli.progress import shown_on
from contexts.events.application.feed_runs import FeedRuns, RunFeed
from contexts.events.application.ports import Provider, public_url
from contexts.events.application.queries import ListEvents
from contexts.events.domain.provider_run import RunReport
from shared.application.pages import PageRequest
from shared.application.projections import ListProjections
from shared.domain.timezones import is_timezone

PATIENCE = 60.0
"""Seconds to wait for the read models; workers have to be running."""


async def run(
    application: Application,
    console: Console,
    source: str,
    provider: str,
    *,
    timezone: str | None,
    if_empty: bool,
) -> None:
    """Raise FeedFailed when the run failed."""
    if if_empty and await _holds_anything(application):
        console.print("the catalogue holds something already: nothing to do")
        return
    known = application.settings().providers.get(provider) or _provider(provider)
    if timezone is not None:
        if not is_timezone(timezone):
            raise click.BadParameter(
                f"{timezone!r} is not an IANA time zone", param_hint="timezone"
            )
        known = msgspec.structs.replace(known, timezone=timezone)
    logger = logging.getLogger(FeedRuns.__module__)
    with (
        console.status(f"reading {public_url(source)}") as status,
        shown_on(status, logger, "plans", _progress),
    ):
        report = await application.bus()(RunFeed(known, source=source))
    _print(console, provider, report)
    with console.status("waiting for the read models"):
        await _caught_up(application)
    console.print("the read models have it")


def _provider(name: str) -> Provider:
    try:
        return msgspec.convert({"name": name}, Provider)
    except msgspec.ValidationError as error:
        raise click.BadParameter(str(error), param_hint="provider") from None


async def _holds_anything(application: Application) -> bool:
    page = await application.bus()(ListEvents(page=PageRequest(1, 1), count="none"))
    following = await application.bus()(ListProjections())
    return bool(page.data) or following.last_position > 0


async def _caught_up(application: Application) -> None:
    """Wait until every projection has taken in what was in the log when we were done."""
    bus = application.bus()
    target, deadline = (await bus(ListProjections())).last_position, monotonic() + PATIENCE
    while True:
        following = await bus(ListProjections())
        behind = [
            each.name
            for each in following.projections
            if each.position < target and each.lag_events > 0
        ]
        if following.high_water_mark >= target and not behind:
            return
        if monotonic() > deadline:
            raise click.ClickException(
                f"{', '.join(behind) or 'the mark'} did not come up to position {target} within "
                f"{PATIENCE:g} s: are workers running? See `marquee projections`"
            )
        await asyncio.sleep(0.05)


def _progress(said: Mapping[str, Any]) -> str:
    return f"{said['plans']:,} plans read, {said['events']:,} events appended"


def _print(console: Console, provider: str, report: RunReport) -> None:
    seconds = (report.finished_at - report.started_at).total_seconds()
    console.print(f"[bold]{provider}[/bold]: {report.bytes:,} bytes in {seconds:.2f} s")
    for label, count in (
        ("plans read", report.plans),
        ("  announced", report.announced),
        ("  changed", report.changed),
        ("  unchanged", report.unchanged),
        ("  quarantined", report.quarantined),
        ("delisted", report.delisted),
        ("events appended", report.events),
    ):
        console.print(f"{label:<18}{count:>9,}")
    for each in report.quarantine:
        console.print(f"  quarantined {each.ref}: {each.reason}", markup=False)
    if report.withheld:
        console.print(
            f"  {report.withheld} events left the feed at once: they are delisted when the next "
            "run agrees"
        )

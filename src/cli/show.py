"""`marquee projections` and `marquee events`: the log and those that follow it, on a terminal."""

import contextlib
from uuid import UUID

from rich.console import Console
from rich.table import Table

from bootstrap import Application
from contexts.events.domain.event import Event
from shared.application.projections import (
    InstanceListed,
    ListProjections,
    ProjectionListed,
)
from shared.domain.errors import NotFound


async def projections(application: Application, console: Console) -> None:
    following = await application.bus()(ListProjections())
    console.print(
        f"high-water mark {following.high_water_mark:,} of {following.last_position:,} drawn"
    )
    for holder in following.held_by:
        console.print(
            f"  held by pid {holder.pid} ({holder.application_name or 'unnamed'}, {holder.state}) "
            f"for {holder.seconds or 0:.1f} s, since {holder.since}: {(holder.query or '')[:100]}",
            markup=False,
        )
    table = Table("projection")
    for column in ("position", "lag, events", "lag, seconds"):
        table.add_column(column, justify="right")
    table.add_column("state")
    for each in following.projections:
        table.add_row(
            each.name,
            f"{each.position:,}",
            f"{each.lag_events:,}",
            f"{each.lag_seconds:.1f}",
            _state(each),
        )
    console.print(table)
    for each in following.projections:
        for instance in each.instances:
            if instance.state != "active":
                console.print(f"  {each.name}: {_about(instance)}", markup=False)
    if following.queues is None:
        console.print("the broker does not answer")
    for queue in following.queues or ():
        console.print(
            f"queue {queue.name}: {queue.waiting} waiting, {queue.delayed} delayed, "
            f"{queue.dead} given up"
        )


def _state(each: ProjectionListed) -> str:
    if each.outdated:
        return "built by another version: workers of this one build it anew"
    if each.parked:
        return f"{each.parked} parked: marquee parked --projection {each.name}"
    return each.error or ("behind" if each.lag_events else "ok")


def _about(instance: InstanceListed) -> str:
    about = f"instance {instance.instance} is {instance.state}, at position {instance.position:,}"
    if instance.seconds_left is not None:
        about += (
            f", {instance.events_per_second:,.0f} a second, {instance.seconds_left:,.0f} s left"
        )
    failed = [f"{check.name}: {check.found}" for check in instance.checks if not check.passed]
    return f"{about}{'; ' if failed else ''}{'; '.join(failed)}"


async def stream(application: Application, console: Console, name: str, limit: int) -> None:
    """Raise NotFound when the log has no such stream."""
    with contextlib.suppress(ValueError):
        name = f"{Event.stream}-{UUID(name)}"
    stored = (await application.store().read([name])).get(name)
    if not stored:
        raise NotFound(f"the log has no stream {name!r}")
    for each in stored[-limit:]:
        console.print(
            f"[bold]{each.version}[/bold]  {each.recorded_at:%Y-%m-%d %H:%M:%S}  "
            f"[cyan]{each.type}[/cyan]  position {each.position}"
        )
        console.print(f"   {each.data.decode()}", markup=False, highlight=False)
        about = each.metadata
        console.print(
            f"   by {about.actor} in {about.correlation_id}, caused by {about.causation_id}",
            markup=False,
            style="dim",
        )

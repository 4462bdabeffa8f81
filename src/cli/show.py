"""`marquee projections` and `marquee events`: the log and those that follow it, on a terminal."""

import contextlib
from uuid import UUID

from rich.console import Console
from rich.table import Table

from bootstrap import Application
from contexts.events.domain.event import Event
from shared.application.projections import ListProjections
from shared.domain.errors import NotFound


async def projections(application: Application, console: Console) -> None:
    following = await application.bus()(ListProjections())
    console.print(
        f"high-water mark {following.high_water_mark:,} of {following.last_position:,} drawn"
    )
    for holder in following.held_by:
        console.print(
            f"  held by pid {holder.pid} ({holder.application_name or 'unnamed'}) for "
            f"{holder.seconds or 0:.1f} s: {(holder.query or '')[:100]}",
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
            each.error or ("behind" if each.lag_events else "ok"),
        )
    console.print(table)


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

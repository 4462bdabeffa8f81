"""`marquee parked`: the events that projections could not take in."""

import sys
from typing import TYPE_CHECKING

import click

from cli.program import console, in_program

if TYPE_CHECKING:
    from bootstrap import Application
    from shared.application.parked_events import ParkedEvent

PAGE = 100


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--projection", help="Only of this one.")
@click.option("--discarded", is_flag=True, help="Those that were discarded, and why.")
def parked(context: click.Context, projection: str | None, discarded: bool) -> None:
    """List the parked events: what failed, and what waits behind it in the same stream."""
    if context.invoked_subcommand is not None:
        return

    async def run(application: "Application") -> None:
        found = await all_parked(application, projection, discarded=discarded)
        for each in found:
            console.print(
                f"{each.id}  {each.projection}  {each.stream}@{each.version}  {each.type}  "
                f"{each.error or 'waits behind another'}"
                f"{f'  ({each.attempts} attempts)' if each.attempts else ''}"
                f"{f'  discarded by {each.discarded_by}: {each.reason}' if discarded else ''}",
                markup=False,
            )
        if not found:
            console.print("nothing is parked" if not discarded else "nothing was discarded")

    in_program(run)


@parked.command()
@click.argument("id", type=int)
def show(id: int) -> None:
    """Show a parked event with what the log holds of it."""
    from shared.application.parked_events import GetParkedEvent

    async def run(application: "Application") -> None:
        import msgspec

        event = await application.bus()(GetParkedEvent(id))
        for name, value in msgspec.structs.asdict(event).items():
            console.print(f"{name:>13}  {value}", markup=False, highlight=False)

    in_program(run)


@parked.command()
@click.argument("id", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="Everything that is parked.")
@click.option("--projection", help="With --all: only of this one.")
def replay(id: int | None, every: bool, projection: str | None) -> None:
    """Try again what is parked of an event's stream, in order, or of all; exit status 1 when
    something fails again."""
    if (id is None) != every:
        raise click.UsageError("name one event by its id, or say --all")
    from shared.application.parked_events import ReplayParkedEvent, UnknownParkedEvent

    async def run(application: "Application") -> None:
        ids = [id] if id is not None else _one_a_stream(await all_parked(application, projection))
        failed = 0
        for each in ids:
            try:
                result = await application.bus()(ReplayParkedEvent(each))
            except UnknownParkedEvent:
                if every:
                    continue  # It went with an earlier one of its stream.
                raise
            failed += result.error is not None
            console.print(
                f"{each}: {result.replayed} taken in, {result.parked} still parked"
                f"{f', {result.error}' if result.error else ''}",
                markup=False,
            )
        if failed:
            sys.exit(1)

    in_program(run)


@parked.command()
@click.argument("id", type=int)
@click.option("--reason", required=True, help="Why the projection can do without it.")
def discard(id: int, reason: str) -> None:
    """Let the projection do without an event for good; what waits behind it can be replayed."""
    from shared.application.parked_events import DiscardParkedEvent

    async def run(application: "Application") -> None:
        await application.bus()(DiscardParkedEvent(id, reason))
        console.print(f"{id} is discarded")

    in_program(run)


async def all_parked(
    application: "Application", projection: str | None = None, *, discarded: bool = False
) -> "list[ParkedEvent]":
    from shared.application.pages import PageRequest
    from shared.application.parked_events import ListParkedEvents

    found: list[ParkedEvent] = []
    while True:
        request = PageRequest(len(found) // PAGE + 1, PAGE)
        page = await application.bus()(ListParkedEvents(projection, discarded, request))
        found += page.data
        if len(page.data) < PAGE:
            return found


def _one_a_stream(found: "list[ParkedEvent]") -> list[int]:
    firsts: dict[tuple[str, int, str, str], int] = {}
    for each in found:
        firsts.setdefault((each.projection, each.instance, each.tenant, each.stream), each.id)
    return list(firsts.values())

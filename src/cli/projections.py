"""`marquee projections`: how far each has come, why nothing goes on, and building them anew."""

import asyncio
from typing import TYPE_CHECKING

import click

from cli.program import console, in_program

if TYPE_CHECKING:
    from bootstrap import Application
    from shared.application.projections import InstanceListed

LOOK_SECONDS = 0.5


@click.group(invoke_without_command=True)
@click.pass_context
def projections(context: click.Context) -> None:
    """List the projections and all that may hold them up: whoever stands before the mark, parked
    events, errors, rebuilds, and the queues of the broker."""
    from cli import show

    if context.invoked_subcommand is None:
        in_program(lambda application: show.projections(application, console))


@projections.command()
@click.argument("name")
@click.option("--no-wait", is_flag=True, help="Only ask for it; the workers do it by themselves.")
def rebuild(name: str, no_wait: bool) -> None:
    """Build a read model anew beside the one that is read, and switch to it when it has caught up
    and was found right. The one before is kept for `rollback`. Workers have to be running."""
    from shared.application.projections import RebuildProjection

    async def run(application: "Application") -> None:
        instance = await application.bus()(RebuildProjection(name))
        console.print(f"instance {instance} of {name} is being built")
        if not no_wait:
            await _follow(application, name, instance)

    in_program(run)


@projections.command()
@click.argument("name")
def rollback(name: str) -> None:
    """Read from the instance that was active before; once more goes forward again."""
    _switch(name, None, anyway=False)


@projections.command()
@click.argument("name")
@click.argument("instance", type=int)
@click.option("--anyway", is_flag=True, help="Though a check fails.")
def switch(name: str, instance: int, anyway: bool) -> None:
    """Read from this instance from now on."""
    _switch(name, instance, anyway=anyway)


@projections.command()
@click.argument("name")
@click.argument("instance", type=int)
def drop(name: str, instance: int) -> None:
    """Forget an instance that is not read, or that is being built."""
    from shared.application.projections import DropInstance

    async def run(application: "Application") -> None:
        await application.bus()(DropInstance(name, instance))
        console.print(f"instance {instance} of {name} is gone")

    in_program(run)


def _switch(name: str, instance: int | None, *, anyway: bool) -> None:
    from shared.application.projections import SwitchProjection

    async def run(application: "Application") -> None:
        active = await application.bus()(SwitchProjection(name, instance, anyway))
        console.print(f"{name} is read from instance {active}")

    in_program(run)


async def _follow(application: "Application", name: str, number: int) -> None:
    """Tell how the building goes until it has ended one way or the other."""
    from shared.application.projections import CannotRebuild, GetProjection

    while True:
        shown = await application.bus()(GetProjection(name))
        found = [each for each in shown.instances if each.instance == number]
        if not found:
            raise CannotRebuild(f"instance {number} of {name} was dropped meanwhile")
        (instance,) = found
        if instance.state == "building":
            _tell_progress(instance)
            await asyncio.sleep(LOOK_SECONDS)
            continue
        for check in instance.checks:
            console.print(
                f"  {'ok    ' if check.passed else 'failed'}  {check.name}: {check.found}",
                markup=False,
            )
        if instance.state == "built":
            raise CannotRebuild(
                f"instance {number} was not switched to: look at it, then "
                f"`marquee projections switch {name} {number} --anyway` or `... drop`"
            )
        console.print(f"{name} is read from instance {number}")
        return


def _tell_progress(instance: "InstanceListed") -> None:
    left = instance.seconds_left
    console.print(
        f"  position {instance.position:,}, {instance.events_per_second or 0:,.0f} a second, "
        f"{'?' if left is None else f'{left:,.0f}'} s left"
    )

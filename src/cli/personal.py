"""`marquee erase` and `marquee keys`: what is kept of people, its end, and the keys to it."""

import asyncio
import sys
from time import monotonic
from typing import TYPE_CHECKING

import click

from cli.parked import all_parked
from cli.program import console, in_program

if TYPE_CHECKING:
    from bootstrap import Application
    from shared.application.personal import Erasure

LOOK_SECONDS = 0.2


@click.command()
@click.argument("subject")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    "seconds",
    default=60.0,
    show_default=True,
    help="Seconds to wait for what was made of the log to forget, too.",
)
def erase(subject: str, yes: bool, seconds: float) -> None:
    """Forget a person, by the id or the name: the key of all that he wrote is destroyed. Nobody can
    undo it. Exit status 1 when something has not forgotten yet."""
    if not yes:
        click.confirm(f"Destroy the key of {subject} for good?", abort=True)

    async def run(application: "Application") -> None:
        from shared.application.personal import EraseSubject

        erasure = await application.bus()(EraseSubject(subject))
        console.print(
            f"{erasure.subject_id} is erased, at position {erasure.position:,} of the log: the key,"
            " the name and the kept answers are gone"
        )
        behind = await _wait(application, erasure, seconds)
        for each in behind:
            console.print(f"  has not forgotten yet: {each}", markup=False)
        if behind:
            console.print("workers see to that; `marquee projections` tells why they do not")
            sys.exit(1)
        console.print("what was made of the log has forgotten as well")

    in_program(run)


@click.group()
def keys() -> None:
    """Keys in which the keys of people are wrapped (MARQUEE_KEY_ENCRYPTION_KEYS)."""


@keys.command()
def new() -> None:
    """Print a new key; what it protects is lost with it, so keep it well.

    The first one becomes the whole setting. To change keys put the new one in front of the others,
    with a comma between, restart everything, and run `marquee keys rotate`; then the old one may
    go.
    """
    from shared.application.encryption_keys import new_key

    click.echo(new_key())


@keys.command()
def rotate() -> None:
    """Wrap the keys of people anew that are not wrapped in the first key that is set."""

    async def run(application: "Application") -> None:
        from shared.application.personal import RewrapKeys

        done = await application.bus()(RewrapKeys())
        console.print(f"wrapped anew in {application.key_ring().first}: {done:,}")

    in_program(run)


@keys.command("list")
def list_keys() -> None:
    """List the keys that are set, the one that wraps first, and how many are wrapped in each."""

    async def run(application: "Application") -> None:
        for id, count in (await application.rotation().counts()).items():
            console.print(f"{id:<32}  {count:,}", highlight=False)

    in_program(run)


async def _wait(application: "Application", erasure: "Erasure", seconds: float) -> list[str]:
    """What follows erasures, and has not taken in this one when the time is over."""
    from shared.application.projections import ListProjections
    from shared.domain.aggregate import tag_of
    from shared.domain.personal import Subject, SubjectErased

    tag, types = tag_of(SubjectErased), application.runner().types
    deadline = monotonic() + seconds
    while True:
        following = await application.bus()(ListProjections())
        behind = [
            f"{projection.name}, instance {instance.instance}: at position {instance.position:,}"
            for projection in following.projections
            if tag in types.get(projection.name, ())
            for instance in projection.instances
            if instance.position < erasure.position
        ]
        if not behind or monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_SECONDS)
    stream = f"{Subject.stream}-{erasure.subject_id}"
    parked = [each for each in await all_parked(application) if each.stream == stream]
    return behind + [f"{each.projection}: parked, {each.error} ({each.id})" for each in parked]

"""Runs something of the command line in the program, with its connections open."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.console import Console

from cli.places import with_servers
from settings import load

if TYPE_CHECKING:
    from bootstrap import Application

console = Console(soft_wrap=True)


def in_program(work: "Callable[[Application], Awaitable[None]]") -> None:
    """Run something with the connections open, quietly: these commands speak for themselves."""
    from bootstrap import running
    from shared.infrastructure.logs import configure_logs

    settings = with_servers(load())
    configure_logs(process="cli", level="error", format="console")

    async def run() -> None:
        async with running(settings, "marquee-cli") as application:
            await work(application)

    asyncio.run(run())

"""`marquee verify`: whether the log and what was made of it are sound."""

import sys

from rich.console import Console

from bootstrap import Application


async def run(application: Application, console: Console) -> None:
    """Print each check as it is done; exit with 1 when one of them fails."""
    failed = 0
    async for check in application.verification().run():
        failed += not check.passed
        console.print("[green]ok    [/green]" if check.passed else "[red]failed[/red]", end="  ")
        console.print(check.name, end="", highlight=False)
        console.print("" if check.found == "ok" else f": {check.found}", markup=False)
    if failed:
        sys.exit(1)

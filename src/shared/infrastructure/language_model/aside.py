"""Work that is carried to its end when whoever began it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Aside:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, work: Coroutine[Any, Any, None], *, patience: float) -> None:
        """Begin it, and wait for it for `patience` seconds at most.

        Being cancelled meanwhile changes nothing for the work, also where every further await is
        cancelled as well. It must not raise.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=patience)

    async def finished(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

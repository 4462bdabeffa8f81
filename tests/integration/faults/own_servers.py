"""Servers that belong to one test, which stops them, kills them and starts them again.

They are embedded whatever the other tests run on, and as durable as in real use: what PostgreSQL
has said yes to has to be there when it is back.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from embedded import Servers
from embedded.life import Life
from embedded.part import Part
from faults.worker_group import PATIENCE


class Server:
    def __init__(self, part: Part, url: str, home: Path) -> None:
        self._life = Life(part)
        self.url = url
        self.home = home

    async def start(self) -> None:
        """Return when it answers."""
        self._life.begin()
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(self._life.becomes_ready):
                await asyncio.sleep(0.02)

    async def stop(self, number: signal.Signals) -> None:
        """Return when its process, told so, has ended."""
        assert self._life.process is not None
        os.kill(self._life.process.pid, number)
        await self._has_ended()

    async def kill(self) -> None:
        """All of its processes at once."""
        self._life.kill()
        await self._has_ended()

    async def _has_ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self._life.has_ended():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def own_postgres() -> AsyncIterator[Server]:
    """PostgreSQL with nothing in it."""
    with ExitStack() as stack:
        home = _home(stack)
        servers = Servers(home, valkey=False)
        (part,) = stack.enter_context(servers.prepared())
        server = Server(part, servers.database_url, home)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


@asynccontextmanager
async def own_redis() -> AsyncIterator[Server]:
    """One that has forgotten everything when it starts again."""
    with ExitStack() as stack:
        home = _home(stack)
        servers = Servers(home, postgres=False, durable=False)
        (part,) = stack.enter_context(servers.prepared())
        server = Server(part, servers.redis_url, home)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


def _home(stack: ExitStack) -> Path:
    home = Path(stack.enter_context(TemporaryDirectory()))
    # Servers that root starts run as somebody else, who has to get in.
    home.chmod(0o755)
    return home / "home"

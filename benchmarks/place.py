"""Where it is measured: servers of our own, databases that are made for one measurement."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier

from settings import Settings
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

T = TypeVar("T")

MIGRATED = "migrated"
"""The database that the others are copied from: our tables, and nothing in them."""

CHILD_SECONDS = 300


class Unavailable(Exception):
    """This cannot be measured here; says why, for the table."""


class Place:
    def __init__(
        self, settings: Settings, folder: Path, *, peers: Path | None, quick: bool = False
    ) -> None:
        """`peers` is the Python that the peers are installed for."""
        self.quick = quick
        self.folder = folder
        self._settings = settings
        self._peers = peers
        self._kept: dict[str, asyncio.Future[Any]] = {}
        self._made = 0

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def seconds(self, full: float) -> float:
        return min(full, 1.0) if self.quick else full

    def settings(self, database: str, **changes: Any) -> Settings:
        """Ours, for a database of this name, on servers that all databases share."""
        url = urlunsplit(urlsplit(self._settings.database())._replace(path=f"/{database}"))
        return msgspec.structs.replace(self._settings, database_url=url, **changes)

    async def once(self, name: str, prepare: Callable[[], Awaitable[T]]) -> T:
        """What `prepare` returns, made the first time: for what many rounds share."""
        if name not in self._kept:
            future = self._kept[name] = asyncio.ensure_future(prepare())
            await asyncio.wait([future])
        result: T = self._kept[name].result()
        return result

    async def prepare(self) -> None:
        await self.make(MIGRATED, copy_of=None)
        await asyncio.to_thread(migrate, self.settings(MIGRATED).database(), MIGRATIONS)

    @asynccontextmanager
    async def database(self, copy_of: str | None = MIGRATED, **changes: Any) -> AsyncIterator[Any]:
        """The settings for a database that nothing was measured in before; dropped afterwards."""
        self._made += 1
        name = f"measured_{self._made}"
        await self.make(name, copy_of=copy_of)
        try:
            yield self.settings(name, **changes)
        finally:
            await self._execute("drop database {} with (force)", name)

    async def make(self, name: str, copy_of: str | None) -> None:
        await self._execute("create database {} template {}", name, copy_of or "template1")

    async def _execute(self, statement: str, *names: str) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._settings.database(), autocommit=True
        ) as connection:
            await connection.execute(SQL(statement).format(*map(Identifier, names)))

    async def peer(self, module: str, task: str, **arguments: Any) -> dict[str, Any]:
        """What a peer measured, in a process of its own with its own packages."""
        if self._peers is None:
            raise Unavailable("not installed: `make bench` installs it")
        return await child(f"benchmarks.peers.{module}", task, python=self._peers, **arguments)


async def child(
    module: str, task: str, *, python: Path | None = None, **arguments: Any
) -> dict[str, Any]:
    """Run a module of ours as a program of its own; the last line it prints is its result."""
    process = await asyncio.create_subprocess_exec(
        str(python or sys.executable),
        *("-m", module, task, json.dumps(arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), CHILD_SECONDS)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RuntimeError(f"{module} {task}: {errors.decode()[-1500:]}")
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result

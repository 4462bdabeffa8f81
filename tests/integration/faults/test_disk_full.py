"""The disk that the log lies on is full: commands are refused as a whole until there is room."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from bootstrap import Application, running
from faults.api_process import served
from faults.callers import calling
from faults.outcome import all_at_the_end, nothing_is_lost_or_doubled, pairs
from faults.own_servers import own_postgres
from faults.worker_group import PATIENCE, working
from keys import KEYS
from servers import Urls
from settings import Settings
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

SIZE = 16_000_000
"""Bytes of the small disk; an empty log takes less than one of the sixteen millions."""

EACH = 30
"""Commands that are answered well before and after."""


async def test_commands_are_refused_whole_while_the_disk_is_full_and_all_goes_on_afterwards(
    servers: Urls, tmp_path: Path
) -> None:
    async with own_postgres() as postgres:
        migrate(postgres.url, MIGRATIONS)
        settings = Settings(
            database_url=postgres.url,
            redis_url=servers.redis,
            key_encryption_keys=KEYS,
            broker_namespace=f"test-{uuid4().hex}",
            tick_seconds=0.2,
            log_level="warning",
        )
        with _small_disk(postgres.home) as disk:
            _move_the_log(postgres.url, disk / "log")
            async with (
                working(settings, tmp_path),
                served(settings, tmp_path) as client,
                running(settings, "marquee-test") as application,
            ):
                async with calling(client) as callers:
                    await callers.more_accepted(EACH)
                    ballast = _fill(disk)
                    await callers.more_failed(3)
                    problem = await _refused(client)
                    assert problem.status_code == 503
                    assert problem.headers["content-type"] == "application/problem+json"
                    assert problem.json()["type"] == "about:blank#unavailable"
                    assert "retry-after" in problem.headers
                    listed = await client.get("/events?pageSize=1")
                    assert listed.status_code == 200, "what is there can be read"
                    ballast.unlink()
                    await callers.more_accepted(EACH)
                await callers.each_is_in_the_log_once(application, besides="No room")
                assert not callers.unknown & await _titles(application), "refused is refused"
                await all_at_the_end(application)
            async with running(settings, "marquee-test") as application:
                await nothing_is_lost_or_doubled(application)
            await postgres.kill()


@contextmanager
def _small_disk(home: Path) -> Iterator[Path]:
    """A file system of its own, in a folder that the server can reach."""
    disk = home / "small-disk"
    disk.mkdir(mode=0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0777", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("a small file system can't be mounted here: there is no mount")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a small file system can't be mounted here: {error.stderr.strip()}")
    try:
        log = disk / "log"
        log.mkdir()
        owner = (home / "postgres").stat()
        os.chown(log, owner.st_uid, owner.st_gid)
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _move_the_log(url: str, folder: Path) -> None:
    """All parts of the log and their indexes, and nothing else."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("create tablespace small location {}").format(Literal(str(folder))))
        parts = connection.execute(
            "select relkind, relname from pg_class where relnamespace = 'event_store'::regnamespace"
            " and relname ~ '^events_(live_[0-9]|archive)' and relkind in ('r', 'i')"
        ).fetchall()
        assert len(parts) == 9 * 3
        for kind, name in parts:
            connection.execute(
                SQL("alter {} {} set tablespace small").format(
                    SQL("table" if kind == "r" else "index"), Identifier("event_store", name)
                )
            )


def _fill(disk: Path) -> Path:
    """Take all the room that is left, with a file that can be taken away."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                _write_on(file, bytes(size))
    return ballast


def _write_on(file: IO[bytes], piece: bytes) -> None:
    while True:
        file.write(piece)


async def _refused(client: httpx2.AsyncClient) -> httpx2.Response:
    """What a command is answered; some of the parts may have a little room in their last page."""
    body = {"title": "No room", "starts_at": "2100-07-01T21:00:00", "timezone": "UTC"}
    async with asyncio.timeout(PATIENCE):
        while (response := await client.post("/events", json=body)).status_code == 201:
            pass
    return response


async def _titles(application: Application) -> set[str]:
    return set(
        await pairs(
            application,
            "select data->>'title', 1 from event_store.events"
            " where type = 'events.event_announced'",
        )
    )

"""The API as it is run: a process of its own, asked over a real connection."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2

import bootstrap
from faults.worker_group import PATIENCE
from keys import KEY_VARIABLE
from settings import Settings


@asynccontextmanager
async def served(settings: Settings, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an API process that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    with (folder / "api.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "api"),
            cwd=folder,
            env={
                **environment,
                "PYTHONPATH": str(Path(bootstrap.__file__).parent),
                "PORT": str(port),
                **KEY_VARIABLE,
                "DATABASE_URL": settings.database(),
                "REDIS_URL": settings.redis(),
                "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
                "MARQUEE_TICK_SECONDS": str(settings.tick_seconds),
                "MARQUEE_CONNECT_SECONDS": str(settings.connect_seconds),
                "MARQUEE_STATEMENT_SECONDS": str(settings.statement_seconds),
                "MARQUEE_LOG_LEVEL": "warning",
            },
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False
        ) as client:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(httpx2.TransportError):
                        if (await client.get("/health/live")).is_success:
                            break
                    assert process.returncode is None, (folder / "api.log").read_text()
                    await asyncio.sleep(0.05)
            yield client
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Politely; one that does not heed that is a fault of its own."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise

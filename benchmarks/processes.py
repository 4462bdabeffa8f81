"""The program's own processes, as `marquee api` and `marquee worker` start them."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from settings import Settings

PATIENCE = 30.0
STOPPING = 10.0


@asynccontextmanager
async def api(settings: Settings, folder: Path, **variables: str) -> AsyncIterator[tuple[int, int]]:
    """The port it answers on, and its process id."""
    port = free_port()
    environment = {**_environment(settings), "PORT": str(port), **variables}
    async with _process(["-m", "cli", "api"], environment, folder / "api.log") as process:
        await _until(lambda: answers(port), process, folder / "api.log")
        yield port, process.pid


@asynccontextmanager
async def worker(
    settings: Settings, folder: Path, *work: str, **variables: str
) -> AsyncIterator[int]:
    """Its process id; it works, on everything or on the `work` that is named."""
    log = folder / f"worker-{free_port()}.log"
    environment = {**_environment(settings), **variables}
    words = ["-m", "cli", "worker", *(word for each in work for word in ("--queue", each))]
    async with _process(words, environment, log) as process:
        await _until(lambda: '"works"' in log.read_text(), process, log)
        yield process.pid


@asynccontextmanager
async def served(module: str, folder: Path, **variables: str) -> AsyncIterator[tuple[int, int]]:
    """A program of the benchmarks that serves on the port in PORT."""
    port = free_port()
    log = folder / f"{module}.log"
    environment = {**os.environ, "PORT": str(port), **variables}
    async with _process(["-m", module], environment, log) as process:
        await _until(lambda: answers(port), process, log)
        yield port, process.pid


def memory(pid: int) -> float:
    """Megabytes that a process and those it started hold."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(True))) / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _environment(settings: Settings) -> dict[str, str]:
    # What the developer has set for himself is not to be measured.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARQUEE_")}
    return {
        **kept,
        "DATABASE_URL": settings.database(),
        "REDIS_URL": settings.redis(),
        "MARQUEE_KEY_ENCRYPTION_KEYS": settings.key_encryption_keys or "",
        "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
    }


@asynccontextmanager
async def _process(
    words: list[str], environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOPPING)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _until(
    condition: Callable[[], bool], process: asyncio.subprocess.Process, log: Path
) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        late = asyncio.get_running_loop().time() > deadline
        if process.returncode is not None or late:
            raise RuntimeError(f"did not start: {_end(log)}")
        await asyncio.sleep(0.02)


def _end(log: Path) -> str:
    return log.read_text()[-1000:]

"""The chat on its stage: APIs and workers to be killed, and somebody who talks and listens."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx2
import psycopg
from redis.asyncio import Redis

from faults.forked import Mother, Order
from faults.listener import Listener
from keys import KEY_VARIABLE
from misbehaving_model import Model
from settings import Settings

T = TypeVar("T")

PATIENCE = 150.0
"""Seconds that something may take which takes one or a few on an idle machine."""

NAME = "ann-with-the-parrot"
CALLER = {"marquee-caller": NAME}
"""Who talks in all of these tests."""


class Process:
    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log

    @property
    def lives(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    async def kill(self) -> None:
        """It and all that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.gone()

    async def stop(self) -> None:
        """Politely."""
        os.kill(self.pid, signal.SIGTERM)
        await self.gone()

    async def gone(self) -> None:
        async def is_gone() -> bool:
            return not self.lives

        await until(is_gone, f"process {self.pid} ends")

    def logged(self, event: str) -> int:
        """How often it has logged this."""
        return self.log.read_text().count(f'"event": "{event}"') if self.log.exists() else 0


class Api:
    """An API process; all that is asked of it is asked by one caller."""

    def __init__(self, process: Process, client: httpx2.AsyncClient, port: int) -> None:
        self.process = process
        self.client = client
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers=named)

    async def get(self, path: str) -> Any:
        response = await self.client.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        return response.json()

    async def begin(self) -> str:
        """The path of a new conversation."""
        response = await self.post("/conversations", {})
        assert response.status_code == 201, response.text
        return f"/conversations/{response.json()['id']}"

    async def ask(self, conversation: str, text: str = "tell me", **more: str) -> str:
        """The path of the run that answers."""
        response = await self.post(f"{conversation}/messages", {"text": text, **more})
        assert response.status_code == 202, response.text
        return str(response.headers["location"])

    async def cancel(self, run: str) -> None:
        response = await self.post(f"{run}/cancellation")
        assert response.status_code == 202, response.text

    async def ended(self, run: str) -> Mapping[str, Any]:
        """The run once it has ended, however it did."""

        async def has_ended() -> Mapping[str, Any] | None:
            with suppress(httpx2.TransportError):
                response = await self.client.get(run)
                if response.status_code == 200 and response.json()["ended_at"] is not None:
                    return dict(response.json())
            return None

        return await until(has_ended, f"{run} ends")


class Stage:
    def __init__(self, mother: Mother, settings: Settings, folder: Path, model: Model) -> None:
        self.settings = settings
        self.model = model
        self._mother = mother
        self._folder = folder
        self._processes: list[Process] = []
        self._clients: list[httpx2.AsyncClient] = []
        self._listeners: list[Listener] = []

    async def api(self, port: int | None = None, **variables: str) -> Api:
        """One that answers; at a `port` where one was before, or at one of its own."""
        port = port or _free_port()
        process = self._fork(["api"], {"PORT": str(port), **variables})
        client = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False, headers=CALLER
        )
        self._clients.append(client)

        async def answers() -> bool:
            assert process.lives, process.log.read_text()
            with suppress(httpx2.TransportError):
                return bool((await client.get("/health/live")).is_success)
            return False

        await until(answers, "the API answers")
        return Api(process, client, port)

    async def worker(self, *queues: str, **variables: str) -> Process:
        """One that has begun to work, on conversations unless something else is said."""
        arguments = ["worker"]
        for queue in queues or ("conversations",):
            arguments += ["--queue", queue]
        process = self._fork(arguments, variables)

        async def works() -> bool:
            assert process.lives, process.log.read_text()
            return process.logged("works") > 0

        await until(works, "a worker works")
        return process

    def listen(self, run: str, *at: Api) -> Listener:
        """Somebody who listens to a run from its beginning, at the first API, or where he is sent
        to later."""
        listener = Listener([api.url for api in at], f"{run}/stream", CALLER)
        self._listeners.append(listener)
        return listener

    def model_is_asked(self, times: int) -> Callable[[], Awaitable[bool]]:
        """To wait for."""

        async def is_asked() -> bool:
            return len(self.model.asked) >= times

        return is_asked

    async def recorded(self, run: str) -> list[str]:
        """The types of all events of the conversation of a run, without that of the context."""
        stream = f"conversation-{run.rpartition('/')[2].rpartition('-')[0]}"
        rows = await self.sql(
            "select type from event_store.events where stream = %s order by version", stream
        )
        return [str(type).partition(".")[2] for (type,) in rows]

    async def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        url = self.settings.database()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    @property
    def logs(self) -> list[str]:
        """What each process has logged."""
        return [process.log.read_text() for process in self._processes]

    def redis(self) -> Redis:
        """To be closed: it is its own context."""
        return Redis.from_url(self.settings.redis())

    async def end(self) -> None:
        for listener in self._listeners:
            await listener.leave()
        for client in self._clients:
            await client.aclose()
        for process in self._processes:
            await process.kill()

    def _fork(self, arguments: list[str], variables: Mapping[str, str]) -> Process:
        log = self._folder / f"{len(self._processes)}-{arguments[0]}.log"
        order = Order(arguments, {**self._variables(), **variables}, str(self._folder), str(log))
        process = Process(self._mother.fork(order), log)
        self._processes.append(process)
        return process

    def _variables(self) -> dict[str, str]:
        settings = self.settings
        return {
            **KEY_VARIABLE,
            "DATABASE_URL": settings.database(),
            "REDIS_URL": settings.redis(),
            "LLM_BASE_URL": self.model.url,
            "LLM_MODEL": "wordsmith",
            "MARQUEE_LLM_TITLES": "false",
            "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
            "MARQUEE_TICK_SECONDS": "0.2",
            "MARQUEE_CONNECT_SECONDS": "5",
        }


@asynccontextmanager
async def staged(
    mother: Mother, settings: Settings, folder: Path, model: Model
) -> AsyncIterator[Stage]:
    stage = Stage(mother, settings, folder, model)
    try:
        yield stage
    finally:
        await stage.end()


async def until(condition: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Wait for the first true answer. Raise AssertionError when `what` does not come about."""
    end = monotonic() + PATIENCE
    while not (answer := await condition()):
        assert monotonic() < end, f"waited {PATIENCE:g} s in vain until {what}"
        await asyncio.sleep(0.02)
    return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

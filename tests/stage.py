"""The program on its stage, for tests that break things: an API, worker processes, providers."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, ItemsView, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import bootstrap
from bootstrap import Application
from contexts.events.application.ports import Provider
from keys import KEY_VARIABLE
from listings import Client, serving
from misbehaving import Providers, many_providers
from settings import Settings
from shared.application.event_store import StoredEvent
from shared.infrastructure.broker import FEEDS

T = TypeVar("T")

PATIENCE = 150.0

LIMITS = {
    "MARQUEE_FEED_READ_SECONDS": "2",
    "MARQUEE_FEED_TOTAL_SECONDS": "4",
    "MARQUEE_FEED_MAX_BYTES": "1000000",
}
"""What a worker allows a provider, unless it is told otherwise."""


def plan(id: str, title: str) -> str:
    return (
        f'<base_plan base_plan_id="{id}" sell_mode="online" title="{title}"><plan plan_id="{id}"'
        ' plan_start_date="2026-07-03T21:00:00" plan_end_date="2026-07-03T23:00:00"'
        ' sold_out="false"><zone zone_id="1" name="Stalls" price="30.00" capacity="10"'
        ' numbered="false"/></plan></base_plan>'
    )


def feed(titles: Mapping[str, str]) -> bytes:
    """A feed with a plan of this title for each id."""
    plans = "".join(plan(*each) for each in titles.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><planList>{plans}</planList>'.encode()


class World:
    """The program as it runs: an API, workers to be started, and providers that do as told."""

    def __init__(
        self, application: Application, client: Client, providers: Providers, folder: Path
    ) -> None:
        self.application = application
        self.client = client
        self.providers = providers
        self.log = folder / "workers.log"
        self._folder = folder
        self._workers: list[Process] = []

    async def worker(self, *arguments: str, **variables: str) -> Process:
        """A worker that has begun to work."""
        works = self.logged("works")
        with self.log.open("ab") as log:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cli", "worker", *arguments),
                cwd=self._folder,
                env={**self._environment(), **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._workers.append(worker)

        async def has_begun() -> bool:
            assert worker.returncode is None, self.log.read_text()
            return self.logged("works") > works

        await until(has_begun)
        return worker

    def logged(self, event: str, **fields: str) -> int:
        """How often the workers have logged this."""
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        entries = [_entry(line) for line in lines if line[0] == "{" and line.endswith("}\n")]
        return sum({"event": event, **fields}.items() <= entry for entry in entries)

    async def end(self) -> None:
        for worker in self._workers:
            with suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()

    async def ask(self, provider: str, *, correlation_id: str = "c") -> str:
        """Ask for a run; where to look for what comes of it."""
        headers = {"X-Correlation-Id": correlation_id}
        response = await self.client.post(f"/providers/{provider}/runs", headers=headers)
        assert response.status_code == 202, response.text
        location = response.headers["location"]
        assert location == f"/providers/{provider}/runs/{response.json()['id']}"
        return str(location)

    async def run(self, location: str) -> dict[str, Any]:
        response = await self.client.get(location)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def ended(self, location: str) -> dict[str, Any]:
        async def has_ended() -> dict[str, Any] | None:
            died = [each.returncode for each in self._workers]
            assert set(died) <= {None, -signal.SIGKILL}, f"{died}: {self.log.read_text()}"
            run = await self.run(location)
            return run if run["status"] != "requested" else None

        return await until(has_ended)

    async def provider(self, name: str) -> dict[str, Any]:
        listed = (await self.client.get("/providers")).json()
        return {each["name"]: dict(each) for each in listed}[name]

    async def was_read(self, *names: str) -> None:
        """Wait until each of these was read at least once and none is being read."""

        async def all_at_rest() -> bool:
            found = [await self.provider(name) for name in names]
            return all(each["last_run_id"] and not each["running_run_id"] for each in found)

        await until(all_at_rest)

    async def search(self) -> bytes:
        response = await self.client.get("/search")
        assert response.status_code == 200, response.text
        return response.content

    async def shows(self, *titles: str) -> bytes:
        """Wait until these titles, and no other, are what /search finds; its answer."""

        async def all_there() -> bytes | None:
            answer = await self.search()
            events = msgspec.json.decode(answer)["data"]["events"]
            return answer if sorted(each["title"] for each in events) == sorted(titles) else None

        return await until(all_there)

    async def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.application.pool().connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def last_position(self) -> int:
        found = await self.sql("select coalesce(max(position), 0) from event_store.events")
        return int(found[0][0])

    async def stream(self, stream: str) -> list[StoredEvent]:
        return list((await self.application.store().read([stream]))[stream])

    async def history(self, location: str) -> list[StoredEvent]:
        return await self.stream(f"provider_run-{location.rpartition('/')[2]}")

    async def pass_time(self, seconds: float) -> None:
        """As if this long had gone by for feeds that are claimed and runs that were asked for."""
        await self.sql(
            "update events.feeds set claimed_until = claimed_until - make_interval(secs => %s)",
            seconds,
        )
        await self.sql(
            "update events.provider_runs"
            " set requested_at = requested_at - make_interval(secs => %s)",
            seconds,
        )

    def queued(self) -> int:
        """Messages about feeds, those that are being worked on included."""
        return self._messages(FEEDS)

    def put_off(self) -> int:
        """Messages about feeds that are to be tried again later."""
        return self._messages(f"{FEEDS}.DQ")

    def _messages(self, queue: str) -> int:
        return int(self.application.broker().client.hlen(f"{self._namespace}:{queue}.msgs"))

    def empty_redis(self) -> None:
        redis = self.application.broker().client
        for key in redis.keys(f"{self._namespace}:*"):
            redis.delete(key)

    @property
    def _namespace(self) -> str:
        return self.application.settings().broker_namespace

    def _environment(self) -> dict[str, str]:
        settings = self.application.settings()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
        providers = {
            name: {"url": provider.url, "interval": provider.interval}
            for name, provider in settings.providers.items()
        }
        return {
            **kept,
            **LIMITS,
            "PYTHONPATH": str(Path(bootstrap.__file__).parent),
            "NO_PROXY": "127.0.0.1",
            **KEY_VARIABLE,
            "DATABASE_URL": settings.database(),
            "REDIS_URL": settings.redis(),
            "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
            "MARQUEE_TICK_SECONDS": "0.2",
            "MARQUEE_PROVIDERS": msgspec.json.encode(providers).decode(),
            "dramatiq_restart_delay": "200",
        }


def _entry(line: str) -> ItemsView[str, Any]:
    """What a line of the log says."""
    entry: dict[str, Any] = msgspec.json.decode(line)
    return {key: value for key, value in entry.items() if isinstance(value, str)}.items()


@asynccontextmanager
async def staged(
    settings: Settings, folder: Path, intervals: Mapping[str, float]
) -> AsyncIterator[World]:
    """A world with these providers, each with its interval in seconds."""
    async with many_providers() as server:
        providers = {
            name: Provider(name, url=server.url(name), interval=interval)
            for name, interval in intervals.items()
        }
        settings = msgspec.structs.replace(settings, providers=providers)
        async with (
            bootstrap.running(settings, "marquee-test") as application,
            serving(settings) as client,
        ):
            world = World(application, client, server, folder)
            try:
                yield world
            finally:
                await world.end()


async def until(condition: Callable[[], Awaitable[T | None]]) -> T:
    """Wait for the first true answer; TimeoutError when there is none within PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if answer := await condition():
                return answer
            await asyncio.sleep(0.03)

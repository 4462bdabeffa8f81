"""Real workers that a test kills at will, in the middle of a batch or all of them at once.

The read models overwrite, so they alone would not show a batch that was taken in twice; the workers
are given two more projections that count. This file, run as a program, is the mother of such
workers.
"""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psycopg
from dependency_injector import providers
from psycopg.rows import class_row
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

import bootstrap
from bootstrap import Application
from keys import KEY_VARIABLE
from settings import Settings, load
from shared.infrastructure.broker import PROJECTIONS
from shared.infrastructure.projections.postgres_projection import Into, PostgresProjection
from shared.infrastructure.projections.redis_projection import RedisProjection
from shared.infrastructure.projections.subscriptions import Batch, Connection, ReadModel
from stored import KINDS
from workers.main import run

READ_MODELS = (
    "events.catalogue",
    "events.cards",
    "events.provider_runs",
    "analytics.datasets",
    "analytics.questions",
    "analytics.reports",
    "conversations.conversations",
)
TESTS = Path(__file__).parents[2]
TALLIES = ("test.tally", "test.redis_tally")
FOLLOWING = {*READ_MODELS, *TALLIES, "reactions"}

PATIENCE = 600
"""Seconds that something may take which takes a few on an idle machine."""

TALLY = Table(
    "tally", MetaData(), Column("stream", Text, primary_key=True), Column("events", BigInteger)
)


class Tally(PostgresProjection):
    """How many events of each stream were taken in."""

    name = TALLIES[0]
    handles = tuple(KINDS)
    tables = (TALLY,)

    async def project(self, batch: Batch, connection: Connection, into: Into) -> None:
        await connection.execute(
            f"insert into {into[TALLY]} as t select stream, count(*)"  # noqa: S608 (a constant)
            " from unnest(%s::text[]) as s(stream) group by stream on conflict (stream) do update"
            " set events = t.events + excluded.events",
            ([recorded.stream for recorded in batch],),
        )


class RedisTally(RedisProjection):
    name = TALLIES[1]
    handles = tuple(KINDS)

    async def project(self, batch: Batch, redis: Redis, writes: Pipeline, prefix: str) -> None:
        for stream, events in Counter(recorded.stream for recorded in batch).items():
            writes.hincrby(f"{prefix}:events", stream, events)


def be_the_mother_of_workers() -> None:
    """Fork a worker for each line read, which names it and says how many events its batches have;
    tell its pid. In the end all go together.

    A worker comes from a process that has imported all there is, for that takes longer than the
    rest of a test. It has two projections more, that count, and PostgreSQL knows its name.
    """
    known = Application.runner.kwargs["subscriptions"].args
    tallies = (
        providers.Singleton(Tally),
        providers.Singleton(RedisTally, Application.redis, Application.log, Application.active),
    )
    Application.runner.add_kwargs(subscriptions=providers.List(*known, *tallies))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        name, batch_size = line.split()
        Application.pool.add_kwargs(name=name)
        ReadModel.batch_size = int(batch_size)
        run(load(), [PROJECTIONS])
        sys.exit()
    os.killpg(0, signal.SIGKILL)


class Session(msgspec.Struct, frozen=True):
    """`in_batch`: in a transaction that changes or locks something; `query` is the last one."""

    pid: int
    state: str | None
    wait_event_type: str | None
    query: str
    in_batch: bool

    @property
    def is_busy(self) -> bool:
        """Whether the server has still to do something that its client does not hold up."""
        return self.state == "active" and self.wait_event_type != "Client"

    @property
    def has_written(self) -> bool:
        return self.state == "idle in transaction" and self.query.startswith(("insert", "update"))

    @property
    def waits(self) -> bool:
        """For a lock that somebody else holds."""
        return self.state == "active" and self.wait_event_type == "Lock"


class Workers:
    """A few at a time; whoever is killed gets a successor."""

    def __init__(self, mother: Process, database_url: str) -> None:
        self._mother = mother
        self._database_url = database_url
        self._connection: psycopg.AsyncConnection | None = None
        self._count = 0
        self._pids: dict[str, int] = {}

    async def start(self, workers: int, *, batch_size: int = ReadModel.batch_size) -> None:
        assert self._mother.stdin
        assert self._mother.stdout
        for _ in range(workers):
            self._count += 1
            name = f"worker-{self._count}"
            self._mother.stdin.write(f"{name} {batch_size}\n".encode())
            self._pids[name] = int(await self._mother.stdout.readline())

    async def kill_one_in_a_batch(self, *, written: bool) -> None:
        """Kill one between the begin and the commit of a batch.

        `written`: when the data, or the checkpoint too, have been written and not committed.
        """
        name = random.choice(list(self._pids))
        while not await self._stops_in_a_batch(name, written=written):
            os.kill(self._pids[name], signal.SIGCONT)
            await asyncio.sleep(random.uniform(0.001, 0.02))
        os.kill(self._pids.pop(name), signal.SIGKILL)
        await self.start(1)

    async def until_one(self, is_there: Callable[[Session], bool]) -> Session:
        """Wait for a session of a worker that stands where it is wanted."""
        sessions: Sequence[Session] = ()
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    sessions = await self.sessions("worker-%")
                    for session in filter(is_there, sessions):
                        return session
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise TimeoutError(f"none is there: {sessions}") from None

    def stop_all(self) -> None:
        """Where they are; the server goes on with what it was told."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """After all were stopped."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGCONT)

    async def kill_all(self) -> int:
        """At once, wherever they are; how many that were. Return when the server knows."""
        pids, self._pids = list(self._pids.values()), {}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await self._until_none_is_there()
        return len(pids)

    async def end(self) -> None:
        os.killpg(self._mother.pid, signal.SIGKILL)
        await self._mother.wait()
        await self._until_none_is_there()
        if self._connection is not None:
            await self._connection.close()

    async def sessions(self, name: str) -> Sequence[Session]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._database_url, autocommit=True
            )
        async with self._connection.cursor(row_factory=class_row(Session)) as sessions:
            await sessions.execute(
                "select pid, state, wait_event_type, query, backend_xid is not null as in_batch"
                " from pg_stat_activity where application_name like %s order by pid",
                (name,),
            )
            return await sessions.fetchall()

    async def _until_none_is_there(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.sessions("worker-%"):
                await asyncio.sleep(0.01)

    async def _stops_in_a_batch(self, name: str, *, written: bool) -> bool:
        """Stop the process where it is; whether that is where it was wanted.

        Its transactions stay as they are once the server has done all that it had been sent.
        """
        if not await self.sessions(name):
            return False
        os.kill(self._pids[name], signal.SIGSTOP)
        before: Sequence[Session] | None = None
        while (sessions := await self.sessions(name)) != before or any(
            session.is_busy for session in sessions
        ):
            before = sessions
        return any(
            session.in_batch and (session.has_written or not written) for session in sessions
        )


@asynccontextmanager
async def working(settings: Settings, folder: Path, *, workers: int = 2) -> AsyncIterator[Workers]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    with (folder / "workers.log").open("wb") as log:
        mother = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__),
            cwd=folder,
            env={
                **environment,
                "PYTHONPATH": f"{Path(bootstrap.__file__).parent}{os.pathsep}{TESTS}",
                **KEY_VARIABLE,
                "DATABASE_URL": settings.database(),
                "REDIS_URL": settings.redis(),
                "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
                "MARQUEE_TICK_SECONDS": "0.05",
                # A batch that takes long since the machine is busy is no error.
                "MARQUEE_STATEMENT_SECONDS": "120",
                "MARQUEE_LOG_LEVEL": "warning",
            },
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
        )
    group = Workers(mother, settings.database())
    try:
        await group.start(workers)
        yield group
    finally:
        await group.end()


if __name__ == "__main__":
    be_the_mother_of_workers()

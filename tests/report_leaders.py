"""Whoever has reports run, on real servers, at a time that a test says: here and in processes.

This file, run as a program, is such a process. It looks once for each line read, which names the
instant that it is, and tells how many reports it found. It may be told to stop dead before or after
it has sent its first command.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import bootstrap
from bootstrap import Application
from contexts.analytics.application.reporting import (
    Reporting,
    RunDueReport,
    ScheduleReport,
)
from contexts.analytics.domain.recurrence import Recurrence
from contexts.analytics.domain.report import Report, ReportRunsSkipped, ReportRunStarted, Terms
from contexts.analytics.infrastructure.questions import Questions
from contexts.analytics.infrastructure.report_schedule import DEPOSED_AFTER, ReportSchedule
from contexts.analytics.infrastructure.reports import Reports
from keys import KEY_VARIABLE
from settings import Settings, load
from shared.application.bus import Bus, Message

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""Reports are scheduled here."""

PATIENCE = 60.0
"""Seconds that a process may take for what takes one on an idle machine."""

Stop = Literal["never", "before", "after"]


class Office(Bus):
    """Has commands done, and notes which reports were sent for."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[UUID] = []
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.faults: dict[UUID, Exception] = {}

    async def __call__(self, message: Message[Any]) -> Any:
        if isinstance(message, RunDueReport):
            self.sent.append(message.report_id)
            self.reached.set()
            await self.go_on.wait()
            if message.report_id in self.faults:
                raise self.faults[message.report_id]
        return await super().__call__(message)


class Leader:
    """One who has reports run in this process; others may be in it as well."""

    def __init__(
        self,
        application: Application,
        now: datetime = BEGIN,
        deposed_after: float = DEPOSED_AFTER,
    ) -> None:
        self.now = now
        self.office = Office()
        self._application = application
        analytics = application.analytics
        reporting = Reporting(
            self.office, analytics.report_streams(), analytics.dataset_streams(), lambda: self.now
        )
        self.office.serve({RunDueReport: reporting.run_due, ScheduleReport: reporting.schedule})
        self.schedule = ReportSchedule(
            application.pool(), self.office, lambda: self.now, deposed_after
        )

    async def report(self, cron: str = "* * * * *", **terms: Any) -> UUID:
        """One that is scheduled now, as the read model shows it."""
        asked = {"name": "Fares", "question": "total fare", "timezone": "UTC", **terms}
        scheduled = await self.office(ScheduleReport(cron=cron, **asked))
        await self._application.runner().catch_up(Reports.name)
        return UUID(str(scheduled.id))

    async def look(self, minutes: float | None = None) -> int:
        """At so many minutes after BEGIN, where that is told."""
        if minutes is not None:
            self.now = BEGIN + timedelta(minutes=minutes)
        return await self.schedule.look()

    async def takes_over(self, minutes: float) -> None:
        """Look until it leads and has found what is due; the server takes a moment to see that a
        session is gone."""
        async with asyncio.timeout(PATIENCE):
            while not await self.look(minutes):
                await asyncio.sleep(0.01)

    async def disconnect(self) -> None:
        """End its session, as if its process had been killed."""
        connection = self.schedule._connection
        assert connection is not None
        async with self._application.pool().connection() as other:
            cursor = await other.execute(
                "select pg_terminate_backend(%s, 10000)", (connection.info.backend_pid,)
            )
            assert await cursor.fetchall() == [(True,)]


@asynccontextmanager
async def leaders(application: Application, count: int) -> AsyncIterator[list[Leader]]:
    made = [Leader(application) for _ in range(count)]
    try:
        yield made
    finally:
        for each in made:
            await each.schedule.close()


async def overdue(application: Application) -> UUID:
    """A daily report that was scheduled days ago and has never run."""
    now, id = datetime.now(UTC), uuid4()
    # Half a day from now: it will not become due while a test looks.
    daily = Recurrence.of(f"0 {(now.hour + 12) % 24} * * *", "UTC")
    terms = Terms(name="Fares", question="total fare", recurrence=daily)
    report = Report.schedule(id, terms, now=now - timedelta(days=3))
    await application.analytics.report_streams().save(report)
    return id


async def decided(application: Application, id: UUID) -> list[str]:
    """What became of each due time, in the order of the log: "12:01 run", "12:02-12:05 missed"."""
    stream = f"{Report.stream}-{id}"
    told = []
    for stored in (await application.store().read([stream]))[stream]:
        match application.codec().recorded(stored).event:
            case ReportRunStarted(due_at=datetime() as due, why=why):
                told.append(f"{due:%H:%M} {why}")
            case ReportRunsSkipped(first=first, last=last, why=why):
                told.append(f"{first:%H:%M}-{last:%H:%M} {why}")
    return told


async def asked(application: Application, id: UUID) -> int:
    """How many questions a report has asked, once all that follows from the log is done."""
    for name in ("reactions", "reactions", Questions.name, Reports.name):
        await application.runner().catch_up(name)
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select count(*) from analytics.questions where report = %s", (id,)
        )
        ((count,),) = await cursor.fetchall()
    return int(count)


class LeaderProcess:
    def __init__(self, process: Process) -> None:
        self._process = process

    async def look(self, minutes: float) -> str:
        """How many reports it found, or that it `stands` in the middle."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{(BEGIN + timedelta(minutes=minutes)).isoformat()}\n".encode())
        await self._process.stdin.drain()
        return await self.told()

    async def told(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        return line.decode().strip()

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def leader_process(
    settings: Settings, folder: Path, stop: Stop = "never"
) -> AsyncIterator[LeaderProcess]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    with (folder / "leaders.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, stop),
            cwd=folder,
            env={
                **environment,
                "PYTHONPATH": str(Path(bootstrap.__file__).parent),
                **KEY_VARIABLE,
                "DATABASE_URL": settings.database(),
                "REDIS_URL": settings.redis(),
                "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
            },
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
        )
    leader = LeaderProcess(process)
    try:
        assert await leader.told() == "ready", (folder / "leaders.log").read_text()
        yield leader
    finally:
        await leader.kill()


async def lead(stop: Stop) -> None:
    async with bootstrap.running(load(), "report-leader") as application:
        leader = Leader(application)

        class Stopping(Office):
            async def __call__(self, message: Message[Any]) -> Any:
                if isinstance(message, RunDueReport) and stop == "before":
                    await _stand()
                result = await super().__call__(message)
                if isinstance(message, RunDueReport) and stop == "after":
                    await _stand()
                return result

        leader.office.__class__ = Stopping
        _tell("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            leader.now = datetime.fromisoformat(line.strip())
            _tell(str(await leader.look()))


async def _stand() -> None:
    _tell("stands")
    await asyncio.Event().wait()


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(lead(sys.argv[1]))  # type: ignore[arg-type]

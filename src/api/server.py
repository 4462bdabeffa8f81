"""The HTTP server: Granian, one process of which serves; more are other machines' business."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from granian.constants import Interfaces, Loops
from granian.server import MPServer
from litestar import Litestar
from psycopg import AsyncConnection

from embedded import die_with_parent
from settings import Settings
from shared.infrastructure.logs import configure_logs
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.personal.rotation import must_open

if TYPE_CHECKING:
    from bootstrap import Application

STOP_SECONDS = 3
"""An open stream may take this long to end before its process is killed."""

END_STREAMS = signal.SIGUSR1
"""Tells the server's own process that it is going to be stopped."""

_LOGS = {"handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}
"""The server's own lines join ours; the application counts and logs requests."""


def app() -> Litestar:
    """What the server's own process runs; it must not outlive the one that started it."""
    die_with_parent()
    from api.app import create_app  # not needed by the process that only watches over this one
    from bootstrap import settle

    made = create_app(begun=_end_streams_when_told)
    settle()
    return made


class Server(MPServer):
    """Granian stops the application when the last stream has ended, and a stream may go on for
    minutes: all of them are ended before."""

    def shutdown(self, exit_code: int = 0) -> None:
        for worker in self.wrks:
            if worker.inner.is_alive():
                os.kill(worker.inner.pid, END_STREAMS)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raise when the database can't be reached at the start, or
    holds what can't be read with the keys that are set."""
    # The server's own process could say so in a traceback only.
    asyncio.run(_must_be_of_use(settings))
    configure_logs(process="api", level=settings.log_level, format=settings.log_format)
    # It would end the server's own process, which inherits this, until that handles it.
    signal.signal(END_STREAMS, signal.SIG_IGN)
    # The server's own process starts anew and reads the settings again.
    for name, value in (
        ("DATABASE_URL", settings.database()),
        ("REDIS_URL", settings.redis()),
        ("MARQUEE_KEY_ENCRYPTION_KEYS", settings.key_encryption_keys or ""),
    ):
        os.environ[name] = value
    Server(
        "api.server:app",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address=settings.host,
        port=settings.port,
        workers=1,
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=False,
        log_access=False,
        log_dictconfig=_LOGS,
    ).serve()


async def _must_be_of_use(settings: Settings) -> None:
    async with await AsyncConnection.connect(
        settings.database(),
        connect_timeout=max(2, round(settings.connect_seconds)),
        autocommit=True,
    ) as connection:
        await must_open(connection, KeyRing(settings.encryption_keys()))


def _end_streams_when_told(application: "Application") -> None:
    loop, ending = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    def end() -> None:
        ending.add(loop.create_task(application.conversations.following().close()))

    loop.add_signal_handler(END_STREAMS, end)

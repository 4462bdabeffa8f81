"""The HTTP server: Granian, one process of which serves; more are other machines' business."""

import asyncio
import os

from granian import Granian
from granian.constants import Interfaces, Loops
from litestar import Litestar
from psycopg import AsyncConnection

from embedded import die_with_parent
from settings import Settings
from shared.infrastructure.logs import configure_logs
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.personal.rotation import must_open

STOP_SECONDS = 3
"""An open stream may take this long to end before its process is killed."""

_LOGS = {"handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}
"""The server's own lines join ours; the application counts and logs requests."""


def app() -> Litestar:
    """What the server's own process runs; it must not outlive the one that started it."""
    die_with_parent()
    from api.app import create_app  # not needed by the process that only watches over this one
    from bootstrap import settle

    made = create_app()
    settle()
    return made


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raise when the database can't be reached at the start, or
    holds what can't be read with the keys that are set."""
    # The server's own process could say so in a traceback only.
    asyncio.run(_must_be_of_use(settings))
    configure_logs(process="api", level=settings.log_level, format=settings.log_format)
    # The server's own process starts anew and reads the settings again.
    for name, value in (
        ("DATABASE_URL", settings.database()),
        ("REDIS_URL", settings.redis()),
        ("MARQUEE_KEY_ENCRYPTION_KEYS", settings.key_encryption_keys or ""),
    ):
        os.environ[name] = value
    Granian(
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

"""`marquee up`: the whole system on this machine, under one supervisor."""

import contextlib
import os
import socket
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import click

from cli.home_key import make_keys
from embedded import EmbeddedError, Part, Servers, Supervisor
from settings import Settings

READY_SECONDS = 1.0


def run(settings: Settings) -> None:
    """Run until Ctrl-C or SIGTERM. Raise EmbeddedError when something does not start, and
    SettingsError for a PostgreSQL of one's own without keys."""
    _must_be_free(settings.host, settings.port)
    if settings.database_url is not None:
        settings.encryption_keys()  # of somebody else's server we make up none
    home = Path(settings.home).absolute()
    servers = Servers(
        home, postgres=settings.database_url is None, valkey=settings.redis_url is None
    )
    with servers.prepared() as parts:
        environment = {
            **os.environ,
            "DATABASE_URL": settings.database_url or servers.database_url,
            "REDIS_URL": settings.redis_url or servers.redis_url,
            "MARQUEE_KEY_ENCRYPTION_KEYS": settings.key_encryption_keys or make_keys(home),
        }
        supervisor = Supervisor([*parts, *_parts(settings, home, environment)], say=click.echo)

        def on_ready() -> None:
            address = f"http://{settings.host}:{settings.port}"
            click.echo(f"\nMarquee is at {address}   (logs in {home / 'log'}, Ctrl-C stops)")
            click.echo(f"  try   curl '{address}/search'")
            click.echo(f"        curl '{address}/events?q=quartet&available=true&pageSize=5'")
            click.echo(
                f"        curl {address}/chat/message -H 'content-type: application/json' \\"
            )
            click.echo('          -d \'{"message": "top 3 shows by revenue in July"}\'')
            click.echo(f"        {address}/schema for everything else\n")
            supervisor.launch(_part("sample data", home, environment, "sample", once=True))

        supervisor.run(on_ready)


def _parts(settings: Settings, home: Path, environment: Mapping[str, str]) -> list[Part]:
    """Feeds have a worker of their own, and so have questions and conversations: neither parsing
    nor planning must hold up the projections, or an answer that is being written."""
    return [
        _part("migrations", home, environment, "migrate", order=1, once=True),
        _part("projections", home, environment, "worker", "--queue", "projections", order=2),
        _part("feeds", home, environment, "worker", "--queue", "feeds", order=2),
        _part("analytics", home, environment, "worker", "--queue", "analytics", order=2),
        _part("conversations", home, environment, "worker", "--queue", "conversations", order=2),
        Part(
            name="api",
            argv=_command("api"),
            env=environment,
            log=home / "log" / "api.log",
            order=2,
            grace=3.0,
            ready=lambda: _answers(settings),
        ),
    ]


def _part(
    name: str,
    home: Path,
    environment: Mapping[str, str],
    *arguments: str,
    order: int = 3,
    once: bool = False,
) -> Part:
    return Part(
        name=name,
        argv=_command(*arguments),
        env=environment,
        log=home / "log" / f"{name.replace(' ', '-')}.log",
        order=order,
        once=once,
        grace=3.0,
    )


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli", *arguments]


def _answers(settings: Settings) -> bool:
    url = f"http://{settings.host}:{settings.port}/health/live"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=READY_SECONDS) as answer:
        return bool(answer.status == 200)
    return False


def _must_be_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EmbeddedError(
                f"port {port} on {host} can't be had ({error.strerror}): "
                f"choose another with PORT={port + 1}"
            ) from None

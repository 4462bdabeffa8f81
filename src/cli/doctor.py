"""`marquee doctor`: what is reachable, in which version, and with which settings."""

import platform
from importlib.metadata import version

import psycopg
import redis
from rich.console import Console
from rich.table import Table

from settings import Settings, SettingsError
from stored import MIGRATIONS

PACKAGES = ("litestar", "granian", "dramatiq", "psycopg", "redis", "sqlalchemy", "msgspec")


def run(settings: Settings, console: Console) -> bool:
    """Print the findings; whether everything that is needed was reached."""
    checks = [_python(), _database(settings), _redis(settings)]
    table = Table("part", "state", "what was found")
    for part, well, found in checks:
        table.add_row(part, "[green]ok[/green]" if well else "[red]failed[/red]", found)
    console.print(table)
    values = Table("setting", "value")
    for name, value in settings.shown().items():
        values.add_row(name, str(value))
    console.print(values)
    return all(well for _, well, _ in checks)


def _python() -> tuple[str, bool, str]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        "marquee",
        True,
        f"{version('marquee')} on Python {platform.python_version()}; {packages}",
    )


def _database(settings: Settings) -> tuple[str, bool, str]:
    try:
        with psycopg.connect(settings.database(), connect_timeout=5) as connection:
            row = connection.execute("select current_setting('server_version')").fetchone()
            assert row is not None
            found = f"PostgreSQL {row[0]}"
            if connection.info.server_version < 150000:
                return "database", False, f"{found}; 15 or later is needed"
            rows = connection.execute("select name from public.marquee_migrations").fetchall()
    except psycopg.errors.UndefinedTable:
        return "database", False, f"{found}, not migrated yet: run `marquee migrate`"
    except (psycopg.Error, SettingsError) as error:
        return "database", False, " ".join(str(error).split())
    missing = [each.name for each in MIGRATIONS if (each.name,) not in rows]
    if missing:
        return "database", False, f"{found}, lacks {', '.join(missing)}: run `marquee migrate`"
    return "database", True, f"{found}, {len(rows)} migrations"


def _redis(settings: Settings) -> tuple[str, bool, str]:
    try:
        client = redis.Redis.from_url(settings.redis(), socket_connect_timeout=5)
        info = client.info("server")
        client.close()
    except (redis.exceptions.RedisError, SettingsError) as error:
        return "redis", False, " ".join(str(error).split())
    name = info.get("server_name", "redis")
    return "redis", True, f"{name} {info.get('valkey_version') or info['redis_version']}"

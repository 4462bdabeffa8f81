"""Real PostgreSQL and Redis, and for each test a migrated database and a program of its own."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from api import health
from bootstrap import Application, running
from keys import KEYS
from servers import Urls, started
from settings import Settings
from shared.infrastructure.language_model import redis_door
from shared.infrastructure.lists import page_cache
from shared.infrastructure.lists.page_cache import PageLimits
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

TEMPLATE = "marquee_template"


@pytest.fixture(scope="session")
def servers(servers_kind: str) -> Iterator[Urls]:
    with started(servers_kind) as urls:
        with psycopg.connect(urls.database, autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(TEMPLATE)))
        migrate(named(urls.database, TEMPLATE), MIGRATIONS)
        yield urls


def named(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process. A machine that is busy is no fault of the servers, which a program would
    do without for seconds, or show what it knew before."""
    monkeypatch.setattr(redis_door, "ANSWER", 10.0)
    monkeypatch.setattr(page_cache, "PageLimits", partial(PageLimits, patience=10.0))
    monkeypatch.setattr(health, "PATIENCE", 20.0)


@pytest.fixture
def empty_database(servers: Urls) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    yield from _database(servers, "template1")


@pytest.fixture
def database(servers: Urls) -> Iterator[str]:
    """The URL of a migrated database with a log of its own."""
    for url in _database(servers, TEMPLATE):
        with psycopg.connect(url) as connection:
            connection.execute("update event_store.identity set id = gen_random_uuid()")
        yield url


def _database(servers: Urls, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(servers.database, autocommit=True) as connection:
        connection.execute(
            SQL("create database {} template {}").format(Identifier(name), Identifier(template))
        )
        yield named(servers.database, name)
        connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


@pytest.fixture
def settings(database: str, servers: Urls) -> Settings:
    return Settings(
        database_url=database,
        redis_url=servers.redis,
        key_encryption_keys=KEYS,
        broker_namespace=f"test-{uuid4().hex}",
        tick_seconds=0.2,
        log_level="warning",
    )


@pytest.fixture
async def application(settings: Settings) -> AsyncIterator[Application]:
    async with running(settings, "marquee-test") as application:
        yield application


async def caught_up(application: Application) -> None:
    """Bring every subscription up to the log, without a worker."""
    runner = application.runner()
    for name in runner.types:
        await runner.catch_up(name)
    for name in runner.types:
        await runner.catch_up(name)

"""A small catalogue to ask things of over HTTP, the client to ask with, and ways to break it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar
from litestar.testing import AsyncTestClient
from psycopg.sql import SQL, Identifier

from api.app import create_app
from bootstrap import Application
from contexts.events.application.ports import Plan
from contexts.events.application.taking_in import TakeInPlans
from contexts.events.domain.event import PlanRef
from contexts.events.domain.offer import Zone
from settings import Settings

Client: TypeAlias = AsyncTestClient[Litestar]

CLOSED = "redis://127.0.0.1:1/0"
"""Where no Redis is."""


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Client]:
    """The API in this process. The log goes where it went before once it is closed."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        async with AsyncTestClient(create_app(settings)) as client:
            yield client
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@asynccontextmanager
async def serving_here(settings: Settings) -> AsyncIterator[AsyncClient]:
    """The API in the loop of the test: with AsyncTestClient each request ends before the next."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    app = create_app(settings)
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # It must begin and end in one task, which a fixture does not.
        async with app.lifespan():
            started.set()
            await stop.wait()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(live())
            await started.wait()
            transport = ASGITransport(app=app)
            async with AsyncClient(transport=transport, base_url="http://test") as client:
                yield client
            stop.set()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextmanager
def database_down(server: str, database: str) -> Iterator[None]:
    """The database lets nobody in, and has thrown out all who were."""
    name = database.rpartition("/")[2]
    allow = SQL("alter database {} with allow_connections {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(allow.format(Identifier(name), SQL("false")))
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(allow.format(Identifier(name), SQL("true")))


def zone(price: str, capacity: int = 10, name: str = "Stalls") -> Zone:
    return Zone("1", name, Decimal(price), capacity)


def plan(title: str, starts_at: str, ends_at: str | None = None, **others: Any) -> Plan:
    """A plan that is sold online; its id is its title. Times are wall times."""
    return Plan(
        **{
            "base_id": "1",
            "plan_id": title,
            "title": title,
            "starts_at": datetime.fromisoformat(starts_at),
            "ends_at": datetime.fromisoformat(ends_at) if ends_at else None,
            "sell_mode": "online",
            "sell_from": None,
            "sell_to": None,
            "sold_out": False,
            "organizer": None,
            "zones": (zone("15"), zone("30")),
            **others,
        }
    )


def event_id(title: str, provider: str = "acme") -> UUID:
    return PlanRef(provider, "1", title).event_id


async def take_in(
    application: Application, *plans: Plan, provider: str = "acme", timezone: str = "UTC"
) -> None:
    await application.bus()(TakeInPlans(provider, timezone, plans))

"""A million events: what lists usually ask for is read from indexes, at any depth.

What a list costs is counted in the blocks that PostgreSQL looks at, which is the same on any
machine.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy.sql import ClauseElement

from bootstrap import Application, running
from conftest import TEMPLATE, named
from contexts.events.application.queries import EVENT_FIELDS, EventFound, SearchEvents
from contexts.events.infrastructure import catalogue as read_model
from contexts.events.presentation.listing import asked
from keys import KEYS
from million import ROWS, fill_catalogue
from servers import Urls
from settings import Settings
from shared.application.criteria import instant
from shared.infrastructure.lists import listing
from shared.infrastructure.postgres import compiled

A_PAGE = 30
"""Blocks that 21 events take that lie anywhere in the table, with the way to them in an index."""
FILTERED = 2_500
"""Blocks for a page where only one of a hundred events on the way is wanted. All of the table and
of one index of it are forty thousand."""


class Cost(NamedTuple):
    blocks: int
    nodes: set[str]


@pytest.fixture(scope="module")
def million(servers: Urls) -> Iterator[Settings]:
    name = f"test_{uuid4().hex}"
    settings = Settings(
        database_url=named(servers.database, name),
        redis_url=servers.redis,
        key_encryption_keys=KEYS,
        broker_namespace=name,
        log_level="warning",
        statement_seconds=120,
    )
    with psycopg.connect(servers.database, autocommit=True) as connection:
        connection.execute(
            SQL("create database {} template {}").format(Identifier(name), Identifier(TEMPLATE))
        )
        try:
            asyncio.run(_opened(settings))
            fill_catalogue(settings.database())
            yield settings
        finally:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


async def _opened(settings: Settings) -> None:
    """Each projection has its tables from the first time on that the program runs."""
    async with running(settings, "marquee-test"):
        pass


class Catalogue:
    """Answers lists, and says what that took."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.asked: list[ClauseElement] = []

    def compiled(self, statement: ClauseElement) -> tuple[bytes, dict[str, Any]]:
        self.asked.append(statement)
        return compiled(statement)

    async def page(self, query: str) -> Any:
        self.asked.clear()
        return await self._application.events.catalogue().list_events(asked(query.encode()))

    async def search(self, query: SearchEvents) -> tuple[list[EventFound], Cost]:
        self.asked.clear()
        return await self._application.events.catalogue().search(query), await self._cost()

    async def cost(self, query: str) -> Cost:
        await self.page(query)
        return await self._cost()

    async def _cost(self) -> Cost:
        blocks, nodes = 0, set[str]()
        async with self._application.pool().connection() as connection:
            for sql, values in map(compiled, self.asked):
                cursor = await connection.execute(
                    b"explain (analyze, buffers, timing off, format json) " + sql,
                    values,
                    prepare=False,
                )
                ((explained,),) = await cursor.fetchall()
                plan = explained[0]["Plan"]
                blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
                nodes |= {node["Node Type"] for node in _nodes(plan)}
        return Cost(blocks, nodes)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


@pytest.fixture
async def catalogue(million: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Catalogue]:
    async with running(million, "marquee-test") as application:
        catalogue = Catalogue(application)
        monkeypatch.setattr(listing, "compiled", catalogue.compiled)
        monkeypatch.setattr(read_model, "compiled", catalogue.compiled)
        yield catalogue


MARCH = "starts_at=2026-03-01T00:00:00Z"
WEEK = f"{MARCH}&ends_at=2026-03-08T00:00:00Z"

COMMON = [
    "",
    MARCH,
    f"{MARCH}&sortDir=desc",
    f"{MARCH}&sortBy=ends_at",
    WEEK,
    f"{WEEK}&sortBy=ends_at&sortDir=desc",
    f"{WEEK}&sortBy=min_price",
    "ends_at=2026-03-08T00:00:00Z",
    "ends_at=2026-03-08T00:00:00Z&sortDir=desc",
    f"{MARCH}&match=overlapping",
    f"{MARCH}&match=overlapping&sortDir=desc",
    f"{WEEK}&match=overlapping",
    f"{WEEK}&match=overlapping&sortBy=title",
    "available=true",
    "status=listed&available=true",
    "status=cancelled",
    "provider=provider-3",
    "provider=provider-3,provider-5&status=listed",
    "provider=nobody",
    "min_price=100&max_price=120",
    "max_price=10",
    "max_price=10&sortBy=min_price&sortDir=desc",
    "q=jazz",
    "q=jazz+117",
    "updated_at[gte]=2026-01-08T00:00:00Z&sortBy=updated_at",
    f"{MARCH}&available=true&max_price=50&status=listed",
]


@pytest.mark.parametrize("query", COMMON)
async def test_common_criteria_are_found_and_counted_by_an_index(
    catalogue: Catalogue, query: str
) -> None:
    assert "Seq Scan" not in (await catalogue.cost(query)).nodes
    assert "Seq Scan" not in (await catalogue.cost(f"{query}&count=none")).nodes
    page = await catalogue.page(query)
    assert page.total_rows_exact
    assert (page.total_rows > 0) == (query != "provider=nobody")


FEW = {f"{WEEK}&sortBy=min_price", f"{WEEK}&match=overlapping&sortBy=title", "q=jazz+117"}
"""What is found by one thing and sorted by another is read whole."""
GOING_ON = {f"{MARCH}&match=overlapping", f"{WEEK}&match=overlapping"}
"""So is what is going on at a time; eight hundred events here."""


@pytest.mark.parametrize("query", [each for each in COMMON if each not in FEW | GOING_ON])
async def test_a_first_page_looks_at_no_more_than_what_it_shows_and_filters(
    catalogue: Catalogue, query: str
) -> None:
    cost = await catalogue.cost(f"{query}&count=none")
    assert cost.blocks <= FILTERED, cost


@pytest.mark.parametrize("query", sorted(FEW | GOING_ON))
async def test_what_has_to_be_sorted_is_found_by_an_index_first(
    catalogue: Catalogue, query: str
) -> None:
    cost = await catalogue.cost(f"{query}&count=none")
    assert cost.blocks <= 10_000, cost


@pytest.mark.parametrize("by", EVENT_FIELDS.sortable)
@pytest.mark.parametrize("way", ["asc", "desc"])
async def test_half_a_million_rows_deep_a_cursor_costs_what_the_first_page_does(
    catalogue: Catalogue, by: str, way: str
) -> None:
    order = f"sortBy={by}&sortDir={way}&count=none"
    first = await catalogue.cost(order)
    assert not first.nodes & {"Seq Scan", "Sort"}
    assert first.blocks <= A_PAGE
    deep = await catalogue.page(f"{order}&pageSize=100&page={ROWS // 2 // 100}&fields=id")
    for cursor in (deep.next_cursor, deep.previous_cursor):
        cost = await catalogue.cost(f"{order}&cursor={cursor}")
        assert not cost.nodes & {"Seq Scan", "Sort"}
        assert cost.blocks <= 2 * A_PAGE


async def test_a_search_reads_what_starts_within_its_range_and_no_more(
    catalogue: Catalogue,
) -> None:
    week = SearchEvents(instant("2026-03-01T00:00:00Z"), instant("2026-03-08T00:00:00Z"))
    found, cost = await catalogue.search(week)
    assert len(found) > 4_000
    assert "Seq Scan" not in cost.nodes
    assert cost.blocks <= 2 * len(found)


async def test_an_estimate_of_a_million_rows_reads_none_of_them(catalogue: Catalogue) -> None:
    page = await catalogue.page("count=estimated&status=listed")
    assert page.total_rows_exact is False
    assert 0.9 < page.total_rows / (ROWS * 0.8) < 1.1
    assert not any("count(" in str(statement) for statement in catalogue.asked)
    few = await catalogue.page("count=estimated&q=jazz+117")
    assert (few.total_rows, few.total_rows_exact) == (400, True)

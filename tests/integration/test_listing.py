"""Lists of any rows, walked by cursor and by page, against the same list in Python."""

import random
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import hypothesis
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Numeric, Table, Text, Uuid, true

from bootstrap import Application
from shared.application.context import Context, running_in
from shared.application.criteria import NULLABLE_ORDER, Field, Fields
from shared.application.cursors import Cursors, InvalidCursor
from shared.application.lists import ListQuery
from shared.application.pages import Count, PageRequest, Sort, Stretch
from shared.infrastructure.lists import listing
from shared.infrastructure.lists.keyset import Split
from shared.infrastructure.lists.listing import Listing

TABLE = Table(
    "walked",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("price", Numeric),
    Column("title", Text, nullable=False),
)
FIELDS = Fields(
    Field("price", Decimal, NULLABLE_ORDER, "price", sortable=True),
    Field("title", str, NULLABLE_ORDER, "title", sortable=True, sorted_by=2),
)


class Thing(msgspec.Struct, frozen=True):
    id: UUID
    price: Decimal | None
    title: str


class ListThings(ListQuery[Thing | Mapping[str, Any]], frozen=True, kw_only=True):
    sort: Sort = Sort("price")


Answer = Stretch[Thing | Mapping[str, Any]]

things = st.lists(
    st.builds(
        Thing,
        st.integers(0, 200).map(lambda number: UUID(int=number)),
        st.none() | st.sampled_from([Decimal(0), Decimal("1.5"), Decimal("1.50"), Decimal(20)]),
        # Two letters count: "abc" and "abd" are equal in order.
        st.sampled_from(["a", "ab", "abc", "abd", "b", "ba"]),
    ),
    max_size=30,
    unique_by=lambda thing: thing.id,
)
sorts = st.builds(Sort, st.sampled_from(["price", "title"]), st.sampled_from(["asc", "desc"]))
walks = hypothesis.settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Things:
    """The table, and the list of it."""

    def __init__(self, application: Application) -> None:
        self._pool = application.pool()
        self._listing = Listing(self._pool, TABLE, FIELDS, Thing, Cursors(lambda: "secret"))

    async def are(self, rows: list[Thing]) -> None:
        await self.sql("truncate walked")
        await self.add(*rows)

    async def add(self, *rows: Thing) -> None:
        await self.sql(
            "insert into walked select * from unnest(%s::uuid[], %s::numeric[], %s::text[])",
            [row.id for row in rows],
            [row.price for row in rows],
            [row.title for row in rows],
        )

    async def sql(self, statement: str, *values: Any) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement.encode(), values)

    async def page(
        self,
        sort: Sort,
        size: int,
        *,
        number: int = 1,
        cursor: str | None = None,
        count: Count = "none",
        split: Split | None = None,
        fields: tuple[str, ...] | None = None,
    ) -> Answer:
        query = ListThings(
            sort=sort,
            page=PageRequest(number, size),
            cursor=cursor,
            count=count,
            fields=fields,
        )
        return await self._listing.answer(query, true(), split)


@pytest.fixture
async def table(application: Application) -> Things:
    table = Things(application)
    await table.sql(
        'create table walked (id uuid primary key, price numeric, title text collate "C" not null)'
    )
    return table


def in_order(rows: list[Thing], sort: Sort) -> list[Thing]:
    """By value, unknown ones last in both directions, then by id in the same direction."""
    down = sort.direction == "desc"

    def key(row: Thing) -> Any:
        return row.price if sort.by == "price" else row.title[:2]

    known = sorted(
        (row for row in rows if key(row) is not None),
        key=lambda row: (key(row), row.id),
        reverse=down,
    )
    unknown = (row for row in rows if key(row) is None)
    return known + sorted(unknown, key=lambda row: row.id, reverse=down)


@walks
@given(rows=things, sort=sorts, size=st.integers(1, 7))
async def test_every_row_is_walked_once_and_in_order_forward_and_back(
    table: Things, rows: list[Thing], sort: Sort, size: int
) -> None:
    await table.are(rows)
    expected = in_order(rows, sort)
    pages = [await table.page(sort, size)]
    assert pages[0].previous_cursor is None
    while pages[-1].next_cursor:
        pages.append(await table.page(sort, size, cursor=pages[-1].next_cursor))
    assert [row for page in pages for row in page.data] == expected
    assert [len(page.data) for page in pages[:-1]] == [size] * (len(pages) - 1)
    back = pages[-1:]
    while back[0].previous_cursor:
        back.insert(0, await table.page(sort, size, cursor=back[0].previous_cursor))
    assert [row for page in back for row in page.data] == expected
    assert all(page.data for page in pages + back) or not rows
    if len(back) > 1:
        # From anywhere it also goes forward again.
        again = await table.page(sort, size, cursor=back[0].next_cursor)
        assert again.data == back[1].data


@walks
@given(
    rows=things,
    sort=sorts,
    size=st.integers(1, 7),
    count=st.sampled_from(["exact", "estimated", "none"]),
)
async def test_pages_by_number_hold_the_same_and_lead_on_by_cursor(
    table: Things, rows: list[Thing], sort: Sort, size: int, count: Count
) -> None:
    await table.are(rows)
    expected = in_order(rows, sort)
    numbers = range(1, len(rows) // size + 3)
    pages = [await table.page(sort, size, number=n, count=count) for n in numbers]
    assert [row for page in pages for row in page.data] == expected
    for page, behind in pairwise(pages):
        assert (page.next_cursor is not None) == bool(behind.data)
        if page.next_cursor:
            assert (await table.page(sort, size, cursor=page.next_cursor)).data == behind.data
        if behind.previous_cursor:
            before = await table.page(sort, size, cursor=behind.previous_cursor)
            assert before.data == page.data
    totals = {(page.total_rows, page.total_rows_exact, page.total_pages) for page in pages}
    everything = (len(rows), True, -(-len(rows) // size))
    assert totals == {(None, None, None) if count == "none" else everything}


@walks
@given(rows=things, direction=st.sampled_from(["asc", "desc"]), size=st.integers(1, 7))
async def test_a_list_that_is_split_is_the_same_list(
    table: Things, rows: list[Thing], direction: Any, size: int
) -> None:
    await table.are(rows)
    sort = Sort("title", direction)
    split = Split(few=TABLE.c.title < "ab", rest=TABLE.c.title >= "ab")
    found = [await table.page(sort, size, split=split, count="exact")]
    while found[-1].next_cursor:
        found.append(await table.page(sort, size, split=split, cursor=found[-1].next_cursor))
    assert [row for page in found for row in page.data] == in_order(rows, sort)
    assert found[0].total_rows == len(rows)


@walks
@given(data=st.data(), rows=things, sort=sorts, size=st.integers(1, 5))
async def test_rows_that_come_and_go_meanwhile_neither_repeat_nor_skip_the_others(
    table: Things, data: st.DataObject, rows: list[Thing], sort: Sort, size: int
) -> None:
    await table.are(rows)
    chance = random.Random(data.draw(st.integers()))
    there, seen, gone, new = list(rows), [], set(), 1_000
    page = await table.page(sort, size)
    while True:
        seen += [row for row in page.data if isinstance(row, Thing)]
        if page.next_cursor is None:
            break
        # The row that the cursor names goes first of all.
        leaving = {seen[-1].id, chance.choice(there).id}
        await table.sql("delete from walked where id = any(%s)", list(leaving))
        gone |= leaving
        there = [row for row in there if row.id not in leaving]
        new += 1
        there.append(Thing(UUID(int=new), chance.choice([None, Decimal(1)]), "aa"))
        await table.add(there[-1])
        page = await table.page(sort, size, cursor=page.next_cursor)
    assert len({row.id for row in seen}) == len(seen)
    assert seen == in_order(seen, sort)
    stayed = {row.id for row in rows} - gone
    assert stayed <= {row.id for row in seen}


MANY = [Thing(UUID(int=number), Decimal(number % 7), "a") for number in range(500)]


async def test_a_total_by_cursor_is_that_of_the_whole_list(table: Things) -> None:
    await table.are(MANY)
    first = await table.page(Sort("price"), 10)
    for count in ("exact", "estimated"):
        page = await table.page(Sort("price"), 10, cursor=first.next_cursor, count=count)
        assert (page.total_rows, page.total_rows_exact, page.total_pages) == (500, True, 50)
        assert page.page is None


async def test_an_estimate_of_many_rows_says_that_it_is_one(
    table: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 100)
    await table.are(MANY)
    await table.sql("analyze walked")
    page = await table.page(Sort("price"), 10, count="estimated")
    assert (page.total_rows, page.total_rows_exact) == (500, False)


async def test_counting_instead_of_an_estimate_stops_where_the_estimate_was_wrong(
    table: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 100)
    await table.sql("alter table walked set (autovacuum_enabled = off)")
    await table.are(MANY[:50])
    await table.sql("analyze walked")
    await table.sql("update pg_class set reltuples = 1, relpages = 400 where relname = 'walked'")
    await table.add(*MANY[50:])
    page = await table.page(Sort("price"), 10, count="estimated")
    assert (page.total_rows, page.total_rows_exact) == (101, False)


async def test_of_each_row_only_the_fields_that_are_asked_for_come_back(table: Things) -> None:
    await table.are(MANY)
    page = await table.page(Sort("price"), 1, fields=("title",))
    assert page.data == [{"title": "a"}]
    assert page.next_cursor, "what a cursor is made of is read all the same"
    behind = await table.page(Sort("price"), 1, fields=("id",), cursor=page.next_cursor)
    assert behind.data == [{"id": UUID(int=7)}]


async def test_a_cursor_belongs_to_its_tenant(table: Things) -> None:
    await table.are(MANY)
    cursor = (await table.page(Sort("price"), 1)).next_cursor
    with running_in(Context("c", tenant="other")), pytest.raises(InvalidCursor):
        await table.page(Sort("price"), 1, cursor=cursor)
    assert len((await table.page(Sort("price"), 5, cursor=cursor)).data) == 5

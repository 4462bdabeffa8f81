"""Criteria, sorting and pages over HTTP, compared with the same done in Python on the same rows."""

import json
import operator
import random
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby, product
from typing import Any, TypeAlias

import hypothesis
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from bootstrap import Application
from conftest import caught_up
from contexts.events.application.commands import AnnounceEvent
from listings import Client, plan, serving, take_in, zone
from settings import Settings

Row: TypeAlias = Mapping[str, Any]

TITLES = ["Jazz", "jazz", "JAZZ % off", "a_b", "a\\b", "O'Hara", "Ñandú", "AC/DC: a,b", "--"]
ORGANIZERS = [None, "Blue Note", "blue note", "null"]
START = datetime(2026, 7, 1, 10)
COUNT = 60


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def rows(client: Client, application: Application) -> list[Row]:
    """Many events, with many equal and many unknown values in every field."""
    chance = random.Random(7)
    plans = []
    for number in range(COUNT):
        starts_at = START + timedelta(days=chance.randrange(6))
        ends_at = starts_at + timedelta(days=chance.randrange(3)) if chance.random() < 0.6 else None
        prices = chance.choices(["0", "15", "15.50", "80"], k=chance.randrange(4))
        plans.append(
            plan(
                chance.choice(TITLES),
                starts_at.isoformat(),
                ends_at.isoformat() if ends_at else None,
                plan_id=str(number),
                organizer=chance.choice(ORGANIZERS),
                zones=tuple(zone(price, chance.choice([0, 10])) for price in prices),
                sold_out=chance.random() < 0.3,
            )
        )
    await take_in(application, *plans[: COUNT // 2])
    await caught_up(application)
    await take_in(application, *plans[COUNT // 2 :], provider="other")
    await application.bus()(AnnounceEvent("Jazz", datetime(2100, 1, 1), "UTC"))
    await caught_up(application)
    rows = await asked(client, {"pageSize": "100"})
    assert len(rows) == COUNT + 1
    return rows


async def asked(client: Client, query: Mapping[str, str]) -> list[Row]:
    response = await client.get("/events", params=dict(query))
    assert response.status_code == 200, response.text
    return [row(each) for each in json.loads(response.text, parse_float=Decimal)["data"]]


def row(event: dict[str, Any]) -> Row:
    times = {
        name: event[name] and datetime.fromisoformat(event[name])
        for name in ("starts_at", "ends_at", "updated_at")
    }
    event = {**event, **times}
    return {**event, "ends_at": event["ends_at"] or event["starts_at"], "q": event["title"]}


ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda value, several: value in several,
    "contains": lambda value, part: part.lower() in value.lower(),
}


def holds(tree: Any, row: Row) -> bool:
    match tree:
        case {"and": parts}:
            return all(holds(part, row) for part in parts)
        case {"or": parts}:
            return any(holds(part, row) for part in parts)
        case {"not": part}:
            return not holds(part, row)
    field, compare, value = tree["field"], tree["op"], read(tree["field"], tree["value"])
    match compare:
        case "is_null":
            return (row[field] is None) is value
        case "ne":
            return bool(row[field] != value)
        case "contains" if field == "q":
            wanted, there = words(value), words(row[field])
            return bool(wanted) and all(any(t.startswith(w) for t in there) for w in wanted)
    return row[field] is not None and ORDER[compare](row[field], value)


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[a-z0-9]+", re.sub(r"[\u0300-\u036f]", "", plain))


def read(field: str, value: Any) -> Any:
    if isinstance(value, list):
        return [read(field, each) for each in value]
    if isinstance(value, bool):
        return value
    if field.endswith("_at"):
        return datetime.fromisoformat(value)
    return Decimal(str(value)) if field.endswith("_price") else value


texts = st.sampled_from([*TITLES, "a", "%", "_", "\\", "'", "ñ", "x"])
times = st.builds(
    lambda days, offset: (
        (START.replace(tzinfo=UTC) + timedelta(days=days))
        .astimezone((offset and datetime.strptime(offset, "%z").tzinfo) or UTC)
        .isoformat()
    ),
    st.integers(-1, 8),
    st.sampled_from(["", "+0200", "-0930"]),
)
prices = st.sampled_from([0, 15, 15.5, "15.50", 80, "80.00", -1, 1000])


def compared(fields: list[str], values: st.SearchStrategy[Any], ops: list[str]) -> Any:
    def one(field: str, op: str) -> st.SearchStrategy[Any]:
        value = {"is_null": st.booleans(), "in": st.lists(values, min_size=1, max_size=3)}
        return st.fixed_dictionaries(
            {"field": st.just(field), "op": st.just(op), "value": value.get(op, values)}
        )

    return st.one_of(*(one(field, op) for field, op in product(fields, ops)))


EQUALITY = ["eq", "ne", "in"]
ORDERED = [*EQUALITY, "lt", "lte", "gt", "gte"]
comparisons = st.one_of(
    compared(["title"], texts, [*EQUALITY, "contains"]),
    compared(["q"], st.sampled_from(["jazz", "o", "n", "ac d", "AC/DC", "b", "%"]), ["contains"]),
    compared(["starts_at", "ends_at"], times, ORDERED),
    compared(["updated_at"], times, ["lt", "gte", "ne"]),
    compared(["min_price", "max_price"], prices, [*ORDERED, "is_null"]),
    compared(["available_min_price", "available_max_price"], prices, [*ORDERED, "is_null"]),
    compared(["available", "sold_out"], st.booleans(), ["eq", "ne"]),
    compared(["provider"], st.sampled_from(["acme", "other", "x"]), [*EQUALITY, "is_null"]),
    compared(
        ["organizer"], st.sampled_from(["Blue Note", "null", ""]), ["eq", "ne", "in", "is_null"]
    ),
    compared(["status"], st.sampled_from(["listed", "delisted", "cancelled"]), EQUALITY),
)
trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)


def depth(tree: Any) -> int:
    match tree:
        case {"and": parts} | {"or": parts}:
            return 1 + max(map(depth, parts), default=0)
        case {"not": part}:
            return 1 + depth(part)
    return 1


@hypothesis.settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trees)
async def test_a_tree_finds_just_the_rows_for_which_it_holds(
    client: Client, rows: list[Row], tree: Any
) -> None:
    assume(depth(tree) <= 8)
    found = await asked(client, {"filter": json.dumps(tree), "pageSize": "100"})
    assert [each["id"] for each in found] == [each["id"] for each in rows if holds(tree, each)]


IN_ORDER = [
    "starts_at",
    "ends_at",
    "min_price",
    "max_price",
    "available_min_price",
    "available_max_price",
    "updated_at",
]
AS_TEXT = ["title", "provider", "status"]
"""Put in order as the database does it with text, which is not as Python does."""


@pytest.mark.parametrize("field", [*IN_ORDER, *AS_TEXT])
async def test_a_sorted_list_is_the_same_read_whole_or_in_pages_up_or_down(
    client: Client, rows: list[Row], field: str
) -> None:
    lists = {}
    for direction in ("asc", "desc"):
        sorting = {"sortBy": field, "sortDir": direction}
        whole = await asked(client, {**sorting, "pageSize": "100"})
        pages = [
            await asked(client, {**sorting, "pageSize": "7", "page": str(number)})
            for number in range(1, COUNT // 7 + 2)
        ]
        assert [each for page in pages for each in page] == whole
        assert sorted(each["id"] for each in whole) == sorted(each["id"] for each in rows)
        lists[direction] = whole
    known = {way: [r for r in rows if r[field] is not None] for way, rows in lists.items()}
    assert known["asc"] == known["desc"][::-1]
    for way, whole in lists.items():
        assert whole[: len(known[way])] == known[way], "what is unknown comes last"
        for _, equal in groupby(whole, key=lambda each: each[field]):
            ids = [each["id"] for each in equal]
            assert ids == sorted(ids, reverse=way == "desc")
    if field in IN_ORDER:
        values = [each[field] for each in known["asc"]]
        assert values == sorted(values)


async def test_a_list_is_sorted_by_start_unless_asked_otherwise(
    client: Client, rows: list[Row]
) -> None:
    assert rows == await asked(client, {"sortBy": "starts_at", "sortDir": "asc", "pageSize": "100"})

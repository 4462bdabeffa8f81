"""What a query string asks for: the same however it is put, or a clear refusal."""

from urllib.parse import quote

import pytest

from contexts.events.application.queries import EventListed, ListEvents
from contexts.events.presentation.listing import asked
from shared.application.criteria import And, Comparison, Not, Or, canonical
from shared.application.pages import PageRequest, Sort
from shared.domain.errors import Invalid


def test_nothing_asked_is_the_first_page_by_start_with_an_exact_total() -> None:
    assert asked(b"") == ListEvents(sort=Sort("starts_at"), page=PageRequest(1, 20), count="exact")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"q=jazz&status=listed", b"status=listed&q=jazz"),
        (b"", b"page=1&pageSize=20&sortBy=starts_at&sortDir=asc&count=exact&match=contained"),
        (b"starts_at=2026-07-01T20:00:00Z", b"starts_at=2026-07-01T22:00:00%2B02:00"),
        (b"starts_at=2026-07-01T20:00:00Z", b"starts_at=2026-07-01T22:00:00+02:00"),
        (b"starts_at=2026-07-01T20:00:00Z", b"starts_at[gte]=2026-07-01T20:00:00Z"),
        (b"provider=b,a,a", b"provider[in]=a,b"),
        (b"title[ne]=a&title[ne]=b", b"title[ne]=b&title[ne]=a&title[ne]=a"),
        (b"fields=title,id", b"fields=id,,title,id"),
        (b"fields=id", b"fields=%20id"),
        (b"cursor=x", b"cursor=x&count=none"),
        (b"q=jazz", b"filter=" + quote('{"field":"q","op":"contains","value":"jazz"}').encode()),
    ],
)
def test_requests_that_mean_the_same_have_the_same_key(one: bytes, other: bytes) -> None:
    assert asked(one).key == asked(other).key


def test_requests_that_mean_something_else_have_another_key() -> None:
    queries = [
        *(b"", b"page=2", b"pageSize=21", b"sortBy=title", b"sortDir=desc", b"count=none"),
        *(b"count=estimated", b"cursor=x", b"cursor=y", b"cursor=x&count=exact", b"fields=id"),
        *(b"fields=id,title", b"q=jazz", b"title[eq]=jazz", b"title[ne]=jazz", b"organizer[eq]=x"),
        *(b"min_price=1", b"max_price=1", b"starts_at=2026-07-01T20:00:00Z"),
        *(b"ends_at=2026-07-01T20:00:00Z", b"match=overlapping&ends_at=2026-07-01T20:00:00Z"),
        *(b"provider=a", b"provider=b", b"provider=a,b", b"provider[is_null]=true"),
    ]
    keys = {asked(query).key for query in queries}
    assert len(keys) == len(queries)


def test_criteria_are_told_apart_by_how_they_are_put_together() -> None:
    a, b, c = (Comparison("title", "eq", each) for each in "abc")
    trees = [a, b, And((a, b)), Or((a, b)), Not(a), Not(And((a, b))), And((Or((a, b)), c)), And(())]
    trees += [And((a, Or((b, c)))), Comparison("title", "in", ("a", "b")), Or((And((a, b)), c))]
    assert len({canonical(tree) for tree in trees}) == len(trees)
    assert canonical(And((a, b))) == canonical(And((b, a, b)))
    assert canonical(And((a,))) == canonical(Or((a,))) == canonical(a)


def test_fields_come_in_the_order_they_have() -> None:
    assert asked(b"fields=title,id,version").fields == ("id", "title", "version")
    assert asked(b"fields=" + ",".join(EventListed.__struct_fields__).encode()).fields == (
        EventListed.__struct_fields__
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (b"page=1&cursor=x", "page: a cursor says where to go on"),
        (b"count=all", "count: 'all' is none of exact, estimated, none"),
        (b"count=", "count: '' is none of exact"),
        (b"fields=", "fields: give the name of one field"),
        (b"fields=,", "fields: give the name of one field"),
        (b"fields=id,zones", "fields: unknown field 'zones'; known are id, title, status, "),
        (b"fields=zones.price", "fields: unknown field 'zones.price'"),
        (b"fields=tenant", "fields: unknown field 'tenant'"),
        (b"cursor=a&cursor=b", "cursor: given more than once"),
        (b"fields=id&fields=title", "fields: given more than once"),
        (b"count=none&count=none", "count: given more than once"),
        (b"Cursor=a", "Cursor: unknown parameter; known are starts_at, "),
        (b"pageSize=101&cursor=x", "pageSize: Expected `int` <= 100"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(query: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(query)
    assert said in str(refused.value)

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.application.criteria import (
    EQUALITY,
    NULLABLE_ORDER,
    ORDER,
    And,
    Comparison,
    Field,
    Fields,
    Not,
    Or,
    instant,
)
from shared.application.pages import Sort
from shared.domain.errors import Invalid

FIELDS = Fields(
    Field("title", str, (*EQUALITY, "contains"), "title", sortable=True),
    Field("price", Decimal, NULLABLE_ORDER, "min_price", sortable=True),
    Field("starts_at", datetime, ORDER, "starts_at"),
    Field("sold_out", bool, ("eq",), "sold_out"),
    Field("status", str, EQUALITY, "status", choices=("listed", "cancelled")),
)


@pytest.mark.parametrize(
    ("name", "operator", "raw", "value"),
    [
        ("title", "contains", "jazz", "jazz"),
        ("price", "lte", "12.50", Decimal("12.50")),
        ("sold_out", "eq", "TRUE", True),
        ("status", "in", "listed,cancelled", ("listed", "cancelled")),
        ("price", "is_null", "true", True),
        ("starts_at", "gte", "2026-07-31T20:00:00Z", datetime(2026, 7, 31, 20, tzinfo=UTC)),
    ],
)
def test_a_comparison_is_read_by_the_type_of_its_field(
    name: str, operator: str, raw: str, value: Any
) -> None:
    assert FIELDS.comparison(name, operator, raw) == Comparison(name, operator, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "operator", "raw", "said"),
    [
        ("prise", "lte", "1", r"prise\[lte\]: unknown field 'prise'; known are title, price"),
        ("price", "contains", "1", r"price can't be compared with 'contains', only with eq, ne"),
        ("price", "lte", "cheap", r"price\[lte\]: 'cheap' is not a number"),
        ("price", "lte", "NaN", "not a number"),
        ("price", "lte", "1e999", "not a number"),
        ("sold_out", "eq", "maybe", "true or false"),
        ("status", "eq", "gone", "'gone' is none of listed, cancelled"),
        ("status", "in", ",", "one value or several"),
        ("starts_at", "gte", "2021-09-31T20:00:00Z", "not a time"),
        ("starts_at", "gte", "2021-09-30", "not a time"),
        ("title", "eq", "a\x00b", "text of at most 200"),
    ],
)
def test_what_is_unknown_is_refused_by_name_with_what_is_allowed(
    name: str, operator: str, raw: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        FIELDS.comparison(name, operator, raw)


def test_a_tree_is_read_as_it_is_written() -> None:
    tree = FIELDS.tree(
        {
            "or": [
                {"and": [{"field": "title", "op": "eq", "value": "a"}]},
                {"not": {"field": "price", "op": "in", "value": [1, 2.5]}},
            ]
        }
    )
    assert tree == Or(
        (
            And((Comparison("title", "eq", "a"),)),
            Not(Comparison("price", "in", (Decimal(1), Decimal("2.5")))),
        )
    )


def test_a_tree_may_not_be_deep_or_wide_without_end() -> None:
    deep: Any = {"field": "title", "op": "eq", "value": "a"}
    for _ in range(20):
        deep = {"not": deep}
    with pytest.raises(Invalid, match="nested more than"):
        FIELDS.tree(deep)
    with pytest.raises(Invalid, match="more than 50 comparisons"):
        FIELDS.tree({"or": [{"field": "title", "op": "eq", "value": "a"}] * 51})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "field", "op", "value", "x"]), inner, max_size=4
        )
    ),
)


@given(json_values)
def test_whatever_is_sent_is_read_or_refused(raw: Any) -> None:
    try:
        tree = FIELDS.tree(raw)
    except Invalid:
        return
    assert isinstance(tree, Comparison | And | Or | Not)


def test_sorting_is_by_sortable_fields_only() -> None:
    assert FIELDS.sort("price", "desc") == Sort("price", "desc")
    with pytest.raises(Invalid, match="sortBy: can't sort by 'status', only by title, price"):
        FIELDS.sort("status", "asc")
    with pytest.raises(Invalid, match="sortDir"):
        FIELDS.sort("price", "up")


@pytest.mark.parametrize(
    "text",
    ["2026-07-31T20:00:00+02:00", "2026-07-31T20:00:00 02:00", "2026-07-31T18:00:00Z"],
)
def test_an_offset_whose_plus_was_lost_on_the_way_is_repaired(text: str) -> None:
    assert instant(text) == datetime(2026, 7, 31, 18, tzinfo=UTC)


def test_a_time_without_an_offset_is_utc() -> None:
    assert instant("2026-07-31T20:00:00") == datetime(2026, 7, 31, 20, tzinfo=UTC)

"""What is told of the rows: in plain sentences, with no number that does not follow from them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.analytics.application.analysis import analyse
from contexts.analytics.application.grounding import numbers_are_grounded
from contexts.analytics.domain.answer import Cell, Output, Result
from contexts.analytics.domain.query_spec import Having, Measure, Order, QuerySpec
from contexts.analytics.domain.relation import Relation

RELATION = Relation(
    dataset="ferry", version=1, schema="s", table="t", columns=(), rows=9, row_noun="trip"
)
ALL = QuerySpec()
MOST = QuerySpec(order=(Order(output=1, descending=True),), limit=2)
LEAST = QuerySpec(order=(Order(output=1),), limit=2)


def dimension(title: str, type: Any = "text", **more: Any) -> Output:
    return Output(name=title.lower(), title=title, type=type, kind="dimension", **more)


def measure(title: str, type: Any = "decimal", **more: Any) -> Output:
    return Output(name=title.lower(), title=title, type=type, kind="measure", **more)


BOAT = dimension("Boat")
MONTH = dimension("Month", "date", grain="month")
TRIPS = measure("Number of trips", "integer", additive=True)
FARE = measure("Average fare", unit="EUR")
PART = measure("Share of fares", shown_as="share")


def told(
    columns: list[Output], rows: list[tuple[Cell, ...]], spec: QuerySpec = ALL, **more: Any
) -> str:
    shown = Result(columns=tuple(columns), rows=tuple(rows), **more)
    text = analyse(spec, RELATION, shown)
    assert numbers_are_grounded(text, shown) == []
    return text


def test_no_rows_are_said_to_be_none() -> None:
    assert told([BOAT, TRIPS], []) == "Nothing matches: there are no such rows."


def test_a_single_number_carries_its_unit() -> None:
    assert told([FARE], [(1234.567,)]) == "Average fare: 1,234.57 EUR."
    assert told([FARE], [(None,)]) == "Average fare: no value."


def test_a_comparison_tells_what_it_was_before() -> None:
    before = measure("Average fare before", unit="EUR", shown_as="previous")
    relative = measure("Relative change", shown_as="change_share")
    assert told([FARE, before, relative], [(12.0, 10.0, 0.2)]) == (
        "Average fare: 12 EUR; average fare before: 10 EUR; relative change: 20%."
    )


def test_of_groups_the_ends_and_the_whole_are_told() -> None:
    assert told([BOAT, TRIPS], [("ant", 1), ("bee", 6), (None, 3)]) == (
        "Highest number of trips: bee with 6, 60% of the total."
        " Lowest number of trips: ant with 1. All 3 come to 10 together, 3.33 on average."
    )


def test_averages_are_not_added_up() -> None:
    text = told([BOAT, FARE], [("ant", 1.5), ("bee", 6.0)])
    assert text == "Highest average fare: bee with 6 EUR. Lowest average fare: ant with 1.5 EUR."


def test_parts_below_zero_have_no_share_of_the_total() -> None:
    assert "of the total" not in told([BOAT, TRIPS], [("ant", -1), ("bee", 6)])


def test_of_many_groups_it_is_told_what_the_first_three_make_up() -> None:
    rows: list[tuple[Cell, ...]] = [(f"boat {letter}", 10) for letter in "abcdefg"]
    assert told([BOAT, TRIPS], [*rows, ("ant", 30)]).endswith(
        "All 8 come to 100 together, 12.5 on average; the top 3 make up 50%."
    )


def test_a_tie_names_all_or_counts_them() -> None:
    two: list[tuple[Cell, ...]] = [("ant", 5), ("bee", 5), ("cat", 1)]
    assert "Highest number of trips: ant and bee with 5." in told([BOAT, TRIPS], two)
    five: list[tuple[Cell, ...]] = [(letter, 5) for letter in "abcde"]
    assert "5 of them with 5" in told([BOAT, TRIPS], [*five, ("f", 1)])
    assert told([BOAT, TRIPS], five).startswith("Number of trips is 5 throughout.")


def test_what_was_cut_off_is_not_spoken_of_as_if_it_were_all() -> None:
    rows: list[tuple[Cell, ...]] = [("bee", 6), ("ant", 4)]
    assert told([BOAT, TRIPS], rows, MOST) == (
        "Highest number of trips: bee with 6. The 2 shown come to 10 together."
    )
    assert told([BOAT, TRIPS], rows[::-1], LEAST).startswith("Lowest number of trips: ant with 4.")
    assert told([BOAT, TRIPS], rows, truncated=True).startswith("Of the 2 shown, highest")
    big = QuerySpec(
        having=(Having(measure=Measure(aggregate="count"), operator="gt", values=(3,)),)
    )
    assert told([BOAT, TRIPS], rows, big).startswith("Of the 2 shown, highest")


def test_the_one_that_was_asked_for_is_named_as_such() -> None:
    first = QuerySpec(order=(Order(output=1, descending=True),), limit=1)
    assert told([BOAT, TRIPS], [("bee", 6)], first) == "Highest number of trips: bee with 6."
    assert told([BOAT, TRIPS], [("bee", 6)]) == "Number of trips of bee: 6."


def test_over_time_it_is_told_where_it_went() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("2023-01-01", 10),
        ("2023-02-01", 4),
        ("2023-04-01", 20),
        ("2023-05-01", 15),
    ]
    assert told([MONTH, TRIPS], rows) == (
        "Number of trips goes from 10 in January 2023 to 15 in May 2023, up 50%."
        " It is highest in April 2023 with 20 and lowest in February 2023 with 4."
        " All 4 come to 49 together, 12.25 on average. 1 of the 5 months has no rows."
    )


@pytest.mark.parametrize(
    ("grain", "first", "last", "missing"),
    [
        ("year", "2019-01-01", "2023-01-01", "3 of the 5 years have no rows."),
        ("quarter", "2022-10-01", "2023-04-01", "1 of the 3 quarters has no rows."),
        ("week", "2022-12-26", "2023-01-16", "2 of the 4 weeks have no rows."),
        ("day", "2023-02-27", "2023-03-02", "2 of the 4 days have no rows."),
        ("hour", "2023-02-27 22:00:00", "2023-02-28 01:00:00", "2 of the 4 hours have no rows."),
    ],
)
def test_steps_of_time_without_rows_are_counted(
    grain: Any, first: str, last: str, missing: str
) -> None:
    at = dimension("At", "timestamp", grain=grain)
    assert told([at, TRIPS], [(first, 1), (last, 2)]).endswith(missing)


def test_times_that_are_not_in_order_have_no_trend() -> None:
    text = told([MONTH, TRIPS], [("2023-02-01", 4), ("2023-01-01", 2)])
    assert text.startswith("Highest number of trips: February 2023 with 4")


def test_from_nothing_there_is_no_percentage() -> None:
    assert ", up 7." in told([MONTH, TRIPS], [("2023-01-01", 0), ("2023-02-01", 7)])


def test_shares_differ_by_percentage_points() -> None:
    rows: list[tuple[Cell, ...]] = [("2023-01-01", 0.2), ("2023-02-01", 0.5), ("2023-03-01", 0.3)]
    assert "from 20% in January 2023 to 30% in March 2023, up 10 percentage points." in told(
        [MONTH, PART], rows
    )


def test_who_rose_and_who_fell_the_most_is_told() -> None:
    change = measure("Change of number of trips", shown_as="change")
    text = told([BOAT, TRIPS, change], [("ant", 5, 2), ("bee", 4, -3), ("cat", 4, None)])
    assert text.endswith("Rose the most: ant, by 2; fell the most: bee, by 3.")


def test_over_time_a_comparison_tells_the_greatest_steps() -> None:
    change = measure("Change of number of trips", shown_as="change")
    rows: list[tuple[Cell, ...]] = [("2023-01-01", 5, None), ("2023-02-01", 9, 4)]
    assert told([MONTH, TRIPS, change], rows).endswith("Rose the most: February 2023, by 4.")


def test_a_running_total_tells_what_it_comes_to() -> None:
    total = measure("Running total", "integer", shown_as="running_total")
    rows: list[tuple[Cell, ...]] = [("2023-01-01", 5), ("2023-02-01", 9), ("2023-03-01", 12)]
    assert told([MONTH, total], rows) == "Running total comes to 12 in March 2023."


def test_a_group_that_is_a_number_says_of_what() -> None:
    deck = dimension("Deck", "integer")
    assert told([deck, TRIPS], [(3, 6)]) == "Number of trips of deck 3: 6."


def test_a_list_is_counted_by_what_its_rows_are() -> None:
    assert told([BOAT], [("ant",)]) == "There is 1 trip."
    assert told([BOAT], [("ant",), ("bee",)]) == "There are 2 trips."
    assert told([BOAT], [("ant",)], truncated=True) == (
        "These are the first 1 trip; there are more."
    )


def test_earliest_times_are_not_taken_for_numbers() -> None:
    first = measure("Earliest trip", "date")
    assert told([BOAT, first], [("ant", "2023-01-04")]) == "There is 1 group."


CELLS = (
    st.none()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e9, 1e9)
    | st.sampled_from(["x12", "2023-01-01", "2023-03-01", "two", "a" * 90 + " 123", "50%", "½"])
)
COLUMNS = st.builds(
    Output,
    name=st.just("c"),
    title=st.sampled_from(["Fare", "top 7 of", "2nd_class", "VAT"]),
    type=st.sampled_from(["text", "integer", "decimal", "date"]),
    kind=st.sampled_from(["dimension", "measure"]),
    grain=st.none() | st.sampled_from(["month", "day", "weekday"]),
    unit=st.none() | st.sampled_from(["EUR", "$", "%", "m2"]),
    shown_as=st.sampled_from(["value", "share", "rate", "previous", "change", "change_share"]),
    additive=st.booleans(),
)


@settings(deadline=None)
@given(st.data(), st.lists(COLUMNS, min_size=1, max_size=4), st.sampled_from([ALL, MOST, LEAST]))
def test_whatever_the_rows_no_number_is_made_up(
    data: st.DataObject, columns: list[Output], spec: QuerySpec
) -> None:
    rows = data.draw(st.lists(st.tuples(*[CELLS for _ in columns]), max_size=9))
    text = told(columns, rows, spec)
    assert text.endswith((".", "…"))
    assert "\n" not in text


def test_the_highest_of_highest_figures_is_said_once() -> None:
    highest = measure("Highest fare")
    top = QuerySpec(order=(Order(output=1, descending=True),), limit=1)
    assert told([BOAT, highest], [("bee", 6.0)], top) == "Highest fare: bee with 6."

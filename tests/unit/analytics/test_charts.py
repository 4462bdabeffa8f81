"""Which chart a result is shown as, and what a wish may change of it."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.analytics.application.charts import MOST_BARS, choose_chart
from contexts.analytics.domain.answer import Cell, Output, Result
from contexts.analytics.domain.query_spec import ChartType, QuerySpec


def dimension(name: str, type: Any = "text", **more: Any) -> Output:
    return Output(name=name, title=name, type=type, kind="dimension", **more)


def measure(name: str, type: Any = "decimal", **more: Any) -> Output:
    return Output(name=name, title=name, type=type, kind="measure", **more)


def result(columns: list[Output], rows: list[tuple[Cell, ...]], **more: Any) -> Result:
    return Result(columns=tuple(columns), rows=tuple(rows), **more)


def chosen(shown: Result, wish: ChartType | None = None) -> tuple[ChartType, str]:
    chart = choose_chart(QuerySpec(chart=wish), shown)
    assert (chart.spec is not None) == (chart.type in ("line", "bar", "pie"))
    return chart.type, chart.why


MONTH = dimension("month", "date", grain="month")
DAY = dimension("day", "date", grain="day")
BOAT = dimension("boat")
TRIPS = measure("trips", "integer", additive=True)
SPEED = measure("speed")
PART = measure("part of trips", shown_as="share")
RATE = measure("part of trips that were late", shown_as="rate")


def months(count: int) -> list[tuple[Cell, ...]]:
    return [(f"2023-{month:02d}-01", month * 3) for month in range(1, count + 1)]


def boats(*values: Cell) -> list[tuple[Cell, ...]]:
    return [(f"boat {number}", value) for number, value in enumerate(values)]


def test_there_is_no_chart_where_there_are_no_rows() -> None:
    assert chosen(result([BOAT, TRIPS], []), "pie")[0] == "none"


def test_a_number_over_time_is_a_line_from_three_points_on() -> None:
    assert chosen(result([MONTH, TRIPS], months(3)))[0] == "line"
    assert chosen(result([MONTH, TRIPS], months(2)))[0] == "bar"


@pytest.mark.parametrize("type", ["date", "timestamp"])
def test_a_time_that_is_not_truncated_makes_a_line_too(type: str) -> None:
    rows: list[tuple[Cell, ...]] = [("2023-01-04", 1), ("2023-01-09", 2), ("2023-02-01", 3)]
    assert chosen(result([dimension("sailed at", type), SPEED], rows))[0] == "line"


def test_whole_numbers_that_say_they_are_years_are_a_time() -> None:
    rows: list[tuple[Cell, ...]] = [(1999, 1), (2004, 2), (2005, 3)]
    assert chosen(result([dimension("Built_Year", "integer"), TRIPS], rows))[0] == "line"
    assert chosen(result([dimension("crew", "integer"), TRIPS], rows))[0] == "bar"
    assert (
        chosen(result([dimension("year of study", "integer"), TRIPS], [*rows, (3, 1)]))[0] == "bar"
    )


def test_parts_of_a_time_are_a_category() -> None:
    weekday = dimension("weekday", "text", grain="weekday")
    rows: list[tuple[Cell, ...]] = [("Monday", 4), ("Tuesday", 5), ("Friday", 6)]
    assert chosen(result([weekday, TRIPS], rows))[0] == "bar"
    assert chosen(result([weekday, TRIPS], rows), "line") == ("line", "as it was wished")


def test_a_second_category_makes_up_to_twelve_lines() -> None:
    def fleet(size: int) -> Result:
        rows: list[tuple[Cell, ...]] = [
            (f"2023-0{month}-01", f"boat {boat}", 1) for month in (1, 2, 3) for boat in range(size)
        ]
        return result([BOAT, MONTH, TRIPS], [(boat, month, n) for month, boat, n in rows])

    assert chosen(fleet(12))[0] == "line"
    assert chosen(fleet(13)) == ("table", "a table, because there are two groupings")


def test_a_ranking_within_groups_is_a_table() -> None:
    rows: list[tuple[Cell, ...]] = [(f"2023-0{month}-01", "boat", 1) for month in (1, 2, 3)]
    best = QuerySpec(limit=1, limit_per=0)
    assert choose_chart(best, result([MONTH, BOAT, TRIPS], rows)).type == "table"
    assert choose_chart(QuerySpec(), result([MONTH, BOAT, TRIPS], rows)).type == "line"


def test_a_share_of_two_to_seven_parts_of_a_whole_is_a_pie() -> None:
    assert chosen(result([BOAT, PART], boats(1.0)))[0] == "bar"
    assert chosen(result([BOAT, PART], boats(0.25, 0.75)))[0] == "pie"
    assert chosen(result([BOAT, PART], boats(*[1 / 7] * 7)))[0] == "pie"
    assert chosen(result([BOAT, PART], boats(*[1 / 8] * 8)))[0] == "bar"


def test_a_share_over_few_months_is_a_pie_and_over_many_a_line() -> None:
    def shares(count: int) -> Result:
        return result([MONTH, PART], [(month, 1 / count) for month, _ in months(count)])

    assert chosen(shares(3))[0] == "pie"
    assert chosen(shares(9))[0] == "line"


def test_shares_that_do_not_make_a_whole_are_no_pie() -> None:
    assert chosen(result([BOAT, PART], boats(0.5, 0.2)))[0] == "bar"
    assert chosen(result([BOAT, PART], boats(1.5, -0.5)))[0] == "bar"
    assert chosen(result([BOAT, PART], boats(0.25, 0.75), truncated=True))[0] == "bar"


def test_one_category_is_bars_be_it_one_or_many() -> None:
    assert chosen(result([BOAT, SPEED], boats(4.5)))[0] == "bar"
    assert chosen(result([BOAT, SPEED], boats(*range(MOST_BARS))))[0] == "bar"
    kind, why = chosen(result([BOAT, SPEED], boats(*range(MOST_BARS + 1))))
    assert (kind, why) == ("table", f"a table, because {MOST_BARS + 1} bars are too many")


def test_a_single_number_is_a_table_whatever_is_wished() -> None:
    single = result([SPEED], [(7.5,)])
    assert chosen(single)[0] == "table"
    assert chosen(single, "bar") == (
        "table",
        "a bar chart was wished for, but it is a single number",
    )


def test_two_groupings_are_a_table_unless_bars_are_wished() -> None:
    port = dimension("port")
    rows: list[tuple[Cell, ...]] = [("a", "x", 1), ("a", "y", 2), ("b", "x", 3)]
    assert chosen(result([BOAT, port, TRIPS], rows))[0] == "table"
    assert chosen(result([BOAT, port, TRIPS], rows), "bar")[0] == "bar"
    assert chosen(result([BOAT, port, TRIPS], rows), "pie")[0] == "table"


def test_a_list_of_names_with_a_number_each_is_bars_and_any_other_list_a_table() -> None:
    crew = dimension("crew", "integer")
    assert chosen(result([BOAT, crew], boats(3, 4)))[0] == "bar"
    assert chosen(result([crew, BOAT], [(3, "a"), (4, "b")]))[0] == "bar"
    assert chosen(result([BOAT], [("a",), ("b",)]))[0] == "table"
    assert chosen(result([BOAT, crew, dimension("port")], [("a", 3, "x")]), "bar")[0] == "table"
    assert chosen(result([crew, dimension("masts", "integer")], [(3, 1), (4, 2)]))[0] == "table"


def test_a_name_that_stands_twice_is_a_table_or_as_many_bars_when_wished() -> None:
    twice = result([BOAT, dimension("crew", "integer")], [("a", 3), ("a", 4)])
    assert chosen(twice) == ("table", "a table, because the same boat stands in several rows")
    chart = choose_chart(QuerySpec(chart="bar"), twice)
    assert chart.spec is not None
    data: Any = chart.spec["data"]
    assert [(datum["place"], datum["value"]) for datum in data["values"]] == [
        ("a", 3),
        ("a (2)", 4),
    ]


def test_a_wish_wins_where_it_is_possible() -> None:
    assert chosen(result([MONTH, TRIPS], months(5)), "bar") == ("bar", "as it was wished")
    assert chosen(result([MONTH, TRIPS], months(5)), "table") == ("table", "as it was wished")
    assert chosen(result([BOAT, TRIPS], boats(*range(20))), "pie") == ("pie", "as it was wished")


def test_a_wished_pie_of_what_does_not_add_up_says_so() -> None:
    kind, why = chosen(result([BOAT, SPEED], boats(3.0, 4.0)), "pie")
    assert kind == "pie"
    assert why == "as it was wished, though its parts do not add up to a whole"


@pytest.mark.parametrize(
    ("shown", "wish", "instead", "because"),
    [
        (result([BOAT, RATE], boats(0.5, 0.5)), "pie", "bar", "of a whole of its own"),
        (result([BOAT, TRIPS], boats(3, -1)), "pie", "bar", "a pie has no slices below zero"),
        (result([BOAT, TRIPS], boats(0, 0)), "pie", "bar", "all its slices would be empty"),
        (result([BOAT, TRIPS], boats(*[1] * 60)), "pie", "bar", "60 slices are too many"),
        (result([BOAT, TRIPS], boats(3, 4)), "line", "bar", "boat has no order"),
        (result([MONTH, TRIPS], months(1)), "line", "bar", "a line needs two points or more"),
        (result([BOAT, TRIPS], boats(*[1] * 501)), "bar", "table", "501 bars are too many"),
    ],
)
def test_a_wish_that_cannot_be_is_told_with_its_reason(
    shown: Result, wish: ChartType, instead: ChartType, because: str
) -> None:
    kind, why = chosen(shown, wish)
    assert kind == instead
    assert because in why
    assert "was wished for" in why


def test_numbers_that_are_missing_are_left_out_and_none_at_all_is_a_table() -> None:
    assert chosen(result([BOAT, SPEED], boats(None, None))) == (
        "table",
        "a table, because there are no numbers to draw",
    )
    chart = choose_chart(QuerySpec(), result([BOAT, SPEED], boats(None, 2.0)))
    assert chart.spec is not None
    data: Any = chart.spec["data"]
    assert data["values"] == [{"place": "boat 1", "value": 2.0}]


def test_a_row_without_a_time_is_no_point_of_a_line() -> None:
    chart = choose_chart(QuerySpec(), result([MONTH, TRIPS], [*months(3), (None, 7)]))
    assert chart.type == "line"
    assert chart.spec is not None
    data: Any = chart.spec["data"]
    assert [datum["value"] for datum in data["values"]] == [3, 6, 9]


def test_a_comparison_is_drawn_beside_what_it_is_compared_with() -> None:
    before = measure("trips before", "integer", shown_as="previous")
    change = measure("change of trips", shown_as="change_share")
    chart = choose_chart(
        QuerySpec(), result([BOAT, TRIPS, before, change], [("a", 4, 2, 1.0), ("b", 5, None, None)])
    )
    assert chart.type == "bar"
    assert chart.spec is not None
    data: Any = chart.spec["data"]
    assert data["values"] == [
        {"place": "a", "value": 4, "series": "trips"},
        {"place": "a", "value": 2, "series": "trips before"},
        {"place": "b", "value": 5, "series": "trips"},
    ]


WISHES: list[ChartType] = ["line", "bar", "pie", "table", "none"]
CELLS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=3)
COLUMNS = st.builds(
    Output,
    name=st.text(min_size=1, max_size=3),
    title=st.text(max_size=3),
    type=st.sampled_from(["text", "integer", "decimal", "boolean", "date", "timestamp", "time"]),
    kind=st.sampled_from(["dimension", "measure"]),
    grain=st.none() | st.sampled_from(["month", "hour", "weekday", "hour_of_day"]),
    shown_as=st.sampled_from(["value", "share", "previous"]),
    additive=st.booleans(),
)


@settings(deadline=None)
@given(st.data(), st.lists(COLUMNS, min_size=1, max_size=4))
def test_any_result_has_a_chart_and_it_is_json(data: st.DataObject, columns: list[Output]) -> None:
    rows = data.draw(st.lists(st.tuples(*[CELLS for _ in columns]), max_size=5))
    wish = data.draw(st.none() | st.sampled_from(WISHES))
    chart = choose_chart(QuerySpec(chart=wish), result(columns, rows))
    assert chart.why
    if chart.spec is not None:
        assert all(math.isfinite(value) for value in _numbers(chart.spec))


def _numbers(part: Any) -> list[float]:
    match part:
        case dict():
            return [number for value in part.values() for number in _numbers(value)]
        case list():
            return [number for value in part for number in _numbers(value)]
        case str() | bool() | None:
            return []
        case int() | float():
            return [part]
    raise AssertionError(f"{type(part)} is no JSON")

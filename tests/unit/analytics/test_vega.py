"""The Vega-Lite documents: complete, self-contained, and in the order of the rows."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from contexts.analytics.application.charts import choose_chart
from contexts.analytics.application.vega import SCHEMA
from contexts.analytics.domain.answer import Cell, Output, Result
from contexts.analytics.domain.query_spec import ChartType, QuerySpec

BOAT = Output(name="boat", title="boat_name", type="text", kind="dimension")
PORT = Output(name="port", title="home port", type="text", kind="dimension")
MONTH = Output(name="month", title="month", type="date", kind="dimension", grain="month")
HOUR = Output(name="hour", title="hour", type="integer", kind="dimension", grain="hour_of_day")
YEAR = Output(name="year", title="year", type="integer", kind="dimension")
FARES = Output(
    name="fares", title="total of fares", type="decimal", kind="measure", unit="EUR", additive=True
)
TRIPS = Output(name="trips", title="trips", type="integer", kind="measure", additive=True)
PART = Output(name="part", title="part", type="decimal", kind="measure", shown_as="share")


def drawn(
    columns: tuple[Output, ...], rows: list[tuple[Cell, ...]], wish: ChartType | None = None
) -> dict[str, Any]:
    chart = choose_chart(QuerySpec(chart=wish), Result(columns=columns, rows=tuple(rows)))
    assert chart.spec is not None
    return chart.spec


def values(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["data"]["values"]
    return found


def fields(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("field"), str):
            yield part["field"]
        for each in part.values():
            yield from fields(each)
    elif isinstance(part, list):
        for each in part:
            yield from fields(each)


LINE = drawn((MONTH, FARES), [("2023-01-01", 5.5), ("2023-02-01", 7.5), ("2023-03-01", 6.0)])
BARS = drawn((BOAT, TRIPS), [("Zebra", 9), ("Ant", 4)])
MANY = drawn((BOAT, TRIPS), [(f"b{number}", number) for number in range(30)])
STACKED = drawn((BOAT, PORT, TRIPS), [("a", "x", 3), ("a", "y", 4), ("b", "x", 5)], "bar")
PIE = drawn((BOAT, PART), [("Zebra", 0.25), ("Ant", 0.75)])
ALL = {"line": LINE, "bars": BARS, "many bars": MANY, "stacked bars": STACKED, "pie": PIE}


@pytest.mark.parametrize("document", ALL.values(), ids=ALL)
def test_a_document_has_all_that_it_draws_and_fetches_nothing(document: dict[str, Any]) -> None:
    assert document["$schema"] == SCHEMA
    written = msgspec.json.encode({**document, "$schema": ""}).decode()
    assert "://" not in written
    assert '"url"' not in written
    keys = set(fields({key: part for key, part in document.items() if key != "data"}))
    assert keys
    assert all(keys <= datum.keys() for datum in values(document))


@pytest.mark.parametrize("document", ALL.values(), ids=ALL)
def test_a_document_can_be_read_aloud(document: dict[str, Any]) -> None:
    assert document["title"]
    assert document["title"] in document["description"]
    assert f"{len(values(document))} " in document["description"]


def test_titles_are_words_and_carry_the_unit() -> None:
    assert LINE["title"] == "total of fares (EUR) by month"
    assert LINE["encoding"]["y"]["title"] == "total of fares (EUR)"
    assert BARS["encoding"]["x"]["title"] == "boat name"


def test_bars_and_slices_stand_in_the_order_of_the_rows() -> None:
    assert BARS["encoding"]["x"]["sort"] is None
    assert [datum["place"] for datum in values(BARS)] == ["Zebra", "Ant"]
    assert PIE["encoding"]["color"]["scale"]["domain"] == ["Zebra", "Ant"]
    assert PIE["encoding"]["order"]["field"] == "row"
    assert [datum["row"] for datum in values(PIE)] == [0, 1]


def test_a_date_is_midnight_where_it_is_looked_at_not_in_greenwich() -> None:
    assert [datum["place"] for datum in values(LINE)] == [
        "2023-01-01T00:00:00",
        "2023-02-01T00:00:00",
        "2023-03-01T00:00:00",
    ]
    instants: list[tuple[Cell, ...]] = [(f"2023-01-01 1{hour}:30:00", hour) for hour in (1, 2, 3)]
    at = Output(name="at", title="at", type="timestamp", kind="dimension")
    assert values(drawn((at, TRIPS), instants))[0]["place"] == "2023-01-01T11:30:00"


def test_each_kind_of_place_has_its_type() -> None:
    assert LINE["encoding"]["x"]["type"] == "temporal"
    assert LINE["encoding"]["x"]["axis"]["format"] == "%b %Y"
    years = drawn((YEAR, TRIPS), [(2001, 4), (2003, 5), (2004, 6)])
    assert years["encoding"]["x"]["type"] == "quantitative"
    assert years["encoding"]["x"]["scale"] == {"zero": False}
    assert values(years)[0]["place"] == 2001
    hours = drawn((HOUR, TRIPS), [(9, 1), (10, 2)], "line")
    assert hours["encoding"]["x"]["type"] == "ordinal"
    assert values(hours)[0]["place"] == "09:00"
    assert BARS["encoding"]["x"]["type"] == "nominal"


def test_few_times_are_ticked_where_they_are() -> None:
    ticks = LINE["encoding"]["x"]["axis"]["values"]
    assert [(tick["year"], tick["month"], tick["date"]) for tick in ticks] == [
        (2023, 1, 1),
        (2023, 2, 1),
        (2023, 3, 1),
    ]
    days: list[tuple[Cell, ...]] = [(f"2023-01-{day:02d}", day) for day in range(1, 20)]
    assert "values" not in drawn((MONTH, TRIPS), days)["encoding"]["x"]["axis"]


def test_many_bars_lie_sideways_and_few_short_ones_stand() -> None:
    assert MANY["encoding"]["y"]["field"] == "place"
    assert MANY["height"]["step"] > 0
    assert BARS["encoding"]["x"]["field"] == "place"
    long: list[tuple[Cell, ...]] = [("the boat with the very long name", 1), ("b", 2)]
    assert drawn((BOAT, TRIPS), long)["encoding"]["y"]["field"] == "place"


def test_what_adds_up_is_stacked_and_what_does_not_stands_side_by_side() -> None:
    assert STACKED["encoding"]["y"]["stack"] == "zero"
    assert "xOffset" not in STACKED["encoding"]
    speed = Output(name="speed", title="speed", type="decimal", kind="measure")
    beside = drawn((BOAT, PORT, speed), [("a", "x", 3.0), ("a", "y", 4.0)], "bar")
    assert beside["encoding"]["y"]["stack"] is None
    assert beside["encoding"]["xOffset"]["field"] == "series"


def test_slices_tell_their_part_of_the_whole() -> None:
    pie = drawn((BOAT, TRIPS), [("a", 1), ("b", 3)], "pie")
    assert [datum["part"] for datum in values(pie)] == [0.25, 0.75]
    assert [layer["mark"]["type"] for layer in pie["layer"]] == ["arc", "text"]
    crowded = drawn((BOAT, TRIPS), [(f"b{number}", 1) for number in range(15)], "pie")
    assert crowded["mark"]["type"] == "arc"
    assert crowded["encoding"]["color"]["scale"]["scheme"] == "tableau20"


def test_axes_write_numbers_as_what_they_are() -> None:
    shares = drawn((BOAT, PART), [(f"b{number}", 0.1) for number in range(10)])
    assert shares["encoding"]["x"]["axis"]["format"] == ".0%"
    assert BARS["encoding"]["y"]["axis"]["format"] == ",d"
    few = drawn((BOAT, TRIPS), [("a", 3), ("b", 1)])
    assert few["encoding"]["y"]["axis"]["tickCount"] == 3
    large = drawn((BOAT, FARES), [("a", 250_000.0)])
    assert large["encoding"]["y"]["axis"]["format"] == "~s"


def test_every_mark_tells_its_place_and_its_number() -> None:
    for document in (LINE, BARS, MANY, PIE):
        assert [each["field"] for each in document["encoding"]["tooltip"]][:2] == ["place", "value"]
    assert [each["field"] for each in STACKED["encoding"]["tooltip"]] == [
        "place",
        "series",
        "value",
    ]


def test_whatever_a_header_or_a_value_says_stays_text() -> None:
    odd = "a[0].b\\'\"<script>{signal}"
    column = Output(name=odd, title=odd, type="text", kind="dimension")
    document = drawn((column, TRIPS), [(odd, 1), ("datum.place", 2)])
    assert values(document)[0] == {"place": odd, "value": 1}
    assert set(fields(document["encoding"])) == {"place", "value"}


def test_values_that_look_alike_when_cut_keep_bars_of_their_own() -> None:
    rows: list[tuple[Cell, ...]] = [("x" * 200 + "1", 1), ("x" * 200 + "2", 2)]
    labels = [datum["place"] for datum in values(drawn((BOAT, TRIPS), rows))]
    assert len(set(labels)) == 2
    assert all(len(label) < 100 for label in labels)

"""Whatever spec makes sense compiles, passes the gate and runs; and says what Python says."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import product
from statistics import median
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from psycopg.types.string import TextLoader

from contexts.analytics.application.ports import SpecInvalid
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Having,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from contexts.analytics.domain.relation import Column, ColumnType, Relation
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from contexts.analytics.infrastructure.sql.gate import Gate

TYPES: dict[str, ColumnType] = {
    "boat": "text",
    "guests": "integer",
    "fee": "decimal",
    "day": "date",
    "began": "time",
    "returned": "timestamp",
    "paid": "boolean",
}
RELATION = Relation(
    dataset="hires",
    version=1,
    schema="public",
    table="hires_v1",
    rows=0,
    columns=tuple(Column(name=n, title=n, type=t, role="dimension") for n, t in TYPES.items()),
)
BOATS = [None, "Gull", "Tern", "tern 50%", "O'Hara"]
ROWS = [
    (
        boat,
        None if n == 4 else n * 3 - 5,
        None if n == 3 else Decimal(n * n) / 4 - 2,
        None if n == 7 else f"2024-0{n % 3 + 1}-{10 + n}",
        f"{8 + n}:3{n % 6}",
        f"2024-02-{10 + n} 0{n}:00:00",
        None if n == 2 else n % 2 == 0,
    )
    for n, boat in enumerate(boat for boat, _ in product(BOATS, range(2)))
]


@pytest.fixture(scope="module")
def table(servers: Any) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(servers.database, autocommit=True) as connection:
        connection.execute(
            "create temporary table hires_v1 (boat text, guests bigint, fee numeric, day date,"
            " began time, returned timestamp, paid boolean)"
        )
        with connection.cursor() as cursor:
            cursor.executemany("insert into hires_v1 values (%s, %s, %s, %s, %s, %s, %s)", ROWS)
        connection.adapters.register_loader("timestamp", TextLoader)
        connection.execute("set timezone = 'UTC'")
        yield connection


def rows_of(table: psycopg.Connection[tuple[Any, ...]], spec: QuerySpec) -> list[tuple[Any, ...]]:
    found = compile_spec(spec, RELATION)
    sql = Gate().check(found.sql, {RELATION.table: list(TYPES)}, 1_000)
    cursor = table.execute(sql.encode(), prepare=True)
    assert cursor.description is not None
    assert [each.name for each in cursor.description] == [each.name for each in found.outputs]
    return cursor.fetchall()


NUMBERS = st.sampled_from(["guests", "fee"])
ANY = st.sampled_from(list(TYPES))
TRUNCATING = ["year", "quarter", "month", "week", "day"]
PARTS = ["quarter_of_year", "month_of_year", "day_of_month", "weekday"]
TEXTS = ["Gull", "tern", "er", "50%", "O'H", "_", "%", "\\", "\\'; --"]
TEXT_FILTERS = st.builds(
    Filter,
    column=st.just("boat"),
    operator=st.sampled_from(
        ["eq", "ne", "in", "not_in", "contains", "not_contains", "starts_with"]
    ),
    values=st.sampled_from(TEXTS).map(lambda v: (v,)),
)
NUMBER_FILTERS = st.builds(
    Filter,
    column=NUMBERS,
    operator=st.sampled_from(["eq", "ne", "lt", "ge", "in", "not_in"]),
    values=st.sampled_from([-2, 0, 4.25, 7]).map(lambda v: (v,)),
)
PRESENCE = st.builds(Filter, column=ANY, operator=st.sampled_from(["is_null", "not_null"]))
RELATIVE = st.builds(
    Filter,
    column=NUMBERS,
    operator=st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]),
    relative_to=st.sampled_from(["avg", "median", "min", "max"]),
)
TIMES = st.one_of(
    *(
        st.builds(
            Filter,
            column=st.sampled_from(columns),
            operator=st.sampled_from(["eq", "ne", "lt", "between", "not_in"]),
            grain=st.sampled_from(grains),
            values=st.just(values),
        )
        for columns, grains, values in [
            (["day", "returned"], [None, *TRUNCATING], ("2024-02-11", "2024-03-01")),
            (["day", "returned"], PARTS, (1, 4)),
            (["began", "returned"], ["hour_of_day"], (3, 9)),
            (["returned"], ["hour"], ("2024-02-11 03:20", "2024-02-12 01:00")),
            (["began"], [None], ("09:30", "12:00:01")),
        ]
    )
).map(
    lambda each: (
        each
        if each.operator in ("between", "not_in")
        else msgspec.structs.replace(each, values=each.values[:1])
    )
)
WILD = st.builds(
    Filter,
    column=ANY,
    operator=st.sampled_from(["eq", "gt", "between", "contains", "ends_with"]),
    values=st.lists(
        st.integers(-9, 9) | st.booleans() | st.text(max_size=5) | st.floats(allow_nan=False),
        max_size=2,
    ).map(tuple),
)
FILTERS = st.one_of(TEXT_FILTERS, NUMBER_FILTERS, PRESENCE, RELATIVE, TIMES, WILD)
MEASURES = st.one_of(
    st.just(Measure(aggregate="count")),
    st.builds(
        Measure,
        aggregate=st.sampled_from(["count", "count_distinct", "sum"]),
        column=NUMBERS,
        where=st.lists(FILTERS, max_size=1).map(tuple),
        shown_as=st.sampled_from(["value", "share", "running_total"]),
    ),
    st.builds(
        Measure,
        aggregate=st.sampled_from(["count", "sum"]),
        column=NUMBERS,
        where=st.lists(FILTERS, min_size=1, max_size=2).map(tuple),
        shown_as=st.just("rate"),
    ),
    st.builds(
        Measure,
        aggregate=st.just("sum"),
        column=NUMBERS,
        times=st.none() | NUMBERS,
        per=st.none() | ANY,
        where=st.lists(FILTERS, max_size=1).map(tuple),
    ),
    st.builds(Measure, aggregate=st.sampled_from(["avg", "median"]), column=NUMBERS),
    st.builds(Measure, aggregate=st.sampled_from(["min", "max", "count_distinct"]), column=ANY),
)
DIMENSIONS = st.one_of(
    st.builds(Dimension, column=ANY),
    st.builds(
        Dimension,
        column=st.sampled_from(["day", "returned"]),
        grain=st.sampled_from([*TRUNCATING, *PARTS]),
    ),
    st.builds(
        Dimension, column=st.just("returned"), grain=st.sampled_from(["hour", "hour_of_day"])
    ),
    st.builds(Dimension, column=NUMBERS, width=st.sampled_from([1.0, 2.5, 10.0])),
)
SPECS = st.builds(
    QuerySpec,
    measures=st.lists(MEASURES, max_size=2).map(tuple),
    dimensions=st.lists(DIMENSIONS, max_size=3).map(tuple),
    where=st.lists(st.lists(FILTERS, max_size=2).map(tuple), max_size=2).map(tuple),
    period=st.none()
    | st.builds(
        Period,
        column=st.sampled_from(["day", "returned"]),
        start=st.none() | st.just("2024-02-01"),
        end=st.none() | st.sampled_from(["2024-03-01", "2024-02-20"]),
    ),
    having=st.lists(
        st.builds(
            Having,
            measure=MEASURES,
            operator=st.sampled_from(["gt", "ne", "eq"]),
            values=st.floats(-5, 5).map(lambda value: (value,)),
        ),
        max_size=1,
    ).map(tuple),
    order=st.lists(
        st.builds(
            Order,
            output=st.integers(0, 1),
            descending=st.booleans(),
            shown_as=st.sampled_from(["value", "value", "value", "change"]),
        )
        | st.builds(Order, measure=MEASURES)
        | st.builds(Order, column=ANY),
        max_size=1,
    ).map(tuple),
    limit=st.none() | st.integers(1, 4),
    limit_per=st.sampled_from([None, None, 0, 1]),
    distinct=st.booleans(),
    comparison=st.sampled_from([None, None, None, "previous_period", "previous_year"]),
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(spec=SPECS)
def test_whatever_spec_makes_sense_passes_the_gate_and_runs(
    table: psycopg.Connection[tuple[Any, ...]], spec: QuerySpec
) -> None:
    try:
        found = rows_of(table, spec)
    except SpecInvalid:
        event("makes no sense")
        return
    event("runs")
    assert len(found) <= 1_001
    if spec.limit is not None and spec.limit_per is None:
        assert len(found) <= spec.limit


def _reference(
    group: str | None, measure: Measure, keep: Filter | None
) -> dict[Any, Fraction | int | None]:
    """Group, filter and aggregate, in the plainest Python."""
    names = list(TYPES)
    rows = [dict(zip(names, row, strict=True)) for row in ROWS]
    if keep is not None:
        rows = [row for row in rows if _holds(row[keep.column], keep)]
    groups: dict[Any, list[Any]] = {} if group else {None: []}
    for row in rows:
        value = 1 if measure.column is None else row[measure.column]
        groups.setdefault(row[group] if group else None, []).append(value)
    return {
        key: _aggregated(measure.aggregate, [Fraction(v) for v in values if v is not None])
        for key, values in groups.items()
    }


def _holds(value: Any, keep: Filter) -> bool:
    wanted = keep.values
    if value is None:
        return keep.operator in ("ne", "not_in", "not_contains", "is_null")
    text = str(value).lower()
    match keep.operator:
        case "eq" | "in":
            return value in wanted
        case "ne" | "not_in":
            return value not in wanted
        case "lt":
            return bool(value < wanted[0])
        case "ge":
            return bool(value >= wanted[0])
        case "contains":
            return str(wanted[0]).lower() in text
        case "not_contains":
            return str(wanted[0]).lower() not in text
        case "starts_with":
            return text.startswith(str(wanted[0]).lower())
        case _:
            return keep.operator == "not_null"


def _aggregated(aggregate: str, values: list[Fraction]) -> Fraction | int | None:
    if aggregate.startswith("count"):
        return len(set(values)) if aggregate == "count_distinct" else len(values)
    if not values:
        return None
    if aggregate == "avg":
        return sum(values) / len(values)
    whole = {"sum": sum, "median": median, "min": min, "max": max}[aggregate]
    return whole(values)  # type: ignore[operator, no-any-return]


@settings(max_examples=300, deadline=None)
@given(
    group=st.none() | st.sampled_from(["boat", "guests", "paid"]),
    aggregate=st.sampled_from(["count", "count_distinct", "sum", "avg", "median", "min", "max"]),
    column=NUMBERS,
    keep=st.none() | TEXT_FILTERS | NUMBER_FILTERS | PRESENCE,
)
def test_groups_filters_and_aggregates_are_what_python_makes_of_the_same_rows(
    table: psycopg.Connection[tuple[Any, ...]],
    group: str | None,
    aggregate: Any,
    column: str,
    keep: Filter | None,
) -> None:
    measure = Measure(aggregate=aggregate, column=column)
    spec = QuerySpec(
        measures=(measure,),
        dimensions=() if group is None else (Dimension(column=group),),
        where=() if keep is None else ((keep,),),
    )
    found = {(row[0] if group else None): row[-1] for row in rows_of(table, spec)}
    expected = _reference(group, measure, keep)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if value is None:
            assert found[key] is None
        else:
            assert float(found[key]) == pytest.approx(float(value))


def test_a_missing_month_is_not_taken_for_the_one_before(
    table: psycopg.Connection[tuple[Any, ...]],
) -> None:
    spec = QuerySpec(
        measures=(Measure(aggregate="count"),),
        dimensions=(Dimension(column="day", grain="month"),),
        where=((Filter(column="day", operator="ne", values=("2024-02",), grain="month"),),),
        comparison="previous_period",
    )
    found = {str(row[0]): row[1:] for row in rows_of(table, spec)}
    assert found["2024-03-01"][1] is None
    assert found["2024-03-01"][2] is None


def test_groups_of_one_of_the_two_periods_stay(
    table: psycopg.Connection[tuple[Any, ...]],
) -> None:
    spec = QuerySpec(
        measures=(Measure(aggregate="sum", column="guests"),),
        dimensions=(Dimension(column="boat"),),
        period=Period(column="day", start="2024-02-01", end="2024-03-01"),
        comparison="previous_period",
    )
    found = {row[0]: tuple(row[1:4]) for row in rows_of(table, spec)}
    assert found == {
        None: (-2, -5, 3),
        "Gull": (0, 4, -4),
        "Tern": (0, 0, 0),
        "tern 50%": (0, 13, -13),
        "O'Hara": (0, 22, -22),
    }

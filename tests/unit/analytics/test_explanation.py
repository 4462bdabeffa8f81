"""What a spec asks for, in words: all of it, and well."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.analytics.application.explanation import explain
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Having,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from contexts.analytics.domain.relation import Column, Relation

RELATION = Relation(
    dataset="ferry",
    version=1,
    schema="room",
    table="trips",
    rows=400,
    row_noun="trip",
    columns=(
        Column(name="sailed_on", title="sailed_on", type="date", role="time"),
        Column(name="boat_name", title="boat_name", type="text", role="dimension"),
        Column(name="harbour", title="Harbour", type="text", role="dimension"),
        Column(name="passengers", title="passengers", type="integer", role="measure"),
        Column(name="fare", title="fare", type="decimal", role="measure", unit="EUR"),
        Column(name="ticket", title="ticket", type="text", role="identifier"),
        Column(name="built", title="built", type="integer", role="dimension"),
        Column(name="full", title="full", type="boolean", role="dimension"),
    ),
)

COUNT = Measure(aggregate="count")
TAKINGS = Measure(aggregate="sum", column="passengers", times="fare")
BOAT = Dimension(column="boat_name")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            QuerySpec(
                measures=(Measure(aggregate="sum", column="passengers"),),
                dimensions=(BOAT,),
                where=((Filter(column="sailed_on", operator="eq", values=(5,), grain="weekday"),),),
                order=(Order(output=1, descending=True),),
                limit=1,
            ),
            "Total of passengers by boat name; only rows where the weekday of sailed on is Friday;"
            " the highest first; only the first.",
        ),
        (QuerySpec(measures=(COUNT,)), "Number of trips."),
        (
            QuerySpec(
                measures=(TAKINGS,),
                period=Period(column="sailed_on", start="2023-10-01", end="2023-11-01"),
            ),
            "Total of passengers times fare; only rows where sailed on is in October 2023.",
        ),
        (
            QuerySpec(
                measures=(Measure(aggregate="sum", column="fare", per="ticket"),),
                dimensions=(Dimension(column="sailed_on", grain="month"),),
                comparison="previous_period",
                chart="line",
            ),
            "Total of fare per ticket by month of sailed on; beside what it was in the period"
            " before; drawn as a line.",
        ),
        (
            QuerySpec(
                measures=(
                    Measure(
                        aggregate="count",
                        shown_as="rate",
                        where=(Filter(column="full", operator="eq", values=(True,)),),
                    ),
                ),
                dimensions=(BOAT,),
            ),
            "Part of the number of trips where full is yes by boat name.",
        ),
        (
            QuerySpec(
                measures=(Measure(aggregate="count", shown_as="share"),),
                dimensions=(Dimension(column="built", width=10.0),),
                having=(Having(measure=COUNT, operator="gt", values=(5.0,)),),
            ),
            "Number of trips, as a share of all by built in ranges of 10; only groups whose"
            " number of trips is more than 5.",
        ),
        (
            QuerySpec(
                dimensions=(BOAT, Dimension(column="fare")),
                distinct=True,
                order=(Order(column="boat_name", descending=True), Order(column="sailed_on")),
            ),
            "Boat name and fare of each trip, each once; by boat name from Z to A;"
            " the earliest sailed on first.",
        ),
        (
            QuerySpec(
                measures=(Measure(aggregate="max", column="sailed_on"),),
                where=(
                    (
                        Filter(column="harbour", operator="in", values=("East", "West")),
                        Filter(column="harbour", operator="is_null"),
                    ),
                    (Filter(column="fare", operator="gt", relative_to="avg"),),
                    (Filter(column="full", operator="eq", values=(True,)),),
                ),
            ),
            'Latest sailed on; only rows where Harbour is "East" or "West" or Harbour is empty,'
            " and fare is more than the average fare of the whole dataset, and full is yes.",
        ),
        (
            QuerySpec(
                measures=(COUNT,),
                dimensions=(Dimension(column="harbour"), BOAT),
                order=(Order(output=2, descending=True),),
                limit=3,
                limit_per=0,
            ),
            "Number of trips by Harbour and boat name; the highest first;"
            " only the first 3 of each Harbour.",
        ),
    ],
)
def test_a_spec_reads_as_a_sentence(spec: QuerySpec, told: str) -> None:
    assert explain(spec, RELATION) == told


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2023-01-01", "2024-01-01", "in 2023"),
        ("2023-02-07", "2023-02-08", "on 7 February 2023"),
        ("2023-02-07", "2023-02-14", "from 7 February 2023 to 13 February 2023"),
        ("2023-02-07", None, "from 7 February 2023 on"),
        (None, "2023-02-07", "before 7 February 2023"),
        (None, None, "at any time"),
        (
            "2023-02-07T12:00:00",
            "2023-02-08T08:30:00",
            "from 7 February 2023, 12:00 and before 8 February 2023, 08:30",
        ),
    ],
)
def test_a_period_is_told_as_people_say_it(start: Any, end: Any, told: str) -> None:
    period = Period(column="sailed_on", start=start, end=end, said="then")
    explained = explain(QuerySpec(measures=(COUNT,), period=period), RELATION)
    assert explained == f'Number of trips; only rows where sailed on is {told} ("then").'


@pytest.mark.parametrize(
    ("operator", "values", "told"),
    [
        ("eq", (5,), "passengers is 5"),
        ("ne", (5,), "passengers is not 5"),
        ("lt", (5,), "passengers is less than 5"),
        ("le", (5,), "passengers is at most 5"),
        ("gt", (5,), "passengers is more than 5"),
        ("ge", (5,), "passengers is at least 5"),
        ("between", (5, 1_000), "passengers is between 5 and 1,000"),
        ("in", (5, 6), "passengers is 5 or 6"),
        ("not_in", (5, 6), "passengers is none of 5 or 6"),
        ("not_null", (), "passengers is not empty"),
        ("in", (), "passengers is nothing"),
    ],
)
def test_each_operator_has_its_words(operator: Any, values: Any, told: str) -> None:
    filters = ((Filter(column="passengers", operator=operator, values=values),),)
    assert explain(QuerySpec(measures=(COUNT,), where=filters), RELATION) == (
        f"Number of trips; only rows where {told}."
    )


@pytest.mark.parametrize(
    ("given_filter", "told"),
    [
        (Filter(column="boat_name", operator="contains", values=("x",)), 'boat name contains "x"'),
        (
            Filter(column="boat_name", operator="not_contains", values=("x",)),
            'boat name does not contain "x"',
        ),
        (
            Filter(column="boat_name", operator="starts_with", values=("x",)),
            'boat name begins with "x"',
        ),
        (Filter(column="boat_name", operator="ends_with", values=("",)), 'boat name ends with ""'),
        (
            Filter(column="sailed_on", operator="lt", values=("2023-02-01",)),
            "sailed on is before 1 February 2023",
        ),
        (
            Filter(column="sailed_on", operator="ge", values=("2023-02-01 10:30:00",)),
            "sailed on is not before 1 February 2023, 10:30",
        ),
        (Filter(column="built", operator="ge", values=(1999,)), "built is at least 1999"),
    ],
)
def test_values_are_told_as_what_they_are(given_filter: Filter, told: str) -> None:
    explained = explain(QuerySpec(measures=(COUNT,), where=((given_filter,),)), RELATION)
    assert explained == f"Number of trips; only rows where {told}."


def test_what_was_assumed_is_a_sentence_of_its_own() -> None:
    told = explain(QuerySpec(measures=(COUNT,)), RELATION, ["a trip is a row.", "all of 2023"])
    assert told == "Number of trips. Assumed: a trip is a row; all of 2023."


def test_the_word_for_a_row_is_row_where_none_is_known() -> None:
    nameless = Relation(
        dataset="d", version=1, schema="s", table="t", rows=1, columns=RELATION.columns
    )
    assert explain(QuerySpec(measures=(COUNT,)), nameless) == "Number of rows."


NAMES = st.sampled_from([column.name for column in RELATION.columns] + ["no_such_column"])
SCALARS = st.text(max_size=4) | st.integers() | st.floats(allow_nan=False) | st.booleans()
TIMES = st.none() | st.sampled_from(["2023-01-01", "2023-02-03 10:00:00", "soon", "0001-01-01"])
FILTERS = st.from_type(Filter).flatmap(
    lambda made: st.builds(
        Filter,
        column=NAMES,
        operator=st.just(made.operator),
        values=st.lists(SCALARS, max_size=3).map(tuple),
        grain=st.just(made.grain),
        relative_to=st.just(made.relative_to),
    )
)
MEASURES = st.builds(
    Measure,
    aggregate=st.sampled_from(["count", "count_distinct", "sum", "avg", "median", "min", "max"]),
    column=st.none() | NAMES,
    times=st.none(),
    per=st.none() | NAMES,
    where=st.lists(FILTERS, max_size=2).map(tuple),
    shown_as=st.sampled_from(["value", "share", "rate", "running_total"]),
)
SPECS = st.builds(
    QuerySpec,
    measures=st.lists(MEASURES, max_size=3).map(tuple),
    dimensions=st.lists(
        st.builds(
            Dimension,
            column=NAMES,
            grain=st.none() | st.sampled_from(["month", "weekday"]),
            width=st.none() | st.floats(),
        ),
        max_size=3,
    ).map(tuple),
    where=st.lists(st.lists(FILTERS, max_size=2).map(tuple), max_size=2).map(tuple),
    period=st.none() | st.builds(Period, column=NAMES, start=TIMES, end=TIMES),
    having=st.lists(
        st.builds(
            Having,
            measure=MEASURES,
            operator=st.just("gt"),
            values=st.lists(st.floats(), max_size=2).map(tuple),
        ),
        max_size=1,
    ).map(tuple),
    order=st.lists(
        st.builds(
            Order,
            output=st.none() | st.integers(-2, 6),
            measure=st.none() | MEASURES,
            column=st.none() | NAMES,
        ),
        max_size=2,
    ).map(tuple),
    limit=st.none() | st.integers(),
    limit_per=st.none() | st.integers(-2, 6),
    distinct=st.booleans(),
    comparison=st.none() | st.sampled_from(["previous_period", "previous_year"]),
    chart=st.none() | st.sampled_from(["line", "none"]),
)


def _used(part: object) -> set[str]:
    """Every column that a spec names and that shows: where there are two ways to say by what to
    order, the measure is the one that counts."""
    if isinstance(part, tuple):
        return {name for each in part for name in _used(each)}
    names: set[str] = set()
    if isinstance(part, Measure) and part.column is None:
        return names | _used(part.where) | ({part.per} if part.per else set())
    for field in getattr(part, "__struct_fields__", ()):
        value = getattr(part, field)
        if isinstance(part, Order) and field == "column" and part.measure is not None:
            continue
        if field in ("column", "times", "per") and value is not None:
            names.add(value)
        elif not isinstance(value, str):
            names |= _used(value)
    return names


@settings(deadline=None)
@given(SPECS)
def test_any_spec_is_told_with_every_column_that_it_uses(spec: QuerySpec) -> None:
    told = explain(spec, RELATION).lower()
    titles = {column.name: column.title for column in RELATION.columns}
    for name in _used(spec):
        assert titles.get(name, name).replace("_", " ").lower() in told


@settings(deadline=None)
@given(SPECS)
def test_what_is_told_is_one_line(spec: QuerySpec) -> None:
    told = explain(spec, RELATION)
    assert "\n" not in told
    assert "  " not in told
    assert told.endswith((".", "…"))

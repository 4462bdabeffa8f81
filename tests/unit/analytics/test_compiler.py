"""Query specs as SQL: what is computed, in which order, under which names; and what is refused."""

import pytest

from contexts.analytics.application.ports import Compiled, SpecInvalid
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
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from contexts.analytics.infrastructure.sql.gate import Gate

HIRES = Relation(
    dataset="hires",
    version=1,
    schema="somewhere",
    table="hires_v1",
    rows=12,
    row_noun="hire",
    columns=(
        Column(name="day", title="day", type="date", role="time"),
        Column(name="began", title="began", type="time", role="time"),
        Column(name="boat", title="boat_name", type="text", role="dimension"),
        Column(name="pier", title="Pier", type="text", role="dimension"),
        Column(name="guests", title="guests", type="integer", role="measure"),
        Column(name="fee", title="fee", type="decimal", role="measure", unit="€"),
        Column(name="total", title="total", type="decimal", role="measure", unit="€"),
        Column(name="paid", title="paid", type="boolean", role="dimension"),
    ),
)
RETURNED = Column(name="returned", title="returned", type="timestamp", role="time")

FEES = Measure(aggregate="sum", column="fee")
HIRED = Measure(aggregate="count")
BOAT = Dimension(column="boat")
MONTH = Dimension(column="day", grain="month")


def compiled(**parts: object) -> Compiled:
    """As it went through the gate: whatever is compiled must."""
    found = compile_spec(QuerySpec(**parts), HIRES)  # type: ignore[arg-type]
    columns = {HIRES.table: [column.name for column in HIRES.columns]}
    assert Gate().check(found.sql, columns, 10_000).startswith(found.sql.split("\n")[0])
    return found


def sql(**parts: object) -> str:
    """On one line."""
    return " ".join(compiled(**parts).sql.split()).replace("( ", "(").replace(" )", ")")


def where(*filters: Filter) -> str:
    return sql(measures=(HIRED,), where=(filters,)).partition(" WHERE ")[2]


def test_groups_come_with_the_greatest_first_and_always_in_the_same_order() -> None:
    assert sql(measures=(FEES,), dimensions=(BOAT,)) == (
        'SELECT "boat", SUM("fee") AS "sum_fee" FROM "hires_v1" GROUP BY "boat" '
        'ORDER BY "sum_fee" DESC NULLS LAST, "boat"'
    )


def test_times_come_as_they_follow_one_another() -> None:
    found = sql(measures=(FEES,), dimensions=(BOAT, MONTH))
    assert found.endswith('ORDER BY "day_month", "sum_fee" DESC NULLS LAST, "boat"')


def test_weekdays_are_shown_by_name_and_sorted_by_number() -> None:
    found = sql(measures=(HIRED,), dimensions=(Dimension(column="day", grain="weekday"),))
    assert 'TO_CHAR("day", \'FMDay\') AS "day_weekday"' in found
    assert found.endswith('ORDER BY CAST(EXTRACT(ISODOW FROM "day") AS INT)')


def test_a_list_of_rows_is_left_in_the_order_of_the_table() -> None:
    assert sql(dimensions=(BOAT, Dimension(column="fee"))) == (
        'SELECT "boat", "fee" FROM "hires_v1"'
    )


def test_a_list_can_be_sorted_by_a_column_that_it_does_not_show() -> None:
    order = (Order(column="day", descending=True),)
    assert sql(dimensions=(BOAT,), order=order, limit=3) == (
        'SELECT "boat" FROM "hires_v1" ORDER BY "day" DESC NULLS LAST, "boat" LIMIT 3'
    )


def test_groups_can_be_sorted_and_chosen_by_a_measure_that_is_not_shown() -> None:
    found = sql(
        measures=(HIRED,),
        dimensions=(BOAT,),
        order=(Order(measure=Measure(aggregate="avg", column="guests")),),
        having=(Having(measure=FEES, operator="gt", values=(99.5,)),),
    )
    assert 'HAVING SUM("fee") > 99.5' in found
    assert found.endswith('ORDER BY AVG("guests"), "boat"')
    assert found.startswith('SELECT "boat", COUNT(*) AS "count" FROM')


def test_the_best_of_each_group_stand_together() -> None:
    found = sql(measures=(FEES,), dimensions=(MONTH, BOAT), limit=2, limit_per=0)
    assert (
        "ROW_NUMBER() OVER (PARTITION BY CAST(DATE_TRUNC('MONTH', \"day\") AS DATE) "
        'ORDER BY SUM("fee") DESC NULLS LAST, "boat") AS "rank"'
    ) in found
    assert found.endswith(
        'WHERE "rank" <= 2 ORDER BY "day_month", "sum_fee" DESC NULLS LAST, "boat"'
    )


def test_a_share_is_of_all_groups_also_of_those_that_are_left_out() -> None:
    share = Measure(aggregate="sum", column="fee", shown_as="share")
    having = (Having(measure=HIRED, operator="ge", values=(3,)),)
    found = sql(measures=(share,), dimensions=(BOAT,), having=having, limit=2)
    inner, _, outer = found.partition(") SELECT")
    assert 'CAST(SUM("fee") AS DECIMAL) / NULLIF(SUM(SUM("fee")) OVER (), 0)' in inner
    assert "HAVING" not in found
    assert 'WHERE "count" >= 3' in outer


def test_a_share_without_groups_is_of_all_rows() -> None:
    share = Measure(
        aggregate="count",
        shown_as="share",
        where=(Filter(column="paid", operator="eq", values=(True,)),),
    )
    assert sql(measures=(share,)).startswith(
        'SELECT CAST(COUNT(*) FILTER(WHERE "paid" = TRUE) AS DECIMAL) / NULLIF(COUNT(*), 0)'
    )


def test_a_rate_is_of_each_group_what_its_own_filters_leave() -> None:
    paid = (Filter(column="paid", operator="eq", values=(True,)),)
    hires = Measure(aggregate="count", shown_as="rate", where=paid)
    assert 'CAST(COUNT(*) FILTER(WHERE "paid" = TRUE) AS DECIMAL) / NULLIF(COUNT(*), 0)' in sql(
        measures=(hires,), dimensions=(BOAT,)
    )
    fees = Measure(aggregate="sum", column="fee", shown_as="rate", where=paid)
    found = sql(measures=(fees,), dimensions=(BOAT,))
    # Where nothing was paid, it is no part of it, and not unknown.
    assert 'COALESCE(SUM("fee") FILTER(WHERE "paid" = TRUE), 0)' in found
    assert 'NULLIF(SUM("fee"), 0)' in found


def test_a_rate_is_told_by_its_condition_in_percent_and_adds_up_to_nothing() -> None:
    paid = (Filter(column="paid", operator="eq", values=(True,)),)
    rate = Measure(aggregate="count", shown_as="rate", where=paid)
    output = compiled(measures=(rate,), dimensions=(BOAT,)).outputs[1]
    assert output.title == "Share of number of hires where paid is yes"
    assert (output.type, output.in_percent, output.additive) == ("decimal", True, False)


def test_a_running_total_runs_along_the_first_dimension_within_the_others() -> None:
    running = Measure(aggregate="sum", column="fee", shown_as="running_total")
    found = sql(measures=(running,), dimensions=(MONTH, BOAT))
    assert 'SUM(SUM("fee")) OVER (PARTITION BY "boat" ORDER BY CAST(DATE_TRUNC' in found


def test_a_measure_is_multiplied_restricted_and_divided() -> None:
    measure = Measure(
        aggregate="sum",
        column="guests",
        times="fee",
        per="boat",
        where=(Filter(column="pier", operator="eq", values=("North",)),),
    )
    assert sql(measures=(measure,)) == (
        'SELECT CAST(SUM("guests" * "fee") FILTER(WHERE "pier" = \'North\') AS DECIMAL) / '
        'NULLIF(COUNT(DISTINCT "boat") FILTER(WHERE "pier" = \'North\'), 0) '
        'AS "sum_guests_times_fee_per_boat_where_pier" FROM "hires_v1"'
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            Filter(column="boat", operator="ne", values=("Gull",)),
            "\"boat\" IS DISTINCT FROM 'Gull'",
        ),
        (Filter(column="boat", operator="contains", values=("50%_",)), r"""'%50\%\_%'"""),
        (
            Filter(column="boat", operator="not_contains", values=("x",)),
            '(NOT ("boat" ILIKE \'%x%\') OR "boat" IS NULL)',
        ),
        (Filter(column="boat", operator="eq", values=("it's",)), "'it''s'"),
        (Filter(column="fee", operator="gt", values=(-2.5,)), '"fee" > -2.5'),
        (Filter(column="fee", operator="lt", values=(1e20,)), '"fee" < 100000000000000000000'),
        (
            Filter(column="day", operator="eq", values=("friday",), grain="weekday"),
            'CAST(EXTRACT(ISODOW FROM "day") AS INT) = 5',
        ),
        (
            Filter(column="day", operator="eq", values=("2024-05-17",), grain="quarter"),
            "= CAST('2024-04-01' AS DATE)",
        ),
        (
            Filter(column="began", operator="between", values=("22:00", "02:00")),
            "(\"began\" >= CAST('22:00:00' AS TIME) OR \"began\" <= CAST('02:00:00' AS TIME))",
        ),
        (
            Filter(column="fee", operator="ge", relative_to="median"),
            '>= (SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY "fee") FROM "hires_v1")',
        ),
        (Filter(column="pier", operator="not_null"), 'NOT "pier" IS NULL'),
    ],
)
def test_a_filter_says_what_it_means(given: Filter, expected: str) -> None:
    assert expected in where(given)


def test_a_day_is_compared_with_the_days_of_instants() -> None:
    relation = Relation(
        dataset="hires", version=1, schema="s", table="t", rows=1, columns=(RETURNED,)
    )
    until = Filter(column="returned", operator="le", values=("2024-05-30",))
    found = compile_spec(QuerySpec(measures=(HIRED,), where=((until,),)), relation).sql
    assert "CAST(\"returned\" AS DATE) <= CAST('2024-05-30' AS DATE)" in found


def test_the_groups_of_where_must_all_hold_and_of_each_any_one() -> None:
    north = Filter(column="pier", operator="eq", values=("North",))
    south = Filter(column="pier", operator="eq", values=("South",))
    many = Filter(column="guests", operator="gt", values=(4,))
    found = sql(measures=(HIRED,), where=((north, south), (many,)))
    assert found.endswith('WHERE ("pier" = \'North\' OR "pier" = \'South\') AND "guests" > 4')


def test_a_period_ends_before_its_end() -> None:
    period = Period(column="day", start="2024-05-01", end="2024-06-01")
    assert sql(measures=(HIRED,), period=period).endswith(
        "WHERE \"day\" >= CAST('2024-05-01' AS DATE) AND \"day\" < CAST('2024-06-01' AS DATE)"
    )


@pytest.mark.parametrize(
    ("start", "end", "comparison", "before"),
    [
        ("2024-05-01", "2024-06-01", "previous_period", ("2024-04-01", "2024-05-01")),
        ("2024-03-01", "2024-04-01", "previous_period", ("2024-02-01", "2024-03-01")),
        ("2024-01-01", "2025-01-01", "previous_period", ("2023-01-01", "2024-01-01")),
        ("2024-05-06", "2024-05-13", "previous_period", ("2024-04-29", "2024-05-06")),
        ("2024-05-06", "2024-05-13", "previous_year", ("2023-05-06", "2023-05-13")),
        ("2024-02-29", "2024-03-01", "previous_year", ("2023-02-28", "2023-03-01")),
    ],
)
def test_the_period_before_is_as_the_calendar_has_it(
    start: str, end: str, comparison: str, before: tuple[str, str]
) -> None:
    period = Period(column="day", start=start, end=end)
    found = sql(measures=(FEES,), dimensions=(BOAT,), period=period, comparison=comparison)
    old = (
        f"\"day\" >= CAST('{before[0]}' AS DATE) AND \"day\" < CAST('{before[1]}' AS DATE)), 0) "
        'AS "sum_fee_previous"'
    )
    assert old in found


def test_a_month_is_compared_with_the_very_month_before() -> None:
    found = sql(measures=(FEES,), dimensions=(MONTH, BOAT), comparison="previous_period")
    assert (
        'ON "before"."day_month" = CAST("now"."day_month" - INTERVAL \'1 MONTH\' AS DATE) '
        'AND "before"."boat" IS NOT DISTINCT FROM "now"."boat"'
    ) in found


def test_the_first_month_of_a_period_is_compared_with_the_one_outside_it() -> None:
    period = Period(column="day", start="2024-05-01", end="2024-08-01")
    found = sql(measures=(FEES,), dimensions=(MONTH,), period=period, comparison="previous_period")
    inner, _, outer = found.partition(") SELECT")
    assert "\"day\" >= CAST('2024-04-01' AS DATE)" in inner
    assert 'WHERE "now"."day_month" >= CAST(\'2024-05-01\' AS DATE)' in outer


def test_groups_can_be_sorted_by_how_much_they_changed() -> None:
    found = sql(
        measures=(FEES,),
        dimensions=(BOAT,),
        period=Period(column="day", start="2024-05-01", end="2024-06-01"),
        comparison="previous_period",
        order=(Order(output=1, descending=True, shown_as="change"),),
    )
    assert found.endswith('ORDER BY "sum_fee_change" DESC NULLS LAST, "boat"')


def test_outputs_say_what_they_are() -> None:
    found = compiled(
        measures=(
            FEES,
            HIRED,
            Measure(aggregate="count_distinct", column="boat"),
            Measure(aggregate="avg", column="guests"),
            Measure(aggregate="sum", column="total"),
        ),
        dimensions=(MONTH,),
    ).outputs
    assert [(each.name, each.title, each.type, each.unit, each.additive) for each in found] == [
        ("day_month", "Month", "date", None, False),
        ("sum_fee", "Total fee", "decimal", "€", True),
        ("count", "Number of hires", "integer", None, True),
        ("count_distinct_boat", "Number of different boat names", "integer", None, False),
        ("avg_guests", "Average guests", "decimal", None, False),
        ("sum_total", "Total", "decimal", "€", True),
    ]
    assert found[0].grain == "month"


def test_names_and_titles_are_given_once() -> None:
    found = compiled(measures=(HIRED, HIRED), dimensions=(BOAT, BOAT)).outputs
    assert [each.name for each in found] == ["boat", "boat_2", "count", "count_2"]
    assert len({each.title for each in found}) == 4


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "nothing is asked for"),
        ({"dimensions": (Dimension(column="bote"),)}, "there is no column 'bote'; there is boat"),
        (
            {"measures": (Measure(aggregate="sum", column="boat"),)},
            "numbers are in guests, fee, total",
        ),
        ({"measures": (Measure(aggregate="avg"),)}, "avg needs a column"),
        ({"dimensions": (Dimension(column="began", grain="month"),)}, "it has hour_of_day"),
        ({"dimensions": (Dimension(column="day", grain="hour"),)}, "has no hour"),
        ({"dimensions": (Dimension(column="boat", width=2),)}, "no ranges"),
        ({"dimensions": (Dimension(column="fee", width=0),)}, "wider than 0"),
        ({"dimensions": (BOAT,), "limit": 0}, "at least 1"),
        ({"dimensions": (BOAT,), "limit_per": 0}, "needs a limit"),
        ({"dimensions": (BOAT,), "limit": 1, "limit_per": 1}, "there is no 1"),
        ({"dimensions": (BOAT,), "order": (Order(output=1),)}, "counted from 0 to 0"),
        ({"dimensions": (BOAT,), "order": (Order(),)}, "one of output, measure and column"),
        ({"measures": (FEES,), "order": (Order(column="day"),)}, "can't be sorted by the column"),
        ({"measures": (FEES,), "comparison": "previous_year"}, "needs a period"),
        ({"dimensions": (BOAT,), "comparison": "previous_year"}, "add a measure"),
        (
            {"measures": (Measure(aggregate="count", shown_as="rate"),)},
            "has none",
        ),
        (
            {"measures": (Measure(aggregate="avg", column="fee", shown_as="share"),)},
            "adds up counts or sums",
        ),
        (
            {"measures": (Measure(aggregate="count", shown_as="running_total"),)},
            "runs along a dimension",
        ),
    ],
)
def test_what_makes_no_sense_is_said(parts: dict[str, object], said: str) -> None:
    with pytest.raises(SpecInvalid, match=said):
        compiled(**parts)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Filter(column="fee", operator="eq", values=("cheap",)), "is not a number"),
        (Filter(column="day", operator="eq", values=("2024-02-30",)), "is not a date"),
        (Filter(column="began", operator="eq", values=("25:00",)), "is not a time of day"),
        (Filter(column="paid", operator="eq", values=("maybe",)), "not true or false"),
        (Filter(column="paid", operator="gt", values=(True,)), "neither comes first"),
        (Filter(column="boat", operator="eq", values=("Gull\x1f",)), "holds a control character"),
        (Filter(column="boat", operator="contains", values=("\ud83d",)), "a control character"),
        (Filter(column="fee", operator="contains", values=("1",)), "looks into texts"),
        (Filter(column="day", operator="eq", values=(8,), grain="weekday"), "1 to 7 or Monday"),
        (Filter(column="boat", operator="between", values=("a",)), "takes two values"),
        (Filter(column="boat", operator="eq", values=("a", "b")), "for several use in"),
        (Filter(column="fee", operator="between", values=(3, 2)), "after the second"),
        (Filter(column="boat", operator="gt", relative_to="avg"), "has no avg"),
    ],
)
def test_a_filter_that_fits_no_column_is_said(given: Filter, said: str) -> None:
    with pytest.raises(SpecInvalid, match=said):
        where(given)

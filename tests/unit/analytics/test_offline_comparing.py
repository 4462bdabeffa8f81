"""Comparisons: what stands side by side, one row each, and what goes on from it."""

import msgspec
import pytest

from boat_hire import AMOUNT, CRAFT, DESK, MONTH, PADDLES, ROWS, declined_of_hire, planned_of_hire
from contexts.analytics.domain.query_spec import Dimension, Filter, Order, Period, QuerySpec
from kiosk import only

BOTH = only("desk", "Pier", "Weir")
DAMAGED = Dimension(column="damaged")


def month(number: int, said: str) -> Period:
    return Period(
        column="taken_at", start=f"2025-0{number}-01", end=f"2025-0{number + 1}-01", said=said
    )


def days(first: str, last: str) -> Filter:
    return Filter(column="taken_at", operator="between", values=(first, last))


JULY_AND_AUGUST = Period(
    column="taken_at", start="2025-07-01", end="2025-09-01", said="july and august"
)
JUNE_OR_AUGUST = (days("2025-06-01", "2025-06-30"), days("2025-08-01", "2025-08-31"))
SUMMER = Period(
    column="taken_at",
    start="2025-06-01",
    end="2025-09-01",
    said="june and July 2025 and August 2025",
)
MONTHS = QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,), period=JULY_AND_AUGUST)
APART = QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,), where=(JUNE_OR_AUGUST,))
FIRST = QuerySpec(
    measures=(AMOUNT,),
    dimensions=(DESK,),
    period=month(7, "july"),
    order=(Order(output=1, descending=True),),
    limit=1,
)
DESKS = QuerySpec(measures=(AMOUNT,), dimensions=(DESK,), where=(BOTH,))


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        ("compare july and august", MONTHS),
        ("july vs august", MONTHS),
        ("was august better than july", MONTHS),
        ("revenue july versus august", MONTHS),
        ("compare june and august", APART),
        ("compare Pier and Weir", DESKS),
        ("Pier vs Weir", DESKS),
        ("Compare Pier and Weir by paddles", msgspec.structs.replace(DESKS, measures=(PADDLES,))),
        (
            "compare Pier and Weir by month",
            msgspec.structs.replace(DESKS, dimensions=(MONTH, DESK)),
        ),
        (
            "compare the revenue of june and august by craft",
            msgspec.structs.replace(APART, dimensions=(CRAFT, MONTH)),
        ),
        ("compare desks", QuerySpec(measures=(AMOUNT,), dimensions=(DESK,))),
        ("damaged vs not damaged", QuerySpec(measures=(ROWS,), dimensions=(DAMAGED,))),
    ],
)
async def test_what_is_compared_has_a_row_each(question: str, spec: QuerySpec) -> None:
    assert await planned_of_hire(question) == spec


async def test_relative_times_stand_side_by_side() -> None:
    # The data ends in August.
    said = "last month and this month"
    spec = msgspec.structs.replace(
        MONTHS, period=msgspec.structs.replace(JULY_AND_AUGUST, said=said)
    )
    assert await planned_of_hire("this month vs last month") == spec
    quarters = await planned_of_hire("revenue this quarter vs last quarter")
    assert quarters.dimensions == (Dimension(column="taken_at", grain="quarter"),)


async def test_by_month_beside_the_month_before_stays_a_course_of_time() -> None:
    spec = await planned_of_hire("revenue by month compared to last month")
    assert (spec.dimensions, spec.period, spec.comparison) == ((MONTH,), None, "previous_period")


async def test_times_that_overlap_are_not_put_side_by_side() -> None:
    assert "put side by side" in await declined_of_hire("july vs 2025")


@pytest.mark.parametrize(
    ("question", "before", "spec"),
    [
        # What is compared goes on being compared, unless something else is to stand instead.
        ("by craft", MONTHS, msgspec.structs.replace(MONTHS, dimensions=(CRAFT, MONTH))),
        ("by craft", APART, msgspec.structs.replace(APART, dimensions=(CRAFT, MONTH))),
        ("by month", DESKS, msgspec.structs.replace(DESKS, dimensions=(MONTH, DESK))),
        ("by craft instead", MONTHS, msgspec.structs.replace(MONTHS, dimensions=(CRAFT,))),
        (
            "only Pier",
            MONTHS,
            msgspec.structs.replace(MONTHS, where=(only("desk", "Pier"),)),
        ),
        (
            "and in july?",
            APART,
            QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,), period=month(7, "july")),
        ),
        # What was there before is set beside what is named now.
        ("vs Weir", QuerySpec(measures=(AMOUNT,), where=(only("desk", "Pier"),)), DESKS),
        ("vs august", QuerySpec(measures=(AMOUNT,), period=month(7, "july")), MONTHS),
        # Those that were first are others in each month.
        ("vs august", FIRST, MONTHS),
        ("compare july and august", FIRST, MONTHS),
        ("vs june", MONTHS, msgspec.structs.replace(MONTHS, period=SUMMER)),
        (
            "vs july",
            APART,
            msgspec.structs.replace(
                MONTHS,
                period=msgspec.structs.replace(SUMMER, said="June 2025 and july and August 2025"),
            ),
        ),
        ("compare Pier and Weir", QuerySpec(measures=(AMOUNT,)), DESKS),
        (
            "compare Pier and Weir",
            QuerySpec(measures=(AMOUNT,), dimensions=(CRAFT, MONTH)),
            DESKS,
        ),
    ],
)
async def test_a_comparison_goes_on(question: str, before: QuerySpec, spec: QuerySpec) -> None:
    assert await planned_of_hire(question, before) == spec


async def test_what_can_not_stand_beside_what_was_there_does_not_take_its_place() -> None:
    july = QuerySpec(measures=(AMOUNT,), period=month(7, "july"))
    assert "put side by side" in await declined_of_hire("vs 2025", july)


async def test_the_time_before_is_as_long_or_as_long_as_it_is_called() -> None:
    july = QuerySpec(measures=(AMOUNT,), period=month(7, "july"))
    assert (await planned_of_hire("and the month before?", july)).period == month(
        6, "the month before"
    )
    year = (await planned_of_hire("the year before", july)).period
    assert year is not None
    assert (year.start, year.end) == ("2024-07-01", "2024-08-01")
    week = Period(column="taken_at", start="2025-08-25", end="2025-09-01", said="last week")
    moved = (
        await planned_of_hire("and the week before", QuerySpec(measures=(AMOUNT,), period=week))
    ).period
    assert moved is not None
    assert (moved.start, moved.end) == ("2025-08-18", "2025-08-25")


async def test_the_time_before_stands_beside_where_it_is_compared() -> None:
    july = QuerySpec(measures=(AMOUNT,), period=month(7, "july"))
    beside = await planned_of_hire("vs the month before", july)
    assert beside == msgspec.structs.replace(july, comparison="previous_period")


async def test_without_any_time_nothing_is_compared_with_the_time_before() -> None:
    desks = QuerySpec(measures=(AMOUNT,), dimensions=(DESK,))
    assert "which times" in await declined_of_hire("vs last month", desks)


async def test_the_best_month_is_best_by_what_was_measured() -> None:
    paddles = QuerySpec(measures=(PADDLES,), dimensions=(MONTH,))
    best = await planned_of_hire("which month was best", paddles)
    assert (best.measures, best.limit) == ((PADDLES,), 1)


async def test_this_week_of_data_that_has_ended_is_its_last_and_beside_the_one_before() -> None:
    spec = await planned_of_hire("amount this week vs last week")
    assert spec.period is not None
    assert (spec.period.start, spec.period.end) == ("2025-08-25", "2025-09-01")
    assert spec.comparison == "previous_period"
    bare = await planned_of_hire("last week vs this week")
    assert (bare.measures, bare.period, bare.comparison) == (
        (AMOUNT,), spec.period, spec.comparison
    )  # fmt: skip


async def test_a_ratio_is_declined_by_name() -> None:
    assert "ratio" in await declined_of_hire("ratio of the Pier to the Weir")


async def test_a_figure_of_two_that_are_compared_is_a_question_of_its_own() -> None:
    before = QuerySpec(measures=(PADDLES,), where=(only("craft", "Punt"),), limit=2)
    assert await planned_of_hire("amount Pier vs Weir", before) == QuerySpec(
        measures=(AMOUNT,), dimensions=(DESK,), where=(BOTH,)
    )


async def test_what_is_compared_with_nothing_is_declined() -> None:
    assert "compared" in await declined_of_hire("vs the Weir")

"""Percentages: which part of which whole the offline planner takes them to be of."""

import msgspec
import pytest

from boat_hire import (
    AMOUNT,
    DAMAGED,
    DESK,
    MONTH,
    ORDERS,
    PADDLES,
    ROWS,
    SOUND,
    declined_of_hire,
    planned_of_hire,
)
from contexts.analytics.domain.query_spec import Filter, Measure, Period, QuerySpec
from kiosk import only

JULY = Filter(column="taken_at", operator="between", values=("2025-07-01", "2025-07-31"))
IN_JULY = Period(column="taken_at", start="2025-07-01", end="2025-08-01", said="July")
FRIDAYS = Filter(column="taken_at", operator="eq", values=(5,), grain="weekday")


def rate(measure: Measure, *part: Filter) -> Measure:
    return msgspec.structs.replace(measure, where=part, shown_as="rate")


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        ("what percentage was damaged", QuerySpec(measures=(rate(ROWS, *DAMAGED),))),
        ("what share of revenue is damaged", QuerySpec(measures=(rate(AMOUNT, *DAMAGED),))),
        ("damage rate", QuerySpec(measures=(rate(ROWS, *DAMAGED),))),
        ("What percentage of orders was damaged?", QuerySpec(measures=(rate(ORDERS, *DAMAGED),))),
        (
            "what percent of the orders were not damaged",
            QuerySpec(measures=(rate(ORDERS, *SOUND),)),
        ),
        (
            "What share of the revenue came from Pier?",
            QuerySpec(measures=(rate(AMOUNT, *only("desk", "Pier")),)),
        ),
        (
            "percentage of paddles sold on Fridays",
            QuerySpec(measures=(rate(PADDLES, FRIDAYS),)),
        ),
        # Behind the verb is the part, before it the whole.
        (
            "what percentage of Pier revenue was in July",
            QuerySpec(measures=(rate(AMOUNT, JULY),), where=(only("desk", "Pier"),)),
        ),
        (
            "what percentage of revenue in July came from Pier",
            QuerySpec(measures=(rate(AMOUNT, *only("desk", "Pier")),), period=IN_JULY),
        ),
        (
            "what percentage of Canoe orders was damaged",
            QuerySpec(measures=(rate(ORDERS, *DAMAGED),), where=(only("craft", "Canoe"),)),
        ),
        # Split, it is the part of each group, and not each group's part of the part.
        (
            "damage rate by desk",
            QuerySpec(measures=(rate(ROWS, *DAMAGED),), dimensions=(DESK,)),
        ),
        (
            "what percentage of revenue came from Pier by month",
            QuerySpec(measures=(rate(AMOUNT, *only("desk", "Pier")),), dimensions=(MONTH,)),
        ),
        (
            "percentage of Pier revenue by month",
            QuerySpec(
                measures=(msgspec.structs.replace(AMOUNT, shown_as="share"),),
                dimensions=(MONTH,),
                where=(only("desk", "Pier"),),
            ),
        ),
        # What was damaged may have been set to nothing: both are told.
        (
            "what percentage of sales was damaged",
            QuerySpec(measures=(rate(AMOUNT, *DAMAGED), rate(ROWS, *DAMAGED))),
        ),
    ],
)
async def test_a_percentage_is_of_what_is_said_of_the_whole(question: str, spec: QuerySpec) -> None:
    assert await planned_of_hire(question) == spec


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("percentage of Canoe orders for Pier", "which is the part and which the whole"),
        ("percentage of damaged orders by desk", "what percentage was damaged"),
        ("what percentage of the average amount came from Pier", "of what adds up"),
        ("what percentage of customers came from Pier", "customers"),
        ("percentage of revenue by desk June vs July", "put side by side"),
    ],
)
async def test_a_percentage_of_which_it_is_not_clear_what_it_is_of_is_not_given(
    question: str, reason: str
) -> None:
    assert reason in await declined_of_hire(question)


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        ("and by desk?", QuerySpec(measures=(rate(ROWS, *DAMAGED),), dimensions=(DESK,))),
        ("in July", QuerySpec(measures=(rate(ROWS, *DAMAGED),), period=IN_JULY)),
        (
            "only Pier",
            QuerySpec(measures=(rate(ROWS, *DAMAGED),), where=(only("desk", "Pier"),)),
        ),
        ("what percentage of orders was damaged", QuerySpec(measures=(rate(ORDERS, *DAMAGED),))),
    ],
)
async def test_a_percentage_stays_one_in_what_goes_on_from_it(
    question: str, spec: QuerySpec
) -> None:
    assert await planned_of_hire(question, QuerySpec(measures=(rate(ROWS, *DAMAGED),))) == spec


async def test_another_part_takes_the_place_of_the_part() -> None:
    pier = QuerySpec(measures=(rate(AMOUNT, *only("desk", "Pier")),))
    weir = QuerySpec(measures=(rate(AMOUNT, *only("desk", "Weir")),))
    assert await planned_of_hire("and Weir?", pier) == weir
    june = msgspec.structs.replace(JULY, values=("2025-06-01", "2025-06-30"))
    before = QuerySpec(measures=(rate(AMOUNT, JULY),))
    assert await planned_of_hire("and in June?", before) == QuerySpec(
        measures=(rate(AMOUNT, june),)
    )


async def test_a_percentage_is_not_put_beside_that_of_the_period_before() -> None:
    before = QuerySpec(measures=(rate(ROWS, *DAMAGED),), dimensions=(MONTH,))
    assert "percentage" in await declined_of_hire("compared to the previous month", before)


async def test_without_a_flag_is_where_it_is_not_set() -> None:
    assert (await planned_of_hire("amount without damaged")).where == (SOUND,)

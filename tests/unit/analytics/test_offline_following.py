"""Follow-ups change the spec before them; whole questions start anew."""

import pytest

from contexts.analytics.application.ports import Declined
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from kiosk import AMOUNT, PIECES, RECEIPTS, asked, only, planned

SELLER, ITEM = Dimension(column="seller"), Dimension(column="item")
MONTH = Dimension(column="day", grain="month")
BEFORE = QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,))
RANKED = QuerySpec(
    measures=(AMOUNT,), dimensions=(ITEM,), order=(Order(output=1, descending=True),), limit=5
)


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        (
            "only April",
            BEFORE,
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(SELLER,),
                period=Period(column="day", start="2025-04-01", end="2025-05-01", said="April"),
            ),
        ),
        ("by item instead", BEFORE, QuerySpec(measures=(AMOUNT,), dimensions=(ITEM,))),
        ("also by item", BEFORE, QuerySpec(measures=(AMOUNT,), dimensions=(SELLER, ITEM))),
        (
            "as a pie chart",
            BEFORE,
            QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,), chart="pie"),
        ),
        (
            "top 2",
            BEFORE,
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(SELLER,),
                order=(Order(output=1, descending=True),),
                limit=2,
            ),
        ),
        (
            "without Otto",
            BEFORE,
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(SELLER,),
                where=((Filter(column="seller", operator="ne", values=("Otto",)),),),
            ),
        ),
        (
            "sort ascending",
            BEFORE,
            QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,), order=(Order(output=1),)),
        ),
        (
            "what about Fridays",
            BEFORE,
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(SELLER,),
                where=((Filter(column="day", operator="eq", values=(5,), grain="weekday"),),),
            ),
        ),
        (
            "in percent",
            BEFORE,
            QuerySpec(
                measures=(Measure(aggregate="sum", column="amount", shown_as="share"),),
                dimensions=(SELLER,),
            ),
        ),
        (
            "by pieces",
            RANKED,
            QuerySpec(
                measures=(PIECES,),
                dimensions=(ITEM,),
                order=(Order(output=1, descending=True),),
                limit=5,
            ),
        ),
        ("per month", RANKED, QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))),
    ],
)
async def test_a_fragment_changes_what_it_speaks_of_and_nothing_else(
    question: str, before: QuerySpec, after: QuerySpec
) -> None:
    assert await planned(question, before) == after


async def test_another_value_of_the_same_column_takes_the_place_of_the_first() -> None:
    toys = QuerySpec(measures=(AMOUNT,), where=(only("kind", "toys"),))
    assert (await planned("and bakery?", toys)).where == (only("kind", "bakery"),)


async def test_a_condition_on_another_column_comes_beside_the_first() -> None:
    toys = QuerySpec(measures=(AMOUNT,), where=(only("kind", "toys"),))
    assert (await planned("only Nadia", toys)).where == (
        only("kind", "toys"),
        only("seller", "Nadia"),
    )


async def test_a_question_with_a_figure_of_its_own_starts_anew() -> None:
    narrowed = QuerySpec(measures=(AMOUNT,), where=(only("kind", "toys"),))
    assert await planned("pieces sold by item", narrowed) == QuerySpec(
        measures=(PIECES,), dimensions=(ITEM,)
    )


async def test_a_whole_question_starts_anew() -> None:
    assert await planned("How many receipts were issued?", RANKED) == QuerySpec(
        measures=(RECEIPTS,)
    )


@pytest.mark.parametrize(
    ("question", "after"),
    [
        (
            "top 3 items by pieces",
            QuerySpec(
                measures=(PIECES,),
                dimensions=(ITEM,),
                order=(Order(output=1, descending=True),),
                limit=3,
            ),
        ),
        (
            "how many receipts did Otto write",
            QuerySpec(measures=(RECEIPTS,), where=(only("seller", "Otto"),)),
        ),
        (
            "what is the most expensive item",
            QuerySpec(
                measures=(Measure(aggregate="max", column="unit_price"),),
                dimensions=(ITEM,),
                order=(Order(output=1, descending=True),),
                limit=1,
            ),
        ),
        (
            "show pieces by item",
            QuerySpec(measures=(PIECES,), dimensions=(ITEM,)),
        ),
        (
            "what is the average unit price",
            QuerySpec(measures=(Measure(aggregate="avg", column="unit_price"),)),
        ),
        (
            "the cheapest item",
            QuerySpec(
                measures=(Measure(aggregate="min", column="unit_price"),),
                dimensions=(ITEM,),
                order=(Order(output=1),),
                limit=1,
            ),
        ),
    ],
)
async def test_a_ranking_or_a_count_that_says_all_there_is_to_say_starts_anew(
    question: str, after: QuerySpec
) -> None:
    narrowed = QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,), where=(only("kind", "toys"),))
    assert await planned(question, narrowed) == after


@pytest.mark.parametrize("question", ["and the top 3 by pieces", "top 3 by pieces"])
async def test_a_ranking_without_things_ranks_those_before_by_its_own_figure(
    question: str,
) -> None:
    narrowed = QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,), where=(only("kind", "toys"),))
    assert await planned(question, narrowed) == QuerySpec(
        measures=(PIECES,),
        dimensions=(SELLER,),
        where=(only("kind", "toys"),),
        order=(Order(output=1, descending=True),),
        limit=3,
    )


async def test_an_order_by_a_figure_that_is_not_shown_is_by_that_figure() -> None:
    assert (await planned("sort by pieces", BEFORE)).order == (
        Order(measure=PIECES, descending=True),
    )
    assert (await planned("sort by pieces ascending", BEFORE)).order == (Order(measure=PIECES),)


@pytest.mark.parametrize(
    ("question", "descending"),
    [("and the worst?", False), ("which one was the best", True), ("the lowest one", False)],
)
async def test_the_best_and_the_worst_are_of_what_was_measured_before(
    question: str, descending: bool
) -> None:
    top = QuerySpec(
        measures=(PIECES,),
        dimensions=(SELLER,),
        order=(Order(output=1, descending=descending),),
        limit=1,
    )
    assert await planned(question, QuerySpec(measures=(PIECES,), dimensions=(SELLER,))) == top


async def test_a_figure_after_a_list_of_rows_starts_anew() -> None:
    rows = QuerySpec(dimensions=(SELLER, ITEM), limit=1)
    assert await planned("how many receipts", rows) == QuerySpec(measures=(RECEIPTS,))
    assert await planned("and the number of receipts of Otto", rows) == QuerySpec(
        measures=(RECEIPTS,), where=(only("seller", "Otto"),)
    )


async def test_one_figure_can_not_be_ranked() -> None:
    plan = await asked("top 5 of them", QuerySpec(measures=(AMOUNT,)))
    assert isinstance(plan, Declined)


async def test_a_year_alone_narrows_to_it() -> None:
    year = Period(column="day", start="2025-01-01", end="2026-01-01", said="2025")
    assert (await planned("2025", BEFORE)).period == year


async def test_what_is_denied_comes_beside_what_there_was_or_in_its_place() -> None:
    toys = QuerySpec(measures=(AMOUNT,), where=(only("kind", "toys"),))
    denied = (Filter(column="kind", operator="ne", values=("toys",)),)
    assert (await planned("without toys", toys)).where == (denied,)
    days = (Filter(column="day", operator="between", values=("2025-03-01", "2025-04-30")),)
    around = (
        Filter(column="day", operator="lt", values=("2025-04-01",)),
        Filter(column="day", operator="ge", values=("2025-05-01",)),
    )
    some = QuerySpec(measures=(AMOUNT,), where=(days,))
    assert (await planned("excluding April", some)).where == (days, around)

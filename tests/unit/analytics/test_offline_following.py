"""Follow-ups change the spec before them; whole questions start anew."""

import pytest

from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from kiosk import AMOUNT, PIECES, RECEIPTS, only, planned

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

"""What the offline planner makes of questions: the whole spec, for each kind of clause."""

import msgspec
import pytest

from contexts.analytics.application.ports import Planned
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Having,
    Measure,
    Order,
    Period,
    QuerySpec,
)
from kiosk import AMOUNT, KIOSK, PIECES, RECEIPTS, asked, declined, only, planned

ITEM = Dimension(column="item")
SELLER = Dimension(column="seller")
KIND = Dimension(column="kind")
MONTH = Dimension(column="day", grain="month")
TOP = (Order(output=1, descending=True),)
APRIL = Period(column="day", start="2025-04-01", end="2025-05-01", said="April")
PRICE = Measure(aggregate="avg", column="unit_price")
ROWS = Measure(aggregate="count")


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        ("What is the total turnover?", QuerySpec(measures=(AMOUNT,))),
        ("Revenue by month", QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))),
        ("monthly takings", QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))),
        ("takings month by month", QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))),
        ("takings we recieved per month", QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))),
        ("Turnover in April", QuerySpec(measures=(AMOUNT,), period=APRIL)),
        (
            "average unit price of each item",
            QuerySpec(measures=(PRICE,), dimensions=(ITEM,)),
        ),
        (
            "maximum and minimum unit price per kind",
            QuerySpec(
                measures=(
                    Measure(aggregate="max", column="unit_price"),
                    Measure(aggregate="min", column="unit_price"),
                ),
                dimensions=(KIND,),
            ),
        ),
        ("How many receipts were issued?", QuerySpec(measures=(RECEIPTS,))),
        ("How many rows are there?", QuerySpec(measures=(ROWS,))),
        (
            "How many different items were sold by Otto?",
            QuerySpec(
                measures=(Measure(aggregate="count_distinct", column="item"),),
                where=(only("seller", "Otto"),),
            ),
        ),
        (
            "How many plum cakes were sold?",
            QuerySpec(measures=(PIECES,), where=(only("item", "Plum cake"),)),
        ),
        (
            "How many items were sold between 12:00 and 14:00?",
            QuerySpec(
                measures=(PIECES,),
                where=((Filter(column="hour", operator="between", values=("12:00", "14:00")),),),
            ),
        ),
        (
            "average turnover per receipt",
            QuerySpec(measures=(Measure(aggregate="sum", column="amount", per="receipt_no"),)),
        ),
        (
            "Which seller made the most revenue?",
            QuerySpec(measures=(AMOUNT,), dimensions=(SELLER,), order=TOP, limit=1),
        ),
        (
            "What is the best selling item on Fridays?",
            QuerySpec(
                measures=(PIECES,),
                dimensions=(ITEM,),
                where=((Filter(column="day", operator="eq", values=(5,), grain="weekday"),),),
                order=TOP,
                limit=1,
            ),
        ),
        (
            "top 2 items by revenue per month",
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(MONTH, ITEM),
                order=(Order(output=0), Order(output=2, descending=True)),
                limit=2,
                limit_per=0,
            ),
        ),
        (
            "most common kind",
            QuerySpec(measures=(ROWS,), dimensions=(KIND,), order=TOP, limit=1),
        ),
        (
            "items with more than 100 pieces sold",
            QuerySpec(
                measures=(PIECES,),
                dimensions=(ITEM,),
                having=(Having(measure=PIECES, operator="gt", values=(100,)),),
            ),
        ),
        (
            "share of turnover by kind",
            QuerySpec(measures=(AMOUNT,), dimensions=(KIND,), chart="pie"),
        ),
        (
            "what percentage of turnover does each seller have",
            QuerySpec(
                measures=(Measure(aggregate="sum", column="amount", shown_as="share"),),
                dimensions=(SELLER,),
            ),
        ),
        (
            "cumulative turnover by month",
            QuerySpec(
                measures=(Measure(aggregate="sum", column="amount", shown_as="running_total"),),
                dimensions=(MONTH,),
            ),
        ),
        (
            "turnover by month compared to the previous month",
            QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,), comparison="previous_period"),
        ),
        (
            "Turnover without toys",
            QuerySpec(
                measures=(AMOUNT,),
                where=((Filter(column="kind", operator="ne", values=("toys",)),),),
            ),
        ),
        (
            "Turnover of Nadia or Otto by item",
            QuerySpec(
                measures=(AMOUNT,), dimensions=(ITEM,), where=(only("seller", "Nadia", "Otto"),)
            ),
        ),
        (
            "Turnover where the unit price is above the average",
            QuerySpec(
                measures=(AMOUNT,),
                where=((Filter(column="unit_price", operator="gt", relative_to="avg"),),),
            ),
        ),
        (
            "Draw a bar chart of item versus the average unit price, and list the x axis in desc",
            QuerySpec(
                measures=(PRICE,),
                dimensions=(ITEM,),
                order=(Order(output=0, descending=True),),
                chart="bar",
            ),
        ),
        (
            "Bar chart x axis item y axis how many item, order by the y axis from high to low",
            QuerySpec(measures=(ROWS,), dimensions=(ITEM,), order=TOP, chart="bar"),
        ),
        (
            "List the item and unit price where the item starts with 'P', sorted by unit price",
            QuerySpec(
                dimensions=(ITEM, Dimension(column="unit_price")),
                where=((Filter(column="item", operator="starts_with", values=("P",)),),),
                order=(Order(output=1),),
            ),
        ),
        ("What are the different kinds?", QuerySpec(dimensions=(KIND,), distinct=True)),
    ],
)
async def test_a_question_becomes_the_spec_that_says_the_same(
    question: str, spec: QuerySpec
) -> None:
    assert await planned(question) == spec


@pytest.mark.parametrize(
    "question", ["turnover of zoe", "turnover of ZOË", "turnover of Zoë's", 'turnover of "Zoë"']
)
async def test_values_are_found_however_they_are_written(question: str) -> None:
    assert (await planned(question)).where == (only("seller", "Zoë"),)


async def test_one_slip_in_a_long_value_is_forgiven() -> None:
    plan = await asked("turnover of bakary")
    assert isinstance(plan, Planned)
    assert plan.spec.where == (only("kind", "bakery"),)
    assert plan.confidence < (await _sure("turnover of bakery")).confidence


async def _sure(question: str) -> Planned:
    plan = await asked(question)
    assert isinstance(plan, Planned)
    return plan


async def test_a_plan_says_on_what_it_rests_and_what_it_assumed() -> None:
    plan = await _sure("turnover of plum cake in April")
    assert "'plum cake' is the value Plum cake of Item" in plan.rests_on
    assert plan.assumptions == ("'April' is taken as April 2025",)


async def test_a_time_beyond_the_data_is_said() -> None:
    plan = await _sure("turnover in 2019")
    assert "the data is from 2025-03-03 to 2025-05-31 only" in plan.assumptions


async def test_names_that_are_told_word_for_word_are_surer_than_half_names() -> None:
    whole = await _sure("average unit price by item")
    half = await _sure("average price by item")
    assert whole.spec == half.spec
    assert whole.confidence > half.confidence


async def test_the_same_question_gives_the_same_plan() -> None:
    assert await asked("top 2 items by revenue") == await asked("top 2 items by revenue")


@pytest.mark.parametrize("question", ["top 3 items", "the top 3 sellers"])
async def test_the_top_of_things_without_a_figure_are_those_that_bring_the_most(
    question: str,
) -> None:
    plan = await asked(question)
    assert isinstance(plan, Planned)
    assert (plan.spec.measures, plan.spec.order, plan.spec.limit) == ((AMOUNT,), TOP, 3)
    assert "'top' is taken as by revenue" in plan.assumptions


async def test_the_first_of_things_are_just_those() -> None:
    assert (await planned("the first 3 items")).measures == ()


async def test_a_time_can_be_left_out() -> None:
    spec = await planned("turnover by month without April")
    assert spec.period is None
    assert spec.where == (
        (
            Filter(column="day", operator="lt", values=("2025-04-01",)),
            Filter(column="day", operator="ge", values=("2025-05-01",)),
        ),
    )


async def test_how_much_somebody_made_is_money() -> None:
    assert await planned("how much did Otto make") == QuerySpec(
        measures=(AMOUNT,), where=(only("seller", "Otto"),)
    )


async def test_no_figure_is_anybody() -> None:
    assert "who is meant" in (await declined("who has the lowest turnover")).reason


async def test_nobody_goes_by_the_name_of_a_product() -> None:
    columns = tuple(
        msgspec.structs.replace(each, name="item_name", title="Item name")
        if each.name == "item"
        else each
        for each in KIOSK.columns
    )
    named = msgspec.structs.replace(KIOSK, columns=columns)
    assert "who is meant" in (await declined("who made the most turnover", named)).reason
    assert "who is meant" in (await declined("who bought toys", named)).reason


async def test_the_worst_things_bring_the_least_money() -> None:
    assert await planned("worst 3 items") == QuerySpec(
        measures=(AMOUNT,), dimensions=(ITEM,), order=(Order(output=1),), limit=3
    )

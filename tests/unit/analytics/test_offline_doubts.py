"""What the offline planner must not mistake: words for other words, one figure for two."""

import msgspec
import pytest

from boat_hire import (
    AMOUNT,
    CRAFT,
    DAMAGED,
    DESK,
    HIRE,
    MONTH,
    ORDERS,
    PADDLES,
    SOUND,
    asked_of_hire,
)
from contexts.analytics.application.ports import Declined, Planned
from contexts.analytics.domain.query_spec import Filter, Measure, Order, QuerySpec
from kiosk import only


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        # A flag beside a noun narrows, and what stands around it belongs together.
        ("How many damaged orders are there?", QuerySpec(measures=(ORDERS,), where=(DAMAGED,))),
        ("How many orders were not damaged?", QuerySpec(measures=(ORDERS,), where=(SOUND,))),
        ("Revenue excluding damaged orders", QuerySpec(measures=(AMOUNT,), where=(SOUND,))),
        (
            "Revenue of damaged orders per month",
            QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,), where=(DAMAGED,)),
        ),
        # What is compared stands side by side.
        (
            "Compare the revenue of Pier and Weir",
            QuerySpec(
                measures=(AMOUNT,), dimensions=(DESK,), where=(only("desk", "Pier", "Weir"),)
            ),
        ),
        (
            "Pier vs Lock: revenue",
            QuerySpec(
                measures=(AMOUNT,), dimensions=(DESK,), where=(only("desk", "Pier", "Lock"),)
            ),
        ),
        # One figure, not two.
        ("Monthly paddle sales", QuerySpec(measures=(PADDLES,), dimensions=(MONTH,))),
        ("Monthly sales of paddles", QuerySpec(measures=(PADDLES,), dimensions=(MONTH,))),
        ("Paddle revenue by desk", QuerySpec(measures=(AMOUNT,), dimensions=(DESK,))),
        (
            "Least popular craft by revenue",
            QuerySpec(measures=(AMOUNT,), dimensions=(CRAFT,), order=(Order(output=1),), limit=1),
        ),
        # A document of several rows is no group where a figure is asked per one of it.
        (
            "paddles per order by desk",
            QuerySpec(
                measures=(Measure(aggregate="sum", column="paddles", per="order_no"),),
                dimensions=(DESK,),
            ),
        ),
        # Who is only a part of a name says whose figure it is.
        (
            "How much did customers from Bramford spend?",
            QuerySpec(measures=(AMOUNT,), where=(only("customer_town", "Bramford"),)),
        ),
        (
            "How many different towns do customers come from?",
            QuerySpec(measures=(Measure(aggregate="count_distinct", column="customer_town"),)),
        ),
        (
            "Which craft sells best at the Pier?",
            QuerySpec(
                measures=(PADDLES,),
                dimensions=(CRAFT,),
                where=(only("desk", "Pier"),),
                order=(Order(output=1, descending=True),),
                limit=1,
            ),
        ),
        # Both are counted, and what is counted in a column is added up.
        (
            "How many desks and crafts are there?",
            QuerySpec(
                measures=(
                    Measure(aggregate="count_distinct", column="desk"),
                    Measure(aggregate="count_distinct", column="craft"),
                )
            ),
        ),
        (
            "How many credits per desk?",
            QuerySpec(
                measures=(Measure(aggregate="sum", column="school_credit"),), dimensions=(DESK,)
            ),
        ),
        (
            "highest revenue month",
            QuerySpec(
                measures=(AMOUNT,),
                dimensions=(MONTH,),
                order=(Order(output=1, descending=True),),
                limit=1,
            ),
        ),
        (
            "What share of the revenue does each desk have?",
            QuerySpec(measures=(AMOUNT,), dimensions=(DESK,), chart="pie"),
        ),
        ("averge amount", QuerySpec(measures=(Measure(aggregate="avg", column="amount"),))),
    ],
)
async def test_a_word_is_not_taken_for_another_one(question: str, spec: QuerySpec) -> None:
    plan = await asked_of_hire(question)
    assert isinstance(plan, Planned), plan
    assert plan.spec == spec


@pytest.mark.parametrize(
    "question",
    [
        "How many customers do we have?",
        "Number of customers per town",
        "revenue per customer",
        "Who is the best customer?",
    ],
)
async def test_half_the_name_of_a_town_is_not_who_lives_there(question: str) -> None:
    no = await asked_of_hire(question)
    assert isinstance(no, Declined), no
    assert [phrase.lower().removesuffix("s") for phrase in no.unplaced][-1] == "customer"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("How many desks have we sold paddles for?", "paddles is to be split by"),
        ("average amount of a paddle for skiffs", "split by paddles"),
        ("highest amount of paddle for the Pier", "split by paddles"),
        ("Distinct crafts per desk", "counted or listed"),
        ("How many Canoes were there?", "lines of what was sold"),
        ("revenue per paddle by desk", "divides two sums"),
        ("average revenue per day", "ask for the total by day"),
        ("average number of crafts per desk", "average number of different craft"),
        ("percentage of damaged orders by desk", "what percentage was damaged"),
        ("revenue of Pier where the desk is Weir", "at once"),
    ],
)
async def test_an_answer_that_nobody_asks_for_is_not_given(question: str, reason: str) -> None:
    no = await asked_of_hire(question)
    assert isinstance(no, Declined), no
    assert reason in no.reason


async def test_years_before_or_after_are_two_ways_to_be_in() -> None:
    undated = msgspec.structs.replace(
        HIRE, columns=HIRE.columns[1:], table="boat_hire_2", version=2
    )
    plan = await asked_of_hire("number of rows built before 1980 or after 2000", relation=undated)
    assert isinstance(plan, Planned), plan
    assert plan.spec.where == (
        (
            Filter(column="built", operator="lt", values=(1980,)),
            Filter(column="built", operator="ge", values=(2001,)),
        ),
    )


async def test_a_number_in_words_after_a_column_is_its_value() -> None:
    plan = await asked_of_hire("number of rows with paddles three")
    assert isinstance(plan, Planned), plan
    assert plan.spec.where == (only("paddles", 3),)


async def test_every_suggestion_is_a_question_that_is_answered() -> None:
    no = await asked_of_hire("What is the wind like?")
    assert isinstance(no, Declined)
    assert "top 5 customer towns by total paddles" in no.suggestions
    for question in no.suggestions:
        assert isinstance(await asked_of_hire(question), Planned), question


@pytest.mark.parametrize(
    "question", ["which craft sold the most", "how many paddles were sold", "best selling craft"]
)
async def test_what_is_on_offer_is_no_figure_of_what_was_sold(question: str) -> None:
    assert isinstance(await asked_of_hire(question), Planned)
    no = await asked_of_hire(question, relation=msgspec.structs.replace(HIRE, sells=False))
    assert isinstance(no, Declined)
    assert no.reason == "quayside tells what is on offer, and not what was sold"


async def test_nothing_is_ranked_by_the_second() -> None:
    no = await asked_of_hire("best taken_at")
    assert isinstance(no, Declined)
    assert no.reason == "it is not clear whether the answer is to be split by taken_at"

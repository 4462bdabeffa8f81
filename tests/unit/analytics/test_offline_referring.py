"""Questions about the answer before are of what it was of, and never of all the data."""

import msgspec
import pytest

from boat_hire import (
    AMOUNT,
    DAMAGED,
    DESK,
    HIRE,
    MONTH,
    ORDERS,
    PADDLES,
    ROWS,
    SOUND,
    declined_of_hire,
    planned_of_hire,
)
from contexts.analytics.domain.query_spec import (
    Dimension,
    Filter,
    Measure,
    Order,
    Period,
    QuerySpec,
)

JULY = Period(column="taken_at", start="2025-07-01", end="2025-08-01", said="July")
OF_JULY = Filter(column="taken_at", operator="between", values=("2025-07-01", "2025-07-31"))
PIER = (Filter(column="desk", operator="eq", values=("Pier",)),)
TAKEN = QuerySpec(measures=(AMOUNT,), period=JULY)
BY_DESK = QuerySpec(measures=(AMOUNT,), dimensions=(DESK,), where=(DAMAGED,))
ALL_OF_IT = tuple(Dimension(column=column.name) for column in HIRE.columns)
DEAREST = QuerySpec(
    dimensions=(Dimension(column="amount"),), order=(Order(output=0, descending=True),), limit=1
)


def rate(measure: Measure, *part: Filter) -> Measure:
    return Measure(aggregate=measure.aggregate, column=measure.column, where=part, shown_as="rate")


@pytest.mark.parametrize(
    ("question", "before", "after"),
    [
        ("how many orders were that", TAKEN, QuerySpec(measures=(ORDERS,), period=JULY)),
        ("And how many orders is that?", TAKEN, QuerySpec(measures=(ORDERS,), period=JULY)),
        (
            "how many paddles were those",
            BY_DESK,
            QuerySpec(measures=(PADDLES,), dimensions=(DESK,), where=(DAMAGED,)),
        ),
        (
            "how many orders were that",
            QuerySpec(measures=(rate(ROWS, DAMAGED[0]),), dimensions=(DESK,)),
            QuerySpec(
                measures=(msgspec.structs.replace(ORDERS, where=(DAMAGED[0],)),),
                dimensions=(DESK,),
            ),
        ),
        ("what percent is that", TAKEN, QuerySpec(measures=(rate(AMOUNT, OF_JULY),))),
        (
            "what share of the total is that?",
            QuerySpec(measures=(ORDERS,), where=(PIER,), period=JULY),
            QuerySpec(measures=(rate(ORDERS, PIER[0], OF_JULY),)),
        ),
        (
            "what percentage is that",
            BY_DESK,
            QuerySpec(
                measures=(Measure(aggregate="sum", column="amount", shown_as="share"),),
                dimensions=(DESK,),
                where=(DAMAGED,),
            ),
        ),
        ("list them", TAKEN, QuerySpec(dimensions=ALL_OF_IT, period=JULY)),
        (
            "show me those please",
            QuerySpec(measures=(ROWS,), where=(DAMAGED,)),
            QuerySpec(dimensions=ALL_OF_IT, where=(DAMAGED,)),
        ),
        (
            "which ones",
            QuerySpec(measures=(ORDERS,), where=(PIER,)),
            QuerySpec(dimensions=(Dimension(column="order_no"),), where=(PIER,), distinct=True),
        ),
        (
            "list them",
            QuerySpec(measures=(rate(ROWS, DAMAGED[0]),), where=(PIER,)),
            QuerySpec(dimensions=ALL_OF_IT, where=(PIER, DAMAGED)),
        ),
        ("compare them", BY_DESK, BY_DESK),
    ],
)
async def test_it_is_asked_of_what_the_answer_before_was_of(
    question: str, before: QuerySpec, after: QuerySpec
) -> None:
    assert await planned_of_hire(question, before) == after


@pytest.mark.parametrize(
    ("question", "before", "named"),
    [
        ("what percent is that of the Weir", TAKEN, "what the whole"),
        ("what percent is that", QuerySpec(measures=(AMOUNT,)), "part of"),
        (
            "what percent is that",
            QuerySpec(measures=(Measure(aggregate="avg", column="amount"),), period=JULY),
            "a number or a total",
        ),
        ("what percent is that", None, "no answer before"),
        ("how many orders were that", None, "no answer before"),
        (
            "how many orders were that",
            QuerySpec(measures=(AMOUNT,), dimensions=(DESK,), limit=3),
            "chosen by their figures",
        ),
        ("compare them", TAKEN, "no two figures"),
        ("by how much", BY_DESK, "not worked out"),
        ("what's the difference?", TAKEN, "compared with"),
        ("how much did he take", TAKEN, "'he'"),
        ("how much did she take", None, "'she'"),
        ("who bought it", BY_DESK, "'it'"),
        ("out of how many", QuerySpec(measures=(ROWS,), where=(DAMAGED,)), "out of what"),
        ("just the first 5", TAKEN, "one figure"),
    ],
)
async def test_what_can_not_be_told_of_it_is_declined_by_name(
    question: str, before: QuerySpec | None, named: str
) -> None:
    assert named in await declined_of_hire(question, before)


async def test_by_how_much_a_figure_went_up_stands_in_its_course() -> None:
    course = QuerySpec(measures=(AMOUNT,), dimensions=(MONTH,))
    assert await planned_of_hire("by how much?", course) == course


async def test_rows_stay_in_their_order_whatever_is_told_of_them() -> None:
    told = await planned_of_hire("for which desk", DEAREST)
    assert told.dimensions == (DESK,)
    assert told.order == (Order(column="amount", descending=True),)
    assert told.limit == 1


async def test_the_top_of_things_after_a_list_of_rows_is_a_question_of_its_own() -> None:
    rows = QuerySpec(dimensions=ALL_OF_IT, where=(SOUND,))
    assert (await planned_of_hire("per desk top 2", rows)).measures == (AMOUNT,)

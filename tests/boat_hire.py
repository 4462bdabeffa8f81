"""A small dataset of boats that were hired, with a flag, as planners see it."""

from datetime import datetime

from contexts.analytics.application.ports import Ask, Declined, Planned
from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, QuerySpec
from contexts.analytics.domain.relation import Column, ColumnType, ColumnValues, Relation, Role
from contexts.analytics.infrastructure.offline_planner import OfflinePlanner


def _column(name: str, kind: ColumnType, role: Role, distinct: int, **known: str) -> Column:
    return Column(
        name=name,
        title=name,
        type=kind,
        role=role,
        distinct=distinct,
        minimum=known.get("minimum"),
        maximum=known.get("maximum"),
    )


HIRE = Relation(
    dataset="quayside",
    version=1,
    schema="own",
    table="boat_hire_1",
    rows=900,
    columns=(
        _column("taken_at", "timestamp", "time", 880, minimum="2025-05-01", maximum="2025-08-31"),
        _column("order_no", "text", "identifier", 400),
        _column("desk", "text", "dimension", 3),
        _column("customer_town", "text", "dimension", 5),
        _column("craft", "text", "dimension", 6),
        _column("paddles", "integer", "measure", 8),
        _column("amount", "decimal", "measure", 300),
        _column("damaged", "boolean", "dimension", 2),
        _column("school_credit", "integer", "measure", 9),
        _column("built", "integer", "measure", 30, minimum="1970", maximum="2020"),
    ),
)
VALUES = (
    ColumnValues("desk", ("Pier", "Weir", "Lock")),
    ColumnValues("customer_town", ("Aldersey", "Bramford")),
    ColumnValues("craft", ("Canoe", "Punt", "Skiff")),
)

AMOUNT = Measure(aggregate="sum", column="amount")
PADDLES = Measure(aggregate="sum", column="paddles")
ORDERS = Measure(aggregate="count_distinct", column="order_no")
ROWS = Measure(aggregate="count")
DESK = Dimension(column="desk")
CRAFT = Dimension(column="craft")
MONTH = Dimension(column="taken_at", grain="month")
DAMAGED = (Filter(column="damaged", operator="eq", values=(True,)),)
SOUND = (Filter(column="damaged", operator="eq", values=(False,)),)


async def asked_of_hire(
    question: str, previous: QuerySpec | None = None, relation: Relation = HIRE
) -> Planned | Declined:
    """What a new planner makes of a question, five months after the data ends."""
    now = datetime(2026, 2, 3)
    ask = Ask(question=question, relation=relation, values=VALUES, now=now, previous=previous)
    return await OfflinePlanner().plan(ask)


async def planned_of_hire(question: str, previous: QuerySpec | None = None) -> QuerySpec:
    plan = await asked_of_hire(question, previous)
    assert isinstance(plan, Planned), plan
    return plan.spec


async def declined_of_hire(question: str, previous: QuerySpec | None = None) -> str:
    """The reason."""
    plan = await asked_of_hire(question, previous)
    assert isinstance(plan, Declined), plan
    return plan.reason

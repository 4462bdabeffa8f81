"""Which of several datasets a question is asked of."""

from datetime import datetime

from boat_hire import HIRE
from boat_hire import VALUES as OF_HIRE
from contexts.analytics.application.ports import Declined
from contexts.analytics.application.relations import Current
from contexts.analytics.application.understanding import Understanding, Understood
from contexts.analytics.domain.dataset import CATALOGUE
from contexts.analytics.domain.relation import Column, ColumnValues, Relation
from contexts.analytics.infrastructure.offline_planner import OfflinePlanner
from contexts.analytics.infrastructure.sql.compiler import compile_spec

EVENTS = Relation(
    dataset=CATALOGUE,
    version=1,
    schema="own",
    table="events",
    rows=600,
    row_noun="event",
    columns=(
        Column(name="title", title="Title", type="text", role="dimension", distinct=90),
        Column(
            name="starts_at",
            title="Starts at",
            type="timestamp",
            role="time",
            distinct=500,
            minimum="2025-06-01",
            maximum="2026-12-31",
        ),
        Column(name="paddles", title="Paddles", type="integer", role="measure", distinct=90),
    ),
)
NOW = datetime(2026, 2, 3)


class _Nothing:
    """Fits History."""

    async def golden(self, dataset: str, question: str) -> None:
        return None


async def _values(relation: Relation) -> tuple[ColumnValues, ...]:
    return OF_HIRE if relation is HIRE else ()


async def _understood(question: str) -> Understood | Declined:
    understanding = Understanding(
        OfflinePlanner(),
        None,
        _values,
        compile_spec,
        _Nothing(),
        0.6,  # type: ignore[arg-type]
    )
    among = (Current(HIRE, "1"), Current(EVENTS, "1"))
    return await understanding.plan(question, among, now=NOW, before=None, which="offline")


async def test_the_catalogue_is_not_taken_for_what_was_sold_because_of_a_month_that_fits() -> None:
    asked_back = await _understood("how many paddles in October")
    assert isinstance(asked_back, Declined)
    assert {option.dataset for option in asked_back.options} == {"quayside", CATALOGUE}


async def test_the_catalogue_is_asked_where_nothing_else_fits() -> None:
    for question in ("paddles by title in October", "number of titles"):
        found = await _understood(question)
        assert isinstance(found, Understood), question
        assert found.current.relation is EVENTS

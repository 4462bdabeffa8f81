"""One planner's answers to the questions of a set, each held against what is right."""

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import Literal

import msgspec

from benchmarks.eval.comparing import same_rows
from benchmarks.eval.place import Place
from benchmarks.eval.sets import Asked, Case
from contexts.analytics.application.charts import choose_chart
from contexts.analytics.application.ports import (
    Ask,
    Declined,
    Planned,
    Planner,
    PlannerFailed,
)
from contexts.analytics.domain.answer import Cell
from contexts.analytics.domain.query_spec import QuerySpec

Verdict = Literal["right", "wrong", "declined rightly", "declined wrongly"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`chart` is what was chosen, `reason` why it was declined or could not be run."""

    asked: Asked
    table: str
    verdict: Verdict
    milliseconds: float
    chart: str = ""
    chart_right: bool = False
    spec: QuerySpec | None = None
    sql: str = ""
    rows: tuple[tuple[Cell, ...], ...] = ()
    reason: str = ""
    confidence: float = 0.0


async def judge(case: Case, planner: Planner, place: Place, told: Callable[[Judged], None]) -> None:
    """Tell what became of one question."""
    table = await place.table(case.table)
    asked = case.asked
    now = datetime(2026, 1, 1)
    previous = None
    if asked.after is not None:
        first = await planner.plan(
            Ask(question=asked.after, relation=table.relation, values=table.values, now=now)
        )
        previous = first.spec if isinstance(first, Planned) else None
    ask = Ask(
        question=asked.question,
        relation=table.relation,
        values=table.values,
        now=now,
        previous=previous,
    )
    began = perf_counter()
    try:
        plan = await planner.plan(ask)
    except PlannerFailed as error:
        plan = Declined(outcome="unanswerable", reason=f"failed: {error}", planner=planner.name)
    took = (perf_counter() - began) * 1000
    if isinstance(plan, Declined):
        verdict: Verdict = "declined wrongly" if asked.rows is not None else "declined rightly"
        told(
            Judged(
                asked=asked,
                table=case.table.stem,
                verdict=verdict,
                milliseconds=took,
                reason=f"{plan.outcome}: {plan.reason}",
            )
        )
        return
    try:
        sql, result = await place.run(plan.spec, table.relation)
        reason = "" if asked.rows is not None else "answers what nothing answers"
        chart: str = choose_chart(plan.spec, result).type
    except Exception as error:
        sql, result, chart = "", None, ""
        reason = f"{type(error).__name__}: {error}"
    rows = result.rows if result is not None else ()
    right = asked.rows is not None and result is not None and same_rows(rows, asked.rows)
    told(
        Judged(
            asked=asked,
            table=case.table.stem,
            verdict="right" if right else "wrong",
            milliseconds=took,
            chart=chart,
            chart_right=right and chart == asked.chart,
            spec=plan.spec,
            sql=sql,
            rows=rows,
            reason=reason,
            confidence=plan.confidence,
        )
    )

"""The model planner over HTTP, at servers that answer well and badly."""

import json
from datetime import datetime
from typing import Any

import pytest

from contexts.analytics.application.ports import Ask, Declined, Planned, PlannerFailed
from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, Order, QuerySpec
from contexts.analytics.domain.relation import Column, ColumnValues, Relation
from contexts.analytics.infrastructure.model_planner.planner import ModelPlanner
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from language_models import language_model, server
from misbehaving_model import Answer, Asked, body, fails, hangs, model, refuses, says
from settings import Settings

ASK = Ask(
    question="Which boat had the most passengers in May?",
    relation=Relation(
        dataset="ferry",
        version=1,
        schema="room",
        table="trips",
        rows=400,
        columns=(
            Column(name="sailed_on", title="Sailed on", type="date", role="time"),
            Column(name="boat", title="Boat", type="text", role="dimension"),
            Column(name="passengers", title="Passengers", type="integer", role="measure"),
        ),
    ),
    values=(ColumnValues("boat", ("Heron", "Little Tern")),),
    now=datetime(2023, 7, 2, 9, 30),
)
MEANT = QuerySpec(
    measures=(Measure(aggregate="sum", column="passengers"),),
    dimensions=(Dimension(column="boat"),),
    where=((Filter(column="sailed_on", operator="eq", values=(5,), grain="month_of_year"),),),
    order=(Order(output=1, descending=True),),
    limit=1,
)


def reply(**changes: Any) -> str:
    """Every field of it, as strict decoding writes them."""
    measure: dict[str, Any] = {
        "aggregate": "sum",
        "column": "passengers",
        "times": None,
        "per": None,
        "where": [],
        "shown_as": "value",
    }
    may = {
        "column": "sailed_on",
        "operator": "eq",
        "values": [5],
        "grain": "month_of_year",
        "relative_to": None,
    }
    order = {
        "output": 1,
        "measure": None,
        "column": None,
        "descending": True,
        "shown_as": "value",
    }
    spec = {
        "measures": [measure],
        "dimensions": [{"column": "boat", "grain": None, "width": None}],
        "where": [[may]],
        "period": None,
        "having": [],
        "order": [order],
        "limit": 1,
        "limit_per": None,
        "distinct": False,
        "comparison": None,
        "chart": None,
        **changes,
    }
    return json.dumps({"spec": spec, "decline": None, "assumptions": [], "confidence": 0.9})


async def planned(
    settings: Settings, *answers: Answer, **limits: Any
) -> tuple[Planned | Declined, list[Asked], list[str]]:
    """What came of it, what the server was asked, and what could not be used."""
    reasons: list[str] = []
    async with model(*answers) as there, language_model(settings, server(there), **limits) as ours:
        planner = ModelPlanner(ours, compile_spec)
        made = await planner.plan(ASK, on_attempt=reasons.append)
        return made, there.asked, reasons


async def test_a_good_server_makes_a_plan_by_the_schema(settings: Settings) -> None:
    made, asked, reasons = await planned(settings, says(reply()))
    assert isinstance(made, Planned)
    assert made.spec == MEANT
    assert made.usage.model == "test-model"
    assert made.usage.cost == pytest.approx((20 * 1.0 + 10 * 2.0) / 1e6)
    assert reasons == []
    (request,) = asked
    assert request.format == "json_schema"
    held = request.body["response_format"]["json_schema"]
    assert held["strict"] is True
    assert held["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "answer",
    [
        says(f"Sure! Here it is:\n```json\n{reply()}\n```\nAnything else?"),
        refuses(
            lambda asked: asked.format is not None,
            "response_format is not supported",
            says(f"The query is {reply()} I think."),
        ),
    ],
    ids=["in a fence", "without response formats"],
)
async def test_a_weak_server_makes_one_too(settings: Settings, answer: Answer) -> None:
    made, _, reasons = await planned(settings, answer)
    assert isinstance(made, Planned)
    assert made.spec == MEANT
    assert reasons == []


async def test_what_the_compiler_finds_wrong_is_sent_back(settings: Settings) -> None:
    wrong = reply(measures=[{**json.loads(reply())["spec"]["measures"][0], "column": "boat"}])
    made, asked, reasons = await planned(settings, says(wrong), says(reply()))
    assert isinstance(made, Planned)
    assert made.spec == MEANT
    assert len(asked) == 2
    assert len(reasons) == 1
    assert "boat" in reasons[0].lower()
    assert [message["role"] for message in asked[1].messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert made.usage.input_tokens == 40


async def test_sql_in_place_of_a_spec_is_not_taken(settings: Settings) -> None:
    with pytest.raises(PlannerFailed) as failed:
        await planned(settings, says('{"sql": "DELETE FROM trips"}'))
    assert not failed.value.transient
    assert failed.value.usage.input_tokens > 0


async def test_a_decline_is_one(settings: Settings) -> None:
    decline = {
        "outcome": "unanswerable",
        "reason": "There is no weather in this table.",
        "unplaced": ["weather"],
        "options": [],
        "suggestions": [],
    }
    text = json.dumps({"spec": None, "decline": decline, "assumptions": [], "confidence": 1})
    made, _, _ = await planned(settings, says(text))
    assert isinstance(made, Declined)
    assert (made.outcome, made.unplaced) == ("unanswerable", ("weather",))


@pytest.mark.parametrize(
    ("answer", "transient"),
    [
        (fails(500), True),
        (fails(429), True),
        (fails(429, {"message": "no credit", "code": "insufficient_quota"}), False),
        (fails(401), False),
        (says(None, refusal="I can't help with that."), False),
        (body("<!doctype html>"), True),
    ],
    ids=["broken", "busy", "without credit", "without a right key", "refusing", "no model at all"],
)
async def test_a_server_that_fails_makes_a_failed_plan(
    settings: Settings, answer: Answer, transient: bool
) -> None:
    with pytest.raises(PlannerFailed) as failed:
        await planned(settings, answer, retries=0)
    assert failed.value.transient is transient, str(failed.value)


async def test_a_server_that_hangs_is_left_in_time(settings: Settings) -> None:
    async with model(hangs) as there, language_model(settings, server(there), retries=0) as ours:
        with pytest.raises(PlannerFailed) as failed:
            await ModelPlanner(ours, seconds=0.5).plan(ASK)
    assert failed.value.transient

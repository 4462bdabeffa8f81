"""Questions with a language model set up: what it takes over, confirms, and fails at."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from asking import answered, load
from bootstrap import Application, running
from contexts.analytics.domain.query_spec import Dimension, Measure, QuerySpec
from misbehaving_model import Answer, Messages, Model, fails, hangs, model, replies, says
from settings import Settings
from shared.application.language_model import GetUsage

FARES = QuerySpec(
    measures=(Measure(aggregate="sum", column="fare"),), dimensions=(Dimension(column="city"),)
)
RIDERS = QuerySpec(
    measures=(Measure(aggregate="sum", column="passengers"),),
    dimensions=(Dimension(column="city"),),
)
# Nothing in the dataset goes by these words.
RIDDLE = "zorbing takings, town after town"


def plan(spec: QuerySpec) -> str:
    return json.dumps({"spec": msgspec.to_builtins(spec), "confidence": 0.8, "assumptions": []})


def planning(spec: QuerySpec) -> Answer:
    """A model that plans this, and when it is asked for better words, has none."""

    def reply(messages: Messages) -> str:
        return plan(spec) if "spec" in str(messages) else "As the findings say."

    return replies(reply)


@asynccontextmanager
async def with_model(
    settings: Settings, *answers: Answer, **changes: float
) -> AsyncIterator[tuple[Application, Model]]:
    async with model(*answers) as served:
        changed = msgspec.structs.replace(
            settings,
            llm_base_url=served.url,
            llm_model="test-model",
            llm_retries=0,
            llm_rephrase=False,
            llm_prices={"test-model": (1.0, 2.0)},
            **changes,
        )
        async with running(changed, "marquee-test") as application:
            await load(application)
            yield application, served


async def test_a_model_takes_over_what_the_offline_planner_declines(settings: Settings) -> None:
    async with with_model(settings, planning(FARES)) as (application, _):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert (shown.outcome, shown.planner) == ("answered", "model")
        assert shown.result[0] == ("Halvora", 72.25)
        assert shown.usage.input_tokens > 0
        assert shown.usage.cost is not None
        today = datetime.now(UTC).date()
        day = timedelta(days=1)
        usage = await application.bus()(GetUsage(today - day, today + day))
        assert usage.totals.calls == 1


async def test_what_the_offline_planner_is_sure_of_costs_nothing(settings: Settings) -> None:
    async with with_model(settings, planning(FARES), confirm_below=0.0) as (application, served):
        shown = await answered(application, "total fare by city", dataset="trips")
        assert (shown.planner, shown.agreement) == ("offline", None)
        assert served.asked == []


@pytest.mark.parametrize(("spec", "agreement"), [(FARES, "confirmed"), (RIDERS, "differs")])
async def test_both_planners_are_asked_and_their_rows_compared(
    settings: Settings, spec: QuerySpec, agreement: str
) -> None:
    async with with_model(settings, planning(spec)) as (application, _):
        shown = await answered(application, "total fare by city", dataset="trips", planner="both")
        assert (shown.outcome, shown.planner) == ("answered", "offline")
        assert shown.agreement == agreement
        assert shown.usage.input_tokens > 0


async def test_a_model_that_fails_does_not_take_the_answer_away(settings: Settings) -> None:
    async with with_model(settings, fails(500)) as (application, _):
        shown = await answered(application, "total fare by city", dataset="trips", planner="both")
        assert (shown.outcome, shown.agreement) == ("answered", "failed")
        assert shown.attempts


async def test_a_reply_that_can_not_be_used_is_sent_back_and_that_is_told(
    settings: Settings,
) -> None:
    wrong = plan(msgspec.structs.replace(FARES, dimensions=(Dimension(column="town"),)))
    async with with_model(settings, says(wrong), says(plan(FARES))) as (application, served):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert shown.outcome == "answered"
        assert "town" in shown.attempts[0].reason
        assert len(served.asked) == 2


async def test_a_model_that_is_away_is_tried_again_and_then_given_up(settings: Settings) -> None:
    async with with_model(settings, fails(503)) as (application, _):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert shown.outcome == "failed"
        assert [attempt.stage for attempt in shown.attempts] == ["planning"] * 3


async def test_a_model_that_hangs_is_not_waited_for_beyond_the_limit(settings: Settings) -> None:
    async with with_model(settings, hangs, question_seconds=1.0) as (application, _):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert shown.outcome == "failed"
        assert "1 s" in (shown.reason or "")


async def test_a_model_without_a_purse_fails_at_once(settings: Settings) -> None:
    broke = fails(429, {"message": "no credit", "code": "insufficient_quota"})
    async with with_model(settings, broke) as (application, _):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert shown.outcome == "failed"
        assert len(shown.attempts) == 1


async def test_sql_in_place_of_a_spec_is_never_run(settings: Settings) -> None:
    sql = json.dumps({"sql": "delete from trips_v1", "spec": None})
    async with with_model(settings, says(sql)) as (application, _):
        shown = await answered(application, RIDDLE, dataset="trips")
        assert shown.outcome == "failed"
        left = await answered(application, "number of rows", dataset="trips")
        assert left.result == ((7,),)


async def test_the_model_alone_may_be_asked_for(settings: Settings) -> None:
    async with with_model(settings, planning(RIDERS)) as (application, _):
        shown = await answered(application, "total fare by city", dataset="trips", planner="model")
        assert shown.planner == "model"
        assert shown.result[0] == ("Halvora", 7)


async def test_without_a_model_whoever_asks_for_one_is_told_what_to_set(
    application: Application,
) -> None:
    await load(application)
    shown = await answered(application, "total fare by city", dataset="trips", planner="model")
    assert shown.outcome == "failed"
    assert "LLM_MODEL" in (shown.reason or "")

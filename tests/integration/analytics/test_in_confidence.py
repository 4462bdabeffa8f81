"""Questions asked in confidence: answered like all others, and nothing is kept of them."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from asking import TRIPS, answered, load
from bootstrap import Application, running
from conftest import caught_up
from contexts.analytics.application.asking import GiveFeedback
from contexts.analytics.application.datasets import DeleteDataset
from contexts.analytics.domain.query_spec import Dimension, Filter, Measure, QuerySpec
from contexts.analytics.published import (
    Askable,
    AskableColumn,
    AskInConfidence,
    ConfidentialAnswer,
    ListAskable,
)
from contexts.events.application.commands import AnnounceEvent
from misbehaving_model import Answer, Model, fails, hangs, model, says
from settings import Settings
from shared.domain.errors import Invalid
from traces import traces

BOOKS = b"author,pages\nMoore,120\nLind,80\n"


@pytest.fixture
def marker() -> str:
    """A word that stands nowhere but in the questions of one test."""
    return "zyqq" + "".join(chr(ord("a") + byte % 26) for byte in uuid4().bytes)


def marked(marker: str) -> str:
    return f"how many rows where city contains '{marker}'"


async def ask(application: Application, question: str, **asked: Any) -> ConfidentialAnswer:
    return await application.bus()(AskInConfidence(question=question, **asked))


async def last_position(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select max(position) from event_store.events")
        return int((await cursor.fetchone() or (0,))[0])


async def test_an_answer_in_confidence_is_that_of_the_same_question_in_the_open(
    application: Application,
) -> None:
    await load(application)
    open_ = await answered(application, "total fare by city", dataset="trips")
    told = await ask(application, "total fare by city", dataset="trips")
    assert told.outcome == open_.outcome == "answered"
    assert told.rows == open_.result == (("Halvora", 72.25), ("Nieve", 64), ("Saltmarsh", 8.25))
    assert [column.title for column in told.columns] == [each.title for each in open_.columns]
    assert (told.sql, told.analysis, told.explanation) == (
        open_.sql,
        open_.analysis,
        open_.explanation,
    )
    assert open_.chart is not None
    assert (told.chart_type, told.chart) == (open_.chart.type, open_.chart.spec)
    assert (told.dataset, told.dataset_version) == ("trips", "1")
    assert (told.planner, told.confidence) == (open_.planner, open_.confidence)


async def test_nothing_is_recorded_and_no_word_is_kept_anywhere(
    application: Application, marker: str, caplog: pytest.LogCaptureFixture
) -> None:
    await load(application)
    await caught_up(application)
    before = await last_position(application)
    with caplog.at_level(logging.DEBUG):
        told = await ask(application, marked(marker), dataset="trips")
        lost = await ask(application, f"{marker} by city", dataset="trips")
    await caught_up(application)
    assert told.outcome == "answered", told.reason
    assert marker in (told.sql or "")
    assert lost.unplaced == (marker,)
    assert await last_position(application) == before == told.log_position
    assert await traces(application, marker) == []
    assert not [record for record in caplog.records if marker in str(vars(record))]


async def test_the_same_question_in_the_open_is_found_where_nothing_was_found(
    application: Application, marker: str
) -> None:
    await load(application)
    assert (await answered(application, marked(marker), dataset="trips")).outcome == "answered"
    await caught_up(application)
    found = await traces(application, marker)
    for place in ("event_store.events", "analytics.questions", "redis b'analytics:answer:"):
        assert [each for each in found if each.startswith(place)], found


async def test_what_was_kept_of_an_open_question_is_not_touched_either(
    application: Application, marker: str
) -> None:
    await load(application)
    await answered(application, marked(marker), dataset="trips")
    found = await traces(application, marker)
    await ask(application, marked(marker), dataset="trips")
    assert await traces(application, marker) == found


async def test_a_follow_up_goes_on_from_the_thread_that_it_is_given(
    application: Application,
) -> None:
    await load(application)
    await caught_up(application)
    first = await ask(application, "total fare by city", dataset="trips")
    # As it comes back from whoever kept it meanwhile.
    thread = json.loads(json.dumps(first.thread))
    only = await ask(application, "only April", follows=thread)
    assert only.rows == (("Nieve", 44), ("Halvora", 12))
    again = await ask(application, "as a pie", follows=only.thread)
    assert (again.chart_type, again.rows) == ("pie", only.rows)
    without = await ask(application, "only April", dataset="trips")
    assert without.rows != only.rows


async def test_a_fragment_is_asked_of_the_dataset_before_though_others_fit_as_well(
    application: Application,
) -> None:
    await load(application)
    await load(application, TRIPS, "rides")
    await caught_up(application)
    unclear = await ask(application, "how many rows")
    assert unclear.outcome == "needs_clarification"
    assert [option.dataset for option in unclear.options][:2] == ["rides", "trips"]
    first = await ask(application, "how many rows", dataset="trips")
    then = await ask(application, "only April", follows=first.thread)
    assert (then.dataset, then.rows) == ("trips", ((2,),))
    assert then.assumptions[-1] == "asked of the dataset 'trips', like the question before it"


async def test_the_dataset_that_a_question_names_is_asked_without_its_name(
    application: Application,
) -> None:
    """Each of two that are alike; and one that is called what its figures are called."""
    await load(application)
    await load(application, TRIPS, "rides")
    await load(application, b"item,total\ncup,5\npot,7\ncup,2\n", "sales")
    await caught_up(application)
    for name in ("trips", "rides"):
        answer = await ask(application, f"total fare in {name} by city")
        assert (answer.outcome, answer.dataset) == ("answered", name)
        assert f"asked of the dataset '{name}', which it names" in answer.assumptions
    answer = await ask(application, "how many rows are there in sales?")
    assert (answer.dataset, answer.rows) == ("sales", ((3,),))


async def test_a_question_that_the_dataset_before_can_not_answer_is_put_to_the_others(
    application: Application,
) -> None:
    await load(application)
    await load(application, BOOKS, "books")
    await caught_up(application)
    first = await ask(application, "total fare by city")
    other = await ask(application, "total pages by author", follows=first.thread)
    assert (other.dataset, other.rows) == ("books", (("Moore", 120), ("Lind", 80)))
    back = await ask(application, "total fare by city", dataset="trips", follows=other.thread)
    assert back.rows == first.rows


@pytest.mark.parametrize(
    "thread",
    [
        {},
        {"dataset": "trips"},
        {"dataset": "trips", "spec": {"measures": [{"aggregate": "drop"}]}},
        {"dataset": "trips", "spec": {"measures": [{"aggregate": "sum", "column": "secret"}]}},
        {"dataset": "gone", "spec": {"measures": [{"aggregate": "count"}]}},
        {"dataset": "trips", "spec": {}, "sql": "select 1"},
    ],
)
async def test_a_thread_that_makes_no_sense_any_more_is_nothing_to_go_on_from(
    application: Application, thread: dict[str, Any]
) -> None:
    await load(application)
    plain = await ask(application, "only April", dataset="trips")
    told = await ask(application, "only April", dataset="trips", follows=thread)
    assert (told.outcome, told.rows) == (plain.outcome, plain.rows)


async def test_a_question_known_by_heart_is_answered_by_heart(application: Application) -> None:
    await load(application)
    first = await answered(application, "Total fare by city", dataset="trips")
    await application.bus()(GiveFeedback(first.id, "right"))
    await caught_up(application)
    told = await ask(application, "total fare by CITY?", dataset="trips")
    assert (told.planner, told.rows) == ("golden", first.result)


async def test_what_is_no_answer_says_why_and_what_could_be_asked(
    application: Application,
) -> None:
    await load(application)
    lost = await ask(application, "average profit margin by city", dataset="trips")
    assert (lost.outcome, lost.rows, lost.thread) == ("unanswerable", (), None)
    assert lost.unplaced
    assert lost.reason
    assert lost.suggestions
    refused = await ask(application, "delete all rows where city is Nieve", dataset="trips")
    assert refused.outcome == "refused"
    nowhere = await ask(application, "total fare by city", dataset="nowhere")
    assert (nowhere.outcome, nowhere.dataset) == ("unanswerable", "nowhere")
    await application.bus()(DeleteDataset("trips"))
    assert (await ask(application, "fares", dataset="trips")).outcome == "unanswerable"


@pytest.mark.parametrize("question", ["", "   ", "x" * 1_001, "fares\x00"])
async def test_what_is_no_question_is_refused_at_the_door(
    application: Application, question: str
) -> None:
    with pytest.raises(Invalid, match="question"):
        await ask(application, question)


async def test_yesterday_is_that_of_whoever_asks(application: Application) -> None:
    await load(application)
    told = await ask(
        application,
        "total fare yesterday",
        dataset="trips",
        as_of=datetime(2026, 3, 4, 9),
    )
    assert told.rows == ((31,),), told


def fares(marker: str) -> QuerySpec:
    """Of all cities, for none has this in its name."""
    return QuerySpec(
        measures=(Measure(aggregate="sum", column="fare"),),
        where=((Filter(column="city", operator="not_contains", values=(marker,)),),),
        dimensions=(Dimension(column="city"),),
    )


def riddle(marker: str) -> str:
    """What only a model can understand."""
    return f"zorbing takings but for {marker}, town after town"


def plan(spec: QuerySpec) -> Answer:
    return says(
        json.dumps({"spec": msgspec.to_builtins(spec), "confidence": 0.8, "assumptions": []})
    )


@asynccontextmanager
async def with_model(
    settings: Settings, *answers: Answer, **changes: Any
) -> AsyncIterator[tuple[Application, Model]]:
    async with model(*answers) as served:
        changed = msgspec.structs.replace(
            settings,
            llm_base_url=served.url,
            llm_model="test-model",
            llm_retries=0,
            **{"llm_rephrase": False, **changes},
        )
        async with running(changed, "marquee-test") as application:
            await load(application)
            yield application, served


async def test_what_a_model_plans_and_tells_is_kept_nowhere_and_asked_for_each_time(
    settings: Settings, marker: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is it told in other words: assistants have words of their own."""
    planned = plan(fares(marker))
    async with with_model(settings, planned, planned, llm_rephrase=True) as (application, served):
        before = await last_position(application)
        with caplog.at_level(logging.DEBUG):
            for _ in range(2):
                answer = await ask(application, riddle(marker), dataset="trips", planner="model")
                assert (answer.outcome, answer.planner) == ("answered", "model"), answer.reason
                assert marker in (answer.sql or "")
                assert answer.analysis
                assert answer.input_tokens > 0
        await caught_up(application)
        assert len(served.asked) == 2
        assert await last_position(application) == before
        assert await traces(application, marker) == []
        assert not [record for record in caplog.records if marker in str(vars(record))]


async def test_a_model_that_fails_is_tried_again_and_given_up_within_the_time(
    settings: Settings, marker: str
) -> None:
    async with with_model(settings, fails(503)) as (application, served):
        told = await ask(application, riddle(marker), dataset="trips")
        assert (told.outcome, len(served.asked)) == ("failed", 3)
        served.now(hangs)
    async with with_model(settings, hangs, question_seconds=1.0) as (application, served):
        told = await ask(application, riddle(marker), dataset="trips")
        assert told.outcome == "failed"
        assert "1 s" in (told.reason or "")
        assert await traces(application, marker) == []


async def test_what_there_is_to_ask_comes_with_questions_that_are_answered(
    application: Application,
) -> None:
    await load(application)
    starts_at = datetime(2027, 5, 3, 21)
    await application.bus()(AnnounceEvent(title="Jazz", starts_at=starts_at, timezone="UTC"))
    await caught_up(application)
    listed: list[Askable] = await application.bus()(ListAskable())
    assert [each.name for each in listed] == ["trips", "events"]
    trips, events = listed
    assert (trips.rows, events.rows) == (7, 1)
    assert trips.description == "7 rows; day from 2026-03-02 to 2026-04-10"
    assert "each of them an event" in events.description
    assert trips.columns[0] == AskableColumn("day", "date", "time")
    for each in listed:
        assert len(each.examples) == 3
        for example in each.examples:
            told = await ask(application, example, dataset=each.name)
            assert told.outcome == "answered", (example, told.reason)


async def test_in_the_open_a_fragment_is_asked_of_the_dataset_before_it_as_well(
    application: Application,
) -> None:
    await load(application)
    await load(application, TRIPS, "rides")
    await caught_up(application)
    first = await answered(application, "how many rows", dataset="trips")
    then = await answered(application, "only April", follows=first.id)
    assert (then.outcome, then.dataset, then.result) == ("answered", "trips", ((2,),))

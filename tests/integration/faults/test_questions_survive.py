"""Questions and datasets whose worker is killed, whose message is lost, whose database restarts."""

from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from asking import TRIPS, chunks, load
from contexts.analytics.application.asking import AskQuestion
from contexts.analytics.application.datasets import KeepUpload, UploadDataset
from contexts.analytics.application.queries import (
    GetDataset,
    GetQuestion,
    QuestionShown,
)
from contexts.analytics.domain.query_spec import Measure, QuerySpec
from misbehaving_model import Model, hangs, model, says
from settings import Settings
from stage import World, staged, until

RIDDLE = "zorbing takings of it all"
PLAN = msgspec.json.encode(
    {"spec": QuerySpec(measures=(Measure(aggregate="sum", column="fare"),)), "confidence": 0.9}
).decode()


@pytest.fixture
async def world(settings: Settings, tmp_path: Path) -> AsyncIterator[World]:
    async with staged(settings, tmp_path, {}) as world:
        yield world


@pytest.fixture
async def thinking() -> AsyncIterator[Model]:
    """A model that never comes to an end, until it is told otherwise."""
    async with model(hangs) as served:
        yield served


async def ask(world: World, question: str) -> UUID:
    return await world.application.bus()(AskQuestion(question=question, dataset="trips"))


async def ended(world: World, id: UUID) -> QuestionShown:
    async def has_ended() -> QuestionShown | None:
        shown = await world.application.bus()(GetQuestion(id))
        return shown if shown.outcome else None

    return await until(has_ended)


async def worker(world: World, thinking: Model) -> Process:
    return await world.worker(
        LLM_BASE_URL=thinking.url, LLM_MODEL="test-model", MARQUEE_LLM_REPHRASE="false"
    )


async def test_a_question_whose_worker_is_killed_is_answered_by_another_once(
    world: World, thinking: Model
) -> None:
    await load(world.application)
    first = await worker(world, thinking)
    id = await ask(world, RIDDLE)

    async def is_being_worked_on() -> bool:
        return len(thinking.asked) > 0

    await until(is_being_worked_on)
    second = await worker(world, thinking)
    thinking.now(says(PLAN))
    first.kill()
    shown = await ended(world, id)
    assert (shown.outcome, shown.result) == ("answered", ((144.5,),))
    assert second.returncode is None
    tags = [event.type for event in await world.stream(f"question-{id}")]
    assert tags.count("analytics.question_answered") == 1
    assert tags.count("analytics.question_planned") == 1


async def test_questions_whose_messages_are_lost_are_found_by_the_tick(
    world: World, thinking: Model
) -> None:
    await load(world.application)
    ids = [await ask(world, "total fare by city") for _ in range(5)]
    world.empty_redis()
    await worker(world, thinking)
    assert {(await ended(world, id)).outcome for id in ids} == {"answered"}


async def test_a_dataset_whose_worker_was_killed_is_loaded_by_another(
    world: World, thinking: Model
) -> None:
    bus = world.application.bus()
    upload_id = await bus(KeepUpload(chunks(TRIPS)))
    await bus(UploadDataset("trips", upload_id, "trips.csv"))
    # As if one had died over it: it was taken from the queue, and nobody is at it.
    world.empty_redis()
    await worker(world, thinking)

    async def is_loaded() -> bool:
        return (await bus(GetDataset("trips"))).status == "loaded"

    await until(is_loaded)
    tables = await world.sql("select tablename from pg_tables where tablename ~ '^trips'")
    assert tables == [("trips_v1",)]

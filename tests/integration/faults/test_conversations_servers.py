"""Redis and PostgreSQL are restarted, emptied and away while an answer is written: it is kept."""

import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from faults.chat_stage import Api, Process, Stage, staged, until
from faults.forked import Mother
from faults.listener import Listener
from faults.own_servers import Server, own_postgres
from faults.told_in_two import InTwo
from keys import KEYS
from misbehaving import wire_to
from misbehaving_model import Model
from servers import Urls
from settings import Settings
from shared.infrastructure.migrations import migrate
from stored import MIGRATIONS

FIRST = "the river is wide "
THEN = "and the boat is small "

NOT_RECORDED = "end not recorded"
"""What a worker logs when it tries to in vain."""


async def test_a_redis_that_is_restarted_or_emptied_costs_nobody_a_word(
    on_redis: Stage, redis: Server
) -> None:
    stage = on_redis
    api, other = await stage.api(), await stage.api()
    await stage.worker()

    async def restart() -> None:
        await redis.kill()
        await redis.start()

    async def empty() -> None:
        async with stage.redis() as connection:
            await connection.flushall()

    for fault in (restart, empty):
        answer, (run, stayed) = await _in_the_middle(stage, api, lingers=True)
        left = stage.listen(run, api)
        await left.has(FIRST)
        await left.leave()
        await fault()
        late = stage.listen(run, other)
        left.come_back(other.url)
        answer.go_on.set()
        for listener in (stayed, left, late):
            await listener.has(FIRST + THEN)
        answer.end.set()
        for listener in (stayed, left, late):
            await _has_it_all(stage, listener, run)
        assert stayed.connections == 1, "he was never cut off"
        assert left.connections == 2


async def test_without_a_redis_until_after_the_end_everybody_hears_it_from_the_log(
    on_redis: Stage, redis: Server
) -> None:
    stage = on_redis
    api = await stage.api()
    await stage.worker()
    await stage.worker("projections")
    answer, (run, stayed) = await _in_the_middle(stage, api)
    await redis.kill()
    late = stage.listen(run, api)
    answer.go_on.set()

    for listener in (stayed, late):
        await _has_it_all(stage, listener, run)
    # And what is said meanwhile: no worker can be told of it.
    said = await api.post("/chat/message", {"message": "are you there?"})
    assert (said.status_code, said.json()["response"]) == (200, FIRST + THEN)
    await redis.start()
    after, (run, back) = await _in_the_middle(stage, api)
    after.go_on.set()
    await _has_it_all(stage, back, run)
    assert back.types.count("delta") > 0, "frames come again, and not the log alone"


async def test_a_redis_that_is_stalled_or_cut_off_holds_up_nobody(
    chat_mother: Mother, settings: Settings, tmp_path: Path, model: Model
) -> None:
    async with wire_to(settings.redis()) as wire:
        through = msgspec.structs.replace(settings, redis_url=wire.url)
        async with staged(chat_mother, through, tmp_path, model) as stage:
            api = await stage.api()
            await stage.worker()
            await stage.worker("projections")
            for fault in (wire.stall, wire.cut):
                answer, (run, stayed) = await _in_the_middle(stage, api)
                fault()
                answer.go_on.set()
                await _has_it_all(stage, stayed, run)
                # And what is said meanwhile: no worker can be told of it.
                said = await api.post("/chat/message", {"message": "are you there?"})
                assert (said.status_code, said.json()["response"]) == (200, FIRST + THEN)
                wire.mend()


@pytest.fixture
async def on_postgres(
    chat_mother: Mother, servers: Urls, tmp_path: Path, model: Model
) -> AsyncIterator[tuple[Stage, Server]]:
    async with own_postgres() as postgres:
        migrate(postgres.url, MIGRATIONS)
        settings = Settings(
            database_url=postgres.url,
            redis_url=servers.redis,
            key_encryption_keys=KEYS,
            broker_namespace=f"test-{uuid4().hex}",
        )
        async with staged(chat_mother, settings, tmp_path, model) as stage:
            yield stage, postgres


async def test_an_answer_that_ends_while_postgres_is_away_is_recorded_once_it_is_back(
    on_postgres: tuple[Stage, Server],
) -> None:
    stage, postgres = on_postgres
    api = await stage.api()
    worker = await stage.worker(MARQUEE_CONNECT_SECONDS="0.5")
    for number in (signal.SIGINT, signal.SIGQUIT):  # fast, and as in a crash
        in_vain = worker.logged(NOT_RECORDED)
        answer, (run, stayed) = await _in_the_middle(stage, api)
        await postgres.stop(number)
        answer.go_on.set()
        await stayed.has(THEN)
        await until(partial(_was_in_vain, worker, in_vain), "the worker can't record it")
        await postgres.start()
        await _has_it_all(stage, stayed, run)
        assert (await api.ended(run))["attempts"] == 1, "no model was asked twice"


async def test_an_answer_goes_on_while_postgres_is_restarted(
    on_postgres: tuple[Stage, Server],
) -> None:
    stage, postgres = on_postgres
    api = await stage.api()
    await stage.worker()
    await stage.worker("projections")
    answer, (run, stayed) = await _in_the_middle(stage, api)
    await postgres.kill()
    await postgres.start()
    came = stage.listen(run, api)
    await came.has(FIRST)
    answer.go_on.set()
    for listener in (stayed, came):
        await _has_it_all(stage, listener, run)
    assert (await api.ended(run))["attempts"] == 1, "no model was asked twice"
    said = await api.post("/chat/message", {"message": "and after that?"})
    assert said.status_code == 200


async def test_of_two_workers_who_answer_after_postgres_was_restarted_one_is_believed(
    on_postgres: tuple[Stage, Server],
) -> None:
    """A restart ends what the first of them has claimed, so that another begins on it, too."""
    stage, postgres = on_postgres
    api = await stage.api()
    await stage.worker()
    await stage.worker("projections")
    answer, (run, stayed) = await _in_the_middle(stage, api)
    another = InTwo("the tide is out ", "and nobody rows ")
    stage.model.now(another)
    await stage.worker()
    await postgres.stop(signal.SIGINT)
    await postgres.start()
    await stayed.has("the tide is out ")
    left = stage.listen(run, api)
    await left.has("the tide is out ")
    await left.leave()
    answer.go_on.set()

    await _has_it_all(stage, stayed, run)
    left.come_back(api.url)
    await _has_it_all(stage, left, run)
    await until(partial(_is_left, another), "the other worker is called off")


async def _was_in_vain(worker: Process, times: int) -> bool:
    return worker.logged(NOT_RECORDED) > times


async def _is_left(answer: InTwo) -> bool:
    return bool(answer.left_at)


async def _in_the_middle(
    stage: Stage, api: Api, *, lingers: bool = False
) -> tuple[InTwo, tuple[str, Listener]]:
    """An answer that has been told to its middle, its run, and somebody who listens."""
    answer = InTwo(FIRST, THEN, lingers=lingers)
    stage.model.now(answer)
    run = await api.ask(await api.begin())
    listener = stage.listen(run, api)
    await listener.has(FIRST)
    return answer, (run, listener)


async def _has_it_all(stage: Stage, listener: Listener, run: str) -> None:
    ended = await listener.to_the_end()
    assert ended["status"] == "completed", ended
    assert listener.text == FIRST + THEN
    assert (await stage.recorded(run)).count("run_completed") == 1

"""API processes are killed and stopped, and callers go away: who comes back misses nothing."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import httpx2
import pytest

from faults.chat_stage import Api, Stage, until
from faults.listener import Listener
from faults.told_in_two import InTwo

FIRST = "it was a dark night "
THEN = "and the moon rose late "

SAYING = {"message": "tell me of the night"}


async def test_who_listens_at_an_api_that_is_killed_goes_on_at_another(stage: Stage) -> None:
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    first, second = await stage.api(), await stage.api()
    await stage.worker()
    run = await first.ask(await first.begin())
    listener = stage.listen(run, first)
    await listener.has(FIRST)

    await first.process.kill()
    listener.at = [second.url]
    answer.go_on.set()

    await _has_it_all(stage, listener, run)
    assert listener.connections == 2
    assert listener.types.count("started") == 1, "he was told only what he had missed"


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_who_listens_goes_on_where_he_was_when_the_api_is_back(
    stage: Stage, how: str
) -> None:
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    api = await stage.api()
    await stage.worker()
    run = await api.ask(await api.begin())
    listener = stage.listen(run, api)
    await listener.has(FIRST)

    await getattr(api.process, how)()
    answer.go_on.set()
    back = await stage.api(api.port)

    await _has_it_all(stage, listener, run)
    assert (await back.ended(run))["status"] == "completed"
    assert listener.types.count("started") == 1, "he was told only what he had missed"


async def test_an_api_with_open_streams_stops_before_it_would_be_killed(stage: Stage) -> None:
    """Who listens is to come back, and who waits for an answer is told that it will come."""
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    first, second = await stage.api(), await stage.api()
    await stage.worker()
    run = await first.ask(await first.begin())
    listeners = [stage.listen(run, first, second) for _ in range(5)]
    key = str(uuid4())
    waiting = asyncio.create_task(first.post("/chat/message", SAYING, idempotency_key=key))
    for listener in listeners:
        await listener.has(FIRST)

    await until(stage.model_is_asked(2), "both messages are being answered")
    await first.process.stop()

    # Had it been killed, there would be no answer.
    in_vain = await waiting
    assert (in_vain.status_code, in_vain.json()["status"]) == (500, "error")
    answer.go_on.set()
    for listener in listeners:
        await _has_it_all(stage, listener, run)
        assert listener.connections == 2
    again = await second.post("/chat/message", SAYING, idempotency_key=key)
    assert (again.status_code, again.json()["response"]) == (200, FIRST + THEN)
    assert len(await second.get("/chat/history")) == 1


async def test_what_is_said_by_somebody_who_goes_away_is_answered(stage: Stage) -> None:
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    api = await stage.api()
    await stage.worker()
    key = str(uuid4())
    going = asyncio.create_task(api.post("/chat/message", SAYING, idempotency_key=key))
    await until(stage.model_is_asked(1), "the model is asked")
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    answer.go_on.set()

    said = [{"user": SAYING["message"], "AI": FIRST + THEN}]
    await _is_the_history(api, said)
    again = await api.post("/chat/message", SAYING, idempotency_key=key)
    assert (again.status_code, again.json()["response"]) == (200, FIRST + THEN)
    assert await api.get("/chat/history") == said
    assert len(stage.model.asked) == 1


async def test_what_is_said_to_an_api_that_is_killed_is_said_once_under_its_key(
    stage: Stage,
) -> None:
    """Killed between the message and its answer, and wherever it is just then."""
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    api = await stage.api()
    await stage.worker()
    said: list[str] = []
    for seconds in (None, 0.0, 0.01, 0.03):
        key, saying = str(uuid4()), {"message": f"say it {len(said)}"}
        said.append(saying["message"])
        asking = asyncio.create_task(api.post("/chat/message", saying, idempotency_key=key))
        if seconds is None:
            await until(stage.model_is_asked(1), "the model is asked")
        else:
            await asyncio.sleep(seconds)  # The fault comes when it comes.
        await api.process.kill()
        with suppress(httpx2.TransportError):
            await asking
        api = await stage.api()
        answer.go_on.set()

        again = await api.post("/chat/message", saying, idempotency_key=key)
        assert (again.status_code, again.json()["response"]) == (200, FIRST + THEN)
        assert [each["user"] for each in await api.get("/chat/history")] == said
    assert len(stage.model.asked) == len(said)


async def _has_it_all(stage: Stage, listener: Listener, run: str) -> None:
    ended = await listener.to_the_end()
    assert ended["status"] == "completed"
    assert listener.text == FIRST + THEN
    assert (await stage.recorded(run)).count("run_completed") == 1


async def _is_the_history(api: Api, said: object) -> None:
    async def is_it() -> bool:
        return bool(await api.get("/chat/history") == said)

    await until(is_it, f"the history is {said}")

"""An answer that is not wanted any more, or may not be given any more, ends at once."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from bootstrap import running
from faults.chat_stage import NAME, Api, Stage, until
from faults.listener import text_in
from faults.own_servers import Server
from faults.told_in_two import InTwo
from traces import traces

FIRST = "by the way "
THEN = "that is another story "

BOUND = 1.0
"""Seconds from the asking until the model sees that it was hung up on: what is promised."""

TRIES = 5
"""The fastest of so many counts, for a busy machine only makes it slower."""


async def test_the_model_is_hung_up_on_within_a_second_and_what_had_come_is_kept(
    on_redis: Stage, redis: Server
) -> None:
    """With Redis, which tells the worker, and without, when it finds it in the log."""
    stage = on_redis
    api = await stage.api()
    await stage.worker()
    await stage.worker("projections")
    for away in (False, True):
        if away:
            await redis.kill()
        delays = []
        for _ in range(TRIES):
            answer, run = await _in_the_middle(stage, api, await api.begin())
            listener = stage.listen(run, api)
            asked_at = monotonic()
            await api.cancel(run)
            await _is_hung_up_on(answer)
            delays.append(answer.left_at[0] - asked_at)
            ended = await listener.to_the_end()
            assert (ended["status"], listener.text) == ("cancelled", FIRST)
            assert not ended["answer"]["complete"]
        assert min(delays) < BOUND, f"redis away: {away}, {delays}"


async def test_what_is_cancelled_before_anybody_answers_never_reaches_the_model(
    stage: Stage,
) -> None:
    api = await stage.api()
    waits = await api.ask(await api.begin())
    await api.cancel(waits)
    await stage.worker()
    assert (await api.ended(waits))["status"] == "cancelled"
    assert not stage.model.asked

    answer, first = await _in_the_middle(stage, api, conversation := await api.begin())
    second = await api.ask(conversation, policy="enqueue")
    third = await api.ask(conversation, policy="enqueue")
    await api.cancel(second)
    answer.go_on.set()

    ends = [(await api.ended(run))["status"] for run in (first, second, third)]
    assert ends == ["completed", "cancelled", "completed"]
    assert len(stage.model.asked) == 2


async def test_a_second_message_is_refused_waits_or_interrupts_as_its_policy_says(
    stage: Stage,
) -> None:
    api = await stage.api()
    await stage.worker()
    answer, first = await _in_the_middle(stage, api, conversation := await api.begin())

    refused = await api.post(f"{conversation}/messages", {"text": "no?"})
    waits = await api.ask(conversation, "and then?", policy="enqueue")
    answer.go_on.set()

    assert refused.status_code == 409
    assert refused.json()["type"].endswith("conversations.run_in_progress")
    for run in (first, waits):
        ended = await api.ended(run)
        assert (ended["status"], _text(ended)) == ("completed", FIRST + THEN)
    _, *said = (each["content"] for each in stage.model.asked[1].messages)
    assert said == ["tell me", (FIRST + THEN).strip(), "and then?"], "it knows what was before"

    answer, broken_off = await _in_the_middle(stage, api, conversation)
    stage.model.now(InTwo(THEN, stops=False))
    interrupts = await api.ask(conversation, "stop it!", policy="interrupt")

    await _is_hung_up_on(answer)
    ended = await api.ended(broken_off)
    assert (ended["status"], _text(ended)) == ("cancelled", FIRST)
    assert _text(await api.ended(interrupts)) == THEN


async def test_of_somebody_who_is_erased_while_he_is_answered_nothing_stays(stage: Stage) -> None:
    api = await stage.api()
    await stage.worker()
    await stage.worker("projections")
    answer = InTwo("pangolins whisper ", THEN)
    stage.model.now(answer)
    conversation = await api.begin()
    run = await api.ask(conversation, "what of the axolotl?")
    listener = stage.listen(run, api)
    await listener.has("pangolins whisper ")

    erased = await api.client.delete("/subjects/me")
    assert erased.status_code == 200, erased.text

    await _is_hung_up_on(answer)
    ended = await listener.to_the_end()
    assert ended["status"] != "completed"
    assert ended["answer"] is None or ended["answer"]["erased"]
    assert (await api.client.get(run)).status_code == 404
    assert await stage.sql("select count(*) from personal.subjects where key is not null") == [(0,)]
    async with running(stage.settings, "marquee-test") as application:
        for word in ("axolotl", "pangolin", NAME):

            async def no_trace(word: str = word) -> bool:
                return not await traces(application, word)

            await until(no_trace, f"no trace of {word!r} is left")
    for word in ("axolotl", "pangolin", NAME):
        assert not [log for log in stage.logs if word in log], f"{word!r} is in a log"


async def _in_the_middle(stage: Stage, api: Api, conversation: str) -> tuple[InTwo, str]:
    """An answer of which the worker was told the first half, and its run."""
    answer = InTwo(FIRST, THEN)
    stage.model.now(answer)
    run = await api.ask(conversation)

    async def is_halfway() -> bool:
        return answer.is_halfway.is_set()

    await until(is_halfway, "the model has said half of it")
    return answer, run


async def _is_hung_up_on(answer: InTwo) -> None:
    async def is_left() -> bool:
        return bool(answer.left_at)

    await until(is_left, "the model is hung up on")


def _text(run: Mapping[str, Any]) -> str:
    return text_in(run["answer"]["parts"])

"""A model that fails in every way, over HTTP: what had come is kept, and it can be asked again."""

from collections.abc import Mapping

import msgspec

from faults.chat_stage import Stage
from faults.told_in_two import InTwo
from misbehaving_model import Answer, fails, hangs, says, tells

WHOLE = "the answer is forty-two "

HASTY = {"MARQUEE_RUN_SECONDS": "8", "MARQUEE_LLM_RETRIES": "0"}
"""A worker that does not wait for long."""


class Case(msgspec.Struct, frozen=True):
    """What a model does, and how the run ends: with this code, and this much of an answer."""

    does: Answer
    code: str
    text: str = ""


FAILURES: Mapping[str, Case] = {
    "is away": Case(fails(503), "model_unavailable"),
    "is asked too often": Case(fails(429, retry_after="120"), "model_rate_limited"),
    "hangs": Case(hangs, "timeout"),
    "hangs in mid-stream": Case(tells("it is ", "known ", then=hangs), "timeout", "it is known "),
    "hangs up in mid-stream": Case(tells("some ", "say "), "model_unavailable", "some say "),
    "says nothing": Case(says(""), "empty_answer"),
}


async def test_a_model_that_wants_to_be_left_alone_for_a_second_answers_then(stage: Stage) -> None:
    stage.model.now(fails(429, retry_after="1"), InTwo(WHOLE, stops=False))
    api = await stage.api()
    await stage.worker()
    run = await api.ask(await api.begin())
    listener = stage.listen(run, api)

    ended = await listener.to_the_end()

    assert (ended["status"], ended["attempts"], listener.text) == ("completed", 1, WHOLE)
    assert len(stage.model.asked) == 2


async def test_a_run_fails_with_a_reason_and_keeps_what_had_come_and_is_asked_again(
    stage: Stage,
) -> None:
    api = await stage.api()
    await stage.worker(**HASTY)
    for what, case in FAILURES.items():
        stage.model.now(case.does)
        conversation = await api.begin()
        run = await api.ask(conversation)
        listener = stage.listen(run, api)

        ended = await listener.to_the_end()

        assert (ended["status"], ended["code"]) == ("failed", case.code), what
        assert ended["reason"], what
        assert listener.text == case.text, what
        assert not ended["answer"]["complete"], what
        stage.model.now(InTwo(WHOLE, stops=False))
        again = await api.post(f"{conversation}/messages/{ended['answer_id']}/regeneration")
        answered = await api.ended(again.headers["location"])
        assert answered["status"] == "completed", what
        shown = await api.get(conversation)
        answers = [each for each in shown["tree"] if each["author"] == "assistant"]
        assert [each["complete"] for each in answers] == [False, True], what
        assert len({each["parent_id"] for each in answers}) == 1, "they stand beside one another"


async def test_who_waits_for_an_answer_is_told_why_there_is_none(stage: Stage) -> None:
    stage.model.now(fails(503))
    api = await stage.api()
    await stage.worker(**HASTY)

    failed = await api.post("/chat/message", {"message": "are you there?"})

    assert (failed.status_code, failed.json()["status"]) == (500, "error")
    assert "language model" in failed.json()["message"]
    assert await api.get("/chat/history") == [{"user": "are you there?", "AI": ""}]

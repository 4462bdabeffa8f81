"""Workers are killed and stopped while they write an answer: it is written anew, and kept once."""

from faults.chat_stage import Stage, until
from faults.told_in_two import InTwo

CUT_OFF = "once upon a time "
WHOLE = "all is well that ends well "

ONCE = ["conversation_started", "message_posted", "run_requested"]
"""What stands in the log before anybody answers."""


async def test_another_worker_takes_over_and_everybody_who_listens_gets_its_one_answer(
    stage: Stage,
) -> None:
    stage.model.now(InTwo(CUT_OFF), InTwo(WHOLE, stops=False))
    api, first = await stage.api(), await stage.worker()
    await stage.worker("projections")
    run = await api.ask(await api.begin())
    stayed, came_back = stage.listen(run, api), stage.listen(run, api)
    await stayed.has(CUT_OFF)
    await came_back.has(CUT_OFF)
    await came_back.leave()
    await stage.worker()

    await first.kill()
    await stayed.hears("started", 2)
    came_back.come_back(api.url)

    for listener in (stayed, came_back):
        ended = await listener.to_the_end()
        assert (ended["status"], ended["attempts"]) == ("completed", 2)
        assert listener.text == WHOLE
        assert listener.attempts[-1] == 2
    assert stayed.connections == 1, "he was never cut off"
    assert came_back.connections == 2
    assert await stage.recorded(run) == [*ONCE, "run_started", "run_started", "run_completed"]


async def test_where_no_other_worker_is_there_the_next_one_that_starts_answers(
    stage: Stage,
) -> None:
    stage.model.now(InTwo(CUT_OFF), InTwo(WHOLE, stops=False))
    api, worker = await stage.api(), await stage.worker()
    await stage.worker("projections")
    run = await api.ask(await api.begin())
    listener = stage.listen(run, api)
    await listener.has(CUT_OFF)

    await worker.kill()
    await stage.worker()

    assert (await listener.to_the_end())["status"] == "completed"
    assert listener.text == WHOLE
    assert (await stage.recorded(run)).count("run_completed") == 1


async def test_what_is_lost_on_its_way_to_a_worker_is_answered_too(stage: Stage) -> None:
    """As when a worker is killed that has just taken it from the queue."""
    stage.model.now(InTwo(WHOLE, stops=False))
    api = await stage.api()
    run = await api.ask(await api.begin())
    async with stage.redis() as redis:
        key = f"{stage.settings.broker_namespace}:conversations"
        await until(lambda: redis.delete(key), "it is in the queue")

    await stage.worker("projections")
    await stage.worker()

    assert (await api.ended(run))["status"] == "completed"


async def test_an_answer_that_costs_three_workers_is_given_up_and_can_be_asked_for_again(
    stage: Stage,
) -> None:
    stage.model.now(*(InTwo(f"{CUT_OFF}{n} ") for n in range(1, 4)))
    api = await stage.api()
    await stage.worker("projections")
    conversation = await api.begin()
    run = await api.ask(conversation)
    listener = stage.listen(run, api)
    for attempt in range(1, 4):
        worker = await stage.worker()
        await listener.has(f"{CUT_OFF}{attempt} ")

        async def is_recorded(times: int = attempt) -> bool:
            return (await stage.recorded(run)).count("run_started") == times

        await until(is_recorded, f"attempt {attempt} is in the log")
        await worker.kill()
    stage.model.now(InTwo(WHOLE, stops=False))
    await stage.worker()

    ended = await listener.to_the_end()
    assert (ended["status"], ended["code"], ended["attempts"]) == ("failed", "worker_lost", 3)
    assert listener.text == f"{CUT_OFF}3 ", "what had come last is kept"
    assert not ended["answer"]["complete"]
    again = await api.post(f"{conversation}/messages/{ended['answer_id']}/regeneration")
    assert (await api.ended(again.headers["location"]))["status"] == "completed"
    recorded = await stage.recorded(run)
    assert [recorded.count(f"run_{end}") for end in ("failed", "completed")] == [1, 1]


async def test_a_worker_that_is_stopped_leaves_its_answers_to_others(stage: Stage) -> None:
    stage.model.now(InTwo(CUT_OFF), InTwo(WHOLE, stops=False))
    api, first = await stage.api(), await stage.worker()
    run = await api.ask(await api.begin())
    listener = stage.listen(run, api)
    await listener.has(CUT_OFF)
    await stage.worker()

    # Nobody looks for what was lost: the list of what is open is not kept by anybody here.
    await first.stop()

    assert (await listener.to_the_end())["status"] == "completed"
    assert (listener.text, listener.connections) == (WHOLE, 1)
    assert (await stage.recorded(run)).count("run_completed") == 1


async def test_a_worker_for_conversations_alone_does_nothing_else(stage: Stage) -> None:
    """Else a large feed could hold up what it answers."""
    stage.model.now(InTwo(WHOLE, stops=False))
    api = await stage.api()
    await stage.worker()
    for _ in range(3):
        run = await api.ask(await api.begin())
        assert (await api.ended(run))["status"] == "completed"
    assert await stage.sql("select id from conversations.conversations") == []
    await stage.worker("projections")

    async def are_listed() -> bool:
        return len(await stage.sql("select id from conversations.conversations")) == 3

    await until(are_listed, "projections are caught up with")

"""A run comes to one end, whatever happens on the way, and the log has what was said until then."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from contexts.conversations.application.answering import (
    AnswerConversation,
    AnswerSettings,
    FindTitle,
)
from contexts.conversations.application.content import Message, TextPart, ToolPart
from contexts.conversations.application.ending import BeginRun
from contexts.conversations.application.frames import Delta, Ended, Started, ToolCalled
from contexts.conversations.application.ports import (
    AssistantFailed,
    Said,
    ToolBegun,
    ToolDone,
)
from contexts.conversations.application.posting import (
    CancelRun,
    Posted,
    PostMessage,
    StartConversation,
)
from contexts.conversations.application.queries import GetConversation
from contexts.conversations.domain.run import RunId, Spent
from talking import NOON, Scripted, Talk

TOOL = ToolPart(id="1", name="list_datasets", arguments={}, result={"datasets": []})


async def ask(talk: Talk, id: UUID, text: str = "What is on?", **others: Any) -> Posted:
    return await talk.bus(PostMessage(owner=talk.owner, conversation_id=id, text=text, **others))


async def test_what_the_assistant_says_is_told_as_it_comes_and_recorded_once_as_a_whole() -> None:
    talk = Talk(
        Scripted(
            Said("Let me "),
            Said("look. "),
            ToolBegun("1", "list_datasets", {}),
            ToolDone(TOOL),
            Said("Nothing."),
            Spent(input_tokens=5, output_tokens=2, cost=0.1, model="m"),
        )
    )
    posted = await ask(talk, id := await talk.begin())
    assert await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert run.status == "completed"
    assert run.answer is not None
    assert run.answer.parts == (TextPart("Let me look. "), TOOL, TextPart("Nothing."))
    assert run.answer.id == posted.answer_id
    assert run.answer.parent_id == posted.message_id
    assert run.spent.tokens == 7
    sent = talk.frames.sent[posted.run]
    assert sent[:3] == [
        Started(str(posted.run), id, posted.answer_id, 1),
        Delta("Let me "),
        Delta("look. "),
    ]
    assert sent[3] == ToolCalled("1", "list_datasets", {})
    assert sent[-1] == Ended(run)
    assert talk.frames.last == run.sequence
    assert talk.ended == [run]


async def test_the_assistant_is_given_what_was_said_before_on_its_branch_only() -> None:
    assistant = Scripted(Said("Yes."))
    talk = Talk(assistant)
    first = await ask(talk, id := await talk.begin(), "One?")
    await talk.bus(AnswerConversation(id))
    await ask(talk, id, "Two?")
    await talk.bus(AnswerConversation(id))
    await ask(talk, id, "Uno?", edits=first.message_id)
    await talk.bus(AnswerConversation(id))
    assert [[message.text for message in turn.path] for turn in assistant.turns] == [
        ["One?"],
        ["One?", "Yes.", "Two?"],
        ["Uno?"],
    ]


async def test_what_waits_in_line_is_answered_in_order() -> None:
    assistant = Scripted(Said("Yes."))
    talk = Talk(assistant)
    await ask(talk, id := await talk.begin(), "One?")
    await ask(talk, id, "Two?", policy="enqueue")
    assert await talk.bus(AnswerConversation(id))
    assert [turn.path[-1].text for turn in assistant.turns] == ["One?", "Two?"]
    assert [message.text for message in assistant.turns[1].path] == ["One?", "Yes.", "Two?"]


async def test_an_assistant_that_fails_leaves_what_it_had_said() -> None:
    talk = Talk(Scripted(Said("I would"), AssistantFailed("model_timeout", "it took too long")))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.status, run.code, run.reason) == ("failed", "model_timeout", "it took too long")
    assert run.answer is not None
    assert (run.answer.text, run.answer.complete) == ("I would", False)


async def test_what_nobody_expected_fails_the_run_without_telling_what_was_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    talk = Talk(Scripted(Said("Hm"), ValueError("they asked about their knee")))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.status, run.code) == ("failed", "internal")
    assert "knee" not in caplog.text
    assert "knee" not in str(run.reason)


async def test_a_run_that_is_cancelled_hangs_up_and_keeps_what_had_come() -> None:
    assistant = Scripted(Said("Once upon"), asyncio.Event(), Said(" a time"))
    assistant.broken_off = Spent(input_tokens=20, output_tokens=2, cost=None)
    talk = Talk(assistant)
    posted = await ask(talk, id := await talk.begin())
    working = asyncio.create_task(talk.bus(AnswerConversation(id)))
    while Delta("Once upon") not in talk.frames.sent.get(posted.run, []):
        await asyncio.sleep(0)
    await talk.bus(CancelRun(talk.owner, posted.run))
    await working
    run = await talk.run(posted.run)
    assert run.status == "cancelled"
    assert assistant.hung_up
    assert run.answer is not None
    assert (run.answer.text, run.answer.complete) == ("Once upon", False)
    assert run.spent == assistant.broken_off


async def test_a_run_that_was_cancelled_before_anybody_began_is_never_put_to_the_assistant() -> (
    None
):
    assistant = Scripted(Said("Yes."))
    talk = Talk(assistant)
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(CancelRun(talk.owner, posted.run))
    await talk.bus(AnswerConversation(id))
    assert (await talk.run(posted.run)).status == "cancelled"
    assert not assistant.turns


async def test_a_message_that_interrupts_ends_the_one_before_and_is_answered() -> None:
    assistant = Scripted(Said("Well"), asyncio.Event())
    talk = Talk(assistant)
    first = await ask(talk, id := await talk.begin(), "Slowly?")
    working = asyncio.create_task(talk.bus(AnswerConversation(id)))
    while Delta("Well") not in talk.frames.sent.get(first.run, []):
        await asyncio.sleep(0)
    assistant.script = [Said("Quick.")]
    second = await ask(talk, id, "Quickly?", policy="interrupt")
    await working
    assert (await talk.run(first.run)).status == "cancelled"
    assert (await talk.run(second.run)).status == "completed"
    assert [message.text for message in assistant.turns[1].path] == ["Slowly?", "Well", "Quickly?"]


async def test_an_answer_that_takes_too_long_is_ended() -> None:
    talk = Talk(Scripted(Said("Hm"), asyncio.Event()), settings=AnswerSettings(run_seconds=0.01))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.status, run.code) == ("failed", "timeout")


async def test_a_conversation_that_another_worker_is_at_is_left_to_it() -> None:
    assistant = Scripted(Said("Yes."))
    talk = Talk(assistant)
    await ask(talk, id := await talk.begin())
    talk.claims.taken.add(id)
    assert not await talk.bus(AnswerConversation(id))
    assert not assistant.turns


async def test_what_a_lost_worker_began_is_answered_anew_under_the_next_attempt() -> None:
    talk = Talk(Scripted(Said("Yes.")))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(BeginRun(posted.run))
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.status, run.attempts) == ("completed", 2)
    assert isinstance(started := talk.frames.sent[posted.run][0], Started)
    assert started.attempt == 2


async def test_a_run_that_loses_every_worker_fails_and_keeps_what_listeners_were_told() -> None:
    talk = Talk(Scripted(Said("Yes.")))
    posted = await ask(talk, id := await talk.begin())
    for _ in range(3):
        await talk.bus(BeginRun(posted.run))
    talk.frames.told = (TextPart("I was say"),)
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.status, run.code) == ("failed", "worker_lost")
    assert run.answer is not None
    assert run.answer.text == "I was say"


async def test_a_subject_that_is_erased_while_he_is_answered_leaves_no_answer() -> None:
    gate = asyncio.Event()
    talk = Talk(Scripted(Said("Dear"), gate, Said(" you")))
    posted = await ask(talk, id := await talk.begin())
    working = asyncio.create_task(talk.bus(AnswerConversation(id)))
    while Delta("Dear") not in talk.frames.sent.get(posted.run, []):
        await asyncio.sleep(0)
    talk.vault.erased.add(talk.owner)
    gate.set()
    await working
    run = await talk.run(posted.run)
    assert (run.status, run.code, run.answer) == ("failed", "erased", None)


async def test_an_answer_is_held_until_the_log_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(Scripted(Said("Yes.")))
    posted = await ask(talk, id := await talk.begin())
    monkeypatch.setattr("contexts.conversations.application.answering.FIRST_PAUSE", 0.0)
    append, refused = talk.store.append, 0

    async def fails_at_the_end(appends: Any) -> int:
        nonlocal refused
        if "run_completed" in appends[0].events[0].type and refused < 3:
            refused += 1
            raise OSError("the database is away")
        return await append(appends)

    monkeypatch.setattr(talk.store, "append", fails_at_the_end)
    await talk.bus(AnswerConversation(id))
    assert refused == 3
    run = await talk.run(posted.run)
    assert run.status == "completed"
    assert len(talk.ended) == 1


async def test_a_model_names_a_conversation_that_nobody_named() -> None:
    class Words:
        async def suggest(self, owner: UUID, path: tuple[Message, ...]) -> str | None:
            return f"About {len(path)} messages"

    talk = Talk(Scripted(Said("Yes.")), Words())
    await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    await talk.bus(FindTitle(id))
    shown = await talk.bus(GetConversation(id, talk.owner))
    assert (shown.title, shown.titled_by) == ("About 2 messages", "model")


async def test_a_title_that_the_owner_gave_is_not_asked_about() -> None:
    class Words:
        async def suggest(self, owner: UUID, path: tuple[Message, ...]) -> str | None:
            raise AssertionError("nobody needs one")

    talk = Talk(Scripted(Said("Yes.")), Words())
    owner = await talk.vault.subject("somebody")
    talk.owner = owner
    id = await talk.bus(StartConversation(owner=owner, title="My evening"))
    await ask(talk, id)
    await talk.bus(AnswerConversation(id))
    await talk.bus(FindTitle(id))
    assert (await talk.bus(GetConversation(id, owner))).title == "My evening"


async def test_what_a_failed_call_took_counts() -> None:
    spent = Spent(input_tokens=3, output_tokens=1, cost=None)
    talk = Talk(Scripted(Spent(input_tokens=1), spent, AssistantFailed("x", "y")))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert (run.spent.tokens, run.spent.cost) == (5, None)


async def test_a_conversation_that_is_deleted_while_it_is_answered_is_closed_quietly() -> None:
    talk = Talk(Scripted(Said("Well"), asyncio.Event()))
    posted = await ask(talk, id := await talk.begin())
    working = asyncio.create_task(talk.bus(AnswerConversation(id)))
    while Delta("Well") not in talk.frames.sent.get(posted.run, []):
        await asyncio.sleep(0)
    conversation = await talk.conversations.get(id)
    conversation.delete(now=NOON)
    await talk.conversations.save(conversation)
    await talk.cancellations.tell(posted.run)
    assert await working
    assert not (await talk.conversations.get(id)).open
    assert not talk.ended


PLANNED = Spent(input_tokens=300, output_tokens=40, cost=0.02)
ASKED = ToolPart(id="1", name="ask_data", arguments={}, result={}, spent=PLANNED)


async def test_what_a_tool_took_of_models_is_counted_for_the_run_and_for_the_caller() -> None:
    said = Spent(input_tokens=5, output_tokens=2, cost=0.1, model="m")
    talk = Talk(Scripted(said, ToolDone(ASKED), ToolDone(ASKED), ToolDone(TOOL), Said("Done.")))
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert run.spent == Spent(input_tokens=605, output_tokens=82, cost=0.14, model="m")
    assert talk.budgets.settled == [340, 340]


async def test_an_answer_does_not_wait_for_its_bill() -> None:
    talk = Talk(Scripted(ToolDone(ASKED), Said("Done.")))

    async def fails(owner: UUID, run: RunId, tokens: int) -> None:
        raise ConnectionError

    talk.budgets.settle = fails  # type: ignore[method-assign]
    posted = await ask(talk, id := await talk.begin())
    await talk.bus(AnswerConversation(id))
    run = await talk.run(posted.run)
    assert run.status == "completed"
    assert run.spent == PLANNED

"""A conversation is shown as the log has it, opened with the keys of its owner."""

from datetime import timedelta
from typing import Literal
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.conversations.application.chatting import default_conversation
from contexts.conversations.application.content import (
    TextPart,
    ToolPart,
)
from contexts.conversations.application.frames import Started
from contexts.conversations.application.queries import (
    Exchange,
    GetConversation,
    GetExchanges,
    GetRun,
)
from contexts.conversations.application.showing import path_to
from contexts.conversations.domain.run import (
    RunCancelled,
    RunFailed,
    RunId,
)
from conversing import Told
from shared.domain.errors import NotFound
from talking import NOON

TOOL = ToolPart(id="1", name="list_datasets", arguments={}, result={"rows": [["jazz", 3]]})


@pytest.fixture
async def told() -> Told:
    told = Told()
    await told.begin()
    return told


# What was said


async def test_a_conversation_shows_all_that_was_said_with_the_runs_that_answered(
    told: Told,
) -> None:
    question, answer, run = await told.ask("What is on?")
    await told.start(run)
    await told.answer(run, TextPart("Let me look. "), TOOL, TextPart("Jazz."))
    shown = await told.shown()
    asked, answered = shown.tree
    assert (asked.id, asked.author, asked.text, asked.parent_id) == (
        question,
        "user",
        "What is on?",
        None,
    )
    assert answered.parts == (TextPart("Let me look. "), TOOL, TextPart("Jazz."))
    assert answered.text == "Let me look. Jazz."
    assert (answered.id, answered.parent_id) == (answer, question)
    assert asked.run == answered.run == str(run)
    assert (shown.head, shown.messages, shown.running) == (answer, 2, False)
    assert (shown.status, shown.version) == ("active", 5)
    (told_of,) = shown.runs
    assert told_of.answer == answered
    assert await told.transcripts.get_run(GetRun(run, told.owner)) == told_of
    assert (told_of.status, told_of.attempts, told_of.sequence) == ("completed", 1, 7)
    assert told_of.spent.tokens == 5
    assert told_of.started_at == NOON + timedelta(seconds=1)


async def test_what_is_shown_goes_by_the_names_under_which_it_was_accepted(told: Told) -> None:
    question, answer, run = await told.ask("What is on?")
    await told.start(run)
    await told.answer(run, TextPart("Jazz."))
    shown = msgspec.to_builtins(await told.shown())
    assert "owner" not in shown
    (told_of,) = shown["runs"]
    named = {"id": str(run), "message_id": str(question), "answer_id": str(answer)}
    assert named.items() <= told_of.items()
    assert {message["run_id"] for message in shown["tree"]} == {str(run)}
    began = Started(str(run), told.id, answer, 1)
    assert msgspec.to_builtins(began) == {
        "type": "started",
        "run_id": str(run),
        "conversation_id": str(told.id),
        "answer_id": str(answer),
        "attempt": 1,
    }


async def test_a_run_waits_runs_is_cancelled_and_ends(told: Told) -> None:
    question, answer, run = await told.ask("What is on?")

    async def status() -> tuple[str, int, bool, bool]:
        (run,) = (await told.shown()).runs
        return run.status, run.attempts, run.cancelling, run.ended

    assert await status() == ("queued", 0, False, False)
    await told.start(run)
    began = (await told.shown()).runs[0].started_at
    told.now += timedelta(minutes=1)
    await told.start(run)
    assert (await told.shown()).runs[0].started_at == began
    assert await status() == ("running", 2, False, False)
    conversation = await told.repository.get(told.id)
    conversation.cancel(1, now=NOON)
    await told.repository.save(conversation)
    assert await status() == ("running", 2, True, False)
    assert (await told.shown()).running
    partly = await told.kept(answer, question, TextPart("Ja"), user=False)
    await told.end(RunCancelled(number=1, answer=partly, assistant="m", sequence=2, ended_at=NOON))
    assert await status() == ("cancelled", 2, True, True)
    assert not (await told.shown()).running


async def test_a_run_that_failed_says_why(told: Told) -> None:
    question, answer, _ = await told.ask("What is on?")
    nothing = await told.kept(answer, question, user=False)
    await told.end(
        RunFailed(
            number=1,
            code="timeout",
            reason="the answer took too long",
            answer=nothing,
            assistant="m",
            sequence=2,
            ended_at=NOON,
        )
    )
    (shown,) = (await told.shown()).runs
    assert (shown.status, shown.code) == ("failed", "timeout")
    assert shown.reason == "the answer took too long"
    assert shown.answer is not None
    assert shown.answer.parts == ()


# Whose it is


async def test_only_the_owner_is_shown_a_conversation_or_a_run(told: Told) -> None:
    _, _, run = await told.ask("What is on?")
    mine = await told.transcripts.get(GetConversation(told.id, told.owner))
    assert mine == await told.shown()
    assert await told.transcripts.get_run(GetRun(run, told.owner)) == mine.runs[0]
    for owner, id in ((uuid4(), told.id), (UUID(int=0), told.id), (told.owner, uuid4())):
        with pytest.raises(NotFound, match="no conversation"):
            await told.transcripts.get(GetConversation(id, owner))
        with pytest.raises(NotFound, match="no run"):
            await told.transcripts.get_run(GetRun(RunId(id, 1), owner))
    for number in (0, 2):
        with pytest.raises(NotFound, match="no run"):
            await told.transcripts.get_run(GetRun(RunId(told.id, number), told.owner))


async def test_what_was_deleted_is_shown_to_nobody(told: Told) -> None:
    _, _, run = await told.ask("What is on?")
    await told.put_away("delete")
    with pytest.raises(NotFound):
        await told.shown()
    with pytest.raises(NotFound):
        await told.transcripts.get_run(GetRun(run, told.owner))


async def test_what_an_erased_owner_wrote_is_shown_as_erased(told: Told) -> None:
    question, answer, run = await told.ask("What is on?")
    await told.answer(run, TextPart("Jazz."))
    before = await told.shown()
    told.vault.erased.add(told.owner)
    shown = await told.shown()
    assert [(each.erased, each.parts, each.id) for each in shown.tree] == [
        (True, (), question),
        (True, (), answer),
    ]
    assert shown.title == "erased"
    assert (shown.head, shown.version, shown.messages) == (answer, before.version, 2)
    assert "Jazz" not in str(shown)


async def test_a_title_of_an_erased_owner_is_erased() -> None:
    told = Told()
    await told.begin("Plans for May")
    assert (await told.shown()).title == "Plans for May"
    told.vault.erased.add(told.owner)
    assert (await told.shown()).title == "erased"


# Paths


async def test_a_path_leads_to_a_message_over_what_was_said_before_it_on_its_branch(
    told: Told,
) -> None:
    q1, a1, run = await told.ask("One?")
    await told.answer(run, TextPart("1"))
    q2, a2, run = await told.ask("Two?", a1)
    await told.answer(run, TextPart("2"))
    edited, other, run = await told.ask("Zwei?", a1)
    await told.answer(run, TextPart("zwei"))
    again, run = await told.ask_again(q1)
    await told.answer(run, TextPart("one"))
    shown = await told.shown()

    def path(id: UUID) -> list[UUID]:
        return [message.id for message in path_to(shown, id)]

    assert path(q1) == [q1]
    assert path(a2) == [q1, a1, q2, a2]
    assert path(other) == [q1, a1, edited, other]
    assert path(again) == [q1, again]
    with pytest.raises(NotFound, match="no message"):
        path(uuid4())


async def test_a_path_goes_over_an_answer_that_is_not_there_to_what_it_answers(told: Told) -> None:
    q1, a1, run = await told.ask("One?")
    q2, a2, _ = await told.ask("Two?", a1)
    shown = await told.shown()
    assert [message.id for message in path_to(shown, q2)] == [q1, q2]
    assert [message.id for message in path_to(shown, a2)] == [q1, q2]
    assert shown.head == a2
    await told.answer(run, TextPart("1"))
    assert [message.id for message in path_to(await told.shown(), a2)] == [q1, a1, q2]


# The default conversation


async def test_exchanges_are_those_of_the_current_branch_that_were_answered() -> None:
    told = Told()
    told.id = default_conversation(told.owner)
    assert await told.transcripts.exchanges(GetExchanges(told.owner)) == []
    await told.begin()
    assert await told.transcripts.exchanges(GetExchanges(told.owner)) == []
    _, a1, run = await told.ask("One?")
    assert await told.transcripts.exchanges(GetExchanges(told.owner)) == []
    await told.answer(run, TextPart("1"))
    _, a2, run = await told.ask("Two?", a1)
    await told.answer(run, TOOL, TextPart("2"))
    _, _, run = await told.ask("Zwei?", a1)
    await told.answer(run, TextPart("zwei"))
    _, _, run = await told.ask("Three?", a2)
    assert await told.transcripts.exchanges(GetExchanges(told.owner)) == [
        Exchange("One?", "1"),
        Exchange("Two?", "2"),
    ]
    assert await told.transcripts.exchanges(GetExchanges(uuid4())) == []


@pytest.mark.parametrize("put_away", ["archive", "delete"])
async def test_whoever_puts_his_default_conversation_away_goes_on_in_another(
    put_away: Literal["archive", "delete"],
) -> None:
    told = Told()
    told.id = first = await told.transcripts.default_of(told.owner)
    await told.begin()
    assert await told.transcripts.default_of(told.owner) == first
    await told.put_away(put_away)
    told.id = second = await told.transcripts.default_of(told.owner)
    assert second != first
    await told.begin()
    assert await told.transcripts.default_of(told.owner) == second


# Titles


async def test_a_conversation_goes_by_how_it_begins_until_it_is_given_a_title(told: Told) -> None:
    assert (await told.shown()).title == "New conversation"
    await told.ask("  What\t is on?\nTonight.")
    shown = await told.shown()
    assert (shown.title, shown.titled_by) == ("What is on?", "rule")
    await told.call("Events tonight", "model")
    shown = await told.shown()
    assert (shown.title, shown.titled_by) == ("Events tonight", "model")
    await told.call("My evening")
    shown = await told.shown()
    assert (shown.title, shown.titled_by) == ("My evening", "caller")

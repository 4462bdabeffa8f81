"""What is said is taken in once, in its place in the tree, and handed to who answers."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contexts.conversations.application.answering import AnswerConversation
from contexts.conversations.application.ports import BudgetSpent, Said
from contexts.conversations.application.posting import (
    CancelRun,
    Posted,
    PostMessage,
    Regenerate,
    StartConversation,
)
from contexts.conversations.application.queries import GetConversation
from contexts.conversations.domain.conversation import RunInProgress
from contexts.conversations.domain.run import RunId
from shared.application.event_store import VersionConflict
from shared.domain.errors import Invalid, NotFound
from talking import Scripted, Talk


@pytest.fixture
def talk() -> Talk:
    return Talk(Scripted(Said("Yes.")))


async def say(talk: Talk, id: UUID, text: str = "Is it?", **others: Any) -> Posted:
    posted = await talk.bus(PostMessage(owner=talk.owner, conversation_id=id, text=text, **others))
    await talk.bus(AnswerConversation(id))
    return posted


async def parents(talk: Talk, id: UUID) -> dict[str, str | None]:
    """The text of each message of people, and that of what it answers to."""
    shown = await talk.bus(GetConversation(id, talk.owner))
    by_id = {message.id: message for message in shown.tree}
    grand = {
        message.id: by_id[message.parent_id].parent_id if message.parent_id else None
        for message in shown.tree
    }
    return {
        message.text: by_id[before].text if (before := grand[message.id]) else None
        for message in shown.tree
        if message.author == "user"
    }


async def test_a_message_follows_the_last_answer(talk: Talk) -> None:
    await say(talk, id := await talk.begin(), "One?")
    await say(talk, id, "Two?")
    assert await parents(talk, id) == {"One?": None, "Two?": "One?"}


async def test_a_message_may_follow_any_answer_or_begin_anew(talk: Talk) -> None:
    first = await say(talk, id := await talk.begin(), "One?")
    await say(talk, id, "Two?")
    await say(talk, id, "Other two?", parent_id=first.answer_id)
    await say(talk, id, "New?", parent_id=None)
    await say(talk, id, "Newer?")
    assert await parents(talk, id) == {
        "One?": None,
        "Two?": "One?",
        "Other two?": "One?",
        "New?": None,
        "Newer?": "New?",
    }


async def test_an_edit_stands_where_the_edited_message_stood(talk: Talk) -> None:
    await say(talk, id := await talk.begin(), "One?")
    second = await say(talk, id, "Two?")
    await say(talk, id, "Deux?", edits=second.message_id)
    await say(talk, id, "Trois?")
    assert await parents(talk, id) == {
        "One?": None,
        "Two?": "One?",
        "Deux?": "One?",
        "Trois?": "Deux?",
    }


async def test_only_what_somebody_wrote_can_be_edited_and_only_answers_followed(
    talk: Talk,
) -> None:
    first = await say(talk, id := await talk.begin(), "One?")
    with pytest.raises(Invalid, match="edits"):
        await say(talk, id, "Hm?", edits=first.answer_id)
    with pytest.raises(Invalid, match="edits"):
        await say(talk, id, "Hm?", edits=uuid4())
    with pytest.raises(Invalid, match="parent_id"):
        await say(talk, id, "Hm?", edits=first.message_id, parent_id=None)
    with pytest.raises(Invalid, match="parent_id"):
        await say(talk, id, "Hm?", parent_id=first.message_id)
    assert await parents(talk, id) == {"One?": None}


async def test_an_answer_asked_for_again_stands_beside_the_first(talk: Talk) -> None:
    first = await say(talk, id := await talk.begin(), "One?")
    again = await talk.bus(
        Regenerate(owner=talk.owner, conversation_id=id, message_id=first.answer_id)
    )
    await talk.bus(AnswerConversation(id))
    shown = await talk.bus(GetConversation(id, talk.owner))
    answers = [message.id for message in shown.tree if message.parent_id == first.message_id]
    assert answers == [first.answer_id, again.answer_id]
    assert shown.head == again.answer_id
    with pytest.raises(NotFound):
        await talk.bus(Regenerate(owner=talk.owner, conversation_id=id, message_id=uuid4()))


async def test_a_message_said_twice_under_one_id_is_said_once_and_counted_once(talk: Talk) -> None:
    id, message_id = await talk.begin(), uuid4()
    asked = PostMessage(owner=talk.owner, conversation_id=id, text="Once?", message_id=message_id)
    first = await talk.bus(asked)
    assert await talk.bus(asked) == first
    await talk.bus(AnswerConversation(id))
    assert await talk.bus(asked) == first
    assert talk.budgets.left == 999


async def test_a_message_said_twice_is_told_to_workers_twice_while_nobody_has_answered(
    talk: Talk,
) -> None:
    """Whoever said it first may have been killed before he told them."""
    id = await talk.begin()
    asked = PostMessage(owner=talk.owner, conversation_id=id, text="Once?", message_id=uuid4())
    await talk.bus(asked)
    await talk.bus(asked)
    assert talk.queue.put_in == [id, id]
    await talk.bus(AnswerConversation(id))
    await talk.bus(asked)
    assert talk.queue.put_in == [id, id]


async def test_what_others_own_is_not_there(talk: Talk) -> None:
    posted = await say(talk, id := await talk.begin())
    mine, talk.owner = talk.owner, await talk.vault.subject("somebody else")
    for command in (
        PostMessage(owner=talk.owner, conversation_id=id, text="Mine?"),
        Regenerate(owner=talk.owner, conversation_id=id, message_id=posted.message_id),
        CancelRun(talk.owner, posted.run),
        StartConversation(owner=talk.owner, conversation_id=id),
    ):
        with pytest.raises(NotFound):
            await talk.bus(command)
    assert await talk.bus(StartConversation(owner=mine, conversation_id=id)) == id


async def test_without_a_message_left_for_today_nothing_is_taken_in(talk: Talk) -> None:
    id, talk.budgets.left = await talk.begin(), 0
    with pytest.raises(BudgetSpent):
        await say(talk, id)
    assert await parents(talk, id) == {}
    assert not talk.queue.put_in


async def test_a_message_that_is_refused_or_not_recorded_is_not_counted(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await talk.begin()
    await talk.bus(PostMessage(owner=talk.owner, conversation_id=id, text="One?"))
    with pytest.raises(RunInProgress):
        await talk.bus(PostMessage(owner=talk.owner, conversation_id=id, text="Two?"))
    assert talk.budgets.left == 999

    async def refuse(appends: Any) -> int:
        raise VersionConflict("somebody was first")

    monkeypatch.setattr(talk.store, "append", refuse)
    with pytest.raises(VersionConflict):
        await talk.bus(
            PostMessage(owner=talk.owner, conversation_id=id, text="Two?", policy="enqueue")
        )
    assert talk.budgets.left == 999


async def test_a_run_that_never_was_can_not_be_cancelled(talk: Talk) -> None:
    posted = await say(talk, id := await talk.begin())
    with pytest.raises(NotFound):
        await talk.bus(CancelRun(talk.owner, RunId(id, 2)))
    await talk.bus(CancelRun(talk.owner, posted.run))
    assert (await talk.run(posted.run)).status == "completed"

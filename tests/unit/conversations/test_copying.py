"""A copy of a conversation says the same; a file that could not be one is refused in one place."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.conversations.application.content import Message, TextPart, ToolPart
from contexts.conversations.application.copying import (
    ConversationFile,
    Copying,
    ForkConversation,
    ImportConversation,
    StillAnswered,
    exported,
)
from contexts.conversations.application.queries import ConversationShown, GetConversation
from contexts.conversations.domain.conversation import MAX_MESSAGES, ForkedFrom
from conversing import Told
from shared.application.personal import SubjectGone
from shared.domain.errors import Invalid, NotFound
from talking import NOON

TOOL = ToolPart(id="1", name="list_datasets", arguments={"of": None}, result={"rows": [[1, 2.5]]})


@pytest.fixture
async def told() -> Told:
    told = Told()
    await told.begin()
    return told


def copying(told: Told) -> Copying:
    return Copying(told.repository, told.transcripts, told.vault, lambda: NOON)


def said(shown: ConversationShown) -> list[tuple[Any, ...]]:
    """All that was said, in order, with what each message follows: the same for copies."""
    number = {message.id: n for n, message in enumerate(shown.tree)}
    return [
        (
            message.author,
            message.parts,
            message.parent_id and number[message.parent_id],
            message.written_at,
            message.complete,
        )
        for message in shown.tree
    ]


async def with_branches(told: Told) -> tuple[UUID, UUID, UUID]:
    """Two questions, the second edited, the first answered twice; ids of the first question, its
    first answer and the edit."""
    q1, a1, run = await told.ask("One?")
    await told.answer(run, TextPart("1 "), TOOL, TextPart("or so"))
    _, _, run = await told.ask("Two?", a1)
    await told.answer(run, TextPart("2"))
    edit, _, run = await told.ask("Zwei?", a1)
    await told.answer(run)
    _, run = await told.ask_again(q1)
    await told.answer(run, TextPart("one"))
    return q1, a1, edit


# Forks


async def test_a_fork_has_the_path_up_to_a_message_under_ids_of_its_own(told: Told) -> None:
    q1, a1, edit = await with_branches(told)
    id = await copying(told).fork(ForkConversation(told.owner, told.id, edit))
    source, fork = await told.shown(), await told.transcripts.get(GetConversation(id, told.owner))
    assert [message.text for message in fork.tree] == ["One?", "1 or so", "Zwei?"]
    assert [message.parent_id for message in fork.tree] == [
        None,
        fork.tree[0].id,
        fork.tree[1].id,
    ]
    assert fork.tree[1].parts == (TextPart("1 "), TOOL, TextPart("or so"))
    assert not {message.id for message in fork.tree} & {message.id for message in source.tree}
    assert fork.head == fork.tree[-1].id
    assert fork.runs == ()
    assert fork.forked_from == ForkedFrom(told.id, edit)
    assert await told.shown() == source
    shorter = await copying(told).fork(ForkConversation(told.owner, told.id, a1))
    assert len((await told.transcripts.read(shorter)).tree) == 2
    assert q1


async def test_a_fork_has_the_title_that_was_given_last(told: Told) -> None:
    q1, _, _ = await told.ask("One?")
    plain = await copying(told).fork(ForkConversation(told.owner, told.id, q1))
    assert (await told.transcripts.read(plain)).titled_by == "rule"
    await told.call("First")
    await told.call("Second")
    named = await copying(told).fork(ForkConversation(told.owner, told.id, q1))
    assert (await told.transcripts.read(named)).title == "Second"


async def test_only_what_is_there_for_its_owner_can_be_forked(told: Told) -> None:
    q1, _, _ = await told.ask("One?")
    for owner, id, message in (
        (uuid4(), told.id, q1),
        (told.owner, uuid4(), q1),
        (told.owner, told.id, uuid4()),
    ):
        with pytest.raises(NotFound):
            await copying(told).fork(ForkConversation(owner, id, message))
    await told.put_away("delete")
    with pytest.raises(NotFound):
        await copying(told).fork(ForkConversation(told.owner, told.id, q1))


async def test_what_follows_an_answer_that_is_still_being_written_is_not_forked(
    told: Told,
) -> None:
    q1, a1, _ = await told.ask("One?")
    q2, _, _ = await told.ask("Two?", a1)
    for message in (a1, q2):
        with pytest.raises(StillAnswered, match=str(a1)):
            await copying(told).fork(ForkConversation(told.owner, told.id, message))
    await copying(told).fork(ForkConversation(told.owner, told.id, q1))


# Files


async def test_what_is_exported_and_imported_says_the_same_on_all_branches(told: Told) -> None:
    await with_branches(told)
    source = await told.shown()
    file = msgspec.json.decode(msgspec.json.encode(exported(source)), type=ConversationFile)
    somebody = uuid4()
    id = await copying(told).take_in(ImportConversation(somebody, file))
    copy = await told.transcripts.get(GetConversation(id, somebody))
    assert said(copy) == said(source)
    assert copy.title == source.title
    heads = [
        [message.id for message in shown.tree].index(shown.head)  # type: ignore[arg-type]
        for shown in (source, copy)
    ]
    assert heads[0] == heads[1]
    assert not {message.id for message in copy.tree} & {message.id for message in source.tree}
    assert said(await told.shown()) == said(source)


async def test_a_copy_goes_on_from_where_the_original_was_gone_on_with(told: Told) -> None:
    _, a1, _ = await with_branches(told)
    file = exported(await told.shown())
    id = await copying(told).take_in(
        ImportConversation(told.owner, msgspec.structs.replace(file, head=a1))
    )
    copy = await told.transcripts.read(id)
    assert [message.text for message in copy.tree if message.id == copy.head] == ["1 or so"]


async def test_what_is_still_being_answered_is_exported_without_an_answer(told: Told) -> None:
    _, a1, first = await told.ask("One?")
    q2, a2, _ = await told.ask("Two?", a1)
    file = exported(await told.shown())
    assert [(each.id, each.complete, each.parts) for each in file.messages[1::2]] == [
        (a1, False, ()),
        (a2, False, ()),
    ]
    id = await copying(told).take_in(ImportConversation(told.owner, file))
    assert [message.text for message in (await told.transcripts.read(id)).tree] == [
        "One?",
        "",
        "Two?",
        "",
    ]
    # An answer comes into the log behind what follows it, and stands before it in the file.
    await told.answer(first, TextPart("1"))
    shown = await told.shown()
    assert [message.id for message in shown.tree].index(a1) == 2
    assert [each.id for each in exported(shown).messages][1:3] == [a1, q2]


async def test_an_empty_conversation_is_exported_and_imported(told: Told) -> None:
    file = exported(await told.shown())
    id = await copying(told).take_in(ImportConversation(told.owner, file))
    assert (await told.transcripts.read(id)).tree == ()


def entry(
    id: int, parent: int | None = None, author: str | None = None, **others: Any
) -> dict[str, Any]:
    by = author or ("user" if id % 2 else "assistant")
    return {
        "id": str(UUID(int=id)),
        "parent_id": None if parent is None else str(UUID(int=parent)),
        "author": by,
        "written_at": "2026-05-04T12:00:00Z",
        "parts": [{"type": "text", "text": f"text {id}"}],
        **others,
    }


def file_of(*messages: dict[str, Any], **others: Any) -> ConversationFile:
    return msgspec.convert(
        {"format": "marquee.conversation/1", "messages": list(messages), **others},
        ConversationFile,
    )


TOOL_FORM = msgspec.to_builtins(TOOL)


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([entry(1), entry(1)], r"messages\[1\]\.id"),
        ([entry(1, 2), entry(2, 1)], r"messages\[0\]\.parent_id"),
        ([entry(1, 1)], r"messages\[0\]\.parent_id"),
        ([entry(1), entry(2, 7)], r"messages\[1\]\.parent_id"),
        ([entry(2)], r"messages\[0\]\.parent_id"),
        ([entry(1), entry(3, 1)], r"messages\[1\]\.parent_id"),
        ([entry(1), entry(2, 1), entry(4, 2)], r"messages\[2\]\.parent_id"),
        ([entry(1, parts=[])], r"messages\[0\]\.parts:"),
        ([entry(1, parts=[{"type": "text", "text": "a"}] * 2)], r"messages\[0\]\.parts:"),
        ([entry(1, parts=[TOOL_FORM])], r"messages\[0\]\.parts:"),
        ([entry(1, parts=[{"type": "text", "text": " \n"}])], r"messages\[0\]\.parts\[0\]\.text"),
        ([entry(1, parts=[{"type": "text", "text": "a\0b"}])], r"messages\[0\]\.parts\[0\]\.text"),
        (
            [entry(1, parts=[{"type": "text", "text": "a" * 20_001}])],
            r"messages\[0\]\.parts\[0\]\.text",
        ),
    ],
)
async def test_a_file_that_was_never_a_conversation_is_refused_where_it_is_not(
    told: Told, messages: list[dict[str, Any]], place: str
) -> None:
    with pytest.raises(Invalid, match=place):
        await copying(told).take_in(ImportConversation(told.owner, file_of(*messages)))


async def test_a_head_that_is_no_message_is_refused(told: Told) -> None:
    file = file_of(entry(1), head=str(UUID(int=9)))
    with pytest.raises(Invalid, match="head"):
        await copying(told).take_in(ImportConversation(told.owner, file))


@pytest.mark.parametrize(
    "form",
    [
        {"format": "marquee.conversation/2"},
        {"format": None},
        {"messages": None},
        {"messages": [entry(1, color="red")]},
        {"messages": [entry(1, author="system")]},
        {"messages": [entry(1, written_at="2026-05-04T12:00:00")]},
        {"messages": [entry(1, parts=[{"type": "image"}])]},
        {"messages": [entry(1, parent_id="1")]},
        {"messages": [entry(n) for n in range(1, 2 * MAX_MESSAGES + 2, 2)]},
        {"title": ""},
        {"title": "t" * 201},
        {"folder": "x"},
    ],
)
def test_what_does_not_have_the_form_of_a_file_is_none(form: dict[str, Any]) -> None:
    whole = {"format": "marquee.conversation/1", "messages": [], **form}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(whole, ConversationFile)


async def test_nobody_who_was_erased_gets_a_copy(told: Told) -> None:
    told.vault.erased.add(told.owner)
    with pytest.raises(SubjectGone):
        await copying(told).take_in(ImportConversation(told.owner, file_of(entry(1))))


async def test_a_copy_keeps_when_something_was_written_and_whether_it_broke_off(
    told: Told,
) -> None:
    messages = [entry(1), entry(2, 1, complete=False, written_at="2020-02-29T23:59:59+02:00")]
    id = await copying(told).take_in(ImportConversation(told.owner, file_of(*messages)))
    answer: Message = (await told.transcripts.read(id)).tree[1]
    assert not answer.complete
    assert answer.written_at.isoformat() == "2020-02-29T23:59:59+02:00"

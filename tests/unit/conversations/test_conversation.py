from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from contexts.conversations.domain.conversation import (
    MAX_MESSAGES,
    MAX_WAITING,
    Archived,
    Conversation,
    ConversationArchived,
    ConversationChange,
    ConversationDeleted,
    ConversationFull,
    ConversationRestored,
    ConversationStarted,
    ConversationTitled,
    ForkedFrom,
    MessagePosted,
    RunInProgress,
    TooManyWaiting,
)
from contexts.conversations.domain.message import Author, Kept
from contexts.conversations.domain.run import (
    CancellationRequested,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunId,
    RunRequested,
    RunStarted,
)
from shared.domain.errors import Invalid, NotFound
from shared.domain.personal import Sealed

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
ID, OWNER = uuid4(), uuid4()
Q1, A1, Q2, A2, Q3, A3 = (uuid4() for _ in range(6))
TITLE, OTHER_TITLE = Sealed(OWNER, b"title"), Sealed(OWNER, b"another title")


def message(id: UUID, parent_id: UUID | None = None, author: Author = "user") -> Kept:
    content = Sealed(OWNER, id.bytes)
    return Kept(id=id, parent_id=parent_id, author=author, content=content, written_at=NOW)


def completed(number: int, answer_id: UUID, question_id: UUID) -> RunCompleted:
    answer = message(answer_id, question_id, "assistant")
    return RunCompleted(number=number, answer=answer, assistant="m", sequence=9, ended_at=NOW)


started = ConversationStarted(conversation_id=ID, owner=OWNER, started_at=NOW)
titled = msgspec.structs.replace(started, title=TITLE)
posted = MessagePosted(message(Q1))
requested = RunRequested(number=1, question_id=Q1, answer_id=A1, requested_at=NOW)
answered = completed(1, A1, Q1)
archived = ConversationArchived(archived_at=NOW)
deleted = ConversationDeleted(deleted_at=NOW)

ASKED = (started, posted, requested)
"""A message waits for its answer."""

ANSWERED = (*ASKED, answered)


def given(*history: ConversationChange) -> Conversation:
    return Conversation.replay(ID, history)


# Beginning


def test_a_conversation_begins_with_a_title_or_without_one() -> None:
    assert Conversation.start(ID, OWNER, now=NOW).pending == [started]
    assert Conversation.start(ID, OWNER, now=NOW, title=TITLE).pending == [titled]


def test_a_copy_begins_with_all_that_was_said_and_goes_on_from_its_head() -> None:
    source, said = ForkedFrom(uuid4(), uuid4()), (message(Q1), message(A1, Q1, "assistant"))
    copy = Conversation.start(ID, OWNER, now=NOW, messages=said, forked_from=source)
    assert copy.pending == [msgspec.structs.replace(started, messages=said, forked_from=source)]
    assert copy.head == A1
    more = (*said, message(Q2), message(A2, Q2, "assistant"))
    assert Conversation.start(ID, OWNER, now=NOW, messages=more, head=A1).head == A1


def test_a_copy_of_too_many_messages_is_refused() -> None:
    many = [message(uuid4()) for _ in range(MAX_MESSAGES + 1)]
    with pytest.raises(ConversationFull, match="2,000"):
        Conversation.start(ID, OWNER, now=NOW, messages=many)
    Conversation.start(ID, OWNER, now=NOW, messages=many[1:])


def test_a_conversation_is_there_for_its_owner_until_it_is_deleted() -> None:
    given(started).must_be_of(OWNER)
    with pytest.raises(NotFound, match=str(ID)):
        given(started).must_be_of(uuid4())
    with pytest.raises(NotFound, match=str(ID)):
        given(started, deleted).must_be_of(OWNER)


# Saying something


def test_a_message_is_taken_in_and_a_run_asked_for() -> None:
    conversation = given(started)
    assert conversation.post(message(Q1), A1, "reject", now=NOW) == RunId(ID, 1)
    assert conversation.pending == [posted, requested]


def test_a_message_follows_an_answer_or_nothing() -> None:
    conversation = given(*ANSWERED)
    assert conversation.post(message(Q2, A1), A2, "reject", now=NOW) == RunId(ID, 2)
    assert given(*ANSWERED).post(message(Q2), A2, "reject", now=NOW) == RunId(ID, 2)


@pytest.mark.parametrize("parent", [Q1, A2])
def test_a_message_that_follows_no_answer_is_refused(parent: UUID) -> None:
    conversation = given(*ANSWERED)
    with pytest.raises(Invalid, match="parent_id"):
        conversation.post(message(Q2, parent), A2, "reject", now=NOW)
    assert conversation.pending == []


def test_a_message_may_follow_an_answer_that_is_still_being_written() -> None:
    conversation = given(*ASKED)
    conversation.post(message(Q2, A1), A2, "enqueue", now=NOW)
    assert conversation.head == A2
    assert conversation.end(answered)
    assert conversation.head == A2


def test_while_a_message_is_answered_another_is_refused_unless_it_says_otherwise() -> None:
    conversation = given(*ASKED)
    with pytest.raises(RunInProgress, match=f"{ID}-1"):
        conversation.post(message(Q2), A2, "reject", now=NOW)
    assert conversation.pending == []


def test_a_message_may_wait_for_its_turn() -> None:
    conversation = given(*ASKED)
    conversation.post(message(Q2), A2, "enqueue", now=NOW)
    assert conversation.pending == [
        MessagePosted(message(Q2)),
        RunRequested(number=2, question_id=Q2, answer_id=A2, requested_at=NOW),
    ]


def test_a_message_may_end_all_that_is_being_answered_once() -> None:
    conversation = given(
        *ASKED,
        MessagePosted(message(Q2)),
        RunRequested(number=2, question_id=Q2, answer_id=A2, requested_at=NOW),
        CancellationRequested(number=1, requested_at=NOW),
    )
    conversation.post(message(Q3), A3, "interrupt", now=LATER)
    assert conversation.pending == [
        CancellationRequested(number=2, requested_at=LATER),
        MessagePosted(message(Q3)),
        RunRequested(number=3, question_id=Q3, answer_id=A3, requested_at=LATER),
    ]


@pytest.mark.parametrize("policy", ["enqueue", "interrupt"])
def test_only_so_many_messages_wait(policy: str) -> None:
    conversation = given(started)
    for _ in range(MAX_WAITING):
        conversation.post(message(uuid4()), uuid4(), "enqueue", now=NOW)
    with pytest.raises(TooManyWaiting, match="10"):
        conversation.post(message(Q1), A1, policy, now=NOW)  # type: ignore[arg-type]


def test_a_conversation_that_is_full_or_archived_takes_nothing_more() -> None:
    many = tuple(message(uuid4()) for _ in range(MAX_MESSAGES - 1))
    full = given(msgspec.structs.replace(started, messages=many))
    with pytest.raises(ConversationFull, match="fork"):
        full.post(message(Q1), A1, "reject", now=NOW)
    full.regenerate(many[0].id, A1, "reject", now=NOW)
    with pytest.raises(ConversationFull, match="fork"):
        full.regenerate(many[0].id, A2, "enqueue", now=NOW)
    with pytest.raises(Archived, match="restore"):
        given(*ANSWERED, archived).post(message(Q2), A2, "reject", now=NOW)
    with pytest.raises(Archived, match="restore"):
        given(*ANSWERED, archived).regenerate(Q1, A2, "reject", now=NOW)


# Having it answered once more


def test_a_message_is_answered_once_more_beside_the_answer_it_has() -> None:
    conversation = given(*ANSWERED)
    assert conversation.regenerate(Q1, A2, "reject", now=LATER) == RunId(ID, 2)
    assert conversation.pending == [
        RunRequested(number=2, question_id=Q1, answer_id=A2, requested_at=LATER)
    ]
    assert conversation.head == A2


@pytest.mark.parametrize("id", [A1, Q2])
def test_only_what_somebody_wrote_is_answered(id: UUID) -> None:
    with pytest.raises(NotFound, match=str(id)):
        given(*ANSWERED).regenerate(id, A2, "reject", now=NOW)


# Runs


def test_a_worker_begins_on_a_run_and_another_begins_again() -> None:
    conversation = given(*ASKED)
    assert conversation.begin(1, now=NOW)
    assert conversation.begin(1, now=LATER)
    assert conversation.pending == [
        RunStarted(number=1, attempt=1, started_at=NOW),
        RunStarted(number=1, attempt=2, started_at=LATER),
    ]


@pytest.mark.parametrize("number", [1, 2])
def test_there_is_nothing_to_begin_on_a_run_that_has_ended_or_is_not_there(number: int) -> None:
    conversation = given(*ANSWERED)
    assert not conversation.begin(number, now=NOW)
    assert conversation.pending == []


def test_a_run_is_cancelled_once() -> None:
    conversation = given(*ASKED)
    conversation.cancel(1, now=NOW)
    conversation.cancel(1, now=LATER)
    assert conversation.pending == [CancellationRequested(number=1, requested_at=NOW)]


def test_a_run_that_has_ended_has_and_one_that_never_was_is_not_there() -> None:
    conversation = given(*ANSWERED)
    conversation.cancel(1, now=NOW)
    assert conversation.pending == []
    for number in (0, 2):
        with pytest.raises(NotFound, match=f"{ID}-{number}"):
            conversation.cancel(number, now=NOW)


@pytest.mark.parametrize(
    "end",
    [
        answered,
        RunCancelled(
            number=1,
            answer=message(A1, Q1, "assistant"),
            assistant="m",
            sequence=1,
            ended_at=NOW,
        ),
        RunFailed(
            number=1,
            code="timeout",
            reason="too slow",
            answer=message(A1, Q1, "assistant"),
            assistant="m",
            sequence=1,
            ended_at=NOW,
        ),
    ],
)
def test_a_run_ends_once_with_an_answer_that_others_may_follow(
    end: RunCompleted | RunCancelled | RunFailed,
) -> None:
    conversation = given(*ASKED)
    assert conversation.end(end)
    assert not conversation.end(answered)
    assert conversation.pending == [end]
    assert conversation.head == A1
    conversation.post(message(Q2, A1), A2, "reject", now=NOW)


def test_what_nothing_is_left_of_is_not_the_head() -> None:
    nothing = RunFailed(
        number=1,
        code="erased",
        reason="gone",
        answer=None,
        assistant="m",
        sequence=1,
        ended_at=NOW,
    )
    assert given(*ASKED, nothing).head == Q1


# The conversation as a whole


def test_a_title_of_the_owner_is_taken_always_and_that_of_a_model_where_there_is_none() -> None:
    conversation = given(started)
    conversation.give_title(TITLE, "model", now=NOW)
    conversation.give_title(OTHER_TITLE, "model", now=NOW)
    conversation.give_title(OTHER_TITLE, "caller", now=LATER)
    assert conversation.pending == [
        ConversationTitled(TITLE, "model", NOW),
        ConversationTitled(OTHER_TITLE, "caller", LATER),
    ]
    begun = given(titled)
    begun.give_title(OTHER_TITLE, "model", now=NOW)
    assert begun.pending == []


def test_a_conversation_is_archived_and_restored_once_each() -> None:
    conversation = given(started)
    conversation.restore(now=NOW)
    conversation.archive(now=NOW)
    conversation.archive(now=LATER)
    conversation.restore(now=LATER)
    assert conversation.pending == [archived, ConversationRestored(restored_at=LATER)]


def test_a_conversation_is_deleted_once_and_what_is_answered_in_it_ends() -> None:
    conversation = given(*ASKED)
    conversation.delete(now=NOW)
    conversation.delete(now=LATER)
    assert conversation.pending == [CancellationRequested(number=1, requested_at=NOW), deleted]


@pytest.mark.parametrize("text", ["", "x", str(ID), f"{ID}-0", f"{ID}-01", f"{ID}-1\n", f"{ID}--1"])
def test_what_is_no_id_of_a_run_names_none(text: str) -> None:
    with pytest.raises(NotFound, match="no run"):
        RunId.read(text)


def test_a_run_is_found_by_what_it_is_called() -> None:
    assert RunId.read(str(RunId(ID, 12))) == RunId(ID, 12)

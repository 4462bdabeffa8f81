"""A conversation: a tree of messages, and the runs that answer them, one after the other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self, assert_never
from uuid import UUID

import msgspec

from contexts.conversations.domain.message import Author, Kept
from contexts.conversations.domain.run import (
    CancellationRequested,
    RunCancelled,
    RunChange,
    RunCompleted,
    RunEnded,
    RunFailed,
    RunId,
    RunRequested,
    RunStarted,
)
from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Invalid, NotFound, Refused
from shared.domain.personal import Sealed

MAX_MESSAGES = 2_000
"""Of a conversation, on all its branches."""

MAX_WAITING = 10
"""Runs of a conversation that may be open at once, the one at work among them."""

Policy = Literal["reject", "enqueue", "interrupt"]
"""What a message does that comes while another is being answered: it is refused, it waits for its
turn, or it ends what is being answered and waits only for that."""

Titler = Literal["caller", "model"]


class ForkedFrom(msgspec.Struct, frozen=True):
    conversation_id: UUID
    message_id: UUID


class ConversationStarted(DomainEvent, tag="conversations.conversation_started", kw_only=True):
    """`messages` are those that it begins with, where it is a copy of another or of a file; it goes
    on from `head`, or from the last of them."""

    conversation_id: UUID
    owner: UUID
    started_at: datetime
    title: Sealed | None = None
    messages: tuple[Kept, ...] = ()
    forked_from: ForkedFrom | None = None
    head: UUID | None = None


class ConversationTitled(DomainEvent, tag="conversations.conversation_titled"):
    title: Sealed
    by: Titler
    titled_at: datetime


class ConversationArchived(DomainEvent, tag="conversations.conversation_archived"):
    archived_at: datetime


class ConversationRestored(DomainEvent, tag="conversations.conversation_restored"):
    restored_at: datetime


class ConversationDeleted(DomainEvent, tag="conversations.conversation_deleted"):
    deleted_at: datetime


class MessagePosted(DomainEvent, tag="conversations.message_posted"):
    message: Kept


ConversationChange = (
    ConversationStarted
    | ConversationTitled
    | ConversationArchived
    | ConversationRestored
    | ConversationDeleted
    | MessagePosted
    | RunChange
)


class RunInProgress(Refused):
    """Another message of the conversation is being answered."""

    code = "conversations.run_in_progress"


class TooManyWaiting(Refused):
    code = "conversations.too_many_waiting"


class ConversationFull(Refused):
    code = "conversations.full"


class Archived(Refused):
    code = "conversations.archived"


class Run(msgspec.Struct):
    """An open run, as far as rules need to know it."""

    question_id: UUID
    answer_id: UUID
    attempts: int = 0
    cancelling: bool = False


class Conversation(Aggregate[ConversationChange]):
    stream = "conversation"
    events = ConversationChange

    owner: UUID
    head: UUID | None = None
    titled = False
    archived = False
    deleted = False
    runs = 0

    def __init__(self, id: UUID) -> None:
        super().__init__(id)
        self.messages: dict[UUID, tuple[UUID | None, Author]] = {}
        self.open: dict[int, Run] = {}
        self.asked: dict[UUID, tuple[RunId, UUID]] = {}
        """For each message that was to be answered, its first run and the answer of that."""

    @classmethod
    def start(
        cls,
        id: UUID,
        owner: UUID,
        *,
        now: datetime,
        title: Sealed | None = None,
        messages: Sequence[Kept] = (),
        forked_from: ForkedFrom | None = None,
        head: UUID | None = None,
    ) -> Self:
        """Raise ConversationFull for more messages than one may have."""
        conversation = cls(id)
        if len(messages) > MAX_MESSAGES:
            raise ConversationFull(f"a conversation has at most {MAX_MESSAGES:,} messages")
        conversation.record(
            ConversationStarted(
                conversation_id=id,
                owner=owner,
                started_at=now,
                title=title,
                messages=tuple(messages),
                forked_from=forked_from,
                head=head,
            )
        )
        return conversation

    def must_be_of(self, owner: UUID) -> None:
        """Raise NotFound for everybody else, and when it was deleted."""
        if self.deleted or owner != self.owner:
            raise NotFound(f"no conversation {self.id}")

    def post(self, message: Kept, answer_id: UUID, policy: Policy, *, now: datetime) -> RunId:
        """Take in what somebody wrote, to be answered.

        Raise Invalid for a parent that it can't follow; RunInProgress, TooManyWaiting,
        ConversationFull or Archived.
        """
        self._must_take(2)
        if message.parent_id is not None:
            parent = self.messages.get(message.parent_id)
            waiting = message.parent_id in {run.answer_id for run in self.open.values()}
            if not waiting and (parent is None or parent[1] != "assistant"):
                raise Invalid(
                    f"parent_id: {message.parent_id} is no answer of this conversation, and a "
                    "message follows an answer, or nothing"
                )
        self._make_way(policy, now)
        self.record(MessagePosted(message))
        return self._request(message.id, answer_id, now)

    def regenerate(
        self, question_id: UUID, answer_id: UUID, policy: Policy, *, now: datetime
    ) -> RunId:
        """Answer a message once more, beside the answers that it has.

        Raise NotFound for a message that there is not, and as `post` does.
        """
        self._must_take(1)
        if self.messages.get(question_id, (None, None))[1] != "user":
            raise NotFound(f"no message {question_id} that could be answered")
        self._make_way(policy, now)
        return self._request(question_id, answer_id, now)

    def begin(self, number: int, *, now: datetime) -> bool:
        """A worker begins on a run; whether there is anything to do."""
        if (run := self.open.get(number)) is None:
            return False
        self.record(RunStarted(number=number, attempt=run.attempts + 1, started_at=now))
        return True

    def cancel(self, number: int, *, now: datetime) -> None:
        """Ask for a run to end; one that has ended, has. Raise NotFound when there is none."""
        self.must_have_run(number)
        run = self.open.get(number)
        if run is not None and not run.cancelling:
            self.record(CancellationRequested(number=number, requested_at=now))

    def end(self, ended: RunEnded) -> bool:
        """Whether it was open until now: whoever comes second has nothing to add."""
        if ended.number not in self.open:
            return False
        self.record(ended)
        return True

    def give_title(self, title: Sealed, by: Titler, *, now: datetime) -> None:
        """A title that the owner gave stays when a model has another idea."""
        if by == "caller" or not self.titled:
            self.record(ConversationTitled(title=title, by=by, titled_at=now))

    def archive(self, *, now: datetime) -> None:
        if not self.archived:
            self.record(ConversationArchived(archived_at=now))

    def restore(self, *, now: datetime) -> None:
        if self.archived:
            self.record(ConversationRestored(restored_at=now))

    def delete(self, *, now: datetime) -> None:
        if not self.deleted:
            self._cancel_all(now)
            self.record(ConversationDeleted(deleted_at=now))

    def must_have_run(self, number: int) -> None:
        if not 1 <= number <= self.runs:
            raise NotFound(f"no run {RunId(self.id, number)}")

    def apply(self, event: ConversationChange) -> None:
        match event:
            case ConversationStarted():
                self.owner = event.owner
                self.titled = event.title is not None
                for message in event.messages:
                    self._take_in(message)
                self.head = event.head or self.head
            case ConversationTitled():
                self.titled = True
            case ConversationArchived():
                self.archived = True
            case ConversationRestored():
                self.archived = False
            case ConversationDeleted():
                self.deleted = True
            case MessagePosted():
                self._take_in(event.message)
            case _:
                self._apply_run(event)

    def _apply_run(self, event: RunChange) -> None:
        match event:
            case RunRequested():
                self.runs = event.number
                first = RunId(self.id, event.number), event.answer_id
                self.asked.setdefault(event.question_id, first)
                self.open[event.number] = Run(event.question_id, event.answer_id)
                self.head = event.answer_id
            case RunStarted():
                self.open[event.number].attempts = event.attempt
            case CancellationRequested():
                self.open[event.number].cancelling = True
            case RunCompleted() | RunCancelled() | RunFailed():
                run = self.open.pop(event.number)
                if event.answer is not None:
                    self._take_in(event.answer, head=self.head == run.answer_id)
                elif self.head == run.answer_id:
                    self.head = run.question_id
            case _:
                assert_never(event)

    def _must_take(self, more: int) -> None:
        if self.archived:
            raise Archived(f"conversation {self.id} is archived; restore it to go on")
        if len(self.messages) + len(self.open) + more > MAX_MESSAGES:
            raise ConversationFull(
                f"a conversation has at most {MAX_MESSAGES:,} messages; begin another one, or fork "
                "this from an earlier message"
            )

    def _make_way(self, policy: Policy, now: datetime) -> None:
        if not self.open:
            return
        if policy == "reject":
            raise RunInProgress(
                f"run {RunId(self.id, min(self.open))} is at work: wait for its end, cancel it, or "
                "send the message with the policy 'enqueue' or 'interrupt'"
            )
        if len(self.open) >= MAX_WAITING:
            raise TooManyWaiting(f"{len(self.open)} runs of this conversation are open already")
        if policy == "interrupt":
            self._cancel_all(now)

    def _cancel_all(self, now: datetime) -> None:
        for number in list(self.open):
            self.cancel(number, now=now)

    def _request(self, question_id: UUID, answer_id: UUID, now: datetime) -> RunId:
        number = self.runs + 1
        self.record(RunRequested(number, question_id, answer_id, now))
        return RunId(self.id, number)

    def _take_in(self, message: Kept, *, head: bool = True) -> None:
        self.messages[message.id] = (message.parent_id, message.author)
        if head:
            self.head = message.id

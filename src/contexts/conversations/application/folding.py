"""What each event changes of how a conversation is shown, once its texts are opened."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, assert_never
from uuid import UUID

import msgspec

from contexts.conversations.application.content import ERASED, Message, decoded
from contexts.conversations.application.queries import ConversationShown, RunShown
from contexts.conversations.application.titles import NEW, title_by_rule
from contexts.conversations.domain.conversation import (
    Conversation,
    ConversationArchived,
    ConversationChange,
    ConversationDeleted,
    ConversationRestored,
    ConversationStarted,
    ConversationTitled,
    ForkedFrom,
    MessagePosted,
)
from contexts.conversations.domain.message import Kept
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
from shared.application.event_store import Recorded
from shared.domain.personal import Sealed

Opened = Mapping[Sealed, bytes | None]
"""What was in each box; None where nobody can open it any more."""


def kept_in(event: ConversationChange) -> Sequence[Kept]:
    """The messages that come with this event."""
    match event:
        case ConversationStarted():
            return event.messages
        case MessagePosted():
            return (event.message,)
        case RunCompleted() | RunCancelled() | RunFailed():
            return () if event.answer is None else (event.answer,)
        case (
            ConversationTitled()
            | ConversationArchived()
            | ConversationRestored()
            | ConversationDeleted()
            | RunRequested()
            | RunStarted()
            | CancellationRequested()
        ):
            return ()
        case _:
            assert_never(event)


def sealed_in(event: ConversationChange) -> list[Sealed]:
    """All that has to be opened to show what this event tells."""
    titled = isinstance(event, ConversationStarted | ConversationTitled) and event.title
    return [*([titled] if titled else []), *(message.content for message in kept_in(event))]


def show_conversation(
    conversation: Conversation, history: Sequence[Recorded[ConversationChange]], opened: Opened
) -> ConversationShown:
    """`conversation` is what the rules make of the same history, which has at least its start."""
    folding = _Folding(conversation.id, opened)
    for recorded in history:
        folding.take_in(recorded.event)
    first = history[0].event
    assert isinstance(first, ConversationStarted), f"{history[0].ref} comes before the start"
    tree = tuple(folding.messages.values())
    title, by = folding.title, folding.titled_by
    if title is None:
        asked = next((message for message in tree if message.author == "user"), None)
        title = NEW if asked is None else ERASED if asked.erased else title_by_rule(asked.text)
    return ConversationShown(
        id=conversation.id,
        title=title,
        status="archived" if conversation.archived else "active",
        messages=len(tree),
        running=bool(conversation.open),
        started_at=first.started_at,
        updated_at=history[-1].recorded_at,
        head=conversation.head,
        forked_from=folding.forked_from,
        titled_by=by,
        tree=tree,
        runs=tuple(folding.runs.values()),
        version=conversation.version,
    )


def show_run(id: RunId, changes: Iterable[RunChange], opened: Opened) -> RunShown:
    """Of the changes of this run alone, which are a small part of a long conversation."""
    folding = _Folding(id.conversation_id, opened)
    for change in changes:
        folding.take_in(change)
    return folding.runs[id.number]


class _Folding:
    """What was said, and what became of it, in order."""

    def __init__(self, id: UUID, opened: Opened) -> None:
        self._id = id
        self._opened = opened
        self.title: str | None = None
        self.titled_by: Literal["rule", "caller", "model"] = "rule"
        self.forked_from: ForkedFrom | None = None
        self.messages: dict[UUID, Message] = {}
        self.runs: dict[int, RunShown] = {}

    def take_in(self, event: ConversationChange) -> None:
        match event:
            case ConversationStarted():
                self.forked_from = event.forked_from
                if event.title is not None:
                    self._call(event.title, "caller")
                for message in event.messages:
                    self._say(message)
            case ConversationTitled():
                self._call(event.title, event.by)
            case MessagePosted():
                self._say(event.message)
            case ConversationArchived() | ConversationRestored() | ConversationDeleted():
                pass  # The conversation itself knows.
            case _:
                self._take_in_run(event)

    def _take_in_run(self, event: RunChange) -> None:
        match event:
            case RunRequested():
                self._request(event)
            case RunStarted():
                began = self.runs[event.number].started_at or event.started_at
                self._run(event.number, status="running", attempts=event.attempt, started_at=began)
            case CancellationRequested():
                self._run(event.number, cancelling=True)
            case RunCompleted() | RunCancelled() | RunFailed():
                self._end(event)
            case _:
                assert_never(event)

    def _call(self, title: Sealed, by: Literal["caller", "model"]) -> None:
        content = self._opened[title]
        self.title = ERASED if content is None else content.decode()
        self.titled_by = by

    def _say(self, kept: Kept, run: str | None = None) -> Message:
        content = self._opened[kept.content]
        message = Message(
            id=kept.id,
            parent_id=kept.parent_id,
            author=kept.author,
            parts=() if content is None else decoded(content),
            written_at=kept.written_at,
            complete=kept.complete,
            erased=content is None,
            run=run,
        )
        self.messages[kept.id] = message
        return message

    def _request(self, event: RunRequested) -> None:
        id = str(RunId(self._id, event.number))
        self.runs[event.number] = RunShown(
            id=id,
            conversation_id=self._id,
            question_id=event.question_id,
            answer_id=event.answer_id,
            status="queued",
            requested_at=event.requested_at,
        )
        if (asked := self.messages.get(event.question_id)) is not None:
            self.messages[asked.id] = msgspec.structs.replace(asked, run=id)

    def _end(self, event: RunEnded) -> None:
        id = str(RunId(self._id, event.number))
        changes: dict[str, Any] = {
            "answer": self._say(event.answer, id) if event.answer else None,
            "assistant": event.assistant,
            "ended_at": event.ended_at,
            "spent": event.spent,
            "sequence": event.sequence,
        }
        match event:
            case RunCompleted():
                changes["status"] = "completed"
            case RunCancelled():
                changes["status"] = "cancelled"
            case RunFailed():
                changes |= {"status": "failed", "code": event.code, "reason": event.reason}
            case _:
                assert_never(event)
        self._run(event.number, **changes)

    def _run(self, number: int, **changes: Any) -> None:
        self.runs[number] = msgspec.structs.replace(self.runs[number], **changes)

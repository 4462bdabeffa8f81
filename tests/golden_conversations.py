"""The events of the conversations context as they were meant when they were stored."""

from datetime import UTC, datetime
from uuid import UUID

from contexts.conversations.domain.conversation import (
    ConversationArchived,
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
    RunCompleted,
    RunFailed,
    RunRequested,
    RunStarted,
    Spent,
)
from shared.domain.aggregate import DomainEvent
from shared.domain.personal import Sealed

CONVERSATION = UUID("019a9c1e-4b7d-7c11-9a63-0e5d2f8b7a41")
OTHER = UUID("019a9bf0-1d22-7b0e-8f15-6c3a9d4e2b70")
OWNER = UUID("8a4f7c02-93d5-4e6b-b1a8-5d2e60f7c913")
QUESTION = UUID("019a9c1e-4c01-7d3a-a2f4-91b07c5e6d28")
ANSWER = UUID("019a9c1e-4c02-7e5b-b3a6-20c18d6f7e39")

_AT = datetime(2026, 11, 20, 19, 4, 5, 125000, UTC)
_ENDED = datetime(2026, 11, 20, 19, 4, 9, tzinfo=UTC)


def _box(last: int) -> Sealed:
    """As long as that of an empty text: form, nonce, tag."""
    return Sealed(OWNER, bytes([1, *range(200, 212), *range(15), last]))


_QUESTION = Kept(id=QUESTION, parent_id=None, author="user", content=_box(1), written_at=_AT)
_ANSWER = Kept(
    id=ANSWER, parent_id=QUESTION, author="assistant", content=_box(2), written_at=_ENDED
)
_BROKEN_OFF = Kept(
    id=ANSWER,
    parent_id=QUESTION,
    author="assistant",
    content=_box(3),
    written_at=_ENDED,
    complete=False,
)

MEANT: dict[str, DomainEvent] = {
    "conversations.conversation_started": ConversationStarted(
        conversation_id=CONVERSATION,
        owner=OWNER,
        started_at=_AT,
        title=_box(4),
        messages=(_QUESTION, _ANSWER),
        forked_from=ForkedFrom(OTHER, ANSWER),
        head=ANSWER,
    ),
    "conversations.conversation_titled": ConversationTitled(
        title=_box(5), by="model", titled_at=_AT
    ),
    "conversations.conversation_archived": ConversationArchived(archived_at=_AT),
    "conversations.conversation_restored": ConversationRestored(restored_at=_AT),
    "conversations.conversation_deleted": ConversationDeleted(deleted_at=_AT),
    "conversations.message_posted": MessagePosted(message=_QUESTION),
    "conversations.run_requested": RunRequested(
        number=1, question_id=QUESTION, answer_id=ANSWER, requested_at=_AT
    ),
    "conversations.run_started": RunStarted(number=1, attempt=2, started_at=_AT),
    "conversations.cancellation_requested": CancellationRequested(number=1, requested_at=_AT),
    "conversations.run_completed": RunCompleted(
        number=1,
        answer=_ANSWER,
        assistant="gpt-5-mini",
        sequence=2000041,
        ended_at=_ENDED,
        spent=Spent(input_tokens=812, output_tokens=96, cost=0.00031, model="gpt-5-mini"),
    ),
    "conversations.run_cancelled": RunCancelled(
        number=2,
        answer=_BROKEN_OFF,
        assistant="offline",
        sequence=1000007,
        ended_at=_ENDED,
    ),
    "conversations.run_failed": RunFailed(
        number=3,
        code="erased",
        reason="whoever asked was erased",
        answer=None,
        assistant="gpt-5-mini",
        sequence=1000001,
        ended_at=_ENDED,
        spent=Spent(input_tokens=5, cost=None, model="gpt-5-mini"),
    ),
}

"""What may be asked about conversations and runs, and the shape of each answer."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from contexts.conversations.application.content import Message
from contexts.conversations.domain.conversation import ForkedFrom
from contexts.conversations.domain.run import RunId, Spent
from shared.application.bus import Query
from shared.application.criteria import EQUALITY, ORDER, Field, Fields
from shared.application.lists import ListQuery
from shared.application.pages import Sort

RunStatus = Literal["queued", "running", "completed", "failed", "cancelled"]
"""The last three are ends."""


class RunShown(msgspec.Struct, frozen=True, kw_only=True, rename={"question_id": "message_id"}):
    """What answers a message. `answer` is there when it has ended, with what had come until then.

    `code` and `reason` tell why it failed; `assistant` is the name of the model, or "offline".
    `sequence` is that of the last frame, once it has ended.
    """

    id: str
    conversation_id: UUID
    question_id: UUID
    answer_id: UUID
    status: RunStatus
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelling: bool = False
    attempts: int = 0
    answer: Message | None = None
    assistant: str | None = None
    code: str | None = None
    reason: str | None = None
    spent: Spent = Spent()
    sequence: int = 0

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")


class ConversationListed(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation in short. `running`: a message of it is being answered."""

    id: UUID
    title: str
    status: Literal["active", "archived"]
    messages: int
    running: bool
    started_at: datetime
    updated_at: datetime


class ConversationShown(ConversationListed, frozen=True, kw_only=True):
    """A conversation with all that was said, on every branch, in the order in which it was said.

    `head` is the last message of the branch that was gone on with last; that of an answer which is
    still being written is not among the `tree` yet. `runs` are all there were.
    """

    head: UUID | None
    forked_from: ForkedFrom | None
    titled_by: Literal["rule", "caller", "model"]
    tree: tuple[Message, ...]
    runs: tuple[RunShown, ...]
    version: int


class GetConversation(Query[ConversationShown], frozen=True):
    """Folded from the log, so it shows what was said a moment ago. Raise NotFound for anybody but
    its owner."""

    conversation_id: UUID
    owner: UUID


class GetRun(Query[RunShown], frozen=True):
    """Raise NotFound for anybody but the owner of its conversation."""

    run: RunId
    owner: UUID


CONVERSATION_FIELDS = Fields(
    Field("updated_at", datetime, ORDER, "updated_at", sortable=True),
    Field("started_at", datetime, ORDER, "started_at", sortable=True),
    Field("title", str, (*EQUALITY, "contains"), "title"),
    Field("q", str, ("contains",), "words"),
    Field("status", str, EQUALITY, "status", choices=("active", "archived")),
    Field("running", bool, ("eq", "ne"), "running"),
    Field("messages", Decimal, ORDER, "messages"),
)
"""`q` finds words in titles and in what was said."""


class ListConversations(
    ListQuery[ConversationListed | Mapping[str, Any]], frozen=True, kw_only=True
):
    """Those of one owner by criteria, the last used first."""

    owner: UUID
    sort: Sort = Sort("updated_at", "desc")

    @property
    def list_key(self) -> bytes:
        return msgspec.msgpack.encode((super().list_key, self.owner))


class Exchange(msgspec.Struct, frozen=True):
    """What somebody wrote, and what he was answered."""

    user: str
    AI: str


class GetExchanges(Query[list[Exchange]], frozen=True):
    """The default conversation of an owner along its current branch, in order; without messages
    that have no answer yet."""

    owner: UUID

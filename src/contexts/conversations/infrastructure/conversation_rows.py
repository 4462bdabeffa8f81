"""A conversation as a row of the read model, and what each event changes of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, Self, assert_never
from uuid import UUID

import msgspec

from contexts.conversations.application.content import ERASED, decoded, said
from contexts.conversations.application.folding import Opened
from contexts.conversations.application.titles import NEW, title_by_rule
from contexts.conversations.domain.conversation import (
    ConversationArchived,
    ConversationChange,
    ConversationDeleted,
    ConversationRestored,
    ConversationStarted,
    ConversationTitled,
    MessagePosted,
)
from contexts.conversations.domain.message import Kept
from contexts.conversations.domain.run import (
    CancellationRequested,
    RunCancelled,
    RunChange,
    RunCompleted,
    RunFailed,
    RunRequested,
    RunStarted,
)
from shared.application.event_store import Recorded
from shared.infrastructure.lists.criteria_sql import fold_text

MAX_SAID = 100_000
"""Bytes of words that a conversation is found by, and characters of a message in which they are
looked for; those that come later are not."""

_LONG = 100
"""Bytes that are too few to look for words that fit into them."""

TitledBy = Literal["nobody", "rule", "caller", "model", "erased"]


class Row(msgspec.Struct, kw_only=True):
    """Its words are in the order in which they were said first; `size` is that of all, in bytes."""

    id: UUID
    owner: UUID
    started_at: datetime
    updated_at: datetime
    title: str = NEW
    titled_by: TitledBy = "nobody"
    status: str = "active"
    messages: int = 0
    open_runs: dict[int, datetime] = {}
    words: dict[str, None] = {}
    size: int = 0

    @classmethod
    def read(cls, columns: dict[str, Any]) -> Self:
        """`open_runs` comes as the text of the JSON that it is."""
        words = columns["said"].split()
        return cls(
            **{name: columns[name] for name in cls.__struct_fields__ if name in _PLAIN},
            open_runs=_OPEN_RUNS.decode(columns["open_runs"]),
            words=dict.fromkeys(words),
            size=sum(map(_size, words)),
        )

    def stored(self, tenant: str) -> dict[str, Any]:
        titled = self.titled_by in ("caller", "model")
        return {
            "tenant": tenant,
            **{name: getattr(self, name) for name in _PLAIN},
            "running": bool(self.open_runs),
            "open_runs": self.open_runs,
            "open_since": min(self.open_runs.values(), default=None),
            # A title by rule is made of words that were said.
            "folded_title": fold_text(self.title) if titled else "",
            "said": " ".join(self.words),
        }

    def call(self, title: str | None, by: TitledBy) -> None:
        if title is None:
            self.forget()
        elif self.titled_by != "erased":
            self.title, self.titled_by = title, by

    def say(self, kept: Kept, content: bytes | None) -> None:
        self.messages += 1
        if content is None:
            self.forget()
        elif self.titled_by != "erased":
            text = said(decoded(content))
            if kept.author == "user" and self.titled_by == "nobody":
                self.call(title_by_rule(text), "rule")
            if self.size < MAX_SAID - _LONG:
                self._find_by(fold_text(text[:MAX_SAID]).split())

    def forget(self) -> None:
        """For good: whatever may come, its owner is gone."""
        self.title, self.titled_by = ERASED, "erased"
        self.words, self.size = {}, 0

    def _find_by(self, words: Iterable[str]) -> None:
        for word in words:
            if word not in self.words and self.size + _size(word) <= MAX_SAID:
                self.words[word] = None
                self.size += _size(word)


_PLAIN = ("id", "owner", "title", "titled_by", "status", "messages", "started_at", "updated_at")
_OPEN_RUNS = msgspec.json.Decoder(dict[int, datetime])


def fold(row: Row | None, recorded: Recorded[ConversationChange], opened: Opened) -> Row | None:
    """The row after this; None where the conversation was deleted. A run may end after that."""
    event = recorded.event
    if isinstance(event, ConversationStarted):
        row = _started(event, recorded, opened)
    elif row is not None:
        row = _changed(row, event, opened)
    if row is not None:
        row.updated_at = recorded.recorded_at
    return row


def _started(
    event: ConversationStarted, recorded: Recorded[ConversationChange], opened: Opened
) -> Row:
    row = Row(
        id=recorded.id,
        owner=event.owner,
        started_at=event.started_at,
        updated_at=recorded.recorded_at,
    )
    if event.title is not None:
        row.call(_text(opened[event.title]), "caller")
    for message in event.messages:
        row.say(message, opened[message.content])
    return row


def _changed(row: Row, event: ConversationChange, opened: Opened) -> Row | None:
    match event:
        case ConversationStarted():
            raise AssertionError("a conversation is started once")
        case ConversationTitled():
            row.call(_text(opened[event.title]), event.by)
        case ConversationArchived():
            row.status = "archived"
        case ConversationRestored():
            row.status = "active"
        case ConversationDeleted():
            return None
        case MessagePosted():
            row.say(event.message, opened[event.message.content])
        case _:
            _run_changed(row, event, opened)
    return row


def _run_changed(row: Row, event: RunChange, opened: Opened) -> None:
    match event:
        case RunRequested():
            row.open_runs[event.number] = event.requested_at
        case RunCompleted() | RunCancelled() | RunFailed():
            row.open_runs.pop(event.number, None)
            if event.answer is not None:
                row.say(event.answer, opened[event.answer.content])
        case RunStarted() | CancellationRequested():
            pass
        case _:
            assert_never(event)


def _size(word: str) -> int:
    return len(word.encode()) + 1


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode()

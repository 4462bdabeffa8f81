"""Copies of conversations: a fork of one up to some message, and files that go out and come in."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.conversations.application.content import Part, TextPart, ToolPart, encoded
from contexts.conversations.application.folding import kept_in
from contexts.conversations.application.ports import Clock
from contexts.conversations.application.posting import MessageText, Title, one_line
from contexts.conversations.application.queries import ConversationShown
from contexts.conversations.application.showing import Transcripts
from contexts.conversations.domain.conversation import (
    MAX_MESSAGES,
    Conversation,
    ConversationChange,
    ConversationStarted,
    ConversationTitled,
    ForkedFrom,
)
from contexts.conversations.domain.message import Author, Kept
from shared.application.bus import Command
from shared.application.personal import Vault
from shared.application.repository import Repository
from shared.domain.errors import Invalid, NotFound, Refused
from shared.domain.personal import Sealed

MAX_NESTED = 50
"""Lists and objects within each other in what a tool is told, or tells. No tool of ours comes near
it, and what is nested as deep as JSON may be can't be worked on everywhere that it gets to."""


class FiledMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message in a file; what somebody wrote has one part, a text."""

    id: UUID
    parent_id: UUID | None
    author: Author
    written_at: Annotated[datetime, msgspec.Meta(tz=True)]
    complete: bool = True
    parts: tuple[Part, ...]


class ConversationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation on its own, in JSON: `messages` are all its branches, each message behind the
    one that it follows, and `head` is the one to go on from; without it, the last."""

    format: Literal["marquee.conversation/1"]
    title: Title | None = None
    started_at: datetime | None = None
    messages: Annotated[list[FiledMessage], msgspec.Meta(max_length=MAX_MESSAGES)]
    head: UUID | None = None


class StillAnswered(Refused):
    """What is to be copied follows an answer that is still being written."""

    code = "conversations.still_answered"


class ForkConversation(Command[UUID], frozen=True):
    """Begin a conversation with what was said in another up to a message, and that; its id."""

    owner: UUID
    conversation_id: UUID
    message_id: UUID


class ImportConversation(Command[UUID], frozen=True):
    """Begin a conversation with what a file says was said; its id. It starts now, and it and all
    its messages get ids of their own."""

    owner: UUID
    file: ConversationFile


class Copying:
    def __init__(
        self,
        conversations: Repository[Conversation],
        transcripts: Transcripts,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._transcripts = transcripts
        self._vault = vault
        self._clock = clock

    async def fork(self, command: ForkConversation) -> UUID:
        """Raise NotFound for a message that there is not, and StillAnswered."""
        source, history = await self._transcripts.history(command.conversation_id)
        source.must_be_of(command.owner)
        events = [recorded.event for recorded in history]
        path = _path(source, events, command.message_id)
        conversation = Conversation.start(
            uuid7(),
            command.owner,
            now=self._clock(),
            title=_title(events),
            messages=_with_new_ids(path),
            forked_from=ForkedFrom(command.conversation_id, command.message_id),
        )
        await self._conversations.save(conversation)
        return conversation.id

    async def take_in(self, command: ImportConversation) -> UUID:
        """Raise Invalid, with the place in the file, for one that is no conversation."""
        file = command.file
        _check(file)
        title = [one_line(file.title).encode()] if file.title else []
        texts = (encoded(message.parts) for message in file.messages)
        boxes = await self._vault.seal(command.owner, *title, *texts)
        messages = [
            Kept(
                id=message.id,
                parent_id=message.parent_id,
                author=message.author,
                content=box,
                written_at=message.written_at,
                complete=message.complete,
            )
            for message, box in zip(file.messages, boxes[len(title) :], strict=True)
        ]
        taken = _with_new_ids(messages)
        heads = (new.id for new, old in zip(taken, messages, strict=True) if old.id == file.head)
        conversation = Conversation.start(
            uuid7(),
            command.owner,
            now=self._clock(),
            title=boxes[0] if title else None,
            messages=taken,
            head=next(heads, None),
        )
        await self._conversations.save(conversation)
        return conversation.id


def exported(shown: ConversationShown) -> ConversationFile:
    """All that was said. An answer that is still being written stands in it without a word, for
    messages may follow it already."""
    known = {message.id for message in shown.tree}
    said = (
        FiledMessage(
            id=message.id,
            parent_id=message.parent_id,
            author=message.author,
            written_at=message.written_at,
            complete=message.complete,
            parts=message.parts,
        )
        for message in shown.tree
    )
    to_come = (
        FiledMessage(
            id=run.answer_id,
            parent_id=run.question_id,
            author="assistant",
            written_at=run.requested_at,
            complete=False,
            parts=(),
        )
        for run in shown.runs
        if run.answer_id not in known
    )
    return ConversationFile(
        format="marquee.conversation/1",
        title=shown.title,
        started_at=shown.started_at,
        messages=list(_parents_first([*said, *to_come])),
        head=shown.head,
    )


def _parents_first(messages: Iterable[FiledMessage]) -> Iterator[FiledMessage]:
    """In the order in which they came, but for those that came before what they follow."""
    told: set[UUID | None] = {None}
    held: dict[UUID | None, list[FiledMessage]] = {}
    for message in messages:
        held.setdefault(message.parent_id, []).append(message)
        ready = [message.parent_id] if message.parent_id in told else []
        for parent in ready:
            for each in held.pop(parent, ()):
                yield each
                told.add(each.id)
                ready.append(each.id)


def _check(file: ConversationFile) -> None:
    """Raise Invalid where this could not have been said in a conversation of ours."""
    authors: dict[UUID | None, Author | None] = {None: None}
    for number, message in enumerate(file.messages):
        place = f"messages[{number}]"
        if message.id in authors:
            raise Invalid(f"{place}.id: {message.id} is that of a message before it")
        if message.parent_id not in authors:
            raise Invalid(
                f"{place}.parent_id: {message.parent_id} is no message before it; each stands "
                "behind the one that it follows"
            )
        follows = authors[message.parent_id]
        if message.author == "user":
            if follows == "user":
                raise Invalid(f"{place}.parent_id: a message follows an answer, or nothing (null)")
            _check_written(message.parts, place)
        elif follows != "user":
            raise Invalid(f"{place}.parent_id: an answer follows the message that it answers")
        else:
            _check_told(message.parts, place)
        authors[message.id] = message.author
    if file.head not in authors:
        raise Invalid(f"head: {file.head} is none of the messages")


def _check_written(parts: Sequence[Part], place: str) -> None:
    match parts:
        case (TextPart(text),):
            try:
                msgspec.convert(text, MessageText)
            except msgspec.ValidationError as error:
                raise Invalid(f"{place}.parts[0].text: {error}") from None
        case _:
            raise Invalid(f"{place}.parts: what somebody wrote has one part, a text")


def _check_told(parts: Sequence[Part], place: str) -> None:
    for number, part in enumerate(parts):
        if isinstance(part, ToolPart):
            for name, told in (("arguments", part.arguments), ("result", part.result)):
                if _is_deep(told):
                    raise Invalid(
                        f"{place}.parts[{number}].{name}: nested more than {MAX_NESTED} deep"
                    )


def _is_deep(value: Any) -> bool:
    level = [] if value is None else [value]
    for _ in range(MAX_NESTED + 1):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [one for each in inside for one in each if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _path(
    conversation: Conversation, events: Iterable[ConversationChange], message_id: UUID
) -> list[Kept]:
    """What was said up to a message and the message itself, the oldest first, as it is kept."""
    kept = {message.id: message for event in events for message in kept_in(event)}
    if message_id not in kept.keys() | {run.answer_id for run in conversation.open.values()}:
        raise NotFound(f"no message {message_id}")
    path: list[Kept] = []
    following: UUID | None = message_id
    while following is not None:
        if following not in kept:
            raise StillAnswered(
                f"message {following} is still being written: wait for the end of its run, or "
                "fork from a message before it"
            )
        path.append(kept[following])
        following = kept[following].parent_id
    return path[::-1]


def _title(events: Iterable[ConversationChange]) -> Sealed | None:
    """The last one that it was given."""
    title = None
    for event in events:
        if isinstance(event, ConversationStarted | ConversationTitled):
            title = event.title
    return title


def _with_new_ids(messages: Iterable[Kept]) -> list[Kept]:
    """Each stands behind the one that it follows."""
    ids: dict[UUID | None, UUID | None] = {None: None}
    taken = []
    for message in messages:
        ids[message.id] = id = uuid7()
        parent_id = ids[message.parent_id]
        taken.append(msgspec.structs.replace(message, id=id, parent_id=parent_id))
    return taken

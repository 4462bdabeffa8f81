"""Conversations as they are shown: read from the log, and opened with the keys of their owners."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from uuid import UUID, uuid5

from contexts.conversations.application.chatting import default_conversation
from contexts.conversations.application.content import Message
from contexts.conversations.application.folding import (
    Opened,
    sealed_in,
    show_conversation,
    show_run,
)
from contexts.conversations.application.queries import (
    ConversationShown,
    Exchange,
    GetConversation,
    GetExchanges,
    GetRun,
    RunShown,
)
from contexts.conversations.domain.conversation import Conversation, ConversationChange
from contexts.conversations.domain.run import RunChange
from shared.application.codec import Codec
from shared.application.event_store import EventStore, Recorded
from shared.application.personal import Vault
from shared.domain.errors import NotFound


class Transcripts:
    def __init__(self, store: EventStore, codec: Codec, vault: Vault) -> None:
        self._store = store
        self._codec = codec
        self._vault = vault

    async def read(self, conversation_id: UUID) -> ConversationShown:
        """Whosever it is. Raise NotFound when there is none, or none any more."""
        return await self._read(conversation_id)

    async def get(self, query: GetConversation) -> ConversationShown:
        return await self._read(query.conversation_id, query.owner)

    async def get_run(self, query: GetRun) -> RunShown:
        run = query.run
        try:
            conversation, history = await self.history(run.conversation_id)
            conversation.must_be_of(query.owner)
            conversation.must_have_run(run.number)
        except NotFound:
            raise NotFound(f"no run {run}") from None
        changes = [
            recorded.event
            for recorded in history
            if isinstance(recorded.event, RunChange) and recorded.event.number == run.number
        ]
        return show_run(run, changes, await self._opened(changes))

    async def exchanges(self, query: GetExchanges) -> list[Exchange]:
        try:
            shown = await self._read(await self.default_of(query.owner), query.owner)
        except NotFound:
            return []
        return exchanges_in(() if shown.head is None else path_to(shown, shown.head))

    async def default_of(self, owner: UUID) -> UUID:
        """Where an owner talks who names no conversation: the first of his defaults that he has
        neither deleted nor archived. There need not be one of that id yet."""
        id = default_conversation(owner)
        while True:
            conversation = _replayed(id, await self._history(id))
            if not (conversation.deleted or conversation.archived):
                return id
            id = uuid5(id, "next")

    async def history(
        self, id: UUID
    ) -> tuple[Conversation, Sequence[Recorded[ConversationChange]]]:
        """All that happened in a conversation, and what the rules make of it. Raise NotFound."""
        history = await self._history(id)
        if not history:
            raise NotFound(f"no conversation {id}")
        return _replayed(id, history), history

    async def _read(self, id: UUID, owner: UUID | None = None) -> ConversationShown:
        conversation, history = await self.history(id)
        conversation.must_be_of(owner or conversation.owner)
        opened = await self._opened(recorded.event for recorded in history)
        return show_conversation(conversation, history, opened)

    async def _opened(self, events: Iterable[ConversationChange]) -> Opened:
        boxes = [box for event in events for box in sealed_in(event)]
        contents = await self._vault.open(*boxes) if boxes else ()
        return dict(zip(boxes, contents, strict=True))

    async def _history(self, id: UUID) -> Sequence[Recorded[ConversationChange]]:
        stream = f"{Conversation.stream}-{id}"
        stored = (await self._store.read([stream])).get(stream, ())
        return [self._codec.recorded(each) for each in stored]


def path_to(shown: ConversationShown, message_id: UUID) -> tuple[Message, ...]:
    """What was said up to a message and the message itself, the oldest first.

    An answer that is not there, for it is still being written or nothing is left of it, is passed
    over: the path goes on with what it answers. Raise NotFound for a message that there is not.
    """
    messages = {message.id: message for message in shown.tree}
    answers = {run.answer_id: run.question_id for run in shown.runs}
    if message_id not in messages and message_id not in answers:
        raise NotFound(f"no message {message_id}")
    path: list[Message] = []
    following: UUID | None = message_id
    while following is not None:
        if (message := messages.get(following)) is None:
            following = answers[following]
        else:
            path.append(message)
            following = message.parent_id
    return tuple(reversed(path))


def exchanges_in(path: Sequence[Message]) -> list[Exchange]:
    """What was said and answered on the way; what has no answer yet is left out."""
    return [
        Exchange(asked.text, answer.text)
        for asked, answer in pairwise(path)
        if (asked.author, answer.author) == ("user", "assistant")
    ]


def _replayed(id: UUID, history: Sequence[Recorded[ConversationChange]]) -> Conversation:
    return Conversation.replay(id, (recorded.event for recorded in history))

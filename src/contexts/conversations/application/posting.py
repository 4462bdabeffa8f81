"""What may be asked for: a conversation, a message in it, an answer once more, an end to it all."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from uuid_utils.compat import uuid7

from contexts.conversations.application.content import TextPart, encoded
from contexts.conversations.application.ports import Budgets, Cancellations, Clock, WorkQueue
from contexts.conversations.domain.conversation import Conversation, Policy
from contexts.conversations.domain.message import Kept
from contexts.conversations.domain.run import RunId
from shared.application.bus import Command
from shared.application.personal import Vault
from shared.application.repository import Repository
from shared.application.texts import SAYS_SOMETHING
from shared.domain.errors import Invalid, NotFound

MAX_MESSAGE = 20_000
"""Characters of a message."""

MAX_TITLE = 200

MessageText = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=MAX_MESSAGE, pattern=SAYS_SOMETHING),
]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TITLE, pattern=SAYS_SOMETHING)]


class StartConversation(Command[UUID], frozen=True, kw_only=True):
    """Begin a conversation; its id. With an id that there is already, it is that one."""

    owner: UUID
    title: Title | None = None
    conversation_id: UUID | None = None


class Posted(msgspec.Struct, frozen=True):
    """The message that is to be answered, the one that will answer it, and the run that does."""

    run: RunId
    message_id: UUID
    answer_id: UUID


class PostMessage(Command[Posted], frozen=True, kw_only=True):
    """Say something, and have it answered.

    It follows the last message of the branch that was gone on with last, or `parent_id`: an answer
    of the conversation, or None for a new beginning. What `edits` another message takes its place
    on a branch of its own. Said twice under one `message_id`, it is said once.
    """

    owner: UUID
    conversation_id: UUID
    text: MessageText
    message_id: UUID | None = None
    parent_id: UUID | UnsetType | None = UNSET
    edits: UUID | None = None
    policy: Policy = "reject"


class Regenerate(Command[Posted], frozen=True, kw_only=True):
    """Have a message answered once more, beside the answers that it has. `message_id` is that of
    the message or of one of its answers."""

    owner: UUID
    conversation_id: UUID
    message_id: UUID
    policy: Policy = "reject"


class CancelRun(Command[None], frozen=True):
    """Ask for a run to end; what had come is kept. One that has ended, has."""

    owner: UUID
    run: RunId


class Posting:
    def __init__(
        self,
        conversations: Repository[Conversation],
        vault: Vault,
        budgets: Budgets,
        queue: WorkQueue,
        cancellations: Cancellations,
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._vault = vault
        self._budgets = budgets
        self._queue = queue
        self._cancellations = cancellations
        self._clock = clock

    async def start(self, command: StartConversation) -> UUID:
        """Raise NotFound for the id of somebody else's."""
        id = command.conversation_id or uuid7()
        known = (await self._conversations.get_many([id])).get(id)
        if known is not None:
            known.must_be_of(command.owner)
            return id
        title = None
        if command.title is not None:
            (title,) = await self._vault.seal(command.owner, one_line(command.title).encode())
        conversation = Conversation.start(id, command.owner, now=self._clock(), title=title)
        await self._conversations.save(conversation)
        return id

    async def post(self, command: PostMessage) -> Posted:
        """Raise NotFound, Invalid for a place that it can't have, BudgetSpent, or as the
        conversation refuses."""
        conversation = await owned(self._conversations, command.owner, command.conversation_id)
        id = command.message_id or uuid7()
        if (first := conversation.asked.get(id)) is not None:
            if first[0].number in conversation.open:
                # Whoever said it first may have been lost before he told anybody.
                await self._queue.put(conversation.id)
            return Posted(first[0], id, first[1])
        parent = _parent(conversation, command)
        (content,) = await self._vault.seal(command.owner, encoded((TextPart(command.text),)))
        message = Kept(
            id=id, parent_id=parent, author="user", content=content, written_at=self._clock()
        )
        answer_id = uuid7()
        before = set(conversation.open)
        run = conversation.post(message, answer_id, command.policy, now=self._clock())
        await self._budgets.take_message(command.owner)
        await self._have_answered(conversation, before)
        return Posted(run, id, answer_id)

    async def regenerate(self, command: Regenerate) -> Posted:
        """Raise as `post`."""
        conversation = await owned(self._conversations, command.owner, command.conversation_id)
        question_id = command.message_id
        parent, author = conversation.messages.get(question_id, (None, None))
        if author == "assistant" and parent is not None:
            question_id = parent
        answer_id = uuid7()
        before = set(conversation.open)
        run = conversation.regenerate(question_id, answer_id, command.policy, now=self._clock())
        await self._budgets.take_message(command.owner)
        await self._have_answered(conversation, before)
        return Posted(run, question_id, answer_id)

    async def cancel(self, command: CancelRun) -> None:
        conversation = await owned(self._conversations, command.owner, command.run.conversation_id)
        conversation.cancel(command.run.number, now=self._clock())
        if not conversation.pending:
            # It has ended, or is about to: asking a hundred times makes no more work than once.
            return
        await self._conversations.save(conversation)
        await self._cancellations.tell(command.run)
        # Where no worker is at it, one has to close it.
        await self._queue.put(conversation.id)

    async def _have_answered(self, conversation: Conversation, before: set[int]) -> None:
        """`before` are the runs that were open: those that make way are told so."""
        try:
            await self._conversations.save(conversation)
        except Exception:
            await self._budgets.give_message_back(conversation.owner)
            raise
        for number in before:
            if conversation.open[number].cancelling:
                await self._cancellations.tell(RunId(conversation.id, number))
        await self._queue.put(conversation.id)


async def owned(conversations: Repository[Conversation], owner: UUID, id: UUID) -> Conversation:
    """Raise NotFound for everybody but its owner."""
    found = (await conversations.get_many([id])).get(id)
    if found is None:
        raise NotFound(f"no conversation {id}")
    found.must_be_of(owner)
    return found


def one_line(text: str) -> str:
    return " ".join(text.split())


def _parent(conversation: Conversation, command: PostMessage) -> UUID | None:
    """What the message follows. Raise Invalid where that is not clear."""
    if command.edits is not None:
        if command.parent_id is not UNSET:
            raise Invalid("parent_id: what edits a message stands where that stood; leave it out")
        edited, author = conversation.messages.get(command.edits, (None, None))
        if author != "user":
            raise Invalid(f"edits: {command.edits} is no message that somebody wrote here")
        return edited
    if command.parent_id is not UNSET:
        return command.parent_id
    head = conversation.head
    # A message whose answer was never kept can't be followed: what is said next stands beside it.
    if head is not None and conversation.messages.get(head, (None, "assistant"))[1] == "user":
        return conversation.messages[head][0]
    return head

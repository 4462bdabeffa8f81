"""What owners do with a conversation as a whole: call it something, put it away, delete it."""

from typing import Literal
from uuid import UUID

from contexts.conversations.application.ports import Cancellations, Clock, WorkQueue
from contexts.conversations.application.posting import Title, one_line, owned
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.run import RunId
from shared.application.bus import Command
from shared.application.personal import Vault
from shared.application.repository import Repository
from shared.domain.errors import Invalid


class ChangeConversation(Command[None], frozen=True, kw_only=True):
    """Give it a title, archive it or take it back from there; what is None stays as it is."""

    owner: UUID
    conversation_id: UUID
    title: Title | None = None
    status: Literal["active", "archived"] | None = None


class DeleteConversation(Command[None], frozen=True):
    """Nobody sees it any more; what is being answered in it ends."""

    owner: UUID
    conversation_id: UUID


class Tending:
    def __init__(
        self,
        conversations: Repository[Conversation],
        vault: Vault,
        queue: WorkQueue,
        cancellations: Cancellations,
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._vault = vault
        self._queue = queue
        self._cancellations = cancellations
        self._clock = clock

    async def change(self, command: ChangeConversation) -> None:
        """Raise NotFound, or Invalid where nothing is to be changed."""
        if command.title is None and command.status is None:
            raise Invalid("nothing to change: give a title, a status, or both")
        conversation = await owned(self._conversations, command.owner, command.conversation_id)
        if command.title is not None:
            (title,) = await self._vault.seal(command.owner, one_line(command.title).encode())
            conversation.give_title(title, "caller", now=self._clock())
        if command.status == "archived":
            conversation.archive(now=self._clock())
        elif command.status == "active":
            conversation.restore(now=self._clock())
        await self._conversations.save(conversation)

    async def delete(self, command: DeleteConversation) -> None:
        """Raise NotFound; also when it was deleted before."""
        conversation = await owned(self._conversations, command.owner, command.conversation_id)
        conversation.delete(now=self._clock())
        await self._conversations.save(conversation)
        for number in conversation.open:
            await self._cancellations.tell(RunId(conversation.id, number))
        if conversation.open:
            # Where no worker is at them, one has to close them.
            await self._queue.put(conversation.id)

"""What workers record about a run: that it began, how it ended, and a title for it all."""

from uuid import UUID

from contexts.conversations.application.ports import Clock
from contexts.conversations.application.posting import Title, one_line
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.run import RunEnded, RunId
from shared.application.bus import Command
from shared.application.personal import Vault
from shared.application.repository import Repository


class BeginRun(Command[bool], frozen=True):
    """Record an attempt; False when there is nothing to do any more."""

    run: RunId


class EndRun(Command[bool], frozen=True):
    """Record how a run ended; False when somebody else has."""

    conversation_id: UUID
    ended: RunEnded


class GiveTitle(Command[None], frozen=True):
    """Record a title that a model found, where there is none yet."""

    conversation_id: UUID
    title: Title


class Ending:
    def __init__(self, conversations: Repository[Conversation], vault: Vault, clock: Clock) -> None:
        self._conversations = conversations
        self._vault = vault
        self._clock = clock

    async def begin(self, command: BeginRun) -> bool:
        conversation = await self._conversations.get(command.run.conversation_id)
        began = conversation.begin(command.run.number, now=self._clock())
        await self._conversations.save(conversation)
        return began

    async def end(self, command: EndRun) -> bool:
        conversation = await self._conversations.get(command.conversation_id)
        ended = conversation.end(command.ended)
        await self._conversations.save(conversation)
        return ended

    async def title(self, command: GiveTitle) -> None:
        """Raise SubjectGone."""
        conversation = await self._conversations.get(command.conversation_id)
        if conversation.titled or conversation.deleted:
            return
        (title,) = await self._vault.seal(conversation.owner, one_line(command.title).encode())
        conversation.give_title(title, "model", now=self._clock())
        await self._conversations.save(conversation)

"""A chat without ids: what a caller says goes to his one default conversation, and he waits."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID, uuid5

from contexts.conversations.application.following import Following
from contexts.conversations.application.ports import Allowance
from contexts.conversations.application.posting import (
    MessageText,
    Posted,
    PostMessage,
    StartConversation,
)
from contexts.conversations.application.queries import GetConversation, GetRun, RunShown
from contexts.conversations.application.tending import ChangeConversation
from contexts.conversations.domain.conversation import Archived, ConversationFull
from contexts.conversations.domain.run import RunId
from shared.application.bus import Bus, Command, Query
from shared.application.idempotency import KeyReused

_DEFAULTS = UUID("5f0f0a5e-0d1b-4c43-9f3e-6d1c7f7d4b52")
_MESSAGES = UUID("c1a4d6c5-9c39-4b0f-8f0b-6a3fd8c5c0de")


def default_conversation(owner: UUID) -> UUID:
    """The first one that an owner talks in where he names none."""
    return uuid5(_DEFAULTS, str(owner))


class Say(Command[Posted], frozen=True, kw_only=True):
    """Say something in the default conversation. Said twice under one key, it is said once."""

    owner: UUID
    text: MessageText
    key: str | None = None


class AwaitRun(Query["RunShown | None"], frozen=True):
    """A run once it has ended; None when that took longer than anybody waits."""

    owner: UUID
    run: RunId


class GetAllowance(Query[Allowance], frozen=True):
    """What somebody may still use today; of somebody unknown, all that anybody may."""

    owner: UUID


class Chatting:
    def __init__(
        self,
        bus: Bus,
        default_of: Callable[[UUID], Awaitable[UUID]],
        following: Following,
        seconds: float,
    ) -> None:
        """`default_of`: the id of the default conversation of an owner, be there one or not;
        `seconds`: how long to wait for an answer."""
        self._bus = bus
        self._default_of = default_of
        self._following = following
        self._seconds = seconds

    async def say(self, command: Say) -> Posted:
        """Raise KeyReused for another text under the key, BudgetSpent, or as the conversation
        refuses."""
        owner, id = command.owner, await self._default_of(command.owner)
        try:
            return await self._say(command, id)
        except (ConversationFull, Archived):
            # A chat goes on for ever: this one is put away, and another follows it.
            archive = ChangeConversation(owner=owner, conversation_id=id, status="archived")
            await self._bus(archive)
        return await self._say(command, await self._default_of(owner))

    async def await_run(self, query: AwaitRun) -> RunShown | None:
        shown = await self._bus(GetRun(query.run, query.owner))
        if not shown.ended:
            await self._listen(query.owner, shown)
            shown = await self._bus(GetRun(query.run, query.owner))
        return shown if shown.ended else None

    async def _listen(self, owner: UUID, shown: RunShown) -> None:
        """Until it has ended, or nothing more can be heard of it, or nobody waits any longer."""
        try:
            async with asyncio.timeout(self._seconds) as limit:
                async with aclosing(self._following.follow(owner, shown)) as frames:
                    async for _ in frames:
                        pass
        except TimeoutError:
            if not limit.expired():
                raise

    async def _say(self, command: Say, id: UUID) -> Posted:
        owner = command.owner
        await self._bus(StartConversation(owner=owner, conversation_id=id))
        message_id = None
        if command.key is not None:
            message_id = uuid5(_MESSAGES, f"{owner} {command.key}")
        posted = await self._bus(
            PostMessage(
                owner=owner,
                conversation_id=id,
                text=command.text,
                message_id=message_id,
                policy="enqueue",
            )
        )
        if message_id is not None:
            await self._must_say(command, id, message_id)
        return posted

    async def _must_say(self, command: Say, id: UUID, message_id: UUID) -> None:
        """Raise KeyReused where something else was said under the key."""
        shown = await self._bus(GetConversation(id, command.owner))
        said = next(message for message in shown.tree if message.id == message_id)
        if not said.erased and said.text != command.text:
            raise KeyReused("another message was sent with this Idempotency-Key before")

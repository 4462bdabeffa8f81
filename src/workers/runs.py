"""The conversations that are being answered in this process: tasks, hundreds of them side by side.

An actor would hold a thread for as long as a model thinks.
"""

import asyncio
import logging
from time import monotonic
from uuid import UUID

from bootstrap import Application
from contexts.conversations.application.answering import AnswerConversation, FindTitle
from shared.application.context import Context, current_context, new_id, running_in

logger = logging.getLogger(__name__)

CONVERSATIONS = "conversations"
"""What a worker that does this calls it."""

LOST_AFTER = 2.0
"""Seconds after which a message that nobody answers counts as lost."""

PATIENCE = 5.0
"""Seconds until a conversation that somebody else was at is looked at again."""


class Runs:
    def __init__(self, application: Application, at_once: int) -> None:
        self._application = application
        self._places = asyncio.Semaphore(at_once)
        self._tasks: dict[tuple[str, UUID], asyncio.Task[None]] = {}
        self._again: set[tuple[str, UUID]] = set()
        self._titling: set[asyncio.Task[None]] = set()
        self._looked_at: dict[tuple[str, UUID], float] = {}

    def start(self, id: UUID) -> None:
        """Answer in the tenant of the current context; whatever is being answered goes on."""
        key = current_context().tenant, id
        if key in self._tasks:
            self._again.add(key)
        else:
            self._tasks[key] = asyncio.create_task(self._answer(key))

    async def take(self) -> None:
        """Begin with whatever is asked, for ever."""
        async for asked in self._application.conversations.queue().taken():
            with running_in(asked.context):
                self.start(asked.conversation_id)

    async def look(self) -> None:
        """Begin with what nobody was told of, or what a worker left behind."""
        now = monotonic()
        self._looked_at = {key: at for key, at in self._looked_at.items() if at > now - PATIENCE}
        conversations = self._application.conversations.conversations_shown()
        for key in await conversations.left_open(LOST_AFTER):
            if key in self._looked_at or key in self._tasks:
                continue
            self._looked_at[key] = now
            with running_in(Context(correlation_id=new_id(), actor="tick", tenant=key[0])):
                self.start(key[1])

    async def close(self) -> None:
        """Leave what is not answered yet to others, and tell them."""
        left, queue = list(self._tasks), self._application.conversations.queue()
        tasks = [*self._tasks.values(), *self._titling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for tenant, id in left:
            with running_in(Context(correlation_id=new_id(), actor="tick", tenant=tenant)):
                await queue.put(id)

    async def _answer(self, key: tuple[str, UUID]) -> None:
        bus, id, answered = self._application.bus(), key[1], False
        try:
            async with self._places:
                self._again.add(key)
                while key in self._again:
                    self._again.discard(key)
                    answered |= await bus(AnswerConversation(id))
        except Exception as error:
            # It is found again. What an error says may quote what was said.
            about = {"conversation": str(id), "error": type(error).__name__}
            logger.error("left open", extra=about)
        finally:
            self._again.discard(key)
            del self._tasks[key]
        if answered:
            titling = asyncio.create_task(self._title(id))
            self._titling.add(titling)
            titling.add_done_callback(self._titling.discard)

    async def _title(self, id: UUID) -> None:
        try:
            await self._application.bus()(FindTitle(id))
        except Exception as error:
            logger.info("no title", extra={"conversation": str(id), "error": type(error).__name__})

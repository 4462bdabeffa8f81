"""The short way to the worker at a run that is to end; the log is the sure one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from contexts.conversations.application.stream_heads import StreamHeads
from contexts.conversations.domain.conversation import Conversation
from contexts.conversations.domain.run import RunId
from contexts.conversations.infrastructure.channels import Channels
from shared.application.repository import Repository
from shared.domain.personal import Subject
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.event_store.transaction import once_committed

logger = logging.getLogger(__name__)

ANSWER = 0.5
"""Seconds that Redis may take to pass it on."""


class RedisCancellations:
    """Fits Cancellations, and Subscriber: the id of a run is published on one channel that all
    workers listen to."""

    def __init__(
        self,
        redis: Redis,
        log: LogIdentity,
        channels: Channels,
        heads: StreamHeads,
        conversations: Repository[Conversation],
    ) -> None:
        self._redis = redis
        self._log = log
        self._channels = channels
        self._heads = heads
        self._conversations = conversations
        self._watched: dict[bytes, set[asyncio.Event]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def tell(self, run: RunId) -> None:
        # In the context of whoever asks, also when the transaction is ended by another task.
        once_committed(partial(copy_context().run, self._begin, run))

    @asynccontextmanager
    async def watch(self, run: RunId, owner: UUID) -> AsyncIterator[asyncio.Event]:
        name, event = str(run).encode(), asyncio.Event()
        stream = f"{Conversation.stream}-{run.conversation_id}"
        self._watched.setdefault(name, set()).add(event)
        try:
            with (
                self._heads.watch(stream, partial(self._look, run, event)),
                self._heads.watch(f"{Subject.stream}-{owner}", partial(self._end, event)),
            ):
                async with self._channels.listening(self._channel, self):
                    yield event
        finally:
            self._watched[name].discard(event)
            if not self._watched[name]:
                del self._watched[name]

    def hear(self, message: bytes) -> None:
        for event in self._watched.get(message, ()):
            event.set()

    def missed(self) -> None:
        """It is in the log."""

    async def close(self) -> None:
        """Tell what is to be told before the process ends."""
        if self._telling:
            await asyncio.wait(self._telling)

    @property
    def _channel(self) -> str:
        return f"marquee:{{{self._log.id}}}:conversations:cancellations"

    async def _look(self, run: RunId, event: asyncio.Event) -> None:
        """Also where the run has ended already, by another hand."""
        conversation = await self._conversations.get(run.conversation_id)
        state = conversation.open.get(run.number)
        if state is None or state.cancelling:
            event.set()

    async def _end(self, event: asyncio.Event) -> None:
        """All that ever happens to a subject is that it is erased."""
        event.set()

    def _begin(self, run: RunId) -> None:
        task = asyncio.get_running_loop().create_task(self._publish(run))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _publish(self, run: RunId) -> None:
        try:
            async with asyncio.timeout(ANSWER):
                await self._redis.publish(self._channel, str(run))
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("worker not told to stop", extra={"error": repr(error)})

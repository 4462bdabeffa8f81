"""Notices that streams of the log have gone on: one look for all that somebody waits for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Context as Variables
from typing import TypeAlias

import msgspec

from shared.application.context import Context, current_context, new_id, running_in
from shared.application.event_store import EventStore

logger = logging.getLogger(__name__)

Moved: TypeAlias = Callable[[], Awaitable[None]]

LOOK_SECONDS = 5.0
"""How long one look may take."""


class _Watch(msgspec.Struct, eq=False):
    moved: Moved
    version: int = 0
    """The one at which it was called last."""


class StreamHeads:
    """Looks every `seconds`, while there is anything to look at. A look that fails is made again;
    it is logged when looks begin to fail."""

    def __init__(self, store: EventStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._watched: dict[str, dict[str, set[_Watch]]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._failing = False

    @contextmanager
    def watch(self, stream: str, moved: Moved) -> Iterator[None]:
        """Call `moved`, in the tenant of the current context, soon after this begins and whenever
        the stream has gone on. When it raises it is called again."""
        tenant, watch = current_context().tenant, _Watch(moved)
        streams = self._watched.setdefault(tenant, {})
        streams.setdefault(stream, set()).add(watch)
        if self._looking is None:
            # In nobody's context, and in nobody's transaction: it works for all of them.
            loop = asyncio.get_running_loop()
            self._looking = loop.create_task(self._keep_looking(), context=Variables())
        try:
            yield
        finally:
            streams[stream].discard(watch)
            if not streams[stream]:
                del streams[stream]
            if not streams:
                self._watched.pop(tenant, None)

    async def close(self) -> None:
        if (looking := self._looking) is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _keep_looking(self) -> None:
        try:
            while self._watched:
                await asyncio.sleep(self._seconds)
                for tenant in list(self._watched):
                    with running_in(Context(correlation_id=new_id(), tenant=tenant)):
                        await self._look(tenant)
        finally:
            self._looking = None

    async def _look(self, tenant: str) -> None:
        """What one of them raises keeps none of the others waiting."""
        watched, faults = self._watched.get(tenant, {}), list[Exception]()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                heads = await self._store.heads(list(watched))
        except Exception as error:
            heads, faults = {}, [error]
        for stream, head in heads.items():
            for watch in [each for each in watched.get(stream, ()) if each.version < head.version]:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await watch.moved()
                    watch.version = head.version
                except Exception as error:
                    faults.append(error)
        if faults and not self._failing:
            logger.warning("the log can't be watched", extra={"error": repr(faults[0])})
        self._failing = bool(faults)

"""One question to a server, asked once for everybody who has it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Told(msgspec.Struct, Generic[T], frozen=True):
    """An answer, which it was (of two the one with the higher turn is the newer), and when it
    began to be looked for (a monotonic time)."""

    answer: T
    turn: int
    at: float


class SharedLookup(Generic[T]):
    """Whoever asks gets an answer that was looked for after he had asked.

    A lookup that is under way when he comes may have seen the state before; he waits for the next,
    together with all who come meanwhile. So there is one lookup in flight at any time, and under
    load one serves dozens.
    """

    def __init__(self, look: Callable[[], Awaitable[T]], *, seconds: float) -> None:
        """`look` runs in the context of any of those who wait, so it must not depend on it. It is
        given up after `seconds`, with a TimeoutError for those who waited for it."""
        self._look = look
        self._seconds = seconds
        self._turn = 0
        self._waiting: list[asyncio.Future[Told[T]]] = []
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self) -> Told[T]:
        told: asyncio.Future[Told[T]] = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_for_all())
        return await told

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look_for_all(self) -> None:
        try:
            while waiting := self._waiting:
                # From here on those who come wait for the next one.
                self._waiting = []
                self._turn += 1
                at = monotonic()
                try:
                    async with asyncio.timeout(self._seconds):
                        answer = await self._look()
                except Exception as error:
                    for each in waiting:
                        if not each.done():
                            each.set_exception(error)
                except BaseException:
                    self._waiting += waiting
                    raise
                else:
                    told = Told(answer, self._turn, at)
                    for each in waiting:
                        if not each.done():
                            each.set_result(told)
        finally:
            self._looking = None
            for each in self._waiting:
                each.cancel()
            self._waiting = []

"""A model that stops in the middle of what it says until it is let go on."""

import asyncio
import re
from threading import Event
from time import monotonic

from misbehaving_model import Asked, Line

LOOK = 0.01


class InTwo:
    """An answer of a model: a first half, and another once `go_on` is set. `left_at` has the times
    (monotonic) at which somebody hung up before he had it all."""

    def __init__(
        self, first: str, then: str = "", *, stops: bool = True, lingers: bool = False
    ) -> None:
        """Where it does not stop it goes on at once; where it lingers it waits before its end until
        `end` is set."""
        self.go_on = Event()
        self.end = Event()
        if not lingers:
            self.end.set()
        self.is_halfway = Event()
        if not stops:
            self.go_on.set()
        self.left_at: list[float] = []
        self._first = first
        self._then = then

    @property
    def text(self) -> str:
        return self._first + self._then

    async def __call__(self, asked: Asked, line: Line) -> None:
        try:
            await line.head(content_type="text/event-stream")
            await line.delta(role="assistant", content="")
            await self._say(line, self._first)
            self.is_halfway.set()
            await _is_set(self.go_on)
            await self._say(line, self._then)
            await _is_set(self.end)
        except asyncio.CancelledError:
            self.left_at.append(monotonic())
            raise
        await line.delta("stop")
        if asked.body.get("stream_options"):
            usage = {"prompt_tokens": 20, "completion_tokens": 10}
            await line.event({"choices": [], "usage": usage})
        await line.event("[DONE]")

    async def _say(self, line: Line, text: str) -> None:
        for word in re.findall(r"\S+\s*", text):
            await line.delta(content=word)
            await asyncio.sleep(LOOK / 2)  # As a model does, nothing waits for it.


async def _is_set(event: Event) -> None:
    while not event.is_set():
        await asyncio.sleep(LOOK)  # In a thread of its own, which a test can't wake.

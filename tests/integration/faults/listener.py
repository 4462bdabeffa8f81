"""Somebody who listens to a run as a browser does: cut off, he comes back for the rest.

He knows of frames what is documented, and nothing of our code.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from time import monotonic
from typing import Any

import httpx2
import msgspec

PATIENCE = 150.0
PAUSE = 0.05
"""Seconds until he comes back."""
SILENCE = 45.0
"""Seconds after which a stream that does not even say that it is still there counts as hanging."""


class Frame(msgspec.Struct, frozen=True):
    sequence: int
    type: str
    data: dict[str, Any]


class Listener:
    """`at` are the addresses that he tries in turn, beginning with the first."""

    def __init__(self, at: Sequence[str], path: str, headers: Mapping[str, str]) -> None:
        self.at = list(at)
        self.frames: list[Frame] = []
        self.connections = 0
        """How often a stream was opened for him."""
        self._path = path
        self._headers = headers
        self._listening = asyncio.create_task(self._listen())

    @property
    def last(self) -> int:
        return self.frames[-1].sequence if self.frames else 0

    @property
    def types(self) -> list[str]:
        return [frame.type for frame in self.frames]

    @property
    def text(self) -> str:
        """What he has of the answer, before anybody tells him how it ended."""
        text = ""
        for frame in self.frames:
            match frame.type:
                case "started":
                    text = ""
                case "delta":
                    text += frame.data["text"]
                case "snapshot":
                    text = text_in(frame.data["parts"])
        return text

    @property
    def attempts(self) -> list[int]:
        return [frame.data["attempt"] for frame in self.frames if frame.type == "started"]

    async def has(self, text: str) -> None:
        """Wait until he was told this."""
        await self._until(lambda: text in self.text, f"he hears {text!r}")

    async def hears(self, type: str, times: int = 1) -> None:
        await self._until(lambda: self.types.count(type) >= times, f"he hears {type!r}")

    async def to_the_end(self) -> Mapping[str, Any]:
        """The run as it ended; every frame came once and in order, and all of them together tell
        what the log has."""
        await self._until(self._listening.done, "the stream ends")
        self._listening.result()
        assert self.types.count("ended") == 1, self.types
        assert self.frames[-1].type == "ended"
        sequences = [frame.sequence for frame in self.frames]
        assert sequences == sorted(set(sequences)), f"twice, or out of order: {sequences}"
        run: Mapping[str, Any] = self.frames[-1].data["run"]
        answer = run["answer"]
        if answer is not None and not answer["erased"]:
            assert self.text == text_in(answer["parts"])
            assert run["sequence"] <= self.last
        return run

    def come_back(self, *at: str) -> None:
        """After he left, to these addresses."""
        self.at = list(at)
        self._listening = asyncio.create_task(self._listen())

    async def leave(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = monotonic() + PATIENCE
        while not condition():
            assert monotonic() < end, f"waited {PATIENCE:g} s in vain until {what}; {self.frames}"
            if self._listening.done():
                self._listening.result()
                assert condition(), f"all was told before {what}: {self.frames}"
            await asyncio.sleep(0.01)

    async def _listen(self) -> None:
        tried = 0
        async with httpx2.AsyncClient(timeout=SILENCE, trust_env=False) as client:
            while "ended" not in self.types:
                url = f"{self.at[tried % len(self.at)]}{self._path}"
                tried += 1
                # No timeout: a stream that hangs is a fault of its own.
                with suppress(httpx2.NetworkError, httpx2.ProtocolError):
                    async with aclosing(self._events(client, url)) as frames:
                        async for frame in frames:
                            self.frames.append(frame)
                if "ended" not in self.types:
                    await asyncio.sleep(PAUSE)

    async def _events(self, client: httpx2.AsyncClient, url: str) -> AsyncGenerator[Frame, None]:
        headers = {**self._headers}
        if self.frames:
            headers["last-event-id"] = str(self.last)
        async with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 503:
                return
            assert response.status_code == 200, (
                f"{response.status_code}: {await response.aread()!r}"
            )
            self.connections += 1
            event: dict[str, str] = {}
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if line and name:
                    event[name] = value
                elif not line and "data" in event:
                    data = msgspec.json.decode(event["data"])
                    yield Frame(int(event["id"]), event["event"], data)
                    event = {}


def text_in(parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part["text"] for part in parts if part["type"] == "text")

"""A lean HTTP client in a process of its own: fixed requests over connections that stay open.

Either as many requests as the server answers (each connection asks anew when it was answered), or
at a steady rate; then the time is counted from when a request was due, not from when it was sent.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import uvloop

from benchmarks.figures import percentile

END = b"\r\n\r\n"
LENGTH = b"content-length: "
PATIENCE = 30.0


class Connection(asyncio.Protocol):
    """Reads answers that state their length; calls back after each with its status and times."""

    def __init__(self, answered: Callable[["Connection", int, float], None]) -> None:
        self._answered = answered
        self._received = bytearray()
        self._due: deque[float] = deque()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._due.append(due)
        self._transport.write(request)

    @property
    def waiting(self) -> int:
        return len(self._due)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        while (head := received.find(END)) >= 0:
            length = _length(bytes(received[:head]).lower())
            end = head + len(END) + length
            if len(received) < end:
                return
            status = int(received[9:12])
            del received[:end]
            self._answered(self, status, self._due.popleft())


def _length(head: bytes) -> int:
    start = head.find(LENGTH)
    if start < 0:
        raise ValueError("an answer without Content-Length")
    return int(head[start + len(LENGTH) :].split(b"\r", 1)[0])


class Load:
    """Requests under way, and how long the answers took."""

    def __init__(self, request: bytes, seconds: float) -> None:
        self.times: list[float] = []
        self.faults = 0
        self._request = request
        self._seconds = seconds
        self._open: list[Connection] = []
        self._again = False
        self._until = 0.0

    async def connect(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self._answered), "127.0.0.1", port
            )
            self._open.append(connection)

    async def as_fast_as_answered(self) -> None:
        started = perf_counter()
        self._again, self._until = True, started + self._seconds
        for connection in self._open:
            connection.ask(self._request, started)
        await asyncio.sleep(self._seconds)
        await self._drained()

    async def steadily(self, rate: float) -> None:
        started = perf_counter()
        for number in range(int(rate * self._seconds)):
            due = started + number / rate
            if (pause := due - perf_counter()) > 0:
                await asyncio.sleep(pause)
            min(self._open, key=lambda each: each.waiting).ask(self._request, due)
        await self._drained()

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def _answered(self, connection: Connection, status: int, due: float) -> None:
        now = perf_counter()
        self.faults += status != 200
        self.times.append(now - due)
        if self._again and now < self._until:
            connection.ask(self._request, now)

    async def _drained(self) -> None:
        deadline = perf_counter() + PATIENCE
        while waiting := sum(each.waiting for each in self._open):
            if perf_counter() > deadline:
                raise TimeoutError(f"{waiting} requests unanswered")
            await asyncio.sleep(0.002)


async def load(
    port: int, path: str, connections: int, seconds: float, rate: float | None = None
) -> dict[str, float]:
    """Requests a second, and p50 and p99 in milliseconds. `rate`: how many are sent a second."""
    load = Load(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode(), seconds)
    await load.connect(port, connections)
    worked, started = process_time(), perf_counter()
    if rate is None:
        await load.as_fast_as_answered()
    else:
        await load.steadily(rate)
    elapsed = perf_counter() - started
    load.close()
    if load.faults:
        raise RuntimeError(f"{load.faults} of {len(load.times)} answers were not 200")
    return {
        "rate": len(load.times) / elapsed,
        "ms p50": percentile(load.times, 0.5) * 1000,
        "ms p99": percentile(load.times, 0.99) * 1000,
        "client CPU": (process_time() - worked) / elapsed,
    }


if __name__ == "__main__":
    assert sys.argv[1] == "load"
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load(**json.loads(sys.argv[2])))))

"""Providers that hang, cut, lie and send rubbish, and a wire that misbehaves likewise: all real."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Provider:
    """Answers each connection with the next of its answers, and keeps what it was asked."""

    def __init__(self, url: str, answers: list[Answer]) -> None:
        self.url = url
        self.asked: list[bytes] = []
        self._answers = iter(answers)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            await next(self._answers)(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def provider(*answers: Answer) -> AsyncIterator[Provider]:
    provider = Provider("", list(answers))
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    provider.url = f"http://{host}:{port}"
    try:
        yield provider
    finally:
        server.close()


class Providers:
    """Many at one address: each, by its name, says again and again what it is told to say now."""

    def __init__(self) -> None:
        self.says: dict[str, Answer] = {}
        self.asked: defaultdict[str, list[bytes]] = defaultdict(list)
        self.address = ""
        self.tasks: set[asyncio.Task[None] | None] = set()

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ", 2)[1].decode().strip("/")
            self.asked[name].append(head)
            await self.says[name](writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.tasks.discard(asyncio.current_task())


@asynccontextmanager
async def many_providers() -> AsyncIterator[Providers]:
    providers = Providers()
    server = await asyncio.start_server(providers, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    providers.address = f"http://{host}:{port}"
    try:
        yield providers
    finally:
        server.close()
        tasks = [task for task in providers.tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(head: str, body: bytes = b"") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\n".encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()

    return answer


def ok(body: bytes, *headers: str) -> Answer:
    return says("\r\n".join(["200 OK", f"Content-Length: {len(body)}", *headers]), body)


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)  # The fault itself, nothing waits for it.


class Wire:
    """Between the program and a server: can be made slow, stalled, cut, and mended."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = parts.hostname, parts.port
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self.delay = 0.0
        """Seconds that each piece takes longer, in either direction."""
        self.url = ""

    def cut(self) -> None:
        """Everything that is open breaks off, and nothing can be opened."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def stall(self) -> None:
        """Everything stays open, and nothing comes through."""
        self._flows.clear()

    def mend(self) -> None:
        self._cut = False
        self._flows.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._open |= {writer, back}
        if self._cut:  # In the meantime.
            self.cut()
        try:
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        finally:
            self._open -= {writer, back}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flows.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)  # The fault itself, nothing waits for it.
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A wire to the server at this URL, whichever it is; its own URL leads through it."""
    wire = Wire(url)
    server = await asyncio.start_server(wire, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    wire.url = parts._replace(netloc=f"{login}{at}{host}:{port}").geturl()
    try:
        yield wire
    finally:
        server.close()
        wire.mend()
        wire.cut()

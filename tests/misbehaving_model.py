"""A server of language models that speaks chat completions well, and badly in every way: all real.

`python tests/misbehaving_model.py PORT` serves a model that repeats what it is told; `serve` serves
one that answers as a function does.
"""

import asyncio
import json
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Event, Thread
from typing import Any, TypeAlias

import msgspec

Messages: TypeAlias = list[dict[str, Any]]


class Asked(msgspec.Struct):
    """A request; its headers by their names in small letters."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> Messages:
        return list(self.body["messages"])

    @property
    def format(self) -> str | None:
        """The kind of response format that is asked for."""
        return (self.body.get("response_format") or {}).get("type")


class Line:
    """What an answer is written to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def head(self, status: int = 200, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]))

    async def send(self, data: str | bytes) -> None:
        self._writer.write(data if isinstance(data, bytes) else data.encode())
        await self._writer.drain()

    async def whole(self, body: str | bytes, status: int = 200, **headers: str) -> None:
        body = body if isinstance(body, bytes) else body.encode()
        given = {"content_type": "application/json", "content_length": str(len(body)), **headers}
        await self.head(status, **given)
        await self.send(body)

    async def event(self, data: Mapping[str, Any] | str) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        await self.send(f"data: {text}\n\n")

    async def delta(self, finish: str | None = None, **delta: Any) -> None:
        await self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


Answer: TypeAlias = Callable[[Asked, Line], Awaitable[None]]


class Model:
    """Gives its answers in order, the last again and again, and keeps what it was asked."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._hung_up = Event()
        self.most_at_once = 0
        self._answers = list(answers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = 0

    def now(self, *answers: Answer) -> None:
        """Give these from now on."""
        self._answers = list(answers)

    async def hung_up(self) -> bool:
        """Does somebody go away before he had his answer."""
        return await asyncio.to_thread(self._hung_up.wait, 60)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self._at_work += 1
            self.most_at_once = max(self.most_at_once, self._at_work)
            try:
                await self._give(answer, asked, reader, Line(writer))
            finally:
                self._at_work -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _give(
        self, answer: Answer, asked: Asked, reader: asyncio.StreamReader, line: Line
    ) -> None:
        giving = asyncio.ensure_future(answer(asked, line))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({giving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not giving.done():
                self._hung_up.set()
            else:
                giving.result()
        finally:
            for each in (giving, leaving):
                each.cancel()
            await asyncio.gather(giving, leaving, return_exceptions=True)


@contextmanager
def model_at_work(*answers: Answer) -> Iterator[Model]:
    """Its `url` is the base URL of its API. It has a thread of its own: a test client may keep that
    of the test busy."""
    model = Model(answers)
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def work() -> None:
        done, loop = asyncio.Event(), asyncio.get_running_loop()
        server = await asyncio.start_server(model, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        model.url = f"http://{host}:{port}/v1"
        ready.set_result((loop, done))
        await done.wait()
        server.close()
        await model.end()

    thread = Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    loop, done = ready.result(timeout=30)
    try:
        yield model
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(timeout=30)


@asynccontextmanager
async def model(*answers: Answer) -> AsyncIterator[Model]:
    with model_at_work(*answers) as working:
        yield working


def says(
    text: str | None,
    *,
    finish: str = "stop",
    usage: tuple[int, int] | None = (20, 10),
    calls: Iterable[tuple[str, Mapping[str, Any]]] = (),
    refusal: str | None = None,
    slowly: float = 0.0,
) -> Answer:
    """As a good server does, in one piece or word by word, `slowly` seconds apart."""
    counted = usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    wanted = [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(calls)
    ]

    async def answer(asked: Asked, line: Line) -> None:
        if not asked.body.get("stream"):
            said = {"role": "assistant", "content": text, "refusal": refusal}
            message = {**said, **({"tool_calls": wanted} if wanted else {})}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            await asyncio.sleep(slowly)  # The slowness itself, nothing waits for it.
            await line.whole(json.dumps({"id": "1", "choices": [choice], "usage": counted}))
            return
        await line.head(content_type="text/event-stream")
        await line.delta(role="assistant", content="")
        for number, word in enumerate((text or "").split(" ")):
            await line.delta(content=f" {word}" if number else word)
            await asyncio.sleep(slowly)  # As above.
        for piece in _in_pieces(wanted):
            await line.delta(tool_calls=[piece])
        if refusal:
            await line.delta(refusal=refusal)
        await line.delta(finish)
        if counted and asked.body.get("stream_options"):
            await line.event({"choices": [], "usage": counted})
        await line.event("[DONE]")

    return answer


def replies(function: Callable[[Messages], str]) -> Answer:
    """As a good server whose model is this function."""

    async def answer(asked: Asked, line: Line) -> None:
        await says(function(asked.messages))(asked, line)

    return answer


def fails(
    status: int, error: Mapping[str, Any] | str = "it did not work", **headers: str
) -> Answer:
    async def answer(asked: Asked, line: Line) -> None:
        given = {"message": error} if isinstance(error, str) else error
        await line.whole(json.dumps({"error": given}), status, **headers)

    return answer


def refuses(
    wrong: Callable[[Asked], bool], message: str, then: Answer, status: int = 400
) -> Answer:
    """Takes only requests with nothing wrong in them."""

    async def answer(asked: Asked, line: Line) -> None:
        given = {"message": message, "type": "invalid_request_error"}
        await (fails(status, given) if wrong(asked) else then)(asked, line)

    return answer


def body(text: str | bytes, status: int = 200, **headers: str) -> Answer:
    """Exactly this."""

    async def answer(asked: Asked, line: Line) -> None:
        await line.whole(text, status, **headers)

    return answer


def tells(*words: str, then: Answer | None = None) -> Answer:
    """Streams these words and then does something else, or just hangs up."""

    async def answer(asked: Asked, line: Line) -> None:
        await line.head(content_type="text/event-stream")
        for word in words:
            await line.delta(content=word)
        if then is not None:
            await then(asked, line)

    return answer


async def hangs(asked: Asked, line: Line) -> None:
    await asyncio.Event().wait()


async def hangs_in_its_body(asked: Asked, line: Line) -> None:
    await line.head(content_type="application/json", content_length="1000")
    await line.send('{"choices": [')
    await hangs(asked, line)


async def hangs_up_in_its_body(asked: Asked, line: Line) -> None:
    await line.head(content_type="application/json", content_length="1000")
    await line.send('{"choices": [')


async def hangs_up(asked: Asked, line: Line) -> None:
    pass


def calls_whole(*calls: tuple[str, Mapping[str, Any]]) -> Answer:
    """Streams tool calls as some servers do: each in one piece, without an id and a number."""

    async def answer(asked: Asked, line: Line) -> None:
        await line.head(content_type="text/event-stream")
        for name, arguments in calls:
            function = {"name": name, "arguments": json.dumps(arguments)}
            await line.delta(tool_calls=[{"type": "function", "function": function}])
        await line.delta("stop")
        await line.event("[DONE]")

    return answer


def enormous() -> Answer:
    """A reply that never ends."""

    async def answer(asked: Asked, line: Line) -> None:
        streamed = asked.body.get("stream")
        await line.head(content_type="text/event-stream" if streamed else "application/json")
        await line.send('data: {"choices": [' if streamed else '{"choices": [')
        while True:
            await line.send(b" " * 65_536)

    return answer


HTML = body("<!doctype html><title>Sign in</title>", content_type="text/html")


def serve(port: int, function: Callable[[Messages], str]) -> None:
    """Serve for ever, on this machine only."""

    async def run() -> None:
        server = await asyncio.start_server(Model([replies(function)]), "127.0.0.1", port)
        async with server:
            await server.serve_forever()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


async def _read(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(":", 1) for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(first.split(" ")[1], headers, json.loads(content or b"{}"))


def _in_pieces(calls: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Tool calls as they come in a stream: what it is first, then its arguments bit by bit."""
    for index, call in enumerate(calls):
        function = call["function"]
        yield {"index": index, **call, "function": {**function, "arguments": ""}}
        for start in range(0, len(function["arguments"]), 5):
            piece = function["arguments"][start : start + 5]
            yield {"index": index, "function": {"arguments": piece}}


if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda messages: f"You said: {messages[-1]['content']}")

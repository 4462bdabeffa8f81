"""A stand-in for a language model, which speaks chat completions and says what time it is.

It waits `BENCH_FIRST` seconds, then says `BENCH_WORDS` words, `BENCH_PAUSE` seconds apart; each is
the time at which it is said, in nanoseconds.
"""

import asyncio
import json
import os
from time import time_ns

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    first, pause = float(os.environ["BENCH_FIRST"]), float(os.environ["BENCH_PAUSE"])
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        writer.write(HEAD)
        await asyncio.sleep(first)
        for number in range(int(os.environ["BENCH_WORDS"])):
            if number:
                await asyncio.sleep(pause)
            await _say(writer, {"content": f"{time_ns()} "}, None)
        await _say(writer, {}, "stop")
        usage = {"prompt_tokens": 10, "completion_tokens": 10}
        writer.write(b"data: %b\n\n" % json.dumps({"choices": [], "usage": usage}).encode())
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _say(writer: asyncio.StreamWriter, delta: dict[str, str], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    writer.write(b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode())
    await writer.drain()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", int(os.environ["PORT"]), backlog=2_000)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())

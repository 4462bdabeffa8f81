"""A client of chats in a process of its own: says something, and notes when each word of the answer
comes, for one after the other or for hundreds side by side.
"""

import asyncio
import json
import re
import sys
from time import perf_counter, time_ns
from typing import Any

import uvloop

from benchmarks.figures import percentile

_WORDS = re.compile(rb"\d{19}")
PATIENCE = 120.0


class Heard:
    """When it was asked, when the first word came, and how old each word was then, in ms."""

    def __init__(self) -> None:
        self.first = 0.0
        self.ages: list[float] = []
        self.ended = False


async def first_words(port: int, times: int, path: str) -> dict[str, float]:
    """From the asking until the first word of the answer, one answer after the other."""
    seconds = []
    for _ in range(times):
        heard = await (_directly(port) if path == "model" else _by_us(port))
        seconds.append(heard.first)
    return {"ms p50": percentile(seconds, 0.5) * 1000, "ms p99": percentile(seconds, 0.99) * 1000}


async def many(port: int, streams: int, pace: float) -> dict[str, float]:
    """All that is heard of so many answers at once; `pace` is how many begin in a second."""
    tasks = []
    for _ in range(streams):
        tasks.append(asyncio.create_task(_by_us(port)))
        await asyncio.sleep(1 / pace)
    heard = await asyncio.gather(*tasks)
    ages = [age for each in heard for age in each.ages]
    return {
        "streams": float(sum(each.ended for each in heard)),
        "words": float(len(ages)),
        "ms p50": percentile(ages, 0.5),
        "ms p99": percentile(ages, 0.99),
    }


async def _directly(port: int) -> Heard:
    body = {"model": "stand-in", "stream": True, "messages": [{"role": "user", "content": "?"}]}
    started = perf_counter()
    return await _listen(port, _request("POST", "/v1/chat/completions", body), started)


async def _by_us(port: int) -> Heard:
    started = perf_counter()
    caller = f"bench-{time_ns()}"
    id = (await _ask(port, _request("POST", "/conversations", {}, caller)))["id"]
    started = perf_counter()
    asked = _request("POST", f"/conversations/{id}/messages", {"text": "Tell me."}, caller)
    url = (await _ask(port, asked))["stream_url"]
    return await _listen(port, _request("GET", url, None, caller), started)


async def _ask(port: int, request: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
    finally:
        writer.close()
    if head[9:10] != b"2":
        raise RuntimeError(f"{head[:200]!r} {body[:500]!r}")
    answer: dict[str, Any] = json.loads(body)
    return answer


async def _listen(port: int, request: bytes, started: float) -> Heard:
    """Until the answer ends, or the line does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = Heard()
    try:
        writer.write(request)
        while line := await asyncio.wait_for(reader.readline(), PATIENCE):
            if line.startswith((b"event: ended", b"data: [DONE]")):
                heard.ended = True
                break
            # What a snapshot repeats was heard before.
            if b'"snapshot"' in line or not (words := _WORDS.findall(line)):
                continue
            now = time_ns()
            heard.first = heard.first or perf_counter() - started
            heard.ages += [(now - int(word)) / 1e6 for word in words]
    finally:
        writer.close()
    if not heard.ages:
        raise RuntimeError("nothing was heard")
    return heard


def _request(
    method: str, path: str, body: dict[str, Any] | None, caller: str | None = None
) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if caller is not None:
        lines.append(f"Marquee-Caller: {caller}")
    if body is not None:
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + content


if __name__ == "__main__":
    task = {"first_words": first_words, "many": many}[sys.argv[1]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(task(**json.loads(sys.argv[2])))))

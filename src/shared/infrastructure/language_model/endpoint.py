"""One model at one server: asked with patience, in the way that the server understands."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from hashlib import blake2b
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram

from shared.application.language_model import (
    Completed,
    Completion,
    Delta,
    LanguageModelFailed,
    ModelServer,
    ModelUsage,
)
from shared.infrastructure.language_model import structured
from shared.infrastructure.language_model.connection import Connection
from shared.infrastructure.language_model.dialect import Dialect, is_about_this_schema
from shared.infrastructure.language_model.faults import Fault, fault
from shared.infrastructure.language_model.limiter import Limiter
from shared.infrastructure.language_model.schema import Mismatch
from shared.infrastructure.language_model.wire import BrokenOff, NotTheProtocol, Reading

logger = logging.getLogger(__name__)

CALLS = Counter("marquee_language_model_calls", "Calls of language models", ["model", "outcome"])
SECONDS = Histogram(
    "marquee_language_model_seconds",
    "Time until the reply was there, waiting for a place included",
    ["model"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120),
)


class ModelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes. `seconds` is for all that is tried for one request,
    `retries` are those at one server, the first pause between them is about `pause`."""

    seconds: float = 60.0
    connect_seconds: float = 5.0
    retries: int = 3
    pause: float = 0.5
    max_retry_after: float = 20.0
    concurrency: int = 8
    requests_per_minute: int = 0
    cache_seconds: float = 86_400.0
    max_output_tokens: int = 2_000
    max_reply_bytes: int = 4_000_000


Note = Callable[[ModelUsage, bool], None]
"""Is told what each call has cost, and whether it failed."""


class Endpoint:
    def __init__(self, server: ModelServer, limits: ModelLimits, limiter: Limiter) -> None:
        self.server = server
        self._limits = limits
        self._limiter = limiter
        self._connection = Connection(server, limits.connect_seconds, limits.max_reply_bytes)
        self._dialect = Dialect()
        place = f"{server.base_url} {server.model}".encode()
        self._place = blake2b(place, digest_size=8).hexdigest()

    async def answer(
        self, request: Completion, until: float, note: Note, *, streamed: bool
    ) -> AsyncGenerator[Delta | Completed, None]:
        """Deltas, where it is streamed, and at last the whole; its usage is what `note` is told.

        `until` is a time of the event loop. Raise LanguageModelFailed.
        """
        reading = Reading()
        async with aclosing(self._read(request, until, note, streamed)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reading):
                    reading = piece
                else:
                    yield Delta(piece)
        parsed = None
        if request.schema is not None and reading.finish != "tool_calls":
            try:
                parsed = structured.parsed(reading.text, request.schema)
            except Mismatch as mismatch:
                self._must_be_whole(reading)
                if streamed:
                    raise self._invalid(mismatch, reading.text) from None
                messages = structured.repair(reading.text, mismatch, request.schema)
                again = msgspec.structs.replace(request, messages=(*request.messages, *messages))
                reading = await self._whole(again, until, note)
                parsed = self._repaired(reading, request)
        elif not reading.text and reading.finish != "tool_calls":
            self._must_be_whole(reading)
            raise LanguageModelFailed("invalid", f"the model {self.server.model} said nothing")
        yield Completed(
            text=reading.text,
            parsed=parsed,
            tool_calls=reading.tool_calls(),
            finish=reading.finish,
            model=self.server.model,
        )

    async def close(self) -> None:
        await self._connection.close()

    async def _whole(self, request: Completion, until: float, note: Note) -> Reading:
        async with aclosing(self._read(request, until, note, False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reading):
                    return piece
        raise AssertionError("a reading ends with what was read")

    def _repaired(self, reading: Reading, request: Completion) -> Any:
        assert request.schema is not None
        try:
            return structured.parsed(reading.text, request.schema)
        except Mismatch as mismatch:
            self._must_be_whole(reading)
            raise self._invalid(mismatch) from None

    def _must_be_whole(self, reading: Reading) -> None:
        if reading.finish == "length":
            message = f"the reply of the model {self.server.model} did not fit in what it may write"
            raise LanguageModelFailed("too_long", message)

    def _invalid(self, mismatch: Mismatch, partial: str = "") -> LanguageModelFailed:
        message = f"the reply of the model {self.server.model} is not as it has to be: {mismatch}"
        return LanguageModelFailed("invalid", message, partial=partial)

    async def _read(
        self, request: Completion, until: float, note: Note, streamed: bool
    ) -> AsyncGenerator[str | Reading, None]:
        """One call that succeeds, after any number that fail; what it told, then what was read."""
        dialect, this_schema, attempt = self._dialect, False, 0
        while True:
            told = ""
            try:
                body = dialect.body(
                    request,
                    model=self.server.model,
                    max_tokens=self._most(request),
                    streamed=streamed,
                )
                async with aclosing(self._call(body, until, note)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Reading):
                            rung = self._dialect.rung if this_schema else dialect.rung
                            self._dialect = msgspec.structs.replace(dialect, rung=rung)
                        elif streamed:
                            told += piece
                        if streamed or isinstance(piece, Reading):
                            yield piece
                return
            except LanguageModelFailed as failure:
                self._count(failure.kind)
                failure.partial = told
                raise
            except Exception as error:
                found = fault(error, self.server.model)
            self._count(found.failure.kind)
            found.failure.partial = told
            other = dialect.without(found.said, request)
            if other is not None:
                this_schema |= is_about_this_schema(found.said) and other.rung > dialect.rung
                dialect = other
            elif told:
                raise found.failure
            else:
                await self._pause(found, attempt, until)
                attempt += 1

    async def _call(
        self, body: dict[str, Any], until: float, note: Note
    ) -> AsyncGenerator[str | Reading, None]:
        """One exchange: the text as it comes, and at last what was read."""
        reading, failed = Reading(), True
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with self._limiter.place(self._place, until):
                replies = self._connection.replies(body, until)
                async with aclosing(replies):
                    while True:
                        async with asyncio.timeout_at(until):
                            reply = await anext(replies, None)
                        if reply is None:
                            break
                        if text := reading.take(reply):
                            yield text
            if not reading.begun:
                raise NotTheProtocol("a reply without any choice")
            if not reading.ended and body.get("stream"):
                raise BrokenOff("the stream ended without an end")
            if reading.refused:
                message = f"the model {self.server.model} refuses to answer this"
                raise LanguageModelFailed("refused", message)
            failed = False
        finally:
            if reading.begun:
                note(reading.usage(len(str(body["messages"]))), failed)
        SECONDS.labels(self.server.model).observe(loop.time() - started)
        self._count("answered")
        yield reading

    async def _pause(self, found: Fault, attempt: int, until: float) -> None:
        """Before the next attempt; raise the failure when there is none."""
        failure, loop = found.failure, asyncio.get_running_loop()
        pause = failure.retry_after
        if pause is None:
            pause = self._limits.pause * 2**attempt * random.uniform(0.5, 1.5)
        out_of_time = pause > self._limits.max_retry_after or loop.time() + pause >= until
        if not found.again or attempt >= self._limits.retries or out_of_time:
            raise failure
        logger.info(
            "a model is asked again",
            extra={"model": self.server.model, "why": failure.kind, "in_seconds": round(pause, 2)},
        )
        await asyncio.sleep(pause)

    def _most(self, request: Completion) -> int:
        most = self._limits.max_output_tokens
        return min(request.max_tokens or most, most)

    def _count(self, outcome: str) -> None:
        CALLS.labels(self.server.model, outcome).inc()

"""The language model of this program: the first server that can answer does."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from redis.asyncio import Redis

from shared.application.context import current_context
from shared.application.language_model import (
    Completed,
    CompleteText,
    Completion,
    Delta,
    GetUsage,
    LanguageModelFailed,
    ModelServer,
    ModelUsage,
    UsageReport,
)
from shared.infrastructure.language_model.endpoint import Endpoint, ModelLimits
from shared.infrastructure.language_model.kept_replies import KeptReplies
from shared.infrastructure.language_model.limiter import Limiter
from shared.infrastructure.language_model.redis_door import RedisDoor
from shared.infrastructure.language_model.structured import must_be_usable
from shared.infrastructure.language_model.usage import Spent, Usage
from shared.infrastructure.postgres import Pool

logger = logging.getLogger(__name__)

NEXT = {"unavailable", "rate_limited", "quota", "timeout", "not_configured"}
"""Failures of a server, where another may do better."""

NOT_CONFIGURED = (
    "no language model is set up: set LLM_MODEL, and LLM_BASE_URL to the base URL of a server that "
    "speaks OpenAI's chat completions, or LLM_API_KEY to a key of OpenAI"
)


class ChainedLanguageModel:
    """The `LanguageModel` port over servers that are tried in order."""

    def __init__(
        self,
        servers: Sequence[ModelServer],
        limits: ModelLimits,
        prices: Mapping[str, tuple[float, float]],
        redis: Redis,
        pool: Pool,
        namespace: str,
    ) -> None:
        """`prices`: by model, US dollars for a million tokens read, and written. All processes of
        one `namespace` share limits and what is kept."""
        door = RedisDoor(redis, namespace)
        self._limits = limits
        self._limiter = Limiter(
            door, concurrency=limits.concurrency, per_minute=limits.requests_per_minute
        )
        self._endpoints = [Endpoint(server, limits, self._limiter) for server in servers]
        self._kept = KeptReplies(door, limits.cache_seconds)
        self._usage = Usage(pool, prices)

    @property
    def configured(self) -> bool:
        return bool(self._endpoints)

    async def complete(self, request: Completion) -> Completed:
        async with aclosing(self._answer(request, streamed=False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completed):
                    return piece
        raise AssertionError("an answer ends with the whole of it")

    async def stream(self, request: Completion) -> AsyncGenerator[Delta | Completed, None]:
        async with aclosing(self._answer(request, streamed=True)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete_text(self, query: CompleteText) -> Completed:
        return await self.complete(query.request)

    async def report_usage(self, query: GetUsage) -> UsageReport:
        return await self._usage.report(query)

    async def close(self) -> None:
        """Before Redis and the pool are closed."""
        for endpoint in self._endpoints:
            await endpoint.close()
        await self._limiter.close()
        await self._usage.close()

    async def _answer(
        self, request: Completion, *, streamed: bool
    ) -> AsyncGenerator[Delta | Completed, None]:
        if not self._endpoints:
            raise LanguageModelFailed("not_configured", NOT_CONFIGURED)
        if request.schema is not None:
            must_be_usable(request.schema)
        now = asyncio.get_running_loop().time
        end = now() + (self._limits.seconds if request.deadline is None else request.deadline)
        spent: list[Spent] = []
        try:
            for left, endpoint in zip(
                range(len(self._endpoints), 0, -1), self._endpoints, strict=True
            ):
                # A server that hangs must leave the others their share of the time.
                until = now() + (end - now()) / left
                try:
                    pieces = self._from(endpoint, request, until, spent, streamed)
                    async with aclosing(pieces):
                        async for piece in pieces:
                            yield piece
                    return
                except LanguageModelFailed as failure:
                    failure.usage = _sum(spent)
                    if failure.kind not in NEXT or failure.partial or left == 1:
                        raise
                    logger.warning(
                        "a model failed, the next is asked",
                        extra={"model": endpoint.server.model, "why": failure.kind},
                    )
        finally:
            await self._usage.record(request.purpose, spent)

    async def _from(
        self,
        endpoint: Endpoint,
        request: Completion,
        until: float,
        spent: list[Spent],
        streamed: bool,
    ) -> AsyncGenerator[Delta | Completed, None]:
        tenant, server = current_context().tenant, endpoint.server
        reply = await self._kept.find(tenant, server, request)
        if reply is not None:
            usage = ModelUsage(cached=True)
            spent.append(Spent(server.model, usage))
            if streamed and reply.text:
                yield Delta(reply.text)
        else:

            def note(usage: ModelUsage, failed: bool) -> None:
                spent.append(Spent(server.model, self._usage.priced(server.model, usage), failed))

            async with aclosing(endpoint.answer(request, until, note, streamed=streamed)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completed):
                        reply = piece
                    else:
                        yield piece
            assert reply is not None
            usage = _sum(spent)
            await self._kept.keep(tenant, server, request, reply)
        # Whoever has the whole may not come back for the end.
        recorded = tuple(spent)
        spent.clear()
        await self._usage.record(request.purpose, recorded)
        yield msgspec.structs.replace(reply, usage=usage)


def _sum(spent: Sequence[Spent]) -> ModelUsage:
    if not spent:
        return ModelUsage()
    total = spent[0].usage
    for each in spent[1:]:
        total += each.usage
    return total

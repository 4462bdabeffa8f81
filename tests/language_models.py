"""A language model over servers that misbehave, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import openai  # noqa: F401 (half a second, which is not to come out of some test's deadline)
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from misbehaving_model import Model
from settings import Settings
from shared.application.language_model import (
    ChatMessage,
    Completed,
    Completion,
    Delta,
    GetUsage,
    LanguageModel,
    ModelServer,
)
from shared.infrastructure.language_model.chain import ChainedLanguageModel
from shared.infrastructure.language_model.endpoint import ModelLimits
from shared.infrastructure.postgres import pool

LIMITS = ModelLimits(seconds=20, pause=0.01)


def server(model: Model, name: str = "test-model", key: str | None = "k3y") -> ModelServer:
    return ModelServer(model=name, base_url=model.url, api_key=key)


def asks(text: str = "Which hall is the largest?", **others: Any) -> Completion:
    return Completion(**{"messages": (ChatMessage("user", text),), "purpose": "test", **others})


@asynccontextmanager
async def language_model(
    settings: Settings,
    *servers: ModelServer,
    prices: dict[str, tuple[float, float]] | None = None,
    **limits: Any,
) -> AsyncIterator[ChainedLanguageModel]:
    connections = pool(
        settings.database(), name="test", size=2, statement_seconds=5, connect_seconds=2
    )
    redis = Redis.from_url(settings.redis(), socket_timeout=2, retry=Retry(NoBackoff(), 1))
    chain = ChainedLanguageModel(
        servers,
        msgspec.structs.replace(LIMITS, **limits),
        {"test-model": (1.0, 2.0)} if prices is None else prices,
        redis,
        connections,
        settings.broker_namespace,
    )
    await connections.open()
    try:
        yield chain
    finally:
        await chain.close()
        await redis.aclose()
        await connections.close()


async def streamed(model: LanguageModel, request: Completion) -> tuple[list[str], Completed]:
    """All deltas, and the whole."""
    deltas: list[str] = []
    async for piece in model.stream(request):
        if isinstance(piece, Delta):
            deltas.append(piece.text)
        else:
            return deltas, piece
    raise AssertionError("a stream ends with the whole")


def usage(first: Any, last: Any = None) -> GetUsage:
    return GetUsage(first, last or first)

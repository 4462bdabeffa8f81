"""What tests of a chat that is broken have in common."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from faults.chat_stage import Stage, staged
from faults.forked import Mother, mother
from faults.own_servers import Server, own_redis
from misbehaving_model import Model, hangs, model_at_work
from settings import Settings


@pytest.fixture(scope="session")
def chat_mother() -> Iterator[Mother]:
    with mother() as made:
        yield made


@pytest.fixture
def model() -> Iterator[Model]:
    """Hangs until it is told what to say."""
    with model_at_work(hangs) as made:
        yield made


@pytest.fixture
async def stage(
    chat_mother: Mother, settings: Settings, tmp_path: Path, model: Model
) -> AsyncIterator[Stage]:
    async with staged(chat_mother, settings, tmp_path, model) as stage:
        yield stage


@pytest.fixture
async def redis() -> AsyncIterator[Server]:
    """One that may be killed."""
    async with own_redis() as server:
        yield server


@pytest.fixture
async def on_redis(
    redis: Server, chat_mother: Mother, settings: Settings, tmp_path: Path, model: Model
) -> AsyncIterator[Stage]:
    settings = msgspec.structs.replace(settings, redis_url=redis.url)
    async with staged(chat_mother, settings, tmp_path, model) as stage:
        yield stage

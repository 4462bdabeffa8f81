"""What tests of a chat that is broken have in common."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from faults.chat_stage import Stage, staged
from faults.forked import Mother, mother
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

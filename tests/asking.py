"""A small dataset to ask things of, and a worker that lives in the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bootstrap import Application
from conftest import caught_up
from contexts.analytics.application.answering import AnswerQuestion
from contexts.analytics.application.asking import AskQuestion
from contexts.analytics.application.datasets import KeepUpload, LoadDataset, UploadDataset
from contexts.analytics.application.queries import GetQuestion, QuestionShown
from contexts.analytics.domain.dataset import LoadOptions, dataset_id

TRIPS = b"""\
day,city,driver_id,passengers,fare
2026-03-02,Halvora,7,1,10.50
2026-03-02,Nieve,9,2,20.00
2026-03-03,Halvora,7,3,31.00
2026-03-09,Saltmarsh,9,1,8.25
2026-03-13,Halvora,4,2,18.75
2026-04-03,Nieve,4,4,44.00
2026-04-10,Halvora,7,1,12.00
"""
"""Fares: Halvora 72.25, Nieve 64.00, Saltmarsh 8.25; by month 88.50 and 56.00."""


async def chunks(content: bytes, size: int = 50) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def load(
    application: Application,
    content: bytes = TRIPS,
    name: str = "trips",
    options: LoadOptions = LoadOptions(),  # noqa: B008 (it does not change)
) -> int:
    """Load a dataset as a worker does; the version."""
    bus = application.bus()
    upload_id = await bus(KeepUpload(chunks(content)))
    version = await bus(UploadDataset(name, upload_id, f"{name}.csv", options))
    await bus(LoadDataset(dataset_id(name)))
    return version


async def answered(application: Application, question: str, **asked: object) -> QuestionShown:
    """Ask, and answer as a worker does."""
    id = await application.bus()(AskQuestion(question=question, **asked))  # type: ignore[arg-type]
    await application.bus()(AnswerQuestion(id))
    return await application.bus()(GetQuestion(id))


@asynccontextmanager
async def at_work(application: Application) -> AsyncIterator[None]:
    """Whatever is asked and uploaded in here is seen to."""
    stop = asyncio.Event()
    task = asyncio.create_task(_work(application, stop))
    yield
    stop.set()
    await task


async def _work(application: Application, stop: asyncio.Event) -> None:
    analytics, bus = application.analytics, application.bus()
    while not stop.is_set():
        await caught_up(application)
        for _, id in await analytics.datasets_shown().left_open(0):
            await bus(LoadDataset(id))
        for _, id in await analytics.questions_shown().left_open(0):
            await bus(AnswerQuestion(id))
        await asyncio.sleep(0.02)

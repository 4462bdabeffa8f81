"""A word of a model on its way to whoever asked: the first one of an answer, and five hundred
answers at once from one API process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from benchmarks.contest import Entry, Figure, Row
from benchmarks.place import Place, child
from benchmarks.processes import api, memory, served, worker

THINKS = 0.1
"""Seconds that the stand-in takes to its first word."""
STREAMS = 500
PACE = 50.0
WORDS = 30
PAUSE = 1.0
"""Between two words of one answer: they outlast the beginning of the last, so all are open."""


def rows() -> list[Row]:
    return [
        Row(
            "first word of an answer",
            "ms, p50",
            (Entry("marquee", first_word), Entry("the model alone", of_the_model)),
            limits={"added: ms p50": 20},
        ),
        Row("500 answers at once", "MB of the API", (Entry("marquee", many),), rounds=1),
    ]


class Chat(NamedTuple):
    api_port: int
    api_pid: int
    worker_pid: int
    model_port: int


@asynccontextmanager
async def chat(place: Place, words: int, pause: float) -> AsyncIterator[Chat]:
    """The program as it is run, and the stand-in as its model."""
    spoken = {"BENCH_FIRST": str(THINKS), "BENCH_WORDS": str(words), "BENCH_PAUSE": str(pause)}
    async with (
        served("benchmarks.model", place.folder, **spoken) as (model_port, _),
        place.database(broker_namespace=f"bench-talking-{model_port}") as settings,
    ):
        variables = {
            "LLM_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
            "LLM_MODEL": "stand-in",
            "MARQUEE_LLM_CONCURRENCY": "1000",
            "MARQUEE_RUNS_AT_ONCE": "1000",
            # The titles of conversations are not what is measured.
            "MARQUEE_LLM_TITLES": "false",
        }
        async with (
            worker(settings, place.folder, "projections", **variables),
            worker(settings, place.folder, "conversations", **variables) as worker_pid,
            api(settings, place.folder, **variables) as (port, pid),
        ):
            yield Chat(port, pid, worker_pid, model_port)


async def first_word(place: Place) -> Figure:
    """The model alone is asked in between, for what our part adds."""
    times = place.size(40, 10)
    async with chat(place, words=1, pause=0) as talk:
        await child("benchmarks.listener", "first_words", port=talk.api_port, times=5, path="us")
        ours = await child(
            "benchmarks.listener", "first_words", port=talk.api_port, times=times, path="us"
        )
        alone = await child(
            "benchmarks.listener", "first_words", port=talk.model_port, times=times, path="model"
        )
    added = ours["ms p50"] - alone["ms p50"]
    return Figure(ours["ms p50"], {"added: ms p50": added, "ms p99": ours["ms p99"]})


async def of_the_model(place: Place) -> Figure:
    spoken = {"BENCH_FIRST": str(THINKS), "BENCH_WORDS": "1", "BENCH_PAUSE": "0"}
    async with served("benchmarks.model", place.folder, **spoken) as (port, _):
        alone = await child(
            "benchmarks.listener", "first_words", port=port, times=place.size(40, 10), path="model"
        )
    return Figure(alone["ms p50"])


async def many(place: Place) -> Figure:
    streams = place.size(STREAMS, 50)
    async with chat(place, words=WORDS, pause=PAUSE) as talk:
        await child("benchmarks.listener", "first_words", port=talk.api_port, times=2, path="us")
        start = memory(talk.api_pid)
        listening = asyncio.create_task(
            child("benchmarks.listener", "many", port=talk.api_port, streams=streams, pace=PACE)
        )
        highest = start
        while not listening.done():
            await asyncio.wait({listening}, timeout=0.5)
            highest = max(highest, memory(talk.api_pid))
        heard = listening.result()
    if heard["streams"] != streams or heard["words"] != streams * WORDS:
        raise RuntimeError(f"of {streams} answers this was heard: {heard}")
    return Figure(
        highest,
        {
            "at start": start,
            "KB a stream": (highest - start) * 1000 / streams,
            "a word's way: ms p50": heard["ms p50"],
            "a word's way: ms p99": heard["ms p99"],
        },
    )

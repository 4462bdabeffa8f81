"""What an operator does on the command line: look, rebuild, go back, replay, verify."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import datetime
from pathlib import Path

import pytest

import bootstrap
from bootstrap import Application
from contexts.events.application.commands import AnnounceEvent
from keys import KEY_VARIABLE
from settings import Settings

ANNOUNCE = AnnounceEvent(title="Jazz", starts_at=datetime(2100, 7, 3, 21), timezone="UTC")
BROKEN = "event-018f3a9e-0000-7000-8000-000000000001"


class Shell:
    def __init__(self, settings: Settings, folder: Path) -> None:
        others = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
        self._folder = folder
        self._environment = {
            **others,
            "PYTHONPATH": str(Path(bootstrap.__file__).parent),
            **KEY_VARIABLE,
            "DATABASE_URL": settings.database(),
            "REDIS_URL": settings.redis(),
            "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
            "COLUMNS": "200",
        }

    async def __call__(self, *arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *arguments),
            cwd=self._folder,
            env=self._environment,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        return process.returncode, output.decode()


@pytest.fixture
def marquee(settings: Settings, tmp_path: Path) -> Shell:
    return Shell(settings, tmp_path)


async def test_a_read_model_is_rebuilt_rolled_back_and_the_other_one_dropped(
    marquee: Shell, application: Application
) -> None:
    await application.bus()(ANNOUNCE)
    rebuilding = asyncio.create_task(marquee("projections", "rebuild", "events.catalogue"))
    async with asyncio.timeout(60):
        while not rebuilding.done():
            await application.rebuilds().go_on()
            await asyncio.sleep(0.05)
    status, output = await rebuilding
    assert (status, output.splitlines()[-1]) == (
        0,
        "events.catalogue is read from instance 2",
    )
    assert "ok      as the log makes it" in output
    assert await marquee("projections", "rollback", "events.catalogue") == (
        0,
        "events.catalogue is read from instance 1\n",
    )
    _, listed = await marquee("projections")
    assert "events.catalogue: instance 2 is kept, at position 1" in listed
    assert "queue projections: " in listed
    status, output = await marquee("projections", "drop", "events.catalogue", "1")
    assert (status, "the one that is read" in output) == (1, True)
    assert (await marquee("projections", "drop", "events.catalogue", "2"))[0] == 0
    assert (await marquee("projections", "rollback", "events.catalogue"))[0] == 1
    status, output = await marquee("projections", "rebuild", "reactions")
    assert (status, "must not be sent again" in output) == (1, True)


async def test_parked_events_are_listed_shown_replayed_and_discarded(
    marquee: Shell, application: Application
) -> None:
    await _append_what_nobody_can_decode(application)
    await application.runner().catch_up("events.catalogue")
    status, listed = await marquee("parked")
    assert status == 0
    id = listed.split()[0]
    assert f"events.catalogue  {BROKEN}@1  events.event_announced" in listed
    assert "marquee parked --projection events.catalogue" in (await marquee("projections"))[1]
    _, shown = await marquee("parked", "show", id)
    assert "{'type': 'events.event_announced'}" in shown
    status, output = await marquee("parked", "replay", "--all")
    assert (status, "0 taken in, 1 still parked" in output) == (1, True)
    assert (await marquee("parked", "discard", id))[0] == 2
    assert (await marquee("parked", "discard", id, "--reason", "by mistake"))[0] == 0
    assert (await marquee("parked"))[1] == "nothing is parked\n"
    assert "by mistake" in (await marquee("parked", "--discarded"))[1]


async def test_verify_finds_all_well_and_then_what_is_not(
    marquee: Shell, application: Application
) -> None:
    for _ in range(5):
        announced = await application.bus()(ANNOUNCE)
    for name in application.runner().types:
        await application.runner().catch_up(name)
    status, output = await marquee("verify")
    assert (status, output.count("ok  ")) == (0, 11)
    async with application.pool().connection() as connection:
        await connection.execute(
            "update events.catalogue_1 set title = 'Rock' where id = %s", (announced.id,)
        )
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata) values"
            " ('event-018f3a9e-0000-7000-8000-000000000009', 3, 'no.such', '{}', '{}')"
        )
        await connection.execute(
            "update event_store.checkpoints set position = 999 where projection = 'reactions'"
        )
        cards = f"{application.events.cards().prefix}:of:default"
        await application.redis().hdel(cards, announced.id.bytes)
    await _append_what_nobody_can_decode(application)
    status, output = await marquee("verify")
    assert status == 1
    failed = [line for line in output.splitlines() if line.startswith("failed")]
    for said in (
        "000000000009@3",
        "every type is known: no.such",
        f"decoded: {BROKEN}@1",
        "instance 1 of reactions: 1 of 1 shards, position 999",
        "events.catalogue is as the log makes it",
        "events.cards is as the log makes it",
    ):
        assert any(said in line for line in failed), said
    assert len(failed) == 6


async def _append_what_nobody_can_decode(application: Application) -> None:
    async with application.pool().connection() as connection:
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata) values"
            " (%s, 1, 'events.event_announced', '{\"type\": \"events.event_announced\"}', '{}')",
            (BROKEN,),
        )

"""Whoever has written may ask to read what was written: `Min-Log-Position`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import psycopg
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api.app import create_app
from bootstrap import Application, running
from contexts.events.application.commands import AnnounceEvent
from contexts.events.application.queries import ListEvents
from settings import Settings
from shared.application.positions import want
from tallies import append_slowly

Client = AsyncTestClient[Litestar]
JAZZ = {"title": "Jazz", "starts_at": "2100-07-03T21:00:00", "timezone": "UTC"}
HUGE = str(10**17)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    hasty = msgspec.structs.replace(settings, min_position_seconds=0.2)
    async with AsyncTestClient(create_app(hasty)) as client:
        yield client


async def test_a_query_waits_until_its_read_model_has_come_so_far(
    application: Application, settings: Settings
) -> None:
    patient = msgspec.structs.replace(settings, min_position_seconds=120)
    async with running(patient, "marquee-patient") as other:
        await application.bus()(AnnounceEvent("Jazz", datetime(2100, 7, 3, 21), "UTC"))
        want(1)
        asked = asyncio.create_task(other.bus()(ListEvents()))
        want(0)
        await _until_woken(application, "events.catalogue", times=2)
        assert not asked.done()
        await application.runner().catch_up("events.catalogue")
        answered = await asyncio.wait_for(asked, timeout=60)
    assert len(answered.data) == 1


@pytest.mark.parametrize("path", ["/events", "/search", "/events/{id}", "/providers/acme/runs"])
async def test_one_that_takes_too_long_is_told_how_far_behind_it_is(
    client: Client, path: str
) -> None:
    announced = await client.post("/events", json=JAZZ)
    id, position = announced.json()["id"], announced.headers["log-position"]
    late = await client.get(path.format(id=id), headers={"Min-Log-Position": position})
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert f"has come to position 0, {position} behind" in late.text


async def test_what_has_come_so_far_answers_at_once(
    client: Client, application: Application
) -> None:
    announced = await client.post("/events", json=JAZZ)
    position = announced.headers["log-position"]
    await application.runner().catch_up("events.catalogue")
    asked = await client.get("/events", headers={"Min-Log-Position": position})
    assert (asked.status_code, len(asked.json()["data"])) == (200, 1)
    assert (await client.get("/events", headers={"Min-Log-Position": HUGE})).status_code == 503
    assert (await client.get("/events", headers={"Min-Log-Position": "0"})).status_code == 200


async def test_what_is_read_from_the_log_itself_never_waits(client: Client) -> None:
    announced = await client.post("/events", json=JAZZ)
    id, position = announced.json()["id"], announced.headers["log-position"]
    shown = await client.get(f"/events/{id}/history", headers={"Min-Log-Position": position})
    assert (shown.status_code, shown.json()["totalRows"]) == (200, 1)


async def test_what_follows_the_log_waits_for_whoever_holds_the_mark(
    client: Client, database: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await append_slowly(slow, "slow")
        announced = await client.post("/events", json=JAZZ)
        asked = {"Min-Log-Position": announced.headers["log-position"]}
        late = await client.get("/events/changes", headers=asked)
        assert (late.status_code, late.json()["type"]) == (503, "about:blank#behind")
        assert (await client.get("/events/changes")).json()["data"] == []
        await slow.commit()
    assert len((await client.get("/events/changes", headers=asked)).json()["data"]) == 1


@pytest.mark.parametrize("given", ["-1", "soon", "1.5", "9" * 19, "\u0661"])
async def test_what_is_no_position_is_refused(client: Client, given: str) -> None:
    refused = await client.get("/events", headers={"Min-Log-Position": given.encode()})
    assert refused.status_code == 400
    assert "Min-Log-Position" in refused.json()["detail"]


async def test_whoever_waits_wakes_a_read_model_that_nobody_told_of_the_log(
    client: Client, application: Application
) -> None:
    """Nothing of what it handles may lie between where it is and where the log is."""
    announced = await client.post("/events", json=JAZZ)
    position = announced.headers["log-position"]
    await client.get("/providers/acme/runs", headers={"Min-Log-Position": position})
    await _until_woken(application, "events.provider_runs", times=1)


async def _until_woken(application: Application, name: str, *, times: int) -> None:
    redis, namespace = application.redis(), application.settings().broker_namespace
    async with asyncio.timeout(60):
        while True:
            sent = await redis.hvals(f"{namespace}:projections.msgs")
            if sum(name.encode() in message for message in sent) >= times:
                return
            await asyncio.sleep(0.01)

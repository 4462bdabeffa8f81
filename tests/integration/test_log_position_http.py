"""Every answer to a command says how far the log has to be read to see what was done."""

from collections.abc import AsyncIterator

import pytest

from bootstrap import Application
from listings import Client, serving
from settings import Settings

JAZZ = {"title": "Jazz", "starts_at": "2100-07-31T21:00:00", "timezone": "UTC"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def last_position(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select max(position) from event_store.events")
        ((position,),) = await cursor.fetchall()
    return int(position)


async def test_a_command_is_answered_with_the_position_of_what_it_recorded(
    client: Client, application: Application
) -> None:
    for body in (JAZZ, JAZZ):
        response = await client.post("/events", json=body)
        assert response.headers["log-position"] == str(await last_position(application))
    path = response.headers["location"]
    response = await client.post(f"{path}/cancellation", json={"reason": "storm"})
    assert response.headers["log-position"] == str(await last_position(application)) == "3"


async def test_a_command_that_changes_nothing_names_what_it_was_decided_on(
    client: Client, application: Application
) -> None:
    """So that a client who asks again also sees what the first time did."""
    path = (await client.post("/events", json=JAZZ)).headers["location"]
    await client.post("/events", json=JAZZ)
    same = await client.post(f"{path}/reschedule", json={"starts_at": JAZZ["starts_at"]})
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert same.headers["log-position"] == "1"
    late = await client.post(
        f"{path}/cancellation", json={"reason": "storm"}, headers={"if-match": '"7"'}
    )
    assert (late.status_code, late.headers["log-position"]) == (412, "1")


async def test_queries_and_what_touched_no_stream_have_none(client: Client) -> None:
    path = (await client.post("/events", json=JAZZ)).headers["location"]
    for response in (
        await client.get(path),
        await client.get("/events"),
        await client.post("/events", json={}),
        await client.post("/nowhere", json={}),
    ):
        assert "log-position" not in response.headers

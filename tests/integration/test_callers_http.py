"""Keys of requests belong to callers: nobody reads what somebody else was answered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody

from bootstrap import Application
from listings import serving
from settings import Settings
from shared.application.caller import principal_of
from shared.infrastructure.event_store.idempotency_keys import PostgresIdempotencyKeys
from shared.presentation.caller import owner, with_caller
from shared.presentation.context import in_context
from shared.presentation.idempotency import idempotent

JAZZ = {"title": "Jazz", "starts_at": "2100-07-31T21:00:00", "timezone": "UTC"}
KEY = {"idempotency-key": "1"}
ANN = {**KEY, "marquee-caller": "ann"}
BOB = {**KEY, "marquee-caller": "bob"}


@pytest.fixture
async def client(application: Application) -> AsyncIterator[AsyncClient]:
    """Of a program that says who calls, under keys that are kept as those of the real one."""

    @post("/whoami")
    async def whoami(owner: NamedDependency[UUID], data: JSONBody[dict[str, Any]]) -> str:
        return str(owner)

    app = Litestar(
        [whoami],
        dependencies={
            "owner": Provide(owner),
            "vault": Provide(lambda: application.vault(), sync_to_thread=False),
        },
        logging_config=None,
    )
    keys = PostgresIdempotencyKeys(application.pool(), timedelta(hours=1))
    app.asgi_handler = in_context(with_caller(idempotent(app.asgi_handler, lambda: keys, 1_000)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        yield client
    await keys.close()


async def test_two_callers_under_one_key_do_not_read_each_other(client: AsyncClient) -> None:
    ann = await client.post("/whoami", json={}, headers=ANN)
    bob = await client.post("/whoami", json={}, headers=BOB)
    assert ann.status_code == bob.status_code == 201
    assert ann.text != bob.text
    for headers, first in ((ANN, ann), (BOB, bob)):
        again = await client.post("/whoami", json={}, headers=headers)
        assert (again.status_code, again.text) == (201, first.text)


async def test_who_got_a_cookie_with_the_answer_gets_that_answer_again(
    client: AsyncClient, application: Application
) -> None:
    first = await client.post("/whoami", json={}, headers=KEY)
    assert "marquee_caller=" in first.headers["set-cookie"]
    again = await client.post("/whoami", json={}, headers=KEY)
    assert again.text == first.text
    # It was kept, and not with the cookie in it.
    assert "set-cookie" not in again.headers
    assert await _kept(application) == 1
    other = await client.post("/whoami", json={"other": 1}, headers=KEY)
    assert other.status_code == 422


async def test_who_comes_without_a_name_does_not_get_what_another_without_one_was_answered(
    client: AsyncClient,
) -> None:
    answers = []
    for _ in range(3):
        answers.append((await client.post("/whoami", json={}, headers=KEY)).text)
        client.cookies.clear()
    assert len(set(answers)) == 3


async def test_a_cookie_in_an_answer_is_not_kept(
    client: AsyncClient, application: Application
) -> None:
    await client.post("/whoami", json={}, headers=KEY)
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select headers::text from event_store.idempotency_keys")
        ((headers,),) = await cursor.fetchall()
    assert "content-type" in headers
    assert "cookie" not in headers


async def test_no_name_stands_beside_what_is_kept(
    client: AsyncClient, application: Application
) -> None:
    await client.post("/whoami", json={}, headers=ANN)
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select principal from event_store.idempotency_keys")
        assert await cursor.fetchall() == [(principal_of("ann"),)]


async def test_commands_that_are_nobodys_own_are_repeated_without_a_name(
    settings: Settings, application: Application
) -> None:
    async with serving(settings) as client:
        first = await client.post("/events", json=JAZZ, headers=KEY)
        again = await client.post("/events", json=JAZZ, headers=KEY)
        assert again.headers["location"] == first.headers["location"]
        assert "set-cookie" not in first.headers
        named = await client.post("/events", json=JAZZ, headers=ANN)
        assert named.headers["location"] != first.headers["location"]
    assert await _kept(application) == 2


async def _kept(application: Application) -> int:
    async with application.pool().connection() as connection:
        cursor = await connection.execute("select count(*) from event_store.idempotency_keys")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])

"""Over HTTP a person is told what is kept of him, and is forgotten."""

import logging
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest
from httpx2 import Response

from bootstrap import Application
from listings import Client, database_down, serving
from servers import Urls
from settings import Settings
from shared.domain.personal import Sealed

ANN, BOB = {"marquee-caller": "ann@example.com"}, {"marquee-caller": "bob@example.com"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


async def sealed_for(application: Application, caller: dict[str, str]) -> tuple[UUID, Sealed]:
    vault = application.vault()
    id = await vault.subject(caller["marquee-caller"])
    (box,) = await vault.seal(id, b"hello")
    return id, box


def refused(response: Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


async def test_a_caller_is_told_whether_anything_is_kept_and_asking_keeps_nothing(
    client: Client, application: Application
) -> None:
    for _ in range(2):
        answer = await client.get("/subjects/me", headers=ANN)
        assert (answer.status_code, answer.json()) == (200, {"id": None, "known": False})
    id, _ = await sealed_for(application, ANN)
    assert (await client.get("/subjects/me", headers=ANN)).json() == {"id": str(id), "known": True}
    assert (await client.get("/subjects/me", headers=BOB)).json()["known"] is False
    assert (await client.get("/subjects/me")).json()["known"] is False


async def test_who_erases_himself_is_forgotten_and_begins_anew(
    client: Client, application: Application
) -> None:
    (ann, box), (_, other) = await sealed_for(application, ANN), await sealed_for(application, BOB)
    answer = await client.delete("/subjects/me", headers=ANN)
    assert answer.status_code == 200
    position = int(answer.headers["log-position"])
    assert answer.json() == {"subject_id": str(ann), "position": position}
    fresh = type(application.vault())(application.pool(), application.key_ring())
    assert await fresh.open(box, other) == (None, b"hello")
    assert refused(await client.delete("/subjects/me", headers=ANN), 404)
    assert (await client.get("/subjects/me", headers=ANN)).json()["known"] is False
    assert (await sealed_for(application, ANN))[0] != ann


@pytest.mark.parametrize("by", ["id", "name"])
async def test_an_operator_erases_by_id_or_name(
    client: Client, application: Application, by: str
) -> None:
    id, _ = await sealed_for(application, ANN)
    path = f"/subjects/{id if by == 'id' else ANN['marquee-caller']}"
    first = await client.delete(path)
    assert (first.status_code, first.json()["subject_id"]) == (200, str(id))
    again = await client.delete(f"/subjects/{id}")
    assert again.json() == first.json()
    assert again.headers["log-position"] == first.headers["log-position"]


async def test_nobody_erases_another_by_calling_himself_by_that_id(
    client: Client, application: Application
) -> None:
    _, box = await sealed_for(application, ANN)
    false = {"marquee-caller": str(box.subject)}
    assert refused(await client.delete("/subjects/me", headers=false), 404)
    mine, _ = await sealed_for(application, false)
    answer = await client.delete("/subjects/me", headers=false)
    assert answer.json()["subject_id"] == str(mine)
    assert await application.vault().open(box) == (b"hello",)


async def test_under_a_key_the_erasure_is_answered_again_and_not_refused(
    client: Client, application: Application
) -> None:
    await sealed_for(application, ANN)
    headers = {**ANN, "idempotency-key": "once"}
    first = await client.delete("/subjects/me", headers=headers)
    again = await client.delete("/subjects/me", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["log-position"] == first.headers["log-position"]


@pytest.mark.parametrize(
    "who", [str(uuid4()), "nobody", "%2e%2e", "%00", "%FF", "x" * 3000, "%F0%9F%8E%9F"]
)
async def test_somebody_unknown_is_not_found(client: Client, who: str) -> None:
    refused(await client.delete(f"/subjects/{who}"), 404)


@pytest.mark.parametrize("path", ["/subjects/ann@example.com", "/subjects//ann@example.com/x"])
@pytest.mark.parametrize("key", [{}, {"idempotency-key": "k"}])
async def test_a_name_never_comes_into_the_log(
    settings: Settings,
    application: Application,
    servers: Urls,
    caplog: pytest.LogCaptureFixture,
    path: str,
    key: dict[str, str],
) -> None:
    await sealed_for(application, ANN)
    async with serving(msgspec.structs.replace(settings, connect_seconds=1.0)) as client:
        root = logging.getLogger()
        root.addHandler(caplog.handler)
        root.setLevel(logging.DEBUG)
        await client.delete(path, headers=key)
        await client.get(path, headers=ANN)
        await client.delete("/subjects/me", headers={**ANN, **key})
        with database_down(servers.database, settings.database()):
            away = await client.delete("/subjects/ann@example.com", headers=key)
            assert away.status_code == 503
    # The client of the test logs, too.
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert {"answered", "request failed"} <= {record.message for record in ours}
    said = "\n".join(str(vars(record)) for record in ours)
    assert "/subjects/***" in said
    assert "ann@" not in said

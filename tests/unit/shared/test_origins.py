"""Pages of other sites change nothing here, and what is somebody's own is kept by nobody else."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from litestar import Litestar, WebSocket, delete, get, post, websocket
from litestar.di import NamedDependency, Provide
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient

from shared.domain.errors import NotFound
from shared.presentation.caller import owner, with_caller
from shared.presentation.problems import problem
from talking import MemoryVault

COOKIE = {"cookie": f"marquee_caller={'A' * 43}"}
HOST = {"host": "talk.example:8000"}

DONE: list[str] = []


@get("/thing")
async def look(owner: NamedDependency[UUID]) -> str:
    return "mine"


@get("/kept", response_headers={"cache-control": "max-age=5"})
async def kept(owner: NamedDependency[UUID]) -> str:
    return "mine, for five seconds"


@get("/missing")
async def missing(owner: NamedDependency[UUID]) -> str:
    raise NotFound("not yours")


@get("/everybody")
async def everybody() -> str:
    return "ours"


@post("/thing")
async def do() -> str:
    DONE.append("post")
    return "done"


@delete("/thing", status_code=200)
async def undo() -> str:
    DONE.append("delete")
    return "done"


@websocket("/socket")
async def talk(socket: WebSocket) -> None:  # type: ignore[type-arg]
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    DONE.clear()
    app = Litestar(
        route_handlers=[look, kept, missing, everybody, do, undo, talk],
        dependencies={
            "owner": Provide(owner),
            "vault": Provide(lambda: vault, sync_to_thread=False),
        },
        exception_handlers={Exception: problem},
        logging_config=None,
    )
    vault = MemoryVault()
    app.asgi_handler = with_caller(app.asgi_handler)
    with TestClient(app) as client:
        yield client


ELSEWHERE = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://talk.example:8000"},
    {"sec-fetch-site": "SAME-SITE"},
    {"origin": "https://evil.example"},
    {"origin": "http://talk.example:3000"},
    {"origin": "http://talk.example:8000.evil.example"},
    {"origin": "null"},
    {"origin": ""},
]

OURS = [
    {},
    {"sec-fetch-site": "same-origin", "origin": "http://talk.example:8000"},
    {"sec-fetch-site": "none"},
    {"origin": "http://talk.example:8000"},
    {"origin": "https://Talk.Example", "x-forwarded-host": "talk.example, inner"},
    # As behind a proxy that goes by another name.
    {"sec-fetch-site": "same-origin", "origin": "https://talk.example"},
    # A gateway says who it is, whatever a browser says to the gateway.
    {"sec-fetch-site": "same-site", "origin": "https://evil.example", "marquee-caller": "ann"},
]


@pytest.mark.parametrize("said", ELSEWHERE)
def test_a_page_of_another_site_changes_nothing_and_makes_nobody_somebody_else(
    client: TestClient[Litestar], said: dict[str, str]
) -> None:
    for headers in ({}, COOKIE):
        for method, body in (("POST", b'{"text": "hello"}'), ("POST", b""), ("DELETE", b"")):
            about = {**HOST, **headers, **said, "content-type": "text/plain"}
            answer = client.request(method, "/thing", content=body, headers=about)
            assert (answer.status_code, answer.json()["type"]) == (403, "about:blank#cross_origin")
            assert answer.headers["content-type"] == "application/problem+json"
            assert "set-cookie" not in answer.headers
    assert DONE == []


@pytest.mark.parametrize("said", ELSEWHERE)
def test_a_page_of_another_site_opens_no_socket(
    client: TestClient[Litestar], said: dict[str, str]
) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/socket", headers={**HOST, **COOKIE, **said}) as socket,
    ):
        socket.receive_text()


@pytest.mark.parametrize("said", OURS)
def test_our_own_pages_and_programs_are_let_through(
    client: TestClient[Litestar], said: dict[str, str]
) -> None:
    assert client.post("/thing", headers={**HOST, **said}).status_code == 201
    assert client.delete("/thing", headers={**HOST, **said}).status_code == 200
    assert DONE == ["post", "delete"]
    with client.websocket_connect("/socket", headers={**HOST, **said}) as socket:
        assert socket.receive_text() == "hello"


def test_links_from_other_sites_lead_here(client: TestClient[Litestar]) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = client.request(method, "/everybody", headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code != 403


def test_what_depends_on_who_calls_is_kept_by_nobody_on_the_way(
    client: TestClient[Litestar],
) -> None:
    for headers in ({}, COOKIE, {"marquee-caller": "ann"}):
        for path in ("/thing", "/missing"):
            answer = client.get(path, headers=headers)
            assert answer.headers["cache-control"] == "private, no-store", path
        assert client.get("/kept", headers=headers).headers["cache-control"] == "max-age=5"
        assert "cache-control" not in client.get("/everybody", headers=headers).headers

"""Who calls: a header that wins, a cookie that nobody else can have, or somebody new."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.di import NamedDependency, Provide
from litestar.testing import TestClient

from shared.application.caller import Caller, called_by, current_caller, principal_of
from shared.application.personal import NOBODY
from shared.presentation.caller import owner, with_caller
from shared.presentation.problems import problem
from talking import MemoryVault

COOKIE = re.compile(
    r"marquee_caller=[A-Za-z0-9_-]{43}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
)
TOKEN = "A" * 43


@get("/unasked")
async def unasked() -> str:
    return "hello"


@get("/me")
async def look(owner: NamedDependency[UUID]) -> str:
    return str(owner)


@post("/me", status_code=200)
async def act(owner: NamedDependency[UUID]) -> str:
    return str(owner)


@post("/fails")
async def fail(owner: NamedDependency[UUID]) -> str:
    raise RuntimeError("as if it were broken")


@get("/name")
async def name(request: Request[Any, Any, Any]) -> str:
    return current_caller().name


@websocket("/socket")
async def talk(socket: WebSocket[Any, Any, Any], owner: NamedDependency[UUID]) -> None:
    await socket.accept()
    await socket.send_text(str(owner))
    await socket.close()


class Vault(MemoryVault):
    """`names` are those of whom something is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    async def subject(self, name: str) -> UUID:
        self.names.add(name)
        return await super().subject(name)


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def app(vault: Vault) -> Litestar:
    app = Litestar(
        route_handlers=[unasked, look, act, fail, name, talk],
        dependencies={
            "owner": Provide(owner),
            "vault": Provide(lambda: vault, sync_to_thread=False),
        },
        exception_handlers={Exception: problem},
        logging_config=None,
    )
    app.asgi_handler = with_caller(app.asgi_handler)
    return app


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app) as client:
        yield client


def test_a_cookie_is_set_when_somebody_asks_who_calls_and_only_then(
    client: TestClient[Litestar],
) -> None:
    assert "set-cookie" not in client.get("/unasked").headers
    assert "set-cookie" not in client.get("/nowhere").headers
    asked = client.get("/me")
    assert COOKIE.fullmatch(asked.headers["set-cookie"])
    # It is known from now on.
    assert "set-cookie" not in client.post("/me").headers


def test_who_is_new_and_only_looks_is_nobody(
    client: TestClient[Litestar], vault: MemoryVault
) -> None:
    assert client.get("/me").text == str(NOBODY)
    assert client.get("/me", headers={"marquee-caller": "ann"}).text == str(NOBODY)
    assert vault.names == set()


def test_a_cookie_names_the_same_caller_again(client: TestClient[Litestar]) -> None:
    first = client.post("/me").text
    assert first != str(NOBODY)
    assert client.post("/me").text == client.get("/me").text == first
    client.cookies.clear()
    assert client.post("/me").text != first


def test_the_cookie_is_set_on_failures_too_for_something_may_be_kept_by_then(
    client: TestClient[Litestar], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        failed = client.post("/fails")
    assert failed.status_code == 500
    assert COOKIE.fullmatch(failed.headers["set-cookie"])


def test_the_header_wins_over_the_cookie(client: TestClient[Litestar]) -> None:
    by_cookie = client.post("/me").text
    named = client.post("/me", headers={"marquee-caller": "ann"})
    assert "set-cookie" not in named.headers
    assert named.text != by_cookie
    client.cookies.clear()
    assert client.get("/me", headers={"marquee-caller": "ann"}).text == named.text
    assert client.get("/me", headers={"marquee-caller": "bob"}).text == str(NOBODY)


def test_the_name_of_a_cookie_is_not_the_cookie(client: TestClient[Litestar]) -> None:
    name = client.get("/name", headers={"cookie": f"marquee_caller={TOKEN}"}).text
    assert re.fullmatch(r"cookie-[0-9a-f]{32}", name)
    # So nobody becomes one whom a gateway knows by the name that he sends as a cookie.
    assert client.get("/name", headers={"marquee-caller": TOKEN}).text == TOKEN


@pytest.mark.parametrize(
    "cookie",
    [
        "marquee_caller=",
        "marquee_caller=ann",
        f"marquee_caller={'A' * 42}",
        f"marquee_caller={'A' * 44}",
        f'marquee_caller="{TOKEN}"',
        f"marquee_caller={'A' * 42}\u00e9",
        f"Marquee_Caller={TOKEN}",
        f"other={TOKEN}; marquee_caller",
        ";;=;",
    ],
)
def test_a_cookie_of_another_form_is_as_good_as_none(
    client: TestClient[Litestar], cookie: str
) -> None:
    answer = client.get("/me", headers=[(b"cookie", cookie.encode("latin-1"))])
    assert answer.status_code == 200
    assert COOKIE.fullmatch(answer.headers["set-cookie"])


def test_ours_is_found_among_other_cookies(client: TestClient[Litestar]) -> None:
    alone = client.get("/name", headers={"cookie": f"marquee_caller={TOKEN}"}).text
    among = f"a=b; marquee_caller=old;marquee_caller={TOKEN} ; c=d"
    assert client.get("/name", headers={"cookie": among}).text == alone


@pytest.mark.parametrize("value", ["", " ", "two words", "\u00e9", "\x7f", "x" * 201])
def test_a_header_that_names_nobody_is_refused(
    client: TestClient[Litestar], vault: Vault, value: str
) -> None:
    answer = client.post("/me", headers=[(b"marquee-caller", value.encode())])
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank#invalid",
        "title": "Bad Request",
        "status": 400,
        "detail": "Marquee-Caller: one header of 1 to 200 visible ASCII characters is expected",
    }
    assert vault.names == set()


async def test_two_headers_are_refused_also_when_they_agree(app: Litestar) -> None:
    twice = [("marquee-caller", "ann"), ("marquee-caller", "ann")]
    # The client of the other tests would make one of them.
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.post("/me", headers=twice[:1])).status_code == 200
        assert (await client.post("/me", headers=twice)).status_code == 400


@pytest.mark.parametrize(
    ("base", "forwarded", "secure"),
    [
        ("http://testserver.local", None, False),
        ("http://testserver.local", "http", False),
        ("http://testserver.local", "https", True),
        ("http://testserver.local", "HTTPS, http", True),
        ("http://testserver.local", "http, https", False),
        ("https://testserver.local", None, True),
    ],
)
def test_over_tls_the_cookie_stays_there(
    client: TestClient[Litestar], base: str, forwarded: str | None, secure: bool
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-proto": forwarded}
    cookie = client.get(f"{base}/me", headers=headers).headers["set-cookie"]
    assert cookie.endswith("; Secure") is secure


def test_a_socket_has_an_owner_too(client: TestClient[Litestar]) -> None:
    ann = client.post("/me", headers={"marquee-caller": "ann"}).text
    with client.websocket_connect("/socket", headers={"marquee-caller": "ann"}) as socket:
        assert socket.receive_text() == ann
    with client.websocket_connect("/socket") as socket:
        assert socket.receive_text() == str(NOBODY)
        assert COOKIE.fullmatch(dict(socket.extra_headers or ())[b"set-cookie"].decode())


def test_a_name_stays_out_of_what_is_printed() -> None:
    with called_by(Caller("ann", new=False)) as caller:
        assert current_caller() is caller
        assert "ann" not in repr(caller)
    with pytest.raises(LookupError):
        current_caller()


def test_a_principal_is_the_same_for_a_name_and_another_for_another() -> None:
    assert principal_of("ann") == principal_of("ann") != principal_of("bob")
    assert re.fullmatch(r"caller-[0-9a-f]{32}", principal_of("ann"))

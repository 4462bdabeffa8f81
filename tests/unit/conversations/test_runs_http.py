"""Runs over HTTP and WebSockets: frames as they come, resumed where they were cut, and an end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient
from litestar import Litestar
from litestar.di import Provide

from contexts.conversations.application.content import TextPart
from contexts.conversations.application.frames import Delta, Frame
from contexts.conversations.presentation.runs import RunsController
from contexts.conversations.presentation.sockets import watch_over_socket
from followed import Followed
from listening import PATIENCE, ended, new_run, started
from shared.presentation.json import JSONResponse
from shared.presentation.problems import problem

FIRST = 1_000_000
ONE = TextPart("One.")


def app_for(run: Followed, owner: UUID | None = None) -> Litestar:
    """The API of one run, to somebody: to its owner, if nobody else is named."""

    def provide_owner() -> UUID:
        return owner or run.owner

    return Litestar(
        route_handlers=[RunsController, watch_over_socket],
        dependencies={
            "bus": Provide(lambda: run.bus, sync_to_thread=False),
            "following": Provide(lambda: run.following, sync_to_thread=False),
            "owner": Provide(provide_owner, sync_to_thread=False),
        },
        exception_handlers={Exception: problem},
        response_class=JSONResponse,
        openapi_config=None,
        logging_config=None,
    )


@asynccontextmanager
async def client_of(run: Followed, owner: UUID | None = None) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=app_for(run, owner))
    async with AsyncClient(transport=transport, base_url=f"http://test/runs/{run.id}") as client:
        yield client


def told() -> Followed:
    """A run of which all was told."""
    run = Followed()
    run.frames.arrived = [
        Frame(FIRST, started(run.id)),
        Frame(FIRST + 1, Delta("One.\n")),
        Frame(FIRST + 2, ended(run.id, FIRST + 2, "One.\n")),
    ]
    return run


def events_in(body: str) -> list[dict[str, str]]:
    events = [event for event in body.split("\n\n") if event]
    return [dict(line.split(": ", 1) for line in event.split("\n")) for event in events]


async def test_frames_are_server_sent_events_with_their_sequence_as_id() -> None:
    async with client_of(told()) as client:
        response = await client.get("/stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["x-accel-buffering"] == "no"
    retry, *events = events_in(response.text)
    assert retry == {"retry": "1000"}
    assert [(event["id"], event["event"]) for event in events] == [
        (f"{FIRST}", "started"),
        (f"{FIRST + 1}", "delta"),
        (f"{FIRST + 2}", "ended"),
    ]
    assert json.loads(events[1]["data"]) == {"type": "delta", "text": "One.\n"}


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({"Last-Event-ID": f"{FIRST + 1}"}, {}),
        ({}, {"last_event_id": f"{FIRST + 1}"}),
        ({"Last-Event-ID": f"{FIRST + 1}"}, {"last_event_id": f"{FIRST}"}),
    ],
)
async def test_a_stream_goes_on_behind_the_event_that_was_received_last(
    headers: dict[str, str], params: dict[str, str]
) -> None:
    async with client_of(told()) as client:
        response = await client.get("/stream", headers=headers, params=params)
    assert [event.get("id") for event in events_in(response.text)] == [None, f"{FIRST + 2}"]


async def test_whoever_received_the_end_is_told_that_there_is_nothing_more() -> None:
    run = Followed()
    await run.end(FIRST + 2, ONE)
    async with client_of(run) as client:
        whole = await client.get("/stream")
        last = events_in(whole.text)[-1]["id"]
        response = await client.get("/stream", headers={"Last-Event-ID": last})
    assert (response.status_code, response.content) == (204, b"")


async def test_whoever_has_received_nothing_may_say_so_with_an_empty_id() -> None:
    async with client_of(told()) as client:
        whole = (await client.get("/stream")).text
        for asked in ({"params": {"last_event_id": ""}}, {"headers": {"Last-Event-ID": ""}}):
            response = await client.get("/stream", **asked)
            assert (response.status_code, response.text) == (200, whole)
    run = told()
    socket = Socket(app_for(run), run.id, "last_event_id=")
    assert (await socket.next())["type"] == "websocket.accept"
    assert (await socket.next())["id"] == FIRST


@pytest.mark.parametrize("id", ["x", "-1", "1.5", "9" * 16, " ", "\u0661"])
async def test_what_is_no_id_of_an_event_is_refused(id: str) -> None:
    run = told()
    async with client_of(run) as client:
        response = await client.get("/stream", params={"last_event_id": id})
    assert (response.status_code, response.json()["type"]) == (400, "about:blank#invalid")
    assert "Last-Event-ID" in response.json()["detail"]


async def test_an_unknown_format_or_parameter_is_refused() -> None:
    async with client_of(told()) as client:
        for params in ({"format": "xml"}, {"lastEventId": "5"}):
            assert (await client.get("/stream", params=params)).status_code == 400


async def test_the_ai_sdk_gets_the_protocol_that_it_knows() -> None:
    run = told()
    async with client_of(run) as client:
        response = await client.get("/stream", params={"format": "ai-sdk"})
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done = events_in(response.text)
    assert done == {"data": "[DONE]"}
    assert json.loads(events[0]["data"]) == {
        "type": "start",
        "messageId": str(run.shown.answer_id),
    }
    assert json.loads(events[-1]["data"]) == {"type": "finish"}


async def test_a_run_is_shown_and_cancelled() -> None:
    run = Followed()
    async with client_of(run) as client:
        shown = await client.get("")
        cancelled = await client.post("/cancellation")
    assert (shown.status_code, shown.json()["status"]) == (200, "running")
    assert shown.headers["cache-control"] == "private, no-store"
    assert (cancelled.status_code, cancelled.json()["cancelling"]) == (202, True)
    assert run.cancelled == 1


async def test_runs_of_others_are_not_there() -> None:
    run = told()
    async with client_of(run, owner=uuid4()) as client:
        for method, path in (("GET", ""), ("GET", "/stream"), ("POST", "/cancellation")):
            response = await client.request(method, path)
            assert (response.status_code, path) == (404, path)
    assert run.cancelled == 0


@pytest.mark.parametrize("id", ["nothing", "5-5", f"{uuid4()}", f"{uuid4()}-0", f"{uuid4()}-1"])
async def test_what_is_no_run_is_not_there(id: str) -> None:
    async with client_of(told()) as client:
        assert (await client.get(f"http://test/runs/{id}/stream")).status_code == 404


# --- over a WebSocket


class Socket:
    """A client of a WebSocket, in the loop of the test."""

    def __init__(self, app: Litestar, run: object, query: str = "") -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        path = f"/runs/{run}/socket"
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": ("test", 80),
            "client": ("test", 1),
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
        }
        self._serving = asyncio.create_task(
            app(scope, self._in.get, self._out.put)  # type: ignore[arg-type]
        )

    async def next(self) -> dict[str, Any]:
        """The next message of the server, decoded where it is a text."""
        async with asyncio.timeout(PATIENCE):
            message = await self._out.get()
        return json.loads(message["text"]) if "text" in message else message

    def say(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(PATIENCE):
            await self._serving

    async def closed(self) -> int:
        """Wait until the server has closed it; the code."""
        while (message := await self.next()).get("type") != "websocket.close":
            pass
        async with asyncio.timeout(PATIENCE):
            await self._serving
        assert len(message["reason"].encode()) <= 123
        return int(message["code"])


async def test_a_socket_tells_the_same_frames_and_is_closed_behind_the_end() -> None:
    run = told()
    socket = Socket(app_for(run), run.id)
    assert (await socket.next())["type"] == "websocket.accept"
    frames = [await socket.next() for _ in range(3)]
    assert [(frame["id"], frame["event"]) for frame in frames] == [
        (FIRST, "started"),
        (FIRST + 1, "delta"),
        (FIRST + 2, "ended"),
    ]
    assert frames[1]["data"] == {"type": "delta", "text": "One.\n"}
    assert await socket.closed() == 1000


async def test_a_socket_goes_on_behind_the_frame_that_was_received_last() -> None:
    run = told()
    socket = Socket(app_for(run), run.id, f"last_event_id={FIRST + 1}")
    await socket.next()
    assert (await socket.next())["id"] == FIRST + 2
    assert await socket.closed() == 1000


async def test_whoever_received_the_end_over_a_socket_is_let_go() -> None:
    run = Followed()
    await run.end(FIRST + 2, ONE)
    assert await Socket(app_for(run), run.id, f"last_event_id={FIRST + 2}").closed() == 1000


async def test_a_run_is_cancelled_over_its_socket() -> None:
    run = Followed()
    socket = Socket(app_for(run), run.id)
    socket.say('{"type": "cancel"}')
    async with asyncio.timeout(PATIENCE):
        while not run.cancelled:
            await asyncio.sleep(0.001)
    await run.end(FIRST, ONE)
    assert await socket.closed() == 1000


@pytest.mark.parametrize("said", ["cancel", "{}", '{"type": "stop"}', '{"type":"cancel","x":1}'])
async def test_what_makes_no_sense_closes_the_socket(said: str) -> None:
    run = Followed()
    socket = Socket(app_for(run), run.id)
    socket.say(said)
    assert await socket.closed() == 4400
    assert run.cancelled == 0


async def test_a_bad_id_closes_the_socket() -> None:
    run = Followed()
    assert await Socket(app_for(run), run.id, "last_event_id=x").closed() == 4400


async def test_a_socket_to_a_run_of_somebody_else_is_closed_as_if_there_were_none() -> None:
    run = told()
    assert await Socket(app_for(run, owner=uuid4()), run.id).closed() == 4404
    assert await Socket(app_for(run), new_run()).closed() == 4404
    assert await Socket(app_for(run), "x" * 500).closed() == 4404


async def test_a_socket_is_closed_when_the_process_stops_so_that_its_client_comes_back() -> None:
    run = Followed()
    socket = Socket(app_for(run), run.id)
    await run.until_heard()
    await run.following.close()
    assert await socket.closed() == 1012


async def test_whoever_leaves_is_not_told_any_more() -> None:
    run = Followed()
    socket = Socket(app_for(run), run.id)
    await run.until_heard()
    await socket.leave()
    assert run.frames.listeners == 0

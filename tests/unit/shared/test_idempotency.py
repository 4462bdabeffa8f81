"""Under a key is held what a path takes, and no more than that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from contexts.conversations.container import ConversationsContainer
from contexts.conversations.presentation.copies import IMPORTS, MAX_IMPORT, CopiesController
from shared.application.caller import Caller, called_by
from shared.application.idempotency import Answer, Identified
from shared.presentation.idempotency import idempotent


class Keys:
    """Those of one process: what was answered, for each request."""

    def __init__(self) -> None:
        self.kept: dict[Identified, Answer] = {}

    async def claim(self, request: Identified) -> Answer | None:
        return self.kept.get(request)

    async def release(self, request: Identified) -> None:
        pass

    @asynccontextmanager
    async def working(self) -> AsyncIterator["Keys"]:
        yield self

    async def keep(self, request: Identified, answer: Answer) -> None:
        self.kept[request] = answer


@pytest.mark.parametrize(
    ("path", "size", "done"),
    [
        ("/small", 10, 1),
        ("/small", 11, 2),
        ("/large", 20, 1),
        ("/large/", 20, 1),
        ("/large", 21, 2),
    ],
)
async def test_a_body_of_the_size_that_its_path_takes_is_worked_on_once_under_a_key(
    path: str, size: int, done: int
) -> None:
    worked = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        worked.append(len((await receive())["body"]))
        scope["route_handler"] = app
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"done", "more_body": False})

    keys = Keys()
    wrapped = idempotent(app, lambda: keys, 10, larger={"/large": 20})
    for _ in range(2):
        assert await _posted(wrapped, path, b"x" * size) == 201
    assert worked == [size] * done


def test_the_path_of_imports_is_the_one_that_takes_more() -> None:
    assert CopiesController in ConversationsContainer.routes()
    assert CopiesController.path + "/imports" == IMPORTS
    assert CopiesController.bring_in.request_max_body_size == MAX_IMPORT


async def _posted(app: Any, path: str, body: bytes) -> int:
    """The status of the answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"idempotency-key", b"k")],
    }
    with called_by(Caller("ann", new=False)):
        await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status

"""A worker answers many conversations side by side, and each of them once at a time."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from bootstrap import Application
from contexts.conversations.application.answering import AnswerConversation, FindTitle
from shared.application.context import Context, current_context, running_in
from workers.runs import Runs


class Program:
    """As much of the program as runs need: answers wait for `gate`."""

    def __init__(self) -> None:
        self.answering: list[tuple[str, UUID]] = []
        self.titled: list[UUID] = []
        self.left: list[tuple[str, UUID]] = []
        self.gate = asyncio.Event()
        self.answers = True
        self.most = 0
        self._now = 0
        self.queued: list[tuple[str, UUID]] = []
        shown = SimpleNamespace(left_open=self._left_open)
        queue = SimpleNamespace(put=self._put)
        self.conversations = SimpleNamespace(conversations_shown=lambda: shown, queue=lambda: queue)

    def bus(self) -> Any:
        return self._send

    async def _send(self, command: Any) -> Any:
        if isinstance(command, FindTitle):
            self.titled.append(command.conversation_id)
            return None
        assert isinstance(command, AnswerConversation)
        self.answering.append((current_context().tenant, command.conversation_id))
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await self.gate.wait()
        finally:
            self._now -= 1
        return self.answers

    async def _put(self, id: UUID) -> None:
        self.queued.append((current_context().tenant, id))

    async def _left_open(self, seconds: float) -> list[tuple[str, UUID]]:
        return self.left


@pytest.fixture
def program() -> Program:
    return Program()


def runs_in(program: Program, at_once: int = 10) -> Runs:
    return Runs(cast(Application, program), at_once)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_conversation_that_is_asked_in_while_it_is_answered_is_looked_at_again(
    program: Program,
) -> None:
    runs, id = runs_in(program), uuid4()
    runs.start(id)
    await settled()
    runs.start(id)
    runs.start(id)
    await settled()
    assert len(program.answering) == 1
    program.gate.set()
    await settled()
    assert len(program.answering) == 2
    assert program.titled == [id]


async def test_what_another_worker_is_at_gets_no_title_here(program: Program) -> None:
    runs, program.answers = runs_in(program), False
    program.gate.set()
    runs.start(uuid4())
    await settled()
    assert program.answering
    assert not program.titled


async def test_no_more_than_so_many_are_answered_at_once(program: Program) -> None:
    runs = runs_in(program, at_once=3)
    for _ in range(8):
        runs.start(uuid4())
    await settled()
    assert program.most == 3
    program.gate.set()
    await settled()
    assert len(program.answering) == 8


async def test_what_was_left_open_is_begun_in_its_tenant_and_not_at_every_look(
    program: Program,
) -> None:
    runs, key = runs_in(program), ("somewhere", uuid4())
    program.left, program.answers = [key], False
    program.gate.set()
    for _ in range(3):
        await runs.look()
        await settled()
    assert program.answering == [key]


async def test_the_same_id_of_two_tenants_is_two_conversations(program: Program) -> None:
    runs, id = runs_in(program), uuid4()
    for tenant in ("one", "two"):
        with running_in(Context(correlation_id="x", tenant=tenant)):
            runs.start(id)
    await settled()
    assert program.answering == [("one", id), ("two", id)]


async def test_a_worker_that_stops_hands_over_what_it_was_at(program: Program) -> None:
    runs, id = runs_in(program), uuid4()
    with running_in(Context(correlation_id="x", tenant="somewhere")):
        runs.start(id)
    await settled()
    await runs.close()
    assert not program.titled
    assert program.queued == [("somewhere", id)]
    program.gate.set()
    runs.start(uuid4())
    await settled()
    assert len(program.titled) == 1


async def test_an_answer_that_fails_leaves_the_worker_at_work(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    runs, id = runs_in(program), uuid4()
    program.gate.set()
    program.titled = cast(Any, None)

    async def fails(command: Any) -> Any:
        raise OSError("they asked about their knee")

    working, program.bus = program.bus, lambda: fails  # type: ignore[method-assign]
    runs.start(id)
    await settled()
    assert "left open" in caplog.text
    assert "knee" not in caplog.text
    program.titled, program.bus = [], working  # type: ignore[method-assign]
    runs.start(id)
    await settled()
    assert program.titled == [id]

"""The fixed contract: say something and wait for the answer, and read what was said before.

Whatever goes wrong on these two paths is told in a form of their own, and in no problem+json.
"""

from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import JSONBody

from contexts.conversations.application.chatting import AwaitRun, GetAllowance, Say
from contexts.conversations.application.ports import BudgetSpent
from contexts.conversations.application.posting import MAX_MESSAGE, MessageText
from contexts.conversations.application.queries import Exchange, GetExchanges, RunShown
from shared.application.bus import Bus
from shared.application.idempotency import KeyReused
from shared.domain.errors import Conflict, DomainError, Invalid
from shared.presentation.context import header
from shared.presentation.idempotency import key_of
from shared.presentation.json import JSONResponse
from shared.presentation.problems import other_answer, problem, status_of

MESSAGE = "/chat/message"
HISTORY = "/chat/history"

PRIVATE = {"cache-control": "no-store"}

_EXPECTED = (
    'a JSON object such as {"message": "hello"} is expected, and its message is a text of 1 to '
    f"{MAX_MESSAGE:,} characters that says something"
)


class Saying(msgspec.Struct, frozen=True):
    """More fields than this one are passed over."""

    message: MessageText


class Answered(msgspec.Struct, frozen=True):
    status: Literal["Success"]
    response: str


class NotAnswered(msgspec.Struct, frozen=True):
    status: Literal["error"]
    message: str


class NotShown(msgspec.Struct, frozen=True):
    message: str


class NoAnswer(Exception):
    """The message is kept and has no answer, for a reason that its sender may read."""


def not_answered(request: Request[Any, Any, Any], error: Exception) -> JSONResponse[NotAnswered]:
    status, said, headers = _told(request, error)
    return JSONResponse(NotAnswered("error", said), status_code=status, headers=headers)


def not_shown(request: Request[Any, Any, Any], error: Exception) -> JSONResponse[NotShown]:
    status, said, headers = _told(request, error)
    return JSONResponse(NotShown(said), status_code=status, headers=headers)


class ChatController(Controller):
    tags = ("Chat",)

    @post(
        MESSAGE,
        status_code=200,
        exception_handlers={Exception: not_answered},
        responses={
            400: other_answer(NotAnswered, "There is no message, or none that may be"),
            409: other_answer(NotAnswered, "Too many wait for an answer already"),
            422: other_answer(NotAnswered, "The key was used for another message"),
            429: other_answer(NotAnswered, "The budget of the day is used up"),
            500: other_answer(NotAnswered, "There is no answer, and why"),
        },
    )
    async def say(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[Saying],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[Answered]:
        """Say something in one's own default conversation, and wait for the answer.

        Under an Idempotency-Key it is said once, and whoever repeats it gets the same answer, also
        where the first one waited in vain.
        """
        _must_be_json(request)
        posted = await bus(Say(owner=owner, text=data.message, key=key_of(request.scope)))
        run = await bus(AwaitRun(owner, posted.run))
        if run is not None and run.code == "budget_spent":
            resets_at = (await bus(GetAllowance(owner))).resets_at
            seconds = ceil((resets_at - datetime.now(UTC)).total_seconds())
            raise BudgetSpent(run.reason or "", max(1, seconds))
        return JSONResponse(Answered("Success", _answer(run)), headers=PRIVATE)

    @get(
        HISTORY,
        exception_handlers={Exception: not_shown},
        responses={500: other_answer(NotShown, "It can't be shown, and why")},
    )
    async def history(
        self, bus: NamedDependency[Bus], owner: NamedDependency[UUID]
    ) -> JSONResponse[list[Exchange]]:
        """Show what was said in one's own default conversation and answered, the oldest first."""
        return JSONResponse(await bus(GetExchanges(owner)), headers=PRIVATE)


def _answer(run: RunShown | None) -> str:
    """Raise NoAnswer for a run that has none, yet or at all."""
    if run is None:
        raise NoAnswer(f"the answer takes longer than this waits; it will stand in {HISTORY}")
    if run.status == "failed":
        raise NoAnswer(run.reason or "the answer failed; say it again")
    return "" if run.answer is None else run.answer.text


def _must_be_json(request: Request[Any, Any, Any]) -> None:
    """Who says nothing of it sends JSON."""
    kind = (header(request.scope, b"content-type") or "application/json").partition(";")[0]
    kind = kind.strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Invalid(f"content-type: application/json is expected, not {kind[:80]!r}")


def _told(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str, dict[str, str]]:
    """The status, a sentence, and headers."""
    if isinstance(error, NoAnswer):
        return 500, str(error), PRIVATE
    status, elsewhere = status_of(error), problem(request, error)
    headers = {**PRIVATE, **elsewhere.headers}
    if isinstance(error, KeyReused):
        return 422, str(error), headers
    if isinstance(error, Conflict):
        return 409, "too much is said here at once; say it again", headers
    if isinstance(error, DomainError):
        return min(status, 500), str(error), headers
    said = _EXPECTED if isinstance(error, ValidationException) else elsewhere.content.detail
    return 500 if status >= 500 else 400, said, headers

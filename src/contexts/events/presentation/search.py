"""`GET /search`, to the letter of its published contract (Fever Providers API 1.0.0)."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter

from contexts.events.application.queries import EventFound, SearchEvents
from shared.application.bus import Bus
from shared.application.criteria import instant
from shared.domain.errors import DomainError, Invalid, NotYet
from shared.presentation.json import JSONResponse
from shared.presentation.lists import given_once
from shared.presentation.problems import SOON, log_failure, other_answer, status_of


class EventSummary(msgspec.Struct, frozen=True):
    """Dates and times are local; prices span all zones of the plan."""

    id: UUID
    title: str
    start_date: date
    start_time: time | None
    end_date: date | None
    end_time: time | None
    min_price: Decimal | None
    max_price: Decimal | None


class EventList(msgspec.Struct, frozen=True):
    events: list[EventSummary]


class Found(msgspec.Struct, frozen=True):
    data: EventList
    error: None = None


class Error(msgspec.Struct, frozen=True):
    code: str
    message: str


class Failed(msgspec.Struct, frozen=True):
    error: Error
    data: None = None


def _refusal(request: Request[Any, Any, Any], error: Exception) -> JSONResponse[Failed]:
    """The contract knows two failures, each with the same body: 400 and 500."""
    status = status_of(error)
    code, message = "internal_error", "something went wrong on our side; try again later"
    if isinstance(error, DomainError):
        code, message = error.code, str(error)
    elif isinstance(error, HTTPException) and status < 500:
        code, message = "invalid", error.detail
    log_failure(request, error)
    if isinstance(error, NotYet):
        # Nobody is told so who did not ask for a position, which the contract does not know.
        headers = {"retry-after": SOON}
        return JSONResponse(Failed(Error(code, message)), status_code=503, headers=headers)
    return JSONResponse(Failed(Error(code, message)), status_code=400 if status < 500 else 500)


class SearchController(Controller):
    path = "/search"
    tags = ("Search",)
    exception_handlers = {Exception: _refusal}  # noqa: RUF012 (Litestar's own interface)

    @get(
        operation_id="searchEvents",
        responses={
            400: other_answer(Failed, "The request was not correctly formed"),
            500: other_answer(Failed, "Something went wrong on our side"),
        },
    )
    async def search(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        starts_at: Annotated[
            str | None,
            QueryParameter(
                description="Return only events that start at or after this date-time (RFC 3339; "
                "UTC where it has no offset)",
                format="date-time",
            ),
        ] = None,
        ends_at: Annotated[
            str | None,
            QueryParameter(
                description="Return only events that finish at or before this date-time",
                format="date-time",
            ),
        ] = None,
    ) -> Found:
        """List the events on offer within a time range. Other parameters are ignored."""
        given_once(request, "starts_at", "ends_at")
        query = SearchEvents(_time("starts_at", starts_at), _time("ends_at", ends_at))
        return Found(EventList([_summary(found) for found in await bus(query)]))


def _time(parameter: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return instant(text)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{parameter}: {text[:80]!r} is not a date-time such as 2021-07-21T17:32:28Z"
        ) from None


def _summary(found: EventFound) -> EventSummary:
    starts_at, ends_at = found.local_starts_at, found.local_ends_at
    return EventSummary(
        id=found.id,
        title=found.title,
        start_date=starts_at.date(),
        start_time=starts_at.time(),
        end_date=ends_at.date() if ends_at else None,
        end_time=ends_at.time() if ends_at else None,
        min_price=found.min_price,
        max_price=found.max_price,
    )

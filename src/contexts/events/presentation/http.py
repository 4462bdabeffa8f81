"""Our own resource of events over HTTP: lists by criteria, one event, its history, commands."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from contexts.events.application.commands import (
    AnnounceEvent,
    AskedZone,
    CancelEvent,
    Changed,
    ChangePrices,
    RescheduleEvent,
)
from contexts.events.application.queries import (
    EVENT_FIELDS,
    EventListed,
    EventShown,
    GetEvent,
    GetHistory,
    HistoryEntry,
    ListEvents,
)
from shared.application.bus import Bus
from shared.application.criteria import Comparison, Criteria, all_of
from shared.application.pages import Page, PageRequest
from shared.domain.errors import Conflict, Invalid, NotFound, Refused
from shared.presentation.conditional import (
    NOT_MODIFIED,
    IfMatch,
    IfNoneMatch,
    etag,
    expected_version,
    not_modified,
    unchanged,
)
from shared.presentation.json import JSONResponse
from shared.presentation.lists import (
    PAGE_PARAMETERS,
    PageNumber,
    PageSize,
    SortDirection,
    comparisons,
    only,
)
from shared.presentation.problems import refusals


class Rescheduling(msgspec.Struct, forbid_unknown_fields=True):
    """Wall times; the zone stays as it is unless another is given."""

    starts_at: datetime
    ends_at: datetime | None = None
    timezone: str | None = None


class Prices(msgspec.Struct, forbid_unknown_fields=True):
    """All zones there are from now on."""

    zones: tuple[AskedZone, ...]


class Cancellation(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"^[^\x00]*$")]


_PARAMETERS = (
    "starts_at",
    "ends_at",
    "match",
    "q",
    "min_price",
    "max_price",
    "available",
    "provider",
    "status",
    "filter",
    "sortBy",
    "sortDir",
    *PAGE_PARAMETERS,
)


def _about(text: str) -> QueryParameter:
    return QueryParameter(description=text)


class EventsController(Controller):
    path = "/events"
    tags = ("Events",)

    @get(responses=refusals(Invalid))
    async def list_events(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        starts_at: Annotated[str | None, _about("Starts at or after this time (RFC 3339)")] = None,
        ends_at: Annotated[str | None, _about("Ends at or before this time (RFC 3339)")] = None,
        match: Annotated[
            str, _about("`contained` (default) or `overlapping` the range of starts_at and ends_at")
        ] = "contained",
        q: Annotated[str | None, _about("Words that words of the title begin with")] = None,
        min_price: Annotated[str | None, _about("Has tickets for at least this much")] = None,
        max_price: Annotated[str | None, _about("Has tickets for at most this much")] = None,
        available: Annotated[str | None, _about("true: tickets can be had; false: none")] = None,
        provider: Annotated[str | None, _about("Of this provider; several with commas")] = None,
        status: Annotated[
            str | None, _about("listed, delisted or cancelled; several with commas")
        ] = None,
        filter: Annotated[
            str | None,
            _about(
                'A tree of criteria in JSON: {"and": [...]}, {"or": [...]}, {"not": {...}}, '
                '{"field": "title", "op": "contains", "value": "jazz"}. '
                "A single comparison may also be written as `title[contains]=jazz`."
            ),
        ] = None,
        sortBy: Annotated[str, _about("Field to sort by")] = "starts_at",
        sortDir: SortDirection = "asc",
        page: PageNumber = 1,
        pageSize: PageSize = 20,
    ) -> Page[EventListed]:
        """List events on offer: those that were ever online, by criteria, one page at a time."""
        parts = [
            *_range(starts_at, ends_at, match),
            *_named(q=q, available=available, provider=provider, status=status),
            *_prices(min_price, max_price),
            *comparisons(request, EVENT_FIELDS, named=_PARAMETERS),
        ]
        if filter is not None:
            parts.append(EVENT_FIELDS.tree(_json(filter)))
        return await bus(
            ListEvents(
                criteria=all_of(*parts),
                sort=EVENT_FIELDS.sort(sortBy, sortDir),
                page=PageRequest(page, pageSize),
            )
        )

    @post(responses=refusals(Invalid))
    async def announce(
        self, data: JSONBody[AnnounceEvent], bus: NamedDependency[Bus]
    ) -> JSONResponse[Changed]:
        """Announce an event of our own."""
        changed = await bus(data)
        headers = {**etag(changed.version), "location": f"/events/{changed.id}"}
        return JSONResponse(changed, status_code=201, headers=headers)

    @get("/{event_id:uuid}", responses={**NOT_MODIFIED, **refusals(Invalid, NotFound)})
    async def show(
        self, event_id: FromPath[UUID], bus: NamedDependency[Bus], if_none_match: IfNoneMatch = None
    ) -> JSONResponse[EventShown]:
        """Show one event with its zones."""
        shown = await bus(GetEvent(event_id))
        if not_modified(if_none_match, shown.version):
            return unchanged(shown.version)
        return JSONResponse(shown, headers=etag(shown.version))

    @get("/{event_id:uuid}/history", responses=refusals(Invalid, NotFound))
    async def history(
        self,
        request: Request[Any, Any, Any],
        event_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        page: PageNumber = 1,
        pageSize: PageSize = 20,
    ) -> Page[HistoryEntry]:
        """Everything that ever happened to an event, oldest first, as the log has it."""
        only(request, *PAGE_PARAMETERS)
        return await bus(GetHistory(event_id, PageRequest(page, pageSize)))

    @post(
        "/{event_id:uuid}/reschedule",
        status_code=200,
        responses=refusals(Invalid, NotFound, Refused, Conflict),
    )
    async def reschedule(
        self,
        event_id: FromPath[UUID],
        data: JSONBody[Rescheduling],
        bus: NamedDependency[Bus],
        if_match: IfMatch = None,
    ) -> JSONResponse[Changed]:
        """Move an event of our own to another time."""
        return _changed(
            await bus(
                RescheduleEvent(
                    event_id=event_id,
                    starts_at=data.starts_at,
                    ends_at=data.ends_at,
                    timezone=data.timezone,
                    expected_version=expected_version(if_match),
                )
            )
        )

    @post(
        "/{event_id:uuid}/prices",
        status_code=200,
        responses=refusals(Invalid, NotFound, Refused, Conflict),
    )
    async def change_prices(
        self,
        event_id: FromPath[UUID],
        data: JSONBody[Prices],
        bus: NamedDependency[Bus],
        if_match: IfMatch = None,
    ) -> JSONResponse[Changed]:
        """Change the zones of an event of our own, with their prices and places."""
        return _changed(await bus(ChangePrices(event_id, data.zones, expected_version(if_match))))

    @post(
        "/{event_id:uuid}/cancellation",
        status_code=200,
        responses=refusals(Invalid, NotFound, Refused, Conflict),
    )
    async def cancel(
        self,
        event_id: FromPath[UUID],
        data: JSONBody[Cancellation],
        bus: NamedDependency[Bus],
        if_match: IfMatch = None,
    ) -> JSONResponse[Changed]:
        """Cancel an event of our own for good."""
        return _changed(await bus(CancelEvent(event_id, data.reason, expected_version(if_match))))


def _changed(changed: Changed) -> JSONResponse[Changed]:
    return JSONResponse(changed, headers=etag(changed.version))


def _range(starts_at: str | None, ends_at: str | None, match: str) -> list[Criteria]:
    """`contained`: starts and ends within the range; `overlapping`: a part of it does."""
    if match not in ("contained", "overlapping"):
        raise Invalid(f"match: {match!r} is neither 'contained' nor 'overlapping'")
    from_field, to_field = ("starts_at", "ends_at")
    if match == "overlapping":
        from_field, to_field = to_field, from_field
    parts: list[Criteria] = []
    if starts_at is not None:
        parts.append(EVENT_FIELDS.comparison(from_field, "gte", starts_at, parameter="starts_at"))
    if ends_at is not None:
        parts.append(EVENT_FIELDS.comparison(to_field, "lte", ends_at, parameter="ends_at"))
    return parts


def _prices(min_price: str | None, max_price: str | None) -> list[Criteria]:
    """Someone with so much to spend: the dearest ticket reaches the minimum, the cheapest stays
    within the maximum."""
    parts: list[Criteria] = []
    if min_price is not None:
        parts.append(EVENT_FIELDS.comparison("max_price", "gte", min_price, parameter="min_price"))
    if max_price is not None:
        parts.append(EVENT_FIELDS.comparison("min_price", "lte", max_price, parameter="max_price"))
    return parts


def _named(**values: str | None) -> list[Comparison]:
    operators = {"q": "contains", "available": "eq", "provider": "in", "status": "in"}
    return [
        EVENT_FIELDS.comparison(name, operators[name], value, parameter=name)
        for name, value in values.items()
        if value is not None
    ]


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(f"filter: not JSON: {error}") from None
    except RecursionError:
        raise Invalid("filter: nested too deep") from None

"""Our own resource of events over HTTP: lists by criteria, one event, its history, commands."""

from datetime import datetime
from typing import Annotated, Any, cast
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
)
from contexts.events.presentation.exports import export, file_wanted
from contexts.events.presentation.listing import ListOperation, asked_encoded
from shared.application.bus import Bus
from shared.application.pages import Page, PageRequest, Stretch
from shared.application.texts import WITHOUT_NUL
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
from shared.presentation.context import header
from shared.presentation.json import EncodedResponse, JSONResponse
from shared.presentation.lists import (
    PAGE_PARAMETERS,
    FieldNames,
    PageNumber,
    PageSize,
    fields_asked,
    given_once,
    only,
    part_of,
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
    reason: Annotated[str, msgspec.Meta(max_length=1_000, pattern=WITHOUT_NUL)]


class EventsController(Controller):
    path = "/events"
    tags = ("Events",)

    @get(operation_class=ListOperation, responses={**NOT_MODIFIED, **refusals(Invalid)})
    async def list_events(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> JSONResponse[Stretch[EventListed]]:
        """List events on offer: those that were ever online, by criteria, by page or by cursor.

        `If-None-Match` answers 304 when the page is still the same; `Cache-Status` says so when
        the database did not answer in time, and a page that was right a moment ago is shown.

        With `Accept: text/calendar` or `text/csv` the whole list comes as a file, as it does from
        `/events.ics` and `/events.csv`.
        """
        if (media_type := file_wanted(request)) is not None:
            # For OpenAPI this answers with JSON.
            return cast(JSONResponse[Any], await export(request, bus, media_type))
        page = await bus(asked_encoded(request.scope["query_string"]))
        headers = [("etag", page.etag), ("vary", "Accept"), ("cache-control", "no-cache")]
        if page.stale:
            headers.append(("cache-status", "marquee; hit; detail=stale"))
        same = not_modified(header(request.scope, b"if-none-match"), page.etag.strip('"'))
        return EncodedResponse(b"" if same else page.body, 304 if same else 200, headers)

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
        self,
        request: Request[Any, Any, Any],
        event_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        as_of: Annotated[
            str | None,
            QueryParameter(description="As the catalogue showed it at this time (RFC 3339)"),
        ] = None,
        fields: FieldNames = None,
        if_none_match: IfNoneMatch = None,
    ) -> JSONResponse[EventShown]:
        """Show one event with its zones, as it is now or as it was shown at some time."""
        given_once(request, "as_of", "fields")
        names = fields_asked(fields, EventShown)
        shown = await bus(GetEvent(event_id, _instant("as_of", as_of)))
        if not_modified(if_none_match, shown.version):
            return unchanged(shown.version)
        return JSONResponse(part_of(shown, names), headers=etag(shown.version))

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


def _instant(parameter: str, raw: str | None) -> datetime | None:
    """Read as every time is that lists are asked for by."""
    if raw is None:
        return None
    time: datetime = EVENT_FIELDS.comparison("updated_at", "lte", raw, parameter=parameter).value
    return time


def _changed(changed: Changed) -> JSONResponse[Changed]:
    return JSONResponse(changed, headers=etag(changed.version))

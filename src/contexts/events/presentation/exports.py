"""A whole list as one file, for calendars and spreadsheets, read and sent batch by batch."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from contexts.events.application.queries import EventListed, ListEvents
from contexts.events.presentation import calendar
from contexts.events.presentation.listing import PARAMETERS, ListOperation, asked
from shared.application.bus import Bus
from shared.application.pages import PageRequest
from shared.domain.errors import Invalid
from shared.presentation import spreadsheet
from shared.presentation.context import header
from shared.presentation.problems import other_answer, refusals

Rows: TypeAlias = Sequence[EventListed | Mapping[str, Any]]

BATCH = 500
"""Rows that are in memory at a time."""

_OF_PAGES = ("page", "pageSize", "cursor", "count")
_JSON = "application/json"


@dataclass
class ExportOperation(ListOperation):
    """As the list, but for what only pages have."""

    def __post_init__(self) -> None:
        self.parameters = [each for each in PARAMETERS if each.name not in _OF_PAGES]


def _file(media_type: str) -> dict[int, ResponseSpec]:
    return {200: other_answer(str, "The whole list", media_type=media_type)}


class ExportsController(Controller):
    path = "/"
    tags = ("Events",)

    @get(
        "/events.ics",
        operation_class=ExportOperation,
        responses={**_file(calendar.MEDIA_TYPE), **refusals(Invalid)},
    )
    async def as_calendar(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> Stream:
        """List events on offer as an iCalendar file, all that the criteria find.

        A calendar may subscribe to it. `fields` can't be chosen.
        """
        return await export(request, bus, calendar.MEDIA_TYPE)

    @get(
        "/events.csv",
        operation_class=ExportOperation,
        responses={**_file(spreadsheet.MEDIA_TYPE), **refusals(Invalid)},
    )
    async def as_spreadsheet(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> Stream:
        """List events on offer as CSV, all that the criteria find, with a row of names on top.

        A text that a spreadsheet would take for a formula has an apostrophe in front.
        """
        return await export(request, bus, spreadsheet.MEDIA_TYPE)


def file_wanted(request: Request[Any, Any, Any]) -> str | None:
    """The media type of the file that is asked for by the Accept header; None: the list in JSON."""
    files = (calendar.MEDIA_TYPE, spreadsheet.MEDIA_TYPE)
    accepted = (header(request.scope, b"accept") or "").lower()
    if not any(media_type in accepted for media_type in files):
        # Most requests end here, and are spared the reading of their header.
        return None
    known = [_JSON, *files]
    best = request.accept.best_match(known, default=_JSON)
    return None if best == _JSON else best


async def export(request: Request[Any, Any, Any], bus: Bus, media_type: str) -> Stream:
    """The list that the query string asks for, whole; its memory does not grow with the list.

    Each row is as it was when its batch was read: one that moves within the list meanwhile may come
    twice or not at all. What fails before the first batch is here is refused as ever; later the
    connection is cut, so that half a file is not taken for a whole one.
    """
    for name in _OF_PAGES:
        if name in request.query_params:
            raise Invalid(f"{name}: a file holds the whole list; leave it out")
    query = asked(request.scope["query_string"])
    if media_type == calendar.MEDIA_TYPE:
        if query.fields is not None:
            raise Invalid("fields: a calendar has fields of its own; leave it out")
        parts, name = _calendar(_batches(bus, query)), "events.ics"
    else:
        query = msgspec.structs.replace(query, fields=query.fields or EventListed.__struct_fields__)
        parts, name = _spreadsheet(_batches(bus, query), query.fields or ()), "events.csv"
    first = await anext(parts)
    return Stream(
        _from(first, parts),
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{name}"', "vary": "Accept"},
    )


async def _batches(bus: Bus, query: ListEvents) -> AsyncIterator[Rows]:
    """At least one, which may be empty."""
    query = msgspec.structs.replace(query, page=PageRequest(size=BATCH), count="none")
    while True:
        found = await bus(query)
        yield found.data
        if found.next_cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=found.next_cursor)


async def _calendar(batches: AsyncIterator[Rows]) -> AsyncIterator[bytes]:
    head = calendar.HEAD
    async for rows in batches:
        yield head + b"".join(calendar.component(row) for row in rows)  # type: ignore[arg-type]
        head = b""
    yield calendar.FOOT


async def _spreadsheet(
    batches: AsyncIterator[Rows], columns: Sequence[str]
) -> AsyncIterator[bytes]:
    head = spreadsheet.rows([columns])
    async for rows in batches:
        yield head + spreadsheet.rows([row[name] for name in columns] for row in rows)  # type: ignore[index]
        head = b""


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part

"""How far the projections have come, how they are built anew, and what they could not take in."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.application.bus import Bus
from shared.application.pages import Page, PageRequest
from shared.application.parked_events import (
    DiscardParkedEvent,
    GetParkedEvent,
    ListParkedEvents,
    ParkedEvent,
    Replayed,
    ReplayParkedEvent,
)
from shared.application.projections import (
    DropInstance,
    Following,
    GetProjection,
    ListProjections,
    ProjectionListed,
    RebuildProjection,
    SwitchProjection,
)
from shared.domain.errors import Invalid, NotFound, Refused
from shared.presentation.json import JSONResponse
from shared.presentation.lists import PAGE_PARAMETERS, PageNumber, PageSize, only
from shared.presentation.problems import refusals


class Built(msgspec.Struct, frozen=True):
    """The instance that a projection is built in, or read from."""

    projection: str
    instance: int


class Switching(msgspec.Struct, forbid_unknown_fields=True):
    """Without an instance: the one that was active before."""

    instance: int | None = None
    anyway: bool = False


class Discarding(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


class ProjectionsController(Controller):
    path = "/projections"
    tags = ("Operations",)

    @get()
    async def list_projections(self, bus: NamedDependency[Bus]) -> Following:
        """Show the high-water mark and who holds it, the lag, instances and parked events of each
        projection, and the queues of the broker: why nothing goes on, in one answer."""
        return await bus(ListProjections())

    @get("/{name:str}", responses=refusals(Invalid, NotFound))
    async def get_projection(
        self, name: FromPath[str], bus: NamedDependency[Bus]
    ) -> ProjectionListed:
        """Show one projection; while it is built anew, how fast, and how long it will take."""
        return await bus(GetProjection(name))

    @post("/{name:str}/rebuilds", status_code=202, responses=refusals(Invalid, NotFound, Refused))
    async def rebuild(self, name: FromPath[str], bus: NamedDependency[Bus]) -> JSONResponse[Built]:
        """Build a read model anew beside the one that is read; switch when it has proved right."""
        instance = await bus(RebuildProjection(name))
        headers = {"location": f"/projections/{name}"}
        return JSONResponse(Built(name, instance), status_code=202, headers=headers)

    @post("/{name:str}/switch", status_code=200, responses=refusals(Invalid, NotFound, Refused))
    async def switch(
        self, name: FromPath[str], data: JSONBody[Switching], bus: NamedDependency[Bus]
    ) -> Built:
        """Read from another instance: the one before, or a given one."""
        switched = await bus(SwitchProjection(name, data.instance, data.anyway))
        return Built(name, switched)

    @delete("/{name:str}/instances/{instance:int}", responses=refusals(Invalid, NotFound, Refused))
    async def drop(
        self, name: FromPath[str], instance: FromPath[int], bus: NamedDependency[Bus]
    ) -> None:
        """Forget an instance that is not read."""
        await bus(DropInstance(name, instance))


class ParkedEventsController(Controller):
    path = "/parked-events"
    tags = ("Operations",)

    @get(responses=refusals(Invalid))
    async def list_parked(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        projection: Annotated[str | None, QueryParameter(description="Of this projection")] = None,
        discarded: Annotated[
            bool, QueryParameter(description="Those that were discarded, and why")
        ] = False,
        page: PageNumber = 1,
        pageSize: PageSize = 20,
    ) -> Page[ParkedEvent]:
        """List the events that projections could not take in, and those that wait behind them."""
        only(request, "projection", "discarded", *PAGE_PARAMETERS)
        return await bus(ListParkedEvents(projection, discarded, PageRequest(page, pageSize)))

    @get("/{id:int}", responses=refusals(Invalid, NotFound))
    async def show(self, id: FromPath[int], bus: NamedDependency[Bus]) -> ParkedEvent:
        """Show a parked event with what the log holds of it."""
        return await bus(GetParkedEvent(id))

    @post("/{id:int}/replay", status_code=200, responses=refusals(Invalid, NotFound, Refused))
    async def replay(self, id: FromPath[int], bus: NamedDependency[Bus]) -> Replayed:
        """Try again what is parked of this event's stream, in order."""
        return await bus(ReplayParkedEvent(id))

    @post("/{id:int}/discard", status_code=204, responses=refusals(Invalid, NotFound, Refused))
    async def discard(
        self, id: FromPath[int], data: JSONBody[Discarding], bus: NamedDependency[Bus]
    ) -> None:
        """Let the projection do without this event for good, for a reason that stays on record."""
        await bus(DiscardParkedEvent(id, data.reason))

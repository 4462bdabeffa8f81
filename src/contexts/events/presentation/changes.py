"""`GET /events/changes`: the feed for those who keep a copy of the catalogue."""

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from contexts.events.application.changes import MAX_CHANGES, MAX_WAIT, Changes, ListChanges
from shared.application.bus import Bus
from shared.domain.errors import Invalid
from shared.presentation.lists import only
from shared.presentation.problems import refusals

_LAST_POSITION = 2**63 - 1


class ChangesController(Controller):
    path = "/events/changes"
    tags = ("Events",)

    @get(responses=refusals(Invalid))
    async def list_changes(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        after: Annotated[
            int,
            QueryParameter(
                description="Where to go on: `next` of the last answer; 0 begins with the first",
                ge=0,
                le=_LAST_POSITION,
            ),
        ] = 0,
        limit: Annotated[
            int, QueryParameter(description="Changes at most", ge=1, le=MAX_CHANGES)
        ] = 100,
        wait: Annotated[
            float,
            QueryParameter(
                description="Seconds to wait for a change where there is none yet",
                ge=0,
                le=MAX_WAIT,
            ),
        ] = 0.0,
    ) -> Changes:
        """List what happened to events on offer, in order, each change once.

        Begin with `after=0`, pass `next` as `after` from then on, and begin anew when your copy is
        lost. An event comes with all that is known of it (`event`) in the change that brings it on
        offer; the changes that follow say in `type` and `data` what is different, as its history
        does. What was never on offer is not told of.
        """
        only(request, "after", "limit", "wait")
        return await bus(ListChanges(after=after, limit=limit, wait=wait))

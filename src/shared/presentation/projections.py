"""How far the projections have come, over HTTP."""

from litestar import Controller, get
from litestar.di import NamedDependency

from shared.application.bus import Bus
from shared.application.projections import Following, ListProjections


class ProjectionsController(Controller):
    path = "/projections"
    tags = ("Operations",)

    @get()
    async def list_projections(self, bus: NamedDependency[Bus]) -> Following:
        """Show the high-water mark, who holds it, and the lag of each projection."""
        return await bus(ListProjections())

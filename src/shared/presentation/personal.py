"""What is kept of a person, and its end.

There are no accounts yet: whoever may reach `/subjects/{id or name}` may erase anybody. A gateway
lets operators through to it, and everybody to `/subjects/me`.
"""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from shared.application.bus import Bus
from shared.application.caller import current_caller
from shared.application.personal import EraseSubject, Erasure, FindSubject
from shared.domain.errors import Invalid, NotFound
from shared.presentation.problems import refusals


class SubjectKnown(msgspec.Struct, frozen=True):
    """The id under which data is kept of the caller, if any is."""

    id: UUID | None
    known: bool


class SubjectsController(Controller):
    path = "/subjects"
    tags = ("Personal data",)

    @get("/me", response_headers={"cache-control": "private, no-store"})
    async def who_am_i(self, bus: NamedDependency[Bus]) -> SubjectKnown:
        """Tell the caller the id under which data is kept of him."""
        id = await bus(FindSubject(current_caller().name))
        return SubjectKnown(id, id is not None)

    @delete("/me", status_code=200, responses=refusals(NotFound))
    async def erase_me(self, bus: NamedDependency[Bus]) -> Erasure:
        """Forget the caller: the key of all that he wrote is destroyed, which nobody can undo."""
        id = await bus(FindSubject(current_caller().name))
        if id is None:
            raise NotFound("nothing is kept of you")
        # By the id: his name, which he chooses, may be the id of somebody else.
        return await bus(EraseSubject(str(id)))

    @delete("/{subject:str}", status_code=200, responses=refusals(Invalid, NotFound))
    async def erase(
        self,
        subject: Annotated[str, PathParameter(description="The id or the name of a subject")],
        bus: NamedDependency[Bus],
    ) -> Erasure:
        """Forget somebody: the key of all that he wrote is destroyed, which nobody can undo."""
        return await bus(EraseSubject(subject))

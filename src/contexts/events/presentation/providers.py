"""Providers and the runs of their feeds over HTTP."""

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter

from contexts.events.application.feed_runs import RequestRun
from contexts.events.application.queries import (
    GetRun,
    ListProviders,
    ListRuns,
    ProviderListed,
    RunShown,
)
from shared.application.bus import Bus
from shared.application.pages import Page, PageRequest
from shared.domain.errors import Invalid, NotFound
from shared.presentation.json import JSONResponse
from shared.presentation.lists import PAGE_PARAMETERS, PageNumber, PageSize, only
from shared.presentation.problems import refusals

PROVIDER_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

Name: TypeAlias = Annotated[
    str, PathParameter(description="Name of a provider", pattern=PROVIDER_NAME)
]


class RunAccepted(msgspec.Struct, frozen=True):
    id: UUID


class ProvidersController(Controller):
    path = "/providers"
    tags = ("Providers",)

    @get()
    async def list_providers(self, bus: NamedDependency[Bus]) -> list[ProviderListed]:
        """List the providers and how their feeds are doing."""
        return await bus(ListProviders())

    @post("/{name:str}/runs", status_code=202, responses=refusals(Invalid, NotFound))
    async def request_run(self, name: Name, bus: NamedDependency[Bus]) -> JSONResponse[RunAccepted]:
        """Ask for a provider's feed to be read now; follow the Location to see what came of it."""
        run_id = await bus(RequestRun(name))
        headers = {"location": f"/providers/{name}/runs/{run_id}"}
        return JSONResponse(RunAccepted(run_id), status_code=202, headers=headers)

    @get("/{name:str}/runs", responses=refusals(Invalid))
    async def list_runs(
        self,
        request: Request[Any, Any, Any],
        name: Name,
        bus: NamedDependency[Bus],
        page: PageNumber = 1,
        pageSize: PageSize = 20,
    ) -> Page[RunShown]:
        """List a provider's recorded runs, the newest first.

        A scheduled run that found everything as it was is not recorded; the provider's
        `last_checked_at` tells of it.
        """
        only(request, *PAGE_PARAMETERS)
        return await bus(ListRuns(name, PageRequest(page, pageSize)))

    @get("/{name:str}/runs/{run_id:uuid}", responses=refusals(Invalid, NotFound))
    async def show_run(
        self, name: Name, run_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> RunShown:
        """Show one run: what it found and did, or why it failed."""
        return await bus(GetRun(name, run_id))

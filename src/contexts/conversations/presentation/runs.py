"""Runs over HTTP: how far an answer is, its frames as they come, and an end to it."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter, SkipValidation
from litestar.response import Stream

from contexts.conversations.application.following import Following, told_all
from contexts.conversations.application.frames import FrameEvent
from contexts.conversations.application.posting import CancelRun
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.domain.run import RunId
from contexts.conversations.presentation import ai_sdk, frames_sse
from shared.application.bus import Bus
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.presentation.json import JSONResponse
from shared.presentation.lists import only
from shared.presentation.problems import other_answer, refusals

PRIVATE = {"cache-control": "private, no-store"}


class RunsController(Controller):
    path = "/runs/{run_id:str}"
    tags = ("Runs",)

    @get(responses=refusals(Invalid, NotFound))
    async def show(
        self, run_id: FromPath[str], bus: NamedDependency[Bus], owner: NamedDependency[UUID]
    ) -> JSONResponse[RunShown]:
        """Show how far a run is; once it has ended, with the answer."""
        shown = await bus(GetRun(RunId.read(run_id), owner))
        return JSONResponse(shown, headers=PRIVATE)

    @get(
        "/stream",
        media_type=frames_sse.EVENTS,
        responses={
            200: other_answer(
                FrameEvent,
                "Events with an id; the data of each is one of these frames",
                media_type=frames_sse.EVENTS,
            ),
            204: other_answer(None, "All of it was received"),
            **refusals(Invalid, NotFound),
        },
    )
    async def stream(
        self,
        request: Request[Any, Any, Any],
        run_id: FromPath[str],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
        following: NamedDependency[SkipValidation[Following]],
        format: Annotated[
            Literal["frames", "ai-sdk"],
            QueryParameter(description="`ai-sdk`: the UI message stream of the AI SDK"),
        ] = "frames",
        last_event_id: Annotated[
            str | None,
            HeaderParameter(name="Last-Event-ID", description="The last one that was received"),
        ] = None,
        last_event_id_asked: Annotated[
            str | None,
            QueryParameter(
                name="last_event_id", description="The same, where no header can be sent"
            ),
        ] = None,
    ) -> Stream:
        """Watch an answer come, as server-sent events.

        The name of each is the type of its frame; the last is `ended`, with the run as it is shown.
        With `Last-Event-ID` it goes on behind the event of that id, at any process; 204 says that
        nothing is left. A `started` takes back all that was told before it, and a `snapshot`
        replaces it. As `ai-sdk` the answer is told from its start each time. The same frames come
        over a WebSocket at `/runs/{run_id}/socket`.
        """
        only(request, "format", "last_event_id")
        shown = await bus(GetRun(RunId.read(run_id), owner))
        if format == "ai-sdk":
            messages = ai_sdk.ui_messages(following.follow(owner, shown), shown.answer_id)
            return Stream(messages, media_type=frames_sse.EVENTS, headers=ai_sdk.HEADERS)
        after = frames_sse.sequence_in(last_event_id or last_event_id_asked)
        if told_all(shown, after):
            # For OpenAPI this answers with events.
            return cast(Stream, Response(None, status_code=204, headers=PRIVATE))
        events = frames_sse.server_sent(following.follow(owner, shown, after))
        return Stream(events, media_type=frames_sse.EVENTS, headers=frames_sse.HEADERS)

    @post("/cancellation", status_code=202, responses=refusals(Invalid, NotFound, Conflict))
    async def cancel(
        self, run_id: FromPath[str], bus: NamedDependency[Bus], owner: NamedDependency[UUID]
    ) -> JSONResponse[RunShown]:
        """Ask for a run to end; what had come until then is kept. One that has ended, has."""
        run = RunId.read(run_id)
        await bus(CancelRun(owner, run))
        shown = await bus(GetRun(run, owner))
        return JSONResponse(shown, status_code=202, headers=PRIVATE)

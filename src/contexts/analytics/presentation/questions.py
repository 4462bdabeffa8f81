"""Questions over HTTP: ask, watch, read the answer, say whether it is right."""

from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from contexts.analytics.application.asking import (
    AskQuestion,
    GiveFeedback,
    QuestionText,
    Thread,
)
from contexts.analytics.application.queries import (
    QUESTION_FIELDS,
    GetQuestion,
    ListQuestions,
    QuestionListed,
    QuestionShown,
)
from contexts.analytics.application.waiting import changes
from contexts.analytics.domain.question import Verdict, WhichPlanner
from shared.application.bus import Bus
from shared.application.criteria import all_of
from shared.application.pages import Sort, Stretch
from shared.application.texts import WITHOUT_NUL
from shared.domain.errors import Invalid, NotFound, Refused
from shared.presentation import spreadsheet
from shared.presentation.conditional import NOT_MODIFIED, IfNoneMatch, etag, not_modified, unchanged
from shared.presentation.json import JSONResponse, encode_json
from shared.presentation.lists import list_asked, list_operation
from shared.presentation.problems import refusals

WATCHED_SECONDS = 600.0
"""How long a stream stays open; whoever wants more asks again with Last-Event-ID."""


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In a `conversation`, or where it `follows` another, a question may go on from what was asked
    before: "only November", "by waiter instead", "as a pie"."""

    question: QuestionText
    dataset: str | None = None
    planner: WhichPlanner = "auto"
    conversation: Thread | None = None
    follows: UUID | None = None


class AskedAs(msgspec.Struct, frozen=True):
    id: UUID


class Feedback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    verdict: Verdict
    comment: Annotated[str, msgspec.Meta(max_length=1_000, pattern=WITHOUT_NUL)] = ""


class QuestionsController(Controller):
    path = "/questions"
    tags = ("Questions",)

    @post(status_code=202, responses=refusals(Invalid, NotFound))
    async def ask(self, data: JSONBody[Asking], bus: NamedDependency[Bus]) -> JSONResponse[AskedAs]:
        """Ask a dataset in plain language; the Location shows what comes of it.

        Without a `dataset` the one is asked that the question fits best.
        """
        id = await bus(
            AskQuestion(
                question=data.question,
                dataset=data.dataset,
                planner=data.planner,
                conversation=data.conversation,
                follows=data.follows,
            )
        )
        headers = {"location": f"/questions/{id}"}
        return JSONResponse(AskedAs(id), status_code=202, headers=headers)

    @get(operation_class=list_operation(QUESTION_FIELDS), responses=refusals(Invalid))
    async def list_questions(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> JSONResponse[Stretch[QuestionListed | Mapping[str, Any]]]:
        """List questions by criteria, the newest first, by page or by cursor."""
        return JSONResponse(await bus(_asked(request.scope["query_string"])))

    @get("/{question_id:uuid}", responses={**NOT_MODIFIED, **refusals(Invalid, NotFound)})
    async def show(
        self,
        question_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        if_none_match: IfNoneMatch = None,
    ) -> JSONResponse[QuestionShown]:
        """Show a question: its outcome, the rows, the SQL that ran, a chart, and how it was
        understood."""
        shown = await bus(GetQuestion(question_id))
        if not_modified(if_none_match, shown.version):
            return unchanged(shown.version)
        return JSONResponse(shown, headers=etag(shown.version))

    @get("/{question_id:uuid}/progress", responses=refusals(Invalid, NotFound))
    async def progress(
        self,
        question_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        last_event_id: Annotated[
            str | None,
            HeaderParameter(name="Last-Event-ID", description="The last one that was received"),
        ] = None,
    ) -> ServerSentEvent:
        """Watch a question come to its outcome, as server-sent events.

        The name of each is the status; its data is the question as it is shown. The stream ends
        after the outcome. With `Last-Event-ID` it goes on behind the event of that id.
        """
        await bus(GetQuestion(question_id))
        return ServerSentEvent(_told(bus, question_id, _version(last_event_id)))

    @get("/{question_id:uuid}/result.csv", responses=refusals(Invalid, NotFound, Refused))
    async def as_spreadsheet(
        self, question_id: FromPath[UUID], bus: NamedDependency[Bus]
    ) -> Response[bytes]:
        """The rows as CSV. A text that a spreadsheet would take for a formula has an apostrophe in
        front."""
        shown = await bus(GetQuestion(question_id))
        if shown.outcome != "answered":
            raise NoRows(f"question {question_id} has no rows: it is {shown.status}")
        body = spreadsheet.rows([[column.title for column in shown.columns], *shown.result])
        disposition = f'attachment; filename="{question_id}.csv"'
        return Response(
            body,
            media_type=spreadsheet.MEDIA_TYPE,
            headers={"content-disposition": disposition},
        )

    @post(
        "/{question_id:uuid}/feedback",
        status_code=204,
        responses=refusals(Invalid, NotFound, Refused),
    )
    async def feedback(
        self, question_id: FromPath[UUID], data: JSONBody[Feedback], bus: NamedDependency[Bus]
    ) -> None:
        """Say whether an answer is right. A right one is tried first when the question comes again,
        and `marquee questions verify` runs it again."""
        await bus(GiveFeedback(question_id, data.verdict, data.comment))


class NoRows(Refused):
    code = "analytics.no_rows"


async def _told(bus: Bus, id: UUID, after: int) -> AsyncGenerator[ServerSentEventMessage, None]:
    async for shown in changes(bus, id, after=after, seconds=WATCHED_SECONDS):
        if shown is None:
            yield ServerSentEventMessage(comment="still at it")
        else:
            yield ServerSentEventMessage(
                data=encode_json(shown).decode(), event=shown.status, id=str(shown.version)
            )


def _version(last_event_id: str | None) -> int:
    if last_event_id is None:
        return 0
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 9:
        raise Invalid(f"Last-Event-ID: {last_event_id[:80]!r} is not the id of an event of this")
    return int(last_event_id)


def _asked(query_string: bytes) -> ListQuestions:
    read = list_asked(
        query_string, fields=QUESTION_FIELDS, kind=QuestionListed, sort=Sort("asked_at", "desc")
    )
    return ListQuestions(
        criteria=all_of(*read.criteria),
        sort=read.sort,
        page=read.page,
        cursor=read.cursor,
        count=read.count,
        fields=read.fields,
    )

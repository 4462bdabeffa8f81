"""Conversations over HTTP: begin one, find it, read it, call it something, put it away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, JSONBody

from contexts.conversations.application.posting import StartConversation, Title
from contexts.conversations.application.queries import (
    CONVERSATION_FIELDS,
    ConversationListed,
    ConversationShown,
    GetConversation,
    ListConversations,
)
from contexts.conversations.application.tending import ChangeConversation, DeleteConversation
from shared.application.bus import Bus
from shared.application.criteria import all_of
from shared.application.pages import Sort, Stretch
from shared.domain.errors import Conflict, Invalid, NotFound, Refused
from shared.presentation.conditional import NOT_MODIFIED, IfNoneMatch, etag, not_modified
from shared.presentation.json import JSONResponse
from shared.presentation.lists import described, list_asked, list_parameters
from shared.presentation.problems import refusals

PRIVATE = {"cache-control": "private, no-store"}
"""What people write is kept by nobody on the way."""

LOCATION = [ResponseHeader(name="Location", documentation_only=True)]


ETAG = [ResponseHeader(name="ETag", documentation_only=True)]


@dataclass
class OptionalBody(Operation):
    """The framework says of every body that it has to be there."""

    def __post_init__(self) -> None:
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a title it goes by how it begins, until it is given one."""

    title: Title | None = None


class Begun(msgspec.Struct, frozen=True):
    id: UUID


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    title: Title | None = None
    status: Literal["active", "archived"] | None = None


@dataclass
class ListOperation(Operation):
    """The query string is read by us and not by the framework, so we also say what may be in it."""

    def __post_init__(self) -> None:
        words = "Words that words of the title, or of what was said, begin with"
        self.parameters = [
            described("q", words, Schema(type=OpenAPIType.STRING)),
            *list_parameters(CONVERSATION_FIELDS),
        ]


class ConversationsController(Controller):
    path = "/conversations"
    tags = ("Conversations",)

    @post(
        status_code=201,
        operation_class=OptionalBody,
        response_headers=LOCATION,
        responses=refusals(Invalid),
    )
    async def begin(
        self,
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
        data: JSONBody[Beginning | None] = None,
    ) -> JSONResponse[Begun]:
        """Begin a conversation. Only who began it sees it."""
        title = None if data is None else data.title
        return begun(await bus(StartConversation(owner=owner, title=title)))

    @get(operation_class=ListOperation, responses=refusals(Invalid))
    async def list_conversations(
        self,
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[Stretch[ConversationListed | Mapping[str, Any]]]:
        """List one's own conversations by criteria, the last used first, by page or by cursor."""
        return JSONResponse(
            await bus(_asked(request.scope["query_string"], owner)), headers=PRIVATE
        )

    @get(
        "/{conversation_id:uuid}",
        response_headers=ETAG,
        responses={**NOT_MODIFIED, **refusals(Invalid, NotFound)},
    )
    async def show(
        self,
        conversation_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
        if_none_match: IfNoneMatch = None,
    ) -> JSONResponse[ConversationShown]:
        """Show a conversation with all its branches and runs."""
        shown = await bus(GetConversation(conversation_id, owner))
        headers = {**PRIVATE, **etag(shown.version)}
        if not_modified(if_none_match, shown.version):
            return JSONResponse(None, status_code=304, headers=headers)  # type: ignore[arg-type]
        return JSONResponse(shown, headers=headers)

    @patch(
        "/{conversation_id:uuid}",
        status_code=204,
        responses=refusals(Invalid, NotFound, Refused, Conflict),
    )
    async def change(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[Change],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> None:
        """Give a conversation a title, or archive it: it is shown as before, and nothing is said in
        it until it is active again."""
        await bus(
            ChangeConversation(
                owner=owner,
                conversation_id=conversation_id,
                title=data.title,
                status=data.status,
            )
        )

    @delete(
        "/{conversation_id:uuid}",
        status_code=204,
        responses=refusals(Invalid, NotFound, Conflict),
    )
    async def delete_conversation(
        self,
        conversation_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> None:
        """Delete a conversation: it is not shown any more, and what is being answered in it ends.
        The log still has it, sealed, until its owner is erased."""
        await bus(DeleteConversation(owner, conversation_id))


def begun(id: UUID) -> JSONResponse[Begun]:
    headers = {**PRIVATE, "location": f"/conversations/{id}"}
    return JSONResponse(Begun(id), status_code=201, headers=headers)


def _asked(query_string: bytes, owner: UUID) -> ListConversations:
    """Raise Invalid with what is wrong and what is allowed instead."""
    read = list_asked(
        query_string,
        own=("q",),
        fields=CONVERSATION_FIELDS,
        kind=ConversationListed,
        sort=Sort("updated_at", "desc"),
    )
    criteria = read.criteria
    if (words := read.named.get("q")) is not None:
        criteria = [
            *criteria,
            CONVERSATION_FIELDS.comparison("q", "contains", words, parameter="q"),
        ]
    return ListConversations(
        owner=owner,
        criteria=all_of(*criteria),
        sort=read.sort,
        page=read.page,
        cursor=read.cursor,
        count=read.count,
        fields=read.fields,
    )

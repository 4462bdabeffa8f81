"""Copies over HTTP: fork a conversation, take one away as a file, bring it back."""

from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from contexts.conversations.application.copying import (
    ConversationFile,
    ForkConversation,
    ImportConversation,
    exported,
)
from contexts.conversations.application.queries import GetConversation
from contexts.conversations.presentation.conversations import LOCATION, PRIVATE, Begun, begun
from shared.application.bus import Bus
from shared.domain.errors import Invalid, NotFound, Refused
from shared.presentation.json import JSONResponse
from shared.presentation.problems import Problem, other_answer, refusals

IMPORTS = "/conversations/imports"

MAX_IMPORT = 5_000_000
"""Bytes of a file that is brought in: it becomes one event of the log."""

TOO_LARGE = other_answer(Problem, "It is larger than 5 MB.", media_type="application/problem+json")


class Fork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message_id: UUID


class CopiesController(Controller):
    path = "/conversations"
    tags = ("Conversations",)

    @post(
        "/{conversation_id:uuid}/forks",
        status_code=201,
        response_headers=LOCATION,
        responses=refusals(Invalid, NotFound, Refused),
    )
    async def fork(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[Fork],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[Begun]:
        """Begin another conversation with what was said in this one up to a message."""
        return begun(await bus(ForkConversation(owner, conversation_id, data.message_id)))

    @get("/{conversation_id:uuid}/export", responses=refusals(Invalid, NotFound))
    async def export(
        self,
        conversation_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[ConversationFile]:
        """Take a conversation with all its branches away as a file, which can be imported."""
        shown = await bus(GetConversation(conversation_id, owner))
        disposition = f'attachment; filename="conversation-{conversation_id}.json"'
        return JSONResponse(
            exported(shown), headers={**PRIVATE, "content-disposition": disposition}
        )

    @post(
        "/imports",
        status_code=201,
        request_max_body_size=MAX_IMPORT,
        response_headers=LOCATION,
        responses={**refusals(Invalid), 413: TOO_LARGE},
    )
    async def bring_in(
        self,
        data: JSONBody[ConversationFile],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[Begun]:
        """Begin a conversation with what an exported file says was said, 5 MB of it at most."""
        return begun(await bus(ImportConversation(owner, data)))

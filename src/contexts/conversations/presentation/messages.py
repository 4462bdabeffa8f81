"""Messages over HTTP: say something and have it answered, or have it answered once more."""

from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from contexts.conversations.application.posting import (
    MessageText,
    Posted,
    PostMessage,
    Regenerate,
)
from contexts.conversations.domain.conversation import Policy
from contexts.conversations.presentation.conversations import LOCATION, PRIVATE, OptionalBody
from shared.application.bus import Bus
from shared.domain.errors import Conflict, Exhausted, Invalid, NotFound, Refused
from shared.presentation.json import JSONResponse
from shared.presentation.problems import refusals


class Saying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It follows the last answer of the branch that was gone on with last, or the answer
    `parent_id`; null begins anew. What `edits` another message stands beside that."""

    text: MessageText
    parent_id: UUID | UnsetType | None = UNSET
    edits: UUID | None = None
    policy: Policy = "reject"


class Again(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policy: Policy = "reject"


class Accepted(msgspec.Struct, frozen=True):
    """The run that answers `message_id` with the message `answer_id`, and where to watch it."""

    run_id: str
    message_id: UUID
    answer_id: UUID
    stream_url: str


_REFUSALS = refusals(Invalid, NotFound, Refused, Conflict, Exhausted)


class MessagesController(Controller):
    path = "/conversations/{conversation_id:uuid}/messages"
    tags = ("Conversations",)

    @post(status_code=202, response_headers=LOCATION, responses=_REFUSALS)
    async def say(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[Saying],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
    ) -> JSONResponse[Accepted]:
        """Say something; a run answers it, and the Location shows how far it is.

        While another message of the conversation is being answered, the `policy` says what becomes
        of this one: `reject` refuses it, `enqueue` has it wait for its turn, and `interrupt` ends
        that answer and all that wait.
        """
        return _accepted(
            await bus(
                PostMessage(
                    owner=owner,
                    conversation_id=conversation_id,
                    text=data.text,
                    parent_id=data.parent_id,
                    edits=data.edits,
                    policy=data.policy,
                )
            )
        )

    @post(
        "/{message_id:uuid}/regeneration",
        status_code=202,
        operation_class=OptionalBody,
        response_headers=LOCATION,
        responses=_REFUSALS,
    )
    async def regenerate(
        self,
        conversation_id: FromPath[UUID],
        message_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        owner: NamedDependency[UUID],
        data: JSONBody[Again | None] = None,
    ) -> JSONResponse[Accepted]:
        """Have a message answered once more; `message_id` is its own or that of an answer to it.
        The answers stand beside one another."""
        return _accepted(
            await bus(
                Regenerate(
                    owner=owner,
                    conversation_id=conversation_id,
                    message_id=message_id,
                    policy="reject" if data is None else data.policy,
                )
            )
        )


def _accepted(posted: Posted) -> JSONResponse[Accepted]:
    url = f"/runs/{posted.run}"
    return JSONResponse(
        Accepted(str(posted.run), posted.message_id, posted.answer_id, f"{url}/stream"),
        status_code=202,
        headers={**PRIVATE, "location": url},
    )

"""What listeners of a run are sent while it is answered, in order, each frame with its sequence.

An attempt begins with `Started`, which takes back all that an attempt before it may have told. A
`Snapshot` replaces all that was told of the answer so far: whoever missed something goes on from
there. The last frame is `Ended`, and the log has what it says.
"""

from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from contexts.conversations.application.content import Part, ToolPart
from contexts.conversations.application.queries import RunShown

ATTEMPT_FRAMES = 1_000_000
"""The frames of attempt n have the sequences n * 1,000,000, + 1, + 2, ...: they grow over all
attempts, also when nobody remembers how far the attempt before had come."""


class Started(msgspec.Struct, frozen=True, tag_field="type", tag="started"):
    """The answer to come will be the message `answer_id`."""

    run_id: str
    conversation_id: UUID
    answer_id: UUID
    attempt: int


class Delta(msgspec.Struct, frozen=True, tag_field="type", tag="delta"):
    """A piece of text that follows what there is."""

    text: str


class ToolCalled(msgspec.Struct, frozen=True, tag_field="type", tag="tool_called"):
    id: str
    name: str
    arguments: dict[str, Any]


class ToolReturned(msgspec.Struct, frozen=True, tag_field="type", tag="tool_returned"):
    part: ToolPart


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    """All of the answer so far; `calls` are those of tools that are still at work."""

    parts: tuple[Part, ...]
    calls: tuple[ToolCalled, ...] = ()


class Ended(msgspec.Struct, frozen=True, tag_field="type", tag="ended"):
    run: RunShown


FrameEvent: TypeAlias = Started | Delta | ToolCalled | ToolReturned | Snapshot | Ended


class Frame(msgspec.Struct, frozen=True):
    sequence: int
    event: FrameEvent

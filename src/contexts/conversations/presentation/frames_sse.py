"""Frames as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from contexts.conversations.application.frames import Frame
from shared.domain.errors import Invalid
from shared.presentation.json import encode_json

EVENTS = "text/event-stream"

HEADERS = {"cache-control": "private, no-store", "x-accel-buffering": "no"}
"""Nobody on the way keeps it, or holds it back."""

RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a browser comes back when the connection broke."""

HEARTBEAT = b": still here\n\n"


async def server_sent(
    frames: AsyncGenerator[Frame | None, None],
) -> AsyncGenerator[bytes, None]:
    """The id of each event is its sequence, its name the type of the frame."""
    yield RETRY
    async with aclosing(frames):
        async for frame in frames:
            if frame is None:
                yield HEARTBEAT
            else:
                name = str(type(frame.event).__struct_config__.tag).encode()
                # JSON has no line breaks in it.
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (
                    frame.sequence,
                    name,
                    encode_json(frame.event),
                )


def sequence_in(last_event_id: str | None) -> int:
    """The sequence that a listener was told last, 0 for none. Raise Invalid for what is none."""
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= 15):
        raise Invalid(
            f"Last-Event-ID: {last_event_id[:80]!r} is not the id of an event of this stream"
        )
    return int(last_event_id)

"""Watching a run over a WebSocket: the same frames as over server-sent events, and a way back."""

import asyncio
from contextlib import aclosing
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath, QueryParameter, SkipValidation

from contexts.conversations.application.following import Following
from contexts.conversations.application.frames import Ended
from contexts.conversations.application.posting import CancelRun
from contexts.conversations.application.queries import GetRun, RunShown
from contexts.conversations.domain.run import RunId
from contexts.conversations.presentation.frames_sse import sequence_in
from shared.application.bus import Bus
from shared.application.context import Context, new_id, running_in
from shared.domain.errors import Invalid, NotFound
from shared.presentation.json import encode_json

ENDED = 1000
COME_BACK = 1012
INVALID = 4400
NOT_FOUND = 4404
"""Codes with which a socket is closed: all was told; this process stops, or has lost the run; what
came makes no sense; there is no such run of this caller."""

HEARTBEAT = '{"event":"heartbeat"}'

_REASON = 120
"""Bytes of a reason that a frame has room for."""


class Saying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a watcher may say: that the run is to end."""

    type: Literal["cancel"]


_decode = msgspec.json.Decoder(Saying).decode

Socket: TypeAlias = WebSocket[Any, Any, Any]


@websocket("/runs/{run_id:str}/socket")
async def watch_over_socket(
    socket: Socket,
    run_id: FromPath[str],
    bus: NamedDependency[Bus],
    owner: NamedDependency[UUID],
    following: NamedDependency[SkipValidation[Following]],
    last_event_id: Annotated[str | None, QueryParameter()] = None,
) -> None:
    """Each frame is a text, `{"id": sequence, "event": type, "data": {...}}`; when nothing comes
    for a while, `{"event": "heartbeat"}`. `{"type": "cancel"}` asks for the run to end."""
    await socket.accept()
    with running_in(Context(correlation_id=new_id(), actor="anonymous")):
        try:
            code, reason = await _watch(socket, bus, owner, following, run_id, last_event_id)
        except NotFound as error:
            code, reason = NOT_FOUND, str(error)
        except Invalid as error:
            code, reason = INVALID, str(error)
        except WebSocketDisconnect:
            return
        await socket.close(code, reason.encode()[:_REASON].decode(errors="ignore"))


async def _watch(
    socket: Socket,
    bus: Bus,
    owner: UUID,
    following: Following,
    run_id: str,
    last_event_id: str | None,
) -> tuple[int, str]:
    """How to close it, and why. Raise NotFound, Invalid, or WebSocketDisconnect."""
    run, after = RunId.read(run_id), sequence_in(last_event_id)
    shown = await bus(GetRun(run, owner))
    telling = asyncio.create_task(_tell(socket, owner, following, shown, after))
    hearing = asyncio.create_task(_hear(socket, bus, owner, run))
    both = {telling, hearing}
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {telling}:
            task.result()
        return telling.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _tell(
    socket: Socket, owner: UUID, following: Following, shown: RunShown, after: int
) -> tuple[int, str]:
    ended = shown.ended
    async with aclosing(following.follow(owner, shown, after)) as frames:
        async for frame in frames:
            if frame is None:
                await socket.send_text(HEARTBEAT)
                continue
            event = frame.event
            ended |= isinstance(event, Ended)
            said = {"id": frame.sequence, "event": event.__struct_config__.tag, "data": event}
            await socket.send_text(encode_json(said).decode())
    return (ENDED, "the run has ended") if ended else (COME_BACK, "come back for the rest")


async def _hear(socket: Socket, bus: Bus, owner: UUID, run: RunId) -> None:
    """Until the caller goes away."""
    while True:
        said = await socket.receive_text()
        try:
            _decode(said)
        except (msgspec.MsgspecError, RecursionError):
            raise Invalid('{"type": "cancel"} is all that may be said here') from None
        await bus(CancelRun(owner, run))

"""One door for every command and query: find its one handler and call it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Generic, TypeAlias, TypeVar, cast, dataclass_transform

import msgspec

from shared.application.context import current_context, new_id, running_in
from shared.application.event_store import VersionConflict
from shared.application.positions import Positions, ReadFrom, wanted
from shared.domain.errors import DomainError

R = TypeVar("R")

logger = logging.getLogger(__name__)

ATTEMPTS = 6
"""How often a command is decided when others keep writing to its stream first."""

PAUSE = 0.01
"""Seconds before it is decided again: up to twice this, and up to twice as many each time after, so
that twenty who write at once get out of each other's way."""


@dataclass_transform(frozen_default=True)
class Message(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """A request for R: a command asks for a change, a query for an answer."""


class Command(Message[R], frozen=True):
    """Named in the imperative. Handled once, by the context it belongs to."""


class Query(Message[R], frozen=True):
    """Named for the question. Changes nothing."""


Handler: TypeAlias = Callable[[Any], Awaitable[Any]]


class Bus:
    def __init__(self, positions: Positions | None = None) -> None:
        self._handlers: dict[type[Message[Any]], Handler] = {}
        self._read_from: dict[type[Message[Any]], str] = {}
        self._positions = positions

    def serve(
        self, table: Mapping[type[Message[Any]], Handler], read_from: ReadFrom | None = None
    ) -> None:
        """Take in the table of handlers of a context; a message has one handler, ever.

        `read_from` names the read model that answers a query: it is waited for when the caller
        wants to see a certain position.
        """
        if twice := self._handlers.keys() & table.keys():
            raise ValueError(f"handled twice: {', '.join(kind.__name__ for kind in twice)}")
        self._handlers.update(table)
        self._read_from.update(read_from or {})

    async def __call__(self, message: Message[R]) -> R:
        handler = self._handlers[type(message)]
        if isinstance(message, Command):
            return cast(R, await _decide(handler, message))
        if (
            (position := wanted())
            and self._positions is not None
            and type(message) in self._read_from
        ):
            await self._positions.reached(self._read_from[type(message)], position)
        return cast(R, await handler(message))


async def _decide(handler: Handler, command: Command[Any]) -> Any:
    """Run a command; decide again when another writer was first.

    What it records was caused by whatever the command was: an event that called for it, or another
    command. One that came from outside is the beginning, and gets an id of its own.
    """
    name, started = type(command).__name__, perf_counter()
    context = current_context()
    if context.causation_id is None:
        context = msgspec.structs.replace(context, causation_id=new_id())
    with running_in(context):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                result = await handler(command)
            except VersionConflict:
                if attempt == ATTEMPTS:
                    raise
                logger.info("decided again", extra={"command": name, "attempt": attempt})
                await asyncio.sleep(random.uniform(0, PAUSE * 2**attempt))
            except DomainError as error:
                logger.info("refused", extra={"command": name, "code": error.code})
                raise
            else:
                if logger.isEnabledFor(logging.INFO):
                    elapsed = round((perf_counter() - started) * 1000, 1)
                    logger.info("handled", extra={"command": name, "ms": elapsed})
                return result

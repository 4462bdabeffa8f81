"""How appends are told to PostgreSQL, many in one statement, and what it says to each of them."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.pq import ConnStatus

from shared.application.context import current_context
from shared.application.event_store import (
    Append,
    Metadata,
    StreamArchived,
    VersionConflict,
    must_name_streams_once,
)
from shared.domain.errors import DomainError

ATTEMPTS = 3
"""Two appends to many streams may deadlock on those they share; one gives way and tries again."""

PATIENCE = 100
"""Milliseconds that appends which go together wait for one of another process that is about to
commit; append_to_stream says the same. Then each goes by itself, so that none holds up the rest."""

REFUSALS: dict[str, type[DomainError]] = {"MQ409": VersionConflict, "MQ410": StreamArchived}

_TO_STREAM = "select event_store.append_to_stream(%s, %s, %s, %s, %s, %s)"
_EACH = (
    "select append, last_position, code, reason"
    " from event_store.append_each(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)

_encode = msgspec.json.Encoder().encode


class OutcomeUnknown(psycopg.OperationalError):
    """The connection was lost while this was being appended: it may have happened, or not."""


class Order(msgspec.Struct, frozen=True):
    """What is to be appended together or not at all, for whom, and with what metadata."""

    tenant: str
    appends: Sequence[Append]
    metadata: Sequence[str]
    events: int
    types: frozenset[str]
    streams: frozenset[tuple[str, str]]


def order(appends: Sequence[Append]) -> Order:
    """In the name of the context we run in."""
    must_name_streams_once(appends)
    context = current_context()
    # In one order everywhere, so that two appends to the same streams seldom deadlock.
    appends = sorted(appends, key=lambda append: append.stream) if len(appends) > 1 else appends
    return Order(
        context.tenant,
        appends,
        [_encode(Metadata.of(context, append.fingerprint)).decode() for append in appends],
        sum(len(append.events) for append in appends),
        frozenset(event.type for append in appends for event in append.events),
        frozenset((context.tenant, append.stream) for append in appends),
    )


async def send(
    connection: AsyncConnection[Any], orders: Sequence[Order]
) -> Sequence[int | DomainError]:
    """For each order the last position, or why it was refused, in one transaction.

    Whatever it raises, nothing of all this has happened, unless it is OutcomeUnknown. It does not
    wait for long for somebody else's append that may yet commit; `send_alone` does.
    """
    if len(orders) == 1 and len(orders[0].appends) == 1:
        return [await _to_stream(connection, orders[0])]
    return await _each(connection, orders, PATIENCE)


async def send_alone(
    connection: AsyncConnection[Any], order: Order, *, in_transaction: bool = False
) -> int | DomainError:
    """The same for one order, for as long as it takes.

    A transaction that it stands in stays of use when the order is refused.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with connection.transaction() if in_transaction else nullcontext():
                return (await _each(connection, [order], 0))[0]
        except psycopg.errors.UniqueViolation:
            return VersionConflict("another writer was first in one of the streams")
        except psycopg.errors.DeadlockDetected:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


async def _to_stream(connection: AsyncConnection[Any], order: Order) -> int | DomainError:
    (append,) = order.appends
    arguments = (
        order.tenant,
        append.stream,
        append.expected,
        order.metadata[0],
        _texts([event.type for event in append.events]),
        _texts([event.data.decode() for event in append.events]),
    )
    try:
        ((position,),) = await _rows(connection, _TO_STREAM, arguments)
    except psycopg.DatabaseError as error:
        if (refusal := REFUSALS.get(error.sqlstate or "")) is None:
            raise
        return refusal(error.diag.message_primary)
    return int(position)


async def _each(
    connection: AsyncConnection[Any], orders: Sequence[Order], patience: int
) -> Sequence[int | DomainError]:
    answers: list[Any] = [None] * len(orders)
    rows = await _rows(connection, _EACH, (*_arrays(orders), patience))
    for number, position, code, reason in rows:
        answers[number - 1] = position if code is None else REFUSALS[code](reason)
    return answers


async def _rows(
    connection: AsyncConnection[Any], statement: str, arguments: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    try:
        cursor = await connection.execute(statement, arguments, prepare=True)
        return await cursor.fetchall()
    except psycopg.Error as error:
        if _is_lost(connection, error):
            raise OutcomeUnknown(f"lost the connection while appending: {error}") from error
        raise


def _is_lost(connection: AsyncConnection[Any], error: psycopg.Error) -> bool:
    # Class 57P: the server is going down, or ended this session, and says so before it hangs up.
    ended = (error.sqlstate or "").startswith("57P")
    return ended or connection.pgconn.status != ConnStatus.OK


def _arrays(orders: Sequence[Order]) -> tuple[str, ...]:
    numbers: list[int] = []
    tenants: list[str] = []
    streams: list[str] = []
    expected: list[int] = []
    metadata: list[str] = []
    places: list[int] = []
    versions: list[int] = []
    types: list[str] = []
    data: list[str] = []
    for number, each in enumerate(orders, start=1):
        for append, about in zip(each.appends, each.metadata, strict=True):
            numbers.append(number)
            tenants.append(each.tenant)
            streams.append(append.stream)
            expected.append(append.expected)
            metadata.append(about)
            for version, event in enumerate(append.events, start=append.expected + 1):
                places.append(len(streams))
                versions.append(version)
                types.append(event.type)
                data.append(event.data.decode())
    return (
        _numbers(numbers),
        _texts(tenants),
        _texts(streams),
        _numbers(expected),
        _texts(metadata),
        _numbers(places),
        _numbers(versions),
        _texts(types),
        _texts(data),
    )


# Arrays as PostgreSQL writes them; psycopg would adapt each element by itself.


def _numbers(values: Iterable[int]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def _texts(values: Sequence[str]) -> str:
    # One separator that no text holds lets all of them be escaped at once.
    if any("\0" in value for value in values):
        raise ValueError("text in PostgreSQL holds no NUL")
    joined = "\0".join(values).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}'

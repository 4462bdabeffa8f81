"""Runs what the gate lets through as the tenant's login, and takes no more of it than allowed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from time import perf_counter
from typing import Any, TypeAlias, cast

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from contexts.analytics.application.ports import (
    Compiled,
    Limits,
    QueryFaulted,
    QueryRefused,
    Ran,
)
from contexts.analytics.domain.answer import Result
from contexts.analytics.domain.relation import Relation
from contexts.analytics.infrastructure.cells import Cells
from contexts.analytics.infrastructure.rooms import Rooms
from contexts.analytics.infrastructure.sql.gate import Gate
from shared.application.context import current_context
from shared.infrastructure.postgres import TRANSIENT, Connection

GRACE = 1.0
"""Seconds that the server may take beyond its own limit to say so, before we cancel ourselves."""

FETCHED = 100
"""Rows that are fetched at a time, at most."""

Take: TypeAlias = Callable[[tuple[Any, ...]], bool]
"""Takes a row, and says whether more are wanted."""

_BEGIN = (
    "begin isolation level repeatable read read only;"
    " set local statement_timeout = {milliseconds};"
    " set local lock_timeout = '2s';"
    " set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'"
)

_TOO_LONG = "it takes longer than {:g} s to answer: ask about fewer rows, or a shorter time"


class PostgresRoom:
    """Every statement alone, in a transaction that reads only and is always rolled back."""

    def __init__(self, rooms: Rooms, gate: Gate) -> None:
        self._rooms = rooms
        self._gate = gate

    async def run(self, compiled: Compiled, relation: Relation, limits: Limits) -> Ran:
        """Raise QueryRefused for what the gate or a limit forbids, QueryFaulted for the rest."""
        place = await self._rooms.room_of(current_context().tenant)
        if relation.schema != place.schema:
            raise QueryRefused(f"{relation.dataset!r} does not lie in this tenant's room")
        columns = [column.name for column in relation.columns]
        sql = self._gate.check(
            compiled.sql, {relation.table: columns}, limits.rows, relation.schema
        )
        began = perf_counter()
        cells = Cells(compiled.outputs, limits)
        await self.read(sql, limits, cells.take)
        result = Result(columns=compiled.outputs, rows=tuple(cells.rows), truncated=cells.truncated)
        milliseconds = round((perf_counter() - began) * 1000, 1)
        return Ran(sql=sql, result=result, milliseconds=milliseconds)

    async def read(self, sql: str, limits: Limits, take: Take) -> None:
        """Hand the rows of one statement to `take`, until it says no; the gate is not asked.

        A statement whose reader has enough, or is cancelled, is stopped on the server.
        """
        try:
            async with (
                self._rooms.connection(current_context().tenant) as connection,
                asyncio.timeout(limits.seconds + GRACE),
                _rolled_back(connection, limits.seconds),
            ):
                await _check_cost(connection, sql, limits.cost)
                await _each(connection, sql, take)
        except TimeoutError:
            raise QueryRefused(_TOO_LONG.format(limits.seconds)) from None
        except PoolTimeout:
            raise QueryFaulted(
                "the database lets nobody else in just now; try again", transient=True
            ) from None
        except psycopg.Error as error:
            raise _told(error, limits.seconds) from None


@asynccontextmanager
async def _rolled_back(connection: AsyncConnection[Any], seconds: float) -> AsyncIterator[None]:
    """A transaction that reads only. A connection that it can't be ended on is closed."""
    assert isinstance(connection, Connection)
    connection.patience = seconds + 2 * GRACE
    begin = _BEGIN.format(milliseconds=max(1, round(seconds * 1000)))
    try:
        # Several statements, so never prepared.
        await connection.execute(begin.encode(), prepare=False)
        yield
    finally:
        try:
            await connection.execute("rollback", prepare=False)
        except psycopg.Error:
            await connection.close()
        except BaseException:
            await connection.close()
            raise


async def _check_cost(connection: AsyncConnection[Any], sql: str, most: float) -> None:
    plans: list[Any] = []

    def keep(row: tuple[Any, ...]) -> bool:
        plans.append(row[0])
        return True

    await _each(connection, f"explain (format json) {sql}", keep)
    match plans:
        case [[{"Plan": {"Total Cost": cost}}]]:
            pass
        case _:
            raise QueryRefused("only a SELECT is run")
    if cost > most:
        raise QueryRefused(
            f"the question is estimated at a cost of {cost:,.0f}, and {most:,.0f} is allowed: "
            "ask about fewer rows or fewer groups"
        )


async def _each(connection: AsyncConnection[Any], sql: str, take: Take) -> None:
    """Over the extended protocol, which takes one statement alone; a few rows at a time."""
    async with connection.cursor() as cursor:
        rows = cast(AsyncGenerator[Any, None], cursor.stream(sql.encode(), size=FETCHED))
        async with aclosing(rows):
            async for row in rows:
                if not take(row):
                    break


def _told(error: psycopg.Error, seconds: float) -> QueryRefused | QueryFaulted:
    """What the server said, as what it means here."""
    state, said = error.sqlstate or "", str(error).strip().split("\n")[0]
    if state == "57014":
        return QueryRefused(_TOO_LONG.format(seconds))
    if state == "55P03":
        return QueryFaulted("the dataset is just being replaced; try again", transient=True)
    if state in ("53400", "53200"):
        return QueryRefused(f"the question takes too much memory or space: ask less of it ({said})")
    if state in ("42501", "25006", "25001") or state.startswith("0A"):
        return QueryRefused(f"the room does not allow it: {said}")
    transient = isinstance(error, TRANSIENT) and state[:2] not in ("22", "42", "54")
    return QueryFaulted(f"the database could not answer: {said}", transient=transient)

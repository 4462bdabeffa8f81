"""A CSV made into a typed table, in one transaction: all of it or nothing.

The file is gone through once, while PostgreSQL copies what was read of it before. Only when its
later rows show that the types that its beginning suggested were wrong, the table is made anew in a
second pass, with types that are then known for good.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from contexts.analytics.application.ports import Corrections, Loaded, LoadFailed, LoadOptions
from contexts.analytics.infrastructure.csv.file import BLOCK, FIRST
from contexts.analytics.infrastructure.csv.filling import Filling
from contexts.analytics.infrastructure.csv.reading import SQL_TYPES, Reading
from contexts.analytics.infrastructure.loading_facts import relation_of, warnings
from shared.infrastructure.postgres import TRANSIENT, Pool, however_long_it_takes

logger = logging.getLogger(__name__)

Chunks = Callable[[], AsyncIterator[bytes]]
Progress = Callable[[int, int], None]
Connection = psycopg.AsyncConnection[tuple[object, ...]]


AT_ONCE = 2
"""Files that a process loads at a time. Each takes a connection, and another to read the upload."""


class Loading:
    """Makes tables by connections of `pool`, which may create them in the schemas it is told."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(AT_ONCE)

    async def load(
        self,
        chunks: Chunks,
        *,
        dataset: str,
        version: int,
        schema: str,
        table: str,
        options: LoadOptions,
        corrections: Corrections,
        progress: Progress | None = None,
    ) -> Loaded:
        """Make the table `schema.table` of the bytes that `chunks` begins anew at each call.

        `progress` is told bytes and rows so far; in a second pass it counts again from 0. Raise
        LoadFailed, or one of TRANSIENT when the server is away.
        """
        where = SQL("{}.{}").format(Identifier(schema), Identifier(table))
        async with self._free, self._pool.connection() as connection:
            try:
                with however_long_it_takes(connection):
                    async with connection.transaction():
                        await connection.execute("set local statement_timeout = 0")
                        pass_ = _Pass(connection, chunks, where, progress)
                        filling, size = await _filled(pass_, options, corrections)
                        await connection.execute(SQL("analyze {}").format(where))
                        relation = await relation_of(
                            connection,
                            filling,
                            dataset=dataset,
                            version=version,
                            schema=schema,
                            table=table,
                            corrections=corrections,
                        )
            except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
                raise LoadFailed(f"the database did not take the file: {error}") from error
            except (LoadFailed, OSError, *TRANSIENT):
                raise
            except Exception as error:
                # The next attempt would come to the same.
                logger.exception("load broke off", extra={"dataset": dataset})
                raise LoadFailed(f"it could not be read, by a fault of ours: {error!r}") from error
        file = filling.file
        return Loaded(
            relation=relation,
            encoding=file.encoding,
            delimiter=file.dialect.delimiter,
            bytes=size,
            set_aside=tuple(file.set_aside),
            set_aside_count=file.set_aside_count,
            warnings=tuple(warnings(filling)),
        )


async def _filled(
    pass_: "_Pass", options: LoadOptions, corrections: Corrections
) -> tuple[Filling, int]:
    """What was read in one pass, or in a second one where the first was wrong; and the bytes."""
    filling = Filling(options, corrections.types)
    size = await pass_.run(filling)
    final = filling.final()
    if not (filling.is_right and all(map(Reading.agrees, filling.readings, final))):
        await pass_.undo()
        filling = Filling(options, corrections.types, final)
        size = await pass_.run(filling)
    # The same types, and told with all that is known now.
    filling.readings = final
    if not filling.rows and (unread := filling.file.set_aside):
        raise LoadFailed(
            f"not one row fits the header; the first, in line {unread[0].line}, has "
            f"{unread[0].reason}: say what separates the fields, or whether there is a header"
        )
    return filling, size


class _Pass:
    """One reading of the file from its first byte to its last."""

    def __init__(
        self, connection: Connection, chunks: Chunks, where: Composed, progress: Progress | None
    ) -> None:
        self._connection = connection
        self._chunks = chunks
        self._where = where
        self._progress = progress

    async def run(self, filling: Filling) -> int:
        """Make the table and fill it; the number of bytes of the file.

        A block takes some milliseconds on the event loop. In a thread it would not keep others
        waiting any less, for it holds the interpreter, and would itself wait for PostgreSQL.
        """
        blocks = _blocks(self._chunks())
        block, last = await anext(blocks)
        # The first one may take longer: much is found out from it.
        data = await asyncio.to_thread(filling.take, block, last=last)
        await self._create(filling)
        size = self._tell(filling, len(block))
        async with self._connection.cursor() as cursor, cursor.copy(self._copy(filling)) as copy:
            await copy.write(data)
            async for block, last in blocks:
                data = filling.take(block, last=last)
                size = self._tell(filling, size + len(block))
                await copy.write(data)
                await asyncio.sleep(0)
        return size

    async def undo(self) -> None:
        await self._connection.execute(SQL("drop table {}").format(self._where))

    def _tell(self, filling: Filling, size: int) -> int:
        if self._progress is not None:
            self._progress(size, filling.rows)
        return size

    async def _create(self, filling: Filling) -> None:
        columns = SQL(", ").join(
            SQL("{} {}").format(Identifier(named.name), SQL(SQL_TYPES[reading.type]))
            for named, reading in zip(filling.file.columns, filling.readings, strict=True)
        )
        await self._connection.execute(SQL("create table {} ({})").format(self._where, columns))
        order = "MDY" if filling.month_first else "DMY"
        await self._connection.execute(SQL("set local datestyle = {}").format(f"ISO, {order}"))

    def _copy(self, filling: Filling) -> Composed:
        # Nobody sees the table before all of it is there: rows may be made visible at once.
        return SQL(
            "copy {} from stdin (format csv, freeze, delimiter {}, quote {}, null '',"
            " force_null ({}), encoding 'UTF8')"
        ).format(
            self._where,
            Literal(filling.file.dialect.delimiter),
            Literal(filling.file.dialect.quote),
            SQL(", ").join(Identifier(named.name) for named in filling.file.columns),
        )


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """FIRST bytes, then BLOCK bytes each, and whether it is the last; at least one, if empty."""
    wanted, parts, size = FIRST, [b""], 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > wanted:
            data, at = memoryview(b"".join(parts)), 0
            while size - at > wanted:
                yield bytes(data[at : at + wanted]), False
                at, wanted = at + wanted, BLOCK
            parts, size = [bytes(data[at:])], size - at
    yield b"".join(parts), True

"""Uploaded files, kept in PostgreSQL: in pieces, compressed, each file whole or not at all."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence

from contexts.analytics.application.ports import LoadFailed
from shared.application.context import current_context
from shared.infrastructure.postgres import Pool

PIECE = 1_000_000
"""Bytes of the file in each piece, before it is compressed."""

_FASTEST = 1

AT_ONCE = 3
"""Files that a process takes in at a time, each by a connection of its own; others wait."""

QUIET = 60.0
"""Seconds that a sender may take for its next bytes."""


class PostgresUploads:
    """The table `analytics.upload_chunks`; memory holds a piece or two of a file, however large."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(AT_ONCE)

    async def keep(self, upload_id: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep all of it, in place of what was kept under this id, or nothing; the number of bytes.

        A connection is taken for as long as the chunks take to come. Raise TimeoutError when they
        do not.
        """
        key, size = (current_context().tenant, upload_id), 0
        async with (
            self._free,
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            await connection.execute(
                "delete from analytics.upload_chunks where (tenant, upload_id) = (%s, %s)", key
            )
            number = 0
            async for piece, is_last in _pieces(_coming(chunks)):
                data = await asyncio.to_thread(zlib.compress, piece, _FASTEST)
                await connection.execute(
                    "insert into analytics.upload_chunks (tenant, upload_id, number, is_last, data)"
                    " values (%s, %s, %s, %s, %b)",
                    (*key, number, is_last, data),
                )
                number, size = number + 1, size + len(piece)
        return size

    async def read(self, upload_id: str) -> AsyncIterator[bytes]:
        """Raise LoadFailed when it is not there, or was forgotten meanwhile."""
        number, is_last = 0, False
        while not is_last:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "select is_last, data from analytics.upload_chunks"
                    " where (tenant, upload_id, number) = (%s, %s, %s)",
                    (current_context().tenant, upload_id, number),
                    binary=True,
                )
                row = await cursor.fetchone()
            if row is None:
                raise LoadFailed("the uploaded file is not kept any more: upload it again")
            number, is_last = number + 1, row[0]
            yield await asyncio.to_thread(zlib.decompress, row[1])

    async def forget(self, upload_id: str) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                "delete from analytics.upload_chunks where (tenant, upload_id) = (%s, %s)",
                (current_context().tenant, upload_id),
            )

    async def kept(self) -> Sequence[str]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select upload_id from analytics.upload_chunks where tenant = %s and number = 0",
                (current_context().tenant,),
            )
            return [row[0] for row in await cursor.fetchall()]


async def _coming(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(QUIET):
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
        yield chunk


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """Of PIECE bytes each but for the last, and whether it is that; at least one."""
    kept = bytearray()
    async for chunk in chunks:
        view = memoryview(chunk)
        while len(kept) + len(view) > PIECE:
            taken = PIECE - len(kept)
            yield bytes(kept) + bytes(view[:taken]), False
            kept, view = bytearray(), view[taken:]
        kept += view
    yield bytes(kept), True

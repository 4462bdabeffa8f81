"""Uploaded files are kept whole or not at all, each tenant's for itself."""

import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from contexts.analytics.application.ports import LoadFailed
from contexts.analytics.infrastructure.uploads import PIECE, PostgresUploads
from csvs import chunks_of
from shared.application.context import Context, running_in
from shared.infrastructure.postgres import Pool, pool


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Pool]:
    made = pool(database, name="test", size=2, statement_seconds=15, connect_seconds=10)
    await made.open(wait=True, timeout=60)
    yield made
    await made.close()


@pytest.fixture
def uploads(connections: Pool) -> PostgresUploads:
    return PostgresUploads(connections)


@contextmanager
def tenant(name: str) -> Iterator[None]:
    with running_in(Context(correlation_id="test", tenant=name)):
        yield


async def read(uploads: PostgresUploads, upload_id: str) -> bytes:
    return b"".join([chunk async for chunk in uploads.read(upload_id)])


async def pieces(connections: Pool) -> int:
    async with connections.connection() as connection:
        cursor = await connection.execute("select count(*) from analytics.upload_chunks")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2_345_678])
@pytest.mark.parametrize("chunk", [70_001, 3_000_000])
async def test_what_was_kept_is_read_byte_by_byte(
    uploads: PostgresUploads, size: int, chunk: int
) -> None:
    content = Random(size).randbytes(size)
    assert await uploads.keep("one", chunks_of(content, chunk)()) == size
    assert await read(uploads, "one") == content


async def test_an_upload_that_breaks_off_leaves_nothing(
    uploads: PostgresUploads, connections: Pool
) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"x" * 3 * PIECE
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await uploads.keep("one", cut())
    assert await pieces(connections) == 0


async def test_an_upload_that_breaks_off_does_not_harm_what_was_kept_before(
    uploads: PostgresUploads,
) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"x" * 3 * PIECE
        raise ConnectionResetError

    await uploads.keep("one", chunks_of(b"first")())
    with pytest.raises(ConnectionResetError):
        await uploads.keep("one", cut())
    assert await read(uploads, "one") == b"first"


async def test_keeping_again_replaces(uploads: PostgresUploads) -> None:
    await uploads.keep("one", chunks_of(b"x" * 3 * PIECE)())
    await uploads.keep("one", chunks_of(b"second")())
    assert await read(uploads, "one") == b"second"


async def test_what_was_forgotten_or_never_kept_cannot_be_read(
    uploads: PostgresUploads, connections: Pool
) -> None:
    await uploads.keep("one", chunks_of(b"x" * 2 * PIECE)())
    await uploads.forget("one")
    assert await pieces(connections) == 0
    for upload_id in ("one", "other"):
        with pytest.raises(LoadFailed, match="upload it again"):
            await read(uploads, upload_id)


async def test_what_is_forgotten_while_it_is_read_is_not_taken_for_all_of_it(
    uploads: PostgresUploads,
) -> None:
    await uploads.keep("one", chunks_of(b"x" * 3 * PIECE)())
    reading = uploads.read("one")
    assert await anext(reading) == b"x" * PIECE
    await uploads.forget("one")
    with pytest.raises(LoadFailed, match="upload it again"):
        await anext(reading)


async def test_tenants_do_not_see_one_another(uploads: PostgresUploads) -> None:
    with tenant("red"):
        await uploads.keep("one", chunks_of(b"red")())
    with tenant("blue"):
        with pytest.raises(LoadFailed):
            await read(uploads, "one")
        await uploads.keep("one", chunks_of(b"blue")())
        await uploads.forget("one")
    with tenant("red"):
        assert await read(uploads, "one") == b"red"


async def test_memory_does_not_grow_with_the_file(uploads: PostgresUploads) -> None:
    """Thirty megabytes that do not compress, through less than ten."""
    block = Random(1).randbytes(100_000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield block

    tracemalloc.start()
    try:
        assert await uploads.keep("big", chunks()) == 30_000_000
        size = 0
        async for chunk in uploads.read("big"):
            size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 30_000_000
    assert peak < 10_000_000

"""An erasure on a real database: all of it or nothing, once, and no word is left."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from keys import KEYS
from shared.application.caller import principal_of
from shared.application.codec import Codec
from shared.application.context import Context, running_in
from shared.application.encryption_keys import read_keys
from shared.application.event_store import Append, NewEvent, StoredEvent
from shared.application.idempotency import Answer, Identified
from shared.application.personal import EraseSubject, Erasure, SubjectGone
from shared.domain.errors import NotFound
from shared.domain.personal import SubjectErased
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.event_store.idempotency_keys import PostgresIdempotencyKeys
from shared.infrastructure.event_store.postgres_event_store import PostgresEventStore
from shared.infrastructure.event_store.transaction import current_transaction
from shared.infrastructure.personal.erasing import Erasing
from shared.infrastructure.personal.key_ring import KeyRing
from shared.infrastructure.personal.vault import PostgresVault
from shared.infrastructure.postgres import Pool
from shared.infrastructure.postgres import pool as make_pool

RING = KeyRing(read_keys(KEYS))
CODEC = Codec([SubjectErased])
NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
SECRET = b"the-words-of-ann"
NAME = "ann-at-home"


class Breaking(PostgresEventStore):
    """Loses the connection at one step of an erasure."""

    at = ""

    async def append(self, appends: Sequence[Append]) -> int:
        await self._lose("before the event")
        position = await super().append(appends)
        await self._lose("after the event")
        return position

    async def read(self, streams: Sequence[str]) -> Mapping[str, Sequence[StoredEvent]]:
        found = await super().read(streams)
        if found:
            await self._lose("at the commit")
        return found

    async def _lose(self, at: str) -> None:
        transaction = current_transaction()
        if self.at != at or transaction is None:
            return
        async with transaction.connection() as lost, self._pool.connection() as connection:
            pid = lost.info.backend_pid
            await connection.execute("select pg_terminate_backend(%s, 5000)", (pid,))


class Program:
    """What a process needs to keep something of people, and to erase them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.woken: list[int] = []
        self.store = Breaking(pool, HighWaterMark(), lambda at, _: self.woken.append(at))
        self.vault = PostgresVault(pool, RING)
        self.erasing = Erasing(pool, self.store, CODEC, self.vault, lambda: NOW)

    async def erase(self, subject: str) -> Erasure:
        return await self.erasing.erase(EraseSubject(subject))

    async def told(self, id: UUID) -> Sequence[StoredEvent]:
        stream = f"subject-{id}"
        return (await self.store.read([stream])).get(stream, [])

    async def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def row(self, id: UUID) -> tuple[Any, ...]:
        """Name, key, and when it was erased."""
        (row,) = await self.sql(
            "select name, key, erased_at from personal.subjects where id=%s", id
        )
        return row


@pytest.fixture
async def program(database: str) -> AsyncIterator[Program]:
    pool = make_pool(database, name="marquee-test", size=6, statement_seconds=15, connect_seconds=5)
    await pool.open(wait=True, timeout=60)
    yield Program(pool)
    await pool.close()


async def test_the_key_and_the_name_are_gone_and_the_log_says_when(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    (box,) = await program.vault.seal(ann, SECRET)
    erasure = await program.erase(NAME)
    assert erasure.subject_id == ann
    assert await program.row(ann) == (None, None, NOW)
    (event,) = await program.told(ann)
    assert CODEC.decode(event.type, event.data) == SubjectErased(subject_id=ann, erased_at=NOW)
    assert (event.position, program.woken) == (erasure.position, [erasure.position])
    assert await program.vault.open(box) == (None,)
    with pytest.raises(SubjectGone):
        await program.vault.seal(ann, b"more")
    assert await program.vault.find(NAME) is None
    assert await program.vault.subject(NAME) != ann


async def test_done_twice_by_the_id_it_is_done_once(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    first = await program.erase(str(ann))
    assert await program.erase(str(ann)) == first
    assert await program.erase(str(ann).upper()) == first
    assert len(await program.told(ann)) == 1
    with pytest.raises(NotFound):
        await program.erase(NAME)


@pytest.mark.parametrize("who", ["nobody", str(uuid4()), "", "*", "%"])
async def test_of_somebody_unknown_there_is_nothing_to_erase(program: Program, who: str) -> None:
    ann = await program.vault.subject(NAME)
    with pytest.raises(NotFound) as raised:
        await program.erase(who)
    assert not who or who not in str(raised.value)
    assert await program.row(ann) == (NAME, (await program.row(ann))[1], None)


async def test_in_another_tenant_nobody_is_known(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    with running_in(Context(correlation_id="c", tenant="other")):
        for who in (NAME, str(ann)):
            with pytest.raises(NotFound):
                await program.erase(who)


async def test_a_name_that_is_the_id_of_another_means_that_other(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    false = await program.vault.subject(str(ann))
    assert (await program.erase(str(ann))).subject_id == ann
    assert (await program.row(false))[0] == str(ann)


async def test_of_many_at_once_one_erases_and_all_are_told_the_same(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    other = Program(program.pool)
    found = await asyncio.gather(*((program, other)[n % 2].erase(str(ann)) for n in range(12)))
    assert len(set(found)) == 1
    assert len(await program.told(ann)) == 1


@pytest.mark.parametrize("at", ["before the event", "after the event", "at the commit"])
async def test_an_erasure_that_breaks_off_has_not_happened_at_all(
    program: Program, at: str
) -> None:
    ann = await program.vault.subject(NAME)
    (box,) = await program.vault.seal(ann, SECRET)
    row = await program.row(ann)
    program.store.at = at
    with pytest.raises(psycopg.OperationalError):
        await program.erase(NAME)
    assert await program.row(ann) == row
    assert await program.told(ann) == []
    assert await program.vault.open(box) == (SECRET,)
    assert program.woken == []
    program.store.at = ""
    assert (await program.erase(NAME)).subject_id == ann
    assert len(await program.told(ann)) == 1


async def test_what_a_crash_or_a_restore_left_of_an_erasure_is_completed(program: Program) -> None:
    ann, bob = await program.vault.subject(NAME), await program.vault.subject("bob")
    await program.sql(
        "update personal.subjects set name = null, key = null, erased_at = %s where id = %s",
        NOW - timedelta(days=1),
        ann,
    )
    assert (await program.erase(str(ann))).subject_id == ann
    assert len(await program.told(ann)) == 1
    assert await program.row(ann) == (None, None, NOW - timedelta(days=1))
    event = CODEC.encode(SubjectErased(subject_id=bob, erased_at=NOW))
    position = await program.store.append([Append(f"subject-{bob}", 0, [event])])
    assert await program.erase("bob") == Erasure(bob, position)
    assert await program.row(bob) == (None, None, NOW)


async def test_an_erasure_needs_one_connection_and_waits_for_no_second(database: str) -> None:
    pool = make_pool(database, name="marquee-one", size=1, statement_seconds=15, connect_seconds=2)
    await pool.open(wait=True, timeout=60)
    one = Program(pool)
    found = [await one.vault.subject(f"caller {n}") for n in range(4)]
    erased = await asyncio.gather(*(one.erase(str(each)) for each in found))
    assert [each.subject_id for each in erased] == found
    await pool.close()


async def test_kept_answers_of_the_caller_go_and_those_of_others_stay(program: Program) -> None:
    ann = await program.vault.subject(NAME)
    keys = PostgresIdempotencyKeys(program.pool, timedelta(hours=1))
    answer = Answer(200, [], SECRET)
    for tenant, name in (("default", NAME), ("default", "bob"), ("other", NAME)):
        async with keys.working() as work:
            await work.keep(Identified(tenant, principal_of(name), "k", b"f"), answer)
    await program.erase(str(ann))
    kept = await program.sql(
        "select tenant, principal from event_store.idempotency_keys order by 1"
    )
    assert kept == [("default", principal_of("bob")), ("other", principal_of(NAME))]
    await keys.close()


async def test_under_an_idempotency_key_it_happens_with_the_answer_or_not_at_all(
    program: Program,
) -> None:
    ann = await program.vault.subject(NAME)
    (box,) = await program.vault.seal(ann, SECRET)
    keys = PostgresIdempotencyKeys(program.pool, timedelta(hours=1))
    request = Identified("default", "caller-x", "k", b"f")
    async with keys.working():
        await program.erase(NAME)
    assert await program.vault.open(box) == (SECRET,)
    assert await program.told(ann) == []
    async with keys.working() as work:
        erasure = await program.erase(NAME)
        await work.keep(request, Answer(200, [], b"done", erasure.position))
    assert await program.vault.open(box) == (None,)
    assert [each.position for each in await program.told(ann)] == [erasure.position]
    await keys.close()


async def test_after_an_erasure_no_table_holds_a_word_or_the_name(
    program: Program, database: str
) -> None:
    ann, bob = await program.vault.subject(NAME), await program.vault.subject("bob-the-other")
    boxes = await program.vault.seal(ann, SECRET, SECRET * 20)
    events = [NewEvent("test.said", msgspec.json.encode(box)) for box in boxes]
    await program.store.append([Append(f"conversation-{uuid4()}", 0, events)])
    key = (await program.row(ann))[1]
    assert not _found(database, SECRET)
    assert _found(database, NAME.encode()) == ["personal.subjects"]
    assert _found(database, key) == ["personal.subjects"]
    await program.erase(str(ann))
    for gone in (SECRET, NAME.encode(), key):
        assert not _found(database, gone)
    assert _found(database, b"bob-the-other") == ["personal.subjects"]
    assert _found(database, str(bob).encode()) == ["personal.subjects"]


def _found(database: str, wanted: bytes) -> list[str]:
    """The tables of all schemas that hold these bytes, in whichever form they are written."""
    forms = {wanted.decode("latin-1"), wanted.hex()}
    for shift in range(3):
        # Whatever stands before and after it in a longer text changes the first and the last four.
        forms.add(base64.b64encode(bytes(shift) + wanted).decode()[4:-4])
    found = []
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(
                SQL("select t::text from {} t").format(Identifier(schema, table))
            ).fetchall()
            if any(form in row[0] for row in rows for form in forms):
                found.append(f"{schema}.{table}")
    return found

"""Keys of people on a real database: made once, used by all, destroyed, and wrapped anew."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keys import KEYS
from shared.application.context import Context, running_in
from shared.application.encryption_keys import new_key, read_keys
from shared.application.personal import NOBODY, Broken, RewrapKeys, SubjectGone
from shared.domain.personal import Sealed
from shared.infrastructure.personal.key_ring import KeyMissing, KeyRing
from shared.infrastructure.personal.rotation import TOGETHER, Rotation, must_open
from shared.infrastructure.personal.vault import KEPT_SECONDS, MOST_KEPT, PostgresVault
from shared.infrastructure.postgres import Pool
from shared.infrastructure.postgres import pool as make_pool

RING = KeyRing(read_keys(KEYS))
ERASE = "update personal.subjects set name = null, key = null, erased_at = now() where id = %s"


class Watch:
    """Tells the time that it was set to, in seconds."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = make_pool(database, name="marquee-test", size=5, statement_seconds=15, connect_seconds=5)
    await pool.open(wait=True, timeout=60)
    yield pool
    await pool.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def vault(pool: Pool, watch: Watch) -> PostgresVault:
    return PostgresVault(pool, RING, watch)


async def rows(pool: Pool) -> list[tuple[Any, ...]]:
    """For each whether there are a name, a key, and a time of erasure."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select name is not null, key is not null, erased_at is not null"
            " from personal.subjects order by created_at"
        )
        return await cursor.fetchall()


async def execute(pool: Pool, statement: str, *values: object) -> None:
    async with pool.connection() as connection:
        await connection.execute(statement.encode(), values)


async def must_open_all(pool: Pool, ring: KeyRing) -> None:
    async with pool.connection() as connection:
        await must_open(connection, ring)


async def test_what_was_sealed_is_opened_in_order_by_every_process(
    pool: Pool, vault: PostgresVault
) -> None:
    ann, bob = await vault.subject("ann"), await vault.subject("bob")
    one, empty = await vault.seal(ann, b"one", b"")
    (twelve,) = await vault.seal(bob, "zwölf".encode())
    elsewhere = PostgresVault(pool, RING)
    assert await elsewhere.open(twelve, one, empty) == ("zwölf".encode(), b"one", b"")
    assert await elsewhere.open() == ()


async def test_of_many_first_calls_of_one_name_one_makes_the_subject(
    pool: Pool, vault: PostgresVault
) -> None:
    vaults = [vault, PostgresVault(pool, RING)]
    assert await vault.find("ann") is None
    found = await asyncio.gather(*(vaults[n % 2].subject("ann") for n in range(40)))
    assert len(set(found)) == 1
    assert await rows(pool) == [(True, True, False)]
    assert await vault.find("ann") == found[0]
    (box,) = await vault.seal(found[0], b"hello")
    assert await vaults[1].open(box) == (b"hello",)


async def test_tenants_have_subjects_and_keys_of_their_own(vault: PostgresVault) -> None:
    here = await vault.subject("ann")
    (box,) = await vault.seal(here, b"hello")
    with running_in(Context(correlation_id="c", tenant="other")):
        assert await vault.find("ann") is None
        assert await vault.subject("ann") != here
        await vault.subject("zoe")
        assert await vault.open(box) == (None,)
        with pytest.raises(SubjectGone):
            await vault.seal(here, b"hello")
    assert await vault.find("zoe") is None
    assert await vault.find("ann") == here


async def test_a_box_that_was_moved_to_another_subject_is_broken(vault: PostgresVault) -> None:
    ann, bob = await vault.subject("ann"), await vault.subject("bob")
    (box,) = await vault.seal(ann, b"hello")
    with pytest.raises(Broken):
        await vault.open(Sealed(bob, box.box))


async def test_another_process_sees_an_erasure_within_the_time_that_keys_are_kept(
    pool: Pool, vault: PostgresVault, watch: Watch
) -> None:
    ann = await vault.subject("ann")
    (box,) = await vault.seal(ann, b"hello")
    await execute(pool, ERASE, ann)
    watch.now += KEPT_SECONDS - 0.001
    assert await vault.open(box) == (b"hello",)
    watch.now += 0.001
    assert await vault.open(box) == (None,)
    with pytest.raises(SubjectGone):
        await vault.seal(ann, b"more")


async def test_who_was_erased_in_this_process_is_forgotten_at_once_and_for_good(
    pool: Pool, vault: PostgresVault
) -> None:
    ann = await vault.subject("ann")
    (box,) = await vault.seal(ann, b"hello")
    vault.forget("default", ann)
    assert await vault.open(box) == (None,)
    await pool.close()
    with pytest.raises(SubjectGone):
        await vault.seal(ann, b"more")


async def test_a_key_that_was_asked_for_before_an_erasure_is_not_kept_after_it(
    pool: Pool, vault: PostgresVault
) -> None:
    """The answer of the database is on its way while the subject is erased here."""
    ann = await vault.subject("ann")
    (box,) = await vault.seal(ann, b"hello")
    slow = PostgresVault(pool, RING)
    async with pool.connection() as holder, holder.transaction():
        await holder.execute("lock table personal.subjects in access exclusive mode")
        opening = asyncio.create_task(slow.open(box))
        await waits_for_a_lock(pool)
        slow.forget("default", ann)
    assert await opening == (None,)
    assert await slow.open(box) == (None,)


async def test_keys_of_many_subjects_take_one_query_and_none_while_they_are_kept(
    pool: Pool, vault: PostgresVault, watch: Watch
) -> None:
    subjects = [await vault.subject(f"caller {n}") for n in range(30)]
    boxes = [(await vault.seal(each, each.bytes))[0] for each in subjects]
    asked = Asked(pool)
    fresh = PostgresVault(asked, RING, watch)  # type: ignore[arg-type]
    assert await fresh.open(*boxes, *boxes) == tuple(each.bytes for each in subjects) * 2
    assert asked.times == 1
    await fresh.seal(subjects[7], b"more")
    assert asked.times == 1
    watch.now += KEPT_SECONDS
    await fresh.open(*boxes)
    assert asked.times == 2


async def test_so_many_keys_are_kept_and_no_more(
    pool: Pool, vault: PostgresVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_KEPT > 100
    monkeypatch.setattr("shared.infrastructure.personal.vault.MOST_KEPT", 3)
    subjects = [await vault.subject(f"caller {n}") for n in range(4)]
    boxes = [(await vault.seal(each, b"x"))[0] for each in subjects]
    asked = Asked(pool)
    small = PostgresVault(asked, RING)  # type: ignore[arg-type]
    for n, times in ((0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (2, 3), (3, 4), (0, 5)):
        assert await small.open(boxes[n]) == (b"x",)
        assert asked.times == times
    assert await small.open(*boxes) == (b"x",) * 4


async def test_of_a_subject_that_is_not_known_nothing_is_sealed_and_that_is_logged(
    vault: PostgresVault, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(SubjectGone):
        await vault.seal(NOBODY, b"hello")
    assert [record.message for record in caplog.records] == [
        "nothing is known of subjects that data is sealed for"
    ]


async def test_a_new_key_wraps_and_the_old_one_may_go_once_all_is_wrapped_anew(
    pool: Pool, vault: PostgresVault
) -> None:
    subjects = [await vault.subject(f"caller {n}") for n in range(TOGETHER + 3)]
    (box,) = await vault.seal(subjects[0], b"hello")
    await execute(pool, ERASE, subjects[1])
    made = new_key()
    both = KeyRing(read_keys(f"{made},{KEYS}"))
    await PostgresVault(pool, both).subject("one more")
    rotation = Rotation(pool, both)
    assert await rotation.counts() == {both.first: 1, RING.first: TOGETHER + 2}
    with pytest.raises(KeyMissing, match=f"lacks the key '{RING.first}'"):
        await must_open_all(pool, KeyRing(read_keys(made)))
    assert await rotation.rewrap(RewrapKeys()) == TOGETHER + 2
    assert await rotation.rewrap(RewrapKeys()) == 0
    assert await rotation.counts() == {both.first: TOGETHER + 3, RING.first: 0}
    alone = KeyRing(read_keys(made))
    await must_open_all(pool, alone)
    assert await PostgresVault(pool, alone).open(box) == (b"hello",)
    with pytest.raises(KeyMissing, match=f"lacks the key '{both.first}'"):
        await must_open_all(pool, RING)


async def test_another_key_under_a_known_id_is_noticed(pool: Pool, vault: PostgresVault) -> None:
    await vault.subject("ann")
    false = KeyRing({RING.first: bytes(32)})
    with pytest.raises(KeyMissing, match=f"'{RING.first}' is not the one of that id"):
        await must_open_all(pool, false)


async def test_a_wrapped_key_that_was_moved_to_another_subject_does_not_unwrap(
    pool: Pool, vault: PostgresVault
) -> None:
    ann, bob = await vault.subject("ann"), await vault.subject("bob")
    (box,) = await vault.seal(ann, b"hello")
    await execute(
        pool,
        "update personal.subjects set key = (select key from personal.subjects where id = %s)"
        " where id = %s",
        ann,
        bob,
    )
    with pytest.raises(KeyMissing):
        await PostgresVault(pool, RING).open(Sealed(bob, box.box))


async def test_an_empty_database_needs_no_particular_key(pool: Pool) -> None:
    await must_open_all(pool, KeyRing(read_keys(new_key())))


async def test_the_ids_of_subjects_tell_nothing_and_never_come_again(
    pool: Pool, vault: PostgresVault
) -> None:
    first = await vault.subject("ann")
    assert first.version == 4
    await execute(pool, ERASE, first)
    second = await vault.subject("ann")
    assert second != first
    assert await rows(pool) == [(False, False, True), (True, True, False)]


class Asked:
    """A pool that counts how often a connection was asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.times = 0

    def connection(self) -> object:
        self.times += 1
        return self._pool.connection()


async def waits_for_a_lock(pool: Pool) -> None:
    async with asyncio.timeout(60), pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "select from pg_locks where not granted"
                " and relation = 'personal.subjects'::regclass"
            )
            if await cursor.fetchone() is not None:
                return
            await asyncio.sleep(0.01)

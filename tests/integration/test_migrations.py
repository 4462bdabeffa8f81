"""Migrations on a real database: once, in order, whoever starts first; and what is refused."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

import shared.infrastructure.migrations as module
from shared.infrastructure.migrations import Migration, MigrationFailed, migrate
from stored import MIGRATIONS

FIRST = Migration(
    "test/0001_first.sql", "create table first (id int); insert into first values (1)"
)
SECOND = Migration("test/0002_second.sql", "insert into first select id + 1 from first")
BOTH = [FIRST, SECOND]
NAMES = [FIRST.name, SECOND.name]


def test_files_are_applied_in_order_and_once(empty_database: str) -> None:
    assert migrate(empty_database, BOTH) == NAMES
    assert migrate(empty_database, BOTH) == []
    assert _rows(empty_database, "select id from first order by id") == [(1,), (2,)]


def test_a_new_file_is_applied_alone(empty_database: str) -> None:
    migrate(empty_database, BOTH)
    third = Migration("test/0003_third.sql", "insert into first values (3)")
    assert migrate(empty_database, [*BOTH, third]) == [third.name]
    assert _rows(empty_database, "select id from first order by id") == [(1,), (2,), (3,)]


def test_the_program_needs_nothing_more_than_its_files(empty_database: str) -> None:
    assert migrate(empty_database, MIGRATIONS) == [each.name for each in MIGRATIONS]
    assert migrate(empty_database, MIGRATIONS) == []


def test_of_those_who_start_at_once_each_file_is_applied_by_one(empty_database: str) -> None:
    slow = Migration(FIRST.name, f"select pg_sleep(0.1); {FIRST.sql}")
    together = threading.Barrier(4)

    def start() -> list[str]:
        together.wait(timeout=60)
        return migrate(empty_database, [slow, SECOND])

    with ThreadPoolExecutor(4) as pool:
        applied = [future.result() for future in [pool.submit(start) for _ in range(4)]]
    assert sorted(applied) == [[], [], [], NAMES]
    assert _rows(empty_database, "select id from first order by id") == [(1,), (2,)]


def test_a_file_that_was_changed_after_it_had_been_applied_is_refused_by_name(
    empty_database: str,
) -> None:
    migrate(empty_database, BOTH)
    edited = Migration(SECOND.name, f"{SECOND.sql} -- in other words")
    third = Migration("test/0003_third.sql", "create table third ()")
    with pytest.raises(MigrationFailed, match=rf"^{SECOND.name} was changed after"):
        migrate(empty_database, [FIRST, edited, third])
    assert not _exists(empty_database, "third")


def test_a_database_ahead_of_the_program_is_refused(empty_database: str) -> None:
    migrate(empty_database, BOTH)
    with pytest.raises(MigrationFailed, match=f"ahead of this program: it holds {SECOND.name}"):
        migrate(empty_database, [FIRST])


def test_a_file_that_fails_leaves_nothing_of_itself_and_all_that_was_before_it(
    empty_database: str,
) -> None:
    broken = Migration(
        "test/0003_third.sql", "create table third (); insert into nowhere values (1)"
    )
    fourth = Migration("test/0004_fourth.sql", "create table fourth ()")
    with pytest.raises(MigrationFailed, match=rf"^{broken.name}: .*nowhere"):
        migrate(empty_database, [*BOTH, broken, fourth])
    assert not _exists(empty_database, "third")
    assert not _exists(empty_database, "fourth")
    mended = Migration(broken.name, "create table third ()")
    assert migrate(empty_database, [*BOTH, mended, fourth]) == [mended.name, fourth.name]


def test_another_who_migrates_is_not_waited_for_forever(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    with (
        _held(empty_database, "select pg_advisory_lock(77001, 2)"),
        pytest.raises(MigrationFailed, match=r"another process has been migrating for 0\.2 s"),
    ):
        _within(20, empty_database)
    assert migrate(empty_database, BOTH) == NAMES


def test_a_table_that_is_in_use_is_not_waited_for_forever(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that waits for a table makes everybody else wait behind it."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.2)
    migrate(empty_database, BOTH)
    third = Migration("test/0003_third.sql", "alter table first add column name text")
    with (
        _held(empty_database, "begin", "select from first"),
        pytest.raises(MigrationFailed, match=rf"^{third.name}: .*lock timeout"),
    ):
        _within(20, empty_database, [*BOTH, third])
    assert migrate(empty_database, [*BOTH, third]) == [third.name]


def _within(seconds: int, url: str, wanted: list[Migration] = BOTH) -> list[str]:
    """Migrate, and fail instead of hanging should nothing bound the wait."""
    bounded = f"{url}{'&' if '?' in url else '?'}options=-cstatement_timeout%3D{seconds}s"
    return migrate(bounded, wanted)


@contextmanager
def _held(url: str, *statements: str) -> Iterator[None]:
    """What another session holds while it has run these."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield


def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def _exists(url: str, table: str) -> bool:
    return _rows(url, f"select to_regclass('{table}') is not null") == [(True,)]

"""Plain SQL files, applied in order, once each, whoever starts first.

A file that was applied is never edited: its checksum is kept, and another one is refused.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psycopg

logger = logging.getLogger(__name__)

SHARED = Path(__file__).parent
WAIT_SECONDS = 60
_LOCK = (77001, 2)


class MigrationFailed(Exception):
    """The database can't be brought to the form this program needs; says which file and why."""


class Migration(msgspec.Struct, frozen=True):
    """`name` is `<owner>/<file>`, such as `events/0001_catalogue.sql`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folders: Sequence[tuple[str, Path]]) -> Iterator[Migration]:
    """The files of each (owner, folder), in order."""
    for owner, folder in folders:
        for path in sorted(folder.glob("*.sql")):
            yield Migration(f"{owner}/{path.name}", path.read_text("utf-8"))


def migrate(url: str, wanted: Sequence[Migration]) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; return the names applied.

    When two processes start at once the second waits for the first, then finds nothing to do.
    """
    applied = []
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("select set_config('lock_timeout', %s, false)", (f"{WAIT_SECONDS}s",))
        try:
            connection.execute("select pg_advisory_lock(%s, %s)", _LOCK)
        except psycopg.errors.LockNotAvailable:
            raise MigrationFailed(
                f"another process has been migrating for {WAIT_SECONDS} s; try again after it"
            ) from None
        connection.execute(
            "create table if not exists public.marquee_migrations (name text primary key,"
            " checksum text not null, applied_at timestamptz not null default clock_timestamp())"
        )
        rows = connection.execute("select name, checksum from public.marquee_migrations")
        known: dict[str, str] = dict(rows.fetchall())
        _check(known, wanted)
        for migration in wanted:
            if migration.name not in known:
                _apply(connection, migration)
                applied.append(migration.name)
    return applied


def _check(known: dict[str, str], wanted: Sequence[Migration]) -> None:
    for migration in wanted:
        if known.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationFailed(
                f"{migration.name} was changed after it had been applied: "
                "restore the file and put the change into a new one"
            )
    ahead = sorted(known.keys() - {migration.name for migration in wanted})
    if ahead:
        raise MigrationFailed(
            f"the database is ahead of this program: it holds {', '.join(ahead)}; "
            "run the newer version"
        )


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "insert into public.marquee_migrations (name, checksum) values (%s, %s)",
                (migration.name, migration.checksum),
            )
    except psycopg.Error as error:
        raise MigrationFailed(f"{migration.name}: {error}") from error
    logger.info("migrated", extra={"migration": migration.name})

"""The two servers of a home: held by one process at a time, found by all the others."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from embedded.part import Part
from embedded.place import place_of, write_private
from embedded.postgres import PostgreSQL
from embedded.process import EmbeddedError, is_alive
from embedded.supervisor import Supervisor
from embedded.valkey import Valkey

LOCK, ADDRESSES, LOGS = "lock", "servers.json", "log"
# How long the servers of a run that was killed may take to stop, before we give up on them.
STOPPING = 10.0
LARGEST_LOG = 5_000_000


@dataclass(frozen=True)
class Urls:
    pid: int
    """Of the process that runs the servers."""
    database_url: str | None
    redis_url: str | None


class Servers:
    """`with Servers(home) as servers:` runs both. What a crash leaves is put right by the next."""

    def __init__(
        self, home: Path, durable: bool = True, *, postgres: bool = True, valkey: bool = True
    ) -> None:
        """Not `durable` is faster, and loses data in a crash: for tests."""
        self._home = home.absolute()
        self._durable = durable
        self._wanted = (postgres, valkey)
        self._postgres: PostgreSQL | None = None
        self._valkey: Valkey | None = None
        self._running = contextlib.ExitStack()

    @property
    def database_url(self) -> str:
        if self._postgres is None:
            raise EmbeddedError("This PostgreSQL has no address, for it was not prepared.")
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        if self._valkey is None:
            raise EmbeddedError("This Valkey has no address, for it was not prepared.")
        return self._valkey.url

    def start(self) -> None:
        """Return when both answer. From the main thread, see `spawn`."""
        with contextlib.ExitStack() as running:
            supervisor = Supervisor(running.enter_context(self.prepared()))
            running.callback(supervisor.stop)
            supervisor.start()
            self._running = running.pop_all()

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextlib.contextmanager
    def prepared(self) -> Iterator[list[Part]]:
        """Hold the home, with all made ready to start: the servers as parts for a Supervisor."""
        with contextlib.ExitStack() as held:
            try:
                parts = self._prepare(held)
            except OSError as error:
                reason = f"{error.strerror or error} ({error.filename or self._home})"
                raise EmbeddedError(f"{self._home} cannot be used: {reason}.") from error
            yield parts

    def _prepare(self, held: contextlib.ExitStack) -> list[Part]:
        if not self._home.exists():
            self._home.mkdir(parents=True)
            # Root's servers run as somebody else, who has to get in; what they keep is closed.
            self._home.chmod(0o755 if os.geteuid() == 0 else 0o700)
        lock = _take(self._home)
        held.callback(os.close, lock)
        (self._home / LOGS).mkdir(mode=0o700, exist_ok=True)
        place = place_of(self._home)
        postgres, valkey = self._wanted
        parts = []
        # The servers inherit the lock: it is free when the last of their processes is gone, and
        # so the next start waits for servers that still stop after our death.
        if postgres:
            log = self._log(PostgreSQL.name)
            self._postgres = PostgreSQL(place, log, durable=self._durable, keep_fds=[lock])
            parts.append(self._postgres.prepare())
        if valkey:
            log = self._log(Valkey.name)
            self._valkey = Valkey(place, log, durable=self._durable, keep_fds=[lock])
            parts.append(self._valkey.prepare())
        urls = Urls(
            pid=os.getpid(),
            database_url=self._postgres.url if self._postgres else None,
            redis_url=self._valkey.url if self._valkey else None,
        )
        addresses = self._home / ADDRESSES
        write_private(addresses, json.dumps(asdict(urls)))
        held.callback(addresses.unlink, missing_ok=True)
        return parts

    def _log(self, name: str) -> Path:
        log = self._home / LOGS / f"{name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        return log


def running(home: Path) -> Urls | None:
    """Where the servers of this home are, if another process runs them (or is starting them)."""
    try:
        urls = Urls(**json.loads((home / ADDRESSES).read_text()))
        lock = os.open(home / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise EmbeddedError(f"{home} belongs to another user, who alone may connect.") from None
    except (ValueError, TypeError):
        raise EmbeddedError(
            f"{home / ADDRESSES} is damaged: stop the servers and start again."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return urls if is_alive(urls.pid) else None
    finally:
        os.close(lock)
    # Nobody holds it: that process was killed, and could not take the file away.
    return None


def _take(home: Path) -> int:
    """The home's lock, which is released by closing this descriptor (and its copies)."""
    lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + STOPPING
        while not _locks(lock):
            holder = os.pread(lock, 20, 0).decode()
            if holder.isdecimal() and is_alive(int(holder)):
                raise EmbeddedError(
                    f"{home} is already in use by process {holder} "
                    "(stop it, or choose another folder with MARQUEE_HOME)."
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The servers that process {holder} ran in {home} have outlived it and do not "
                    "stop: end them, or choose another folder with MARQUEE_HOME."
                )
            time.sleep(0.05)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _locks(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""A PostgreSQL of one's own: a cluster in a folder, answering on one port of 127.0.0.1."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from embedded.part import Part
from embedded.place import Access, Place, remove, write_private
from embedded.process import EmbeddedError, every_pid, kill_tree, last_lines, size_of, spawn
from embedded.programs import postgres_programs

MAJOR = "18"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path may have 107 bytes only, which a deep home exceeds; TCP does for all.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    # The data lies on what finds any page as fast as the next one.
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement that fails may hold what somebody asked in confidence; that it failed is logged.
    "log_min_error_statement": "fatal",
}
# A crash of the machine may then cost all data: for tests, which throw them away.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Refusals that end by themselves: it starts or recovers, or clients were quicker than we.
PASSING = ("the database system", "too many clients", "connection slots")


class PostgreSQL:
    name = "postgres"

    def __init__(
        self, place: Place, log: Path, *, durable: bool = True, keep_fds: Sequence[int] = ()
    ) -> None:
        """`keep_fds` are inherited by every process of the server, so a lock on them lasts."""
        self._place = place
        self._log = log
        self._durable = durable
        self._keep_fds = keep_fds
        self._data = place.folder / self.name
        self._access: Access | None = None

    @property
    def url(self) -> str:
        if self._access is None:
            raise EmbeddedError("PostgreSQL has no address before it is prepared.")
        password, port = self._access.password, self._access.port
        return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"

    def prepare(self) -> Part:
        """Make the cluster if there is none, and tell how it is run. One at a time in a folder."""
        programs = postgres_programs(self._place)
        data = self._place.own_folder(self.name)
        if any(data.iterdir()):
            self._check()
            self._access = self._place.access(self.name)
        else:
            self._access = self._place.access(self.name)
            self._create(programs, self._access.password)
        # Nobody else is at work here, so it is from a crash. The number in it may be another
        # process by now (in a container it is, often), and the server would refuse to start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        return self._part(programs, self._access.port)

    def _part(self, programs: Path, port: int) -> Part:
        settings = {**SETTINGS, "port": str(port), **({} if self._durable else FORGETFUL)}
        program = programs / "postgres"
        return Part(
            name=self.name,
            argv=[
                str(program),
                *("-D", str(self._data)),
                *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
            ],
            cwd=Path("/"),
            log=self._log,
            ready=self._answers,
            # Fast, then immediate shutdown: the first ends the clients and writes a checkpoint,
            # the second leaves the rest to the recovery of the next start.
            stop_signal=signal.SIGINT,
            grace=1.5,
            force_signal=signal.SIGQUIT,
            death_signal=signal.SIGINT,
            account=self._place.account,
            keep_fds=self._keep_fds,
            sweep=lambda: self._end_strays(program),
        )

    def _create(self, programs: Path, password: str) -> None:
        """In a folder beside, and renamed when it is whole."""
        making = self._data.with_name(f"{self.name}.making")
        # Left by one that was killed half-way.
        remove(making)
        making.mkdir(mode=0o700)
        self._place.give(making)
        password_file = making.with_suffix(".password")
        write_private(password_file, password)
        self._place.give(password_file)
        argv = [str(programs / "initdb"), "-D", str(making), "-U", "postgres"]
        argv += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        argv += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        argv += [] if self._durable else ["--no-sync"]
        began = size_of(self._log)
        initdb = spawn(
            argv,
            cwd=Path("/"),
            account=self._place.account,
            log=self._log,
            keep_fds=self._keep_fds,
        )
        try:
            status = initdb.wait(timeout=60)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            kill_tree(initdb)
            initdb.wait()
            password_file.unlink()
        if status != 0:
            sentence = f"PostgreSQL could not make a cluster in {self._data}."
            raise EmbeddedError(sentence + last_lines(self._log, began))
        making.rename(self._data)

    def _check(self) -> None:
        try:
            version = (self._data / "PG_VERSION").read_text(errors="replace").strip()
        except FileNotFoundError:
            raise EmbeddedError(
                f"{self._data} is not empty, but is no PostgreSQL cluster: move it away."
            ) from None
        if version != MAJOR:
            raise EmbeddedError(
                f"{self._data} is of PostgreSQL {version[:20]!r}, and this is PostgreSQL {MAJOR}: "
                "dump it with its own version, or move it away to begin afresh."
            )
        if not self._place.remembers(self.name):
            raise EmbeddedError(
                f"{self._data} holds a cluster, but {self._data}.json with its password is "
                "missing: put it back, or move the cluster away to begin afresh."
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            _, refused, reason = str(error).partition("FATAL:")
            if refused and not any(passing in reason for passing in PASSING):
                raise EmbeddedError(
                    f"The cluster in {self._data} cannot be used, the server says: {reason.strip()}"
                ) from None
            return False
        return True

    def _end_strays(self, program: Path) -> None:
        """Backends whose server was killed go on with their query, and would bar the next start."""
        for pid in every_pid():
            with contextlib.suppress(OSError):
                # By inode: in a container the same path may be another folder. And not the shell
                # of somebody who looks around in it.
                is_here = self._data.samefile(f"/proc/{pid}/cwd")
                if is_here and program.samefile(f"/proc/{pid}/exe"):
                    os.kill(pid, signal.SIGKILL)

"""A Valkey of one's own: an append-only file in a folder, answering on one port of 127.0.0.1."""

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded.part import Part
from embedded.place import Access, Place, write_private
from embedded.process import EmbeddedError
from embedded.programs import valkey_program

SETTINGS = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "daemonize": "no",
    # Relative to the folder it is started in, so that no path needs quoting.
    "dir": ".",
    # Queues are kept in it: better to refuse a write than to forget a message.
    "maxmemory-policy": "noeviction",
    "save": '""',
}
DURABLE = {"appendonly": "yes", "appendfsync": "everysec"}
FORGETFUL = {"appendonly": "no"}


class Valkey:
    name = "valkey"

    def __init__(
        self, place: Place, log: Path, *, durable: bool = True, keep_fds: Sequence[int] = ()
    ) -> None:
        """`keep_fds` are inherited by every process of the server, so a lock on them lasts."""
        self._place = place
        self._log = log
        self._durable = durable
        self._keep_fds = keep_fds
        self._access: Access | None = None

    @property
    def url(self) -> str:
        access = self._known_access()
        return f"redis://:{access.password}@127.0.0.1:{access.port}/0"

    def prepare(self) -> Part:
        """Write its configuration, and tell how it is run. One at a time in a folder."""
        program = valkey_program(self._place)
        data = self._place.own_folder(self.name)
        self._access = self._place.access(self.name)
        return Part(
            name=self.name,
            argv=[str(program), str(self._configure(self._access))],
            cwd=data,
            log=self._log,
            ready=self._answers,
            stop_signal=signal.SIGTERM,
            grace=1.5,
            death_signal=signal.SIGTERM,
            account=self._place.account,
            keep_fds=self._keep_fds,
        )

    def _configure(self, access: Access) -> Path:
        settings = {
            **SETTINGS,
            **(DURABLE if self._durable else FORGETFUL),
            "port": str(access.port),
            "requirepass": access.password,
        }
        path = self._place.folder / f"{self.name}.conf"
        write_private(path, "".join(f"{key} {value}\n" for key, value in settings.items()))
        self._place.give(path)
        return path

    def _answers(self) -> bool:
        access = self._known_access()
        client = redis.Redis(
            port=access.port,
            password=access.password,
            socket_timeout=1,
            # Ten attempts by default, which is for the caller to decide here.
            retry=Retry(NoBackoff(), 0),
        )
        # Refused while it loads its file, as well as while it does not listen.
        with contextlib.closing(client), contextlib.suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def _known_access(self) -> Access:
        if self._access is None:
            raise EmbeddedError("Valkey has no address before it is prepared.")
        return self._access

"""Where the servers of a home keep their files, and as whom they run."""

import contextlib
import hashlib
import json
import os
import random
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from embedded.process import Account, EmbeddedError

# PostgreSQL refuses to run as root; these numbers are "nobody" on every Linux.
UNPRIVILEGED = Account(65534, 65534)
# For the homes that the unprivileged account cannot get into, such as one under /root.
OPEN_FOLDER = Path("/var/lib/marquee")
POINTER = "servers-are-in"
# Below what the kernel hands out to outgoing connections, any of which could sit on a kept port.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Access:
    """What a client needs, kept so that it is the same after a restart."""

    port: int
    password: str


@dataclass(frozen=True)
class Place:
    folder: Path
    account: Account | None
    """None: the servers run as we do."""

    def own_folder(self, name: str) -> Path:
        """An empty folder that belongs to the servers, or the one that is there already."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.give(folder)
        owner = folder.stat().st_uid
        expected = self.account.uid if self.account else os.geteuid()
        if owner != expected:
            raise EmbeddedError(
                f"{folder} belongs to user {owner}, but the servers run as user {expected}: "
                f"start as the user it belongs to, or `chown -R {expected} {folder}`."
            )
        return folder

    def give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def remembers(self, name: str) -> bool:
        return self._memory_of(name).exists()

    def access(self, name: str) -> Access:
        """Made up the first time; later only the port changes, when somebody else has taken it."""
        memory = self._memory_of(name)
        try:
            kept = Access(**json.loads(memory.read_text()))
        except FileNotFoundError:
            access = Access(_free_port(), secrets.token_urlsafe(24))
        except (ValueError, TypeError):
            raise EmbeddedError(
                f"{memory} is damaged: it should hold the port and password."
            ) from None
        else:
            if _is_free(kept.port):
                return kept
            access = Access(_free_port(), kept.password)
        write_private(memory, json.dumps(vars(access)))
        return access

    def _memory_of(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def place_of(home: Path) -> Place:
    """For a user, the home itself. For root, a place that an unprivileged account can reach."""
    if os.geteuid() != 0:
        return Place(home, None)
    pointer = home / POINTER
    if pointer.exists():
        folder = Path(pointer.read_text().strip())
        if not folder.is_dir():
            raise EmbeddedError(f"The data of {home} should be in {folder}, which is not there.")
        return Place(folder, _account_of(folder))
    account = _account_of(home)
    if can_reach(account, home):
        return Place(home, account)
    folder = OPEN_FOLDER / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    for missing in [path for path in (OPEN_FOLDER, folder) if not path.exists()]:
        missing.mkdir(parents=True)
        missing.chmod(0o755)
    if not can_reach(account, folder):
        raise EmbeddedError(
            f"Neither {home} nor {folder} can be entered by user {account.uid}, as whom the "
            "servers run under root: choose another folder with MARQUEE_HOME."
        )
    pointer.write_text(f"{folder}\n")
    return Place(folder, account)


def _account_of(folder: Path) -> Account:
    """The owner of what an earlier run left, so that root can go on with a user's home."""
    for name in ("postgres", "valkey"):
        with contextlib.suppress(FileNotFoundError):
            owner = (folder / name).stat()
            if owner.st_uid != 0:
                return Account(owner.st_uid, owner.st_gid)
    return UNPRIVILEGED


def can_reach(account: Account, path: Path) -> bool:
    """Whether the permissions let the account read this file, or enter this folder."""
    path = path.resolve()
    wanted = 0o1 if path.is_dir() else 0o5
    return _allows(account, path, wanted) and all(
        _allows(account, parent, 0o1) for parent in path.parents
    )


def _allows(account: Account, path: Path, wanted: int) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        granted = found.st_mode >> 6
    elif found.st_gid == account.gid:
        granted = found.st_mode >> 3
    else:
        granted = found.st_mode
    return granted & wanted == wanted


def remove(folder: Path) -> None:
    """Take away a folder, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def write_private(path: Path, text: str) -> None:
    """Write a file only we can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _free_port() -> int:
    for port in random.sample(PORTS, k=200):
        if _is_free(port):
            return port
    raise EmbeddedError(f"No free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A port whose old connections only wait to be forgotten is free to a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

"""Starts child processes that do not outlive their parent, and ends them with all they started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
LINES_SHOWN = 12
# Loaded here because between fork and exec nothing may be imported or looked up.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedError(Exception):
    """What stands in the way, in words for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    log: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    keep_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a child in a session of its own, which gets `death_signal` when its parent dies.

    Call it from the main thread only: the kernel takes the end of the *thread* that forked for the
    end of the parent. Output is appended to `log`, or is ours when there is none. `account` needs
    root. Elsewhere than on Linux there is no such signal, and the child may outlive us.
    """
    parent = os.getpid()

    def bind_to_parent() -> None:
        # After setuid, which would clear it.
        _send_at_parents_death(death_signal)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGKILL)

    output = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        with warnings.catch_warnings():
            # Python 3.12 and later warn of what `bind_to_parent` might do in a process with other
            # threads; it takes no lock, imports nothing and allocates next to nothing.
            warnings.simplefilter("ignore", DeprecationWarning)
            return subprocess.Popen(
                list(argv),
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                pass_fds=keep_fds,
                preexec_fn=bind_to_parent if _libc else None,
            )
    finally:
        if output is not None:
            os.close(output)


def die_with_parent(parent: int | None = None) -> None:
    """Let this process be killed when its parent dies; for workers that somebody else forked.

    Call it first thing in the worker, whose parent must have forked it from its main thread.
    `parent` is the pid the worker knows as its parent's, to notice one that is already gone.
    """
    expected = os.getppid() if parent is None else parent
    _send_at_parents_death(signal.SIGKILL)
    if os.getppid() != expected:
        os.kill(os.getpid(), signal.SIGKILL)


def _send_at_parents_death(death_signal: signal.Signals) -> None:
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


def reap(process: "subprocess.Popen[bytes]") -> int | None:
    """The exit status, as Popen has it, or None while it runs. Ends what is left of its group."""
    if process.returncode is not None:
        return process.returncode
    # Look without reaping: only a zombie keeps its number, and its group's, from being given away.
    if sys.platform != "darwin":
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
    elif process.poll() is None:
        return None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.poll()


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to a process, its group and, on Linux, to all that descend from it."""
    if process.returncode is not None:
        return
    doomed = [process.pid, *_descendants(process.pid)]
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def size_of(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def last_lines(log: Path, start: int) -> str:
    """The end of what was written after the byte `start`, to be appended to an error's sentence."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()[-LINES_SHOWN:]
    return "\n  ".join([f" The end of {log}:", *lines]) if lines else ""


def is_alive(pid: int) -> bool:
    """Whether such a process runs, whoever's it is; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    stat = _stat(pid)
    return stat is None or stat[0] != "Z"


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for candidate in every_pid():
        if stat := _stat(candidate):
            children.setdefault(stat[1], []).append(candidate)
    found, open_ends = list[int](), [pid]
    while open_ends:
        born = children.get(open_ends.pop(), [])
        found += born
        open_ends += born
    return found


def every_pid() -> list[int]:
    """All processes this machine shows in /proc; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except FileNotFoundError:
        return []


def _stat(pid: int) -> tuple[str, int] | None:
    """State and parent, from /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, even another one.
    state, parent, *_ = text.rpartition(")")[2].split()
    return state, int(parent)

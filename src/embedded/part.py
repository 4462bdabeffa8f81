"""A part: one process of the program, and how it is to be started, watched and stopped."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.process import Account


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    """All of its environment; None for ours."""
    cwd: Path | None = None
    log: Path | None = None
    """Where its output is appended; None to share our own."""

    order: int = 0
    """It starts once all of a lower order are ready, and stops before they do."""
    once: bool = False
    """It does one thing and ends; ready when it has ended well. Not started again."""
    ready: Callable[[], bool] | None = None
    """Asked until it says yes; has to answer within a second or two, and may raise EmbeddedError to
    say that waiting is in vain. Without it, a part is ready when it has lived for half a second."""

    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 2.0
    """Seconds to stop in, after which it gets the `force_signal`."""
    force_signal: signal.Signals = signal.SIGKILL
    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when the supervisor is killed."""

    account: Account | None = None
    keep_fds: Sequence[int] = ()
    """Descriptors to inherit."""
    sweep: Callable[[], None] | None = None
    """Called whenever its process has ended, to clear away what that left behind."""

"""The signals that a supervisor waits for, as something that can be waited for."""

import contextlib
import select
import signal
import socket
import time
from types import FrameType

STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How often to look around when no signal tells that a child has ended.
UNTOLD = 0.02
# `uv run`, `make` and the like pass a Ctrl-C on that the terminal has sent to all of us already.
ECHO = 0.2


class Signals:
    """Inside `with`, which needs the main thread, signals interrupt nothing and end `wait`.

    Outside of it, `wait` only lets a moment pass, and Ctrl-C raises KeyboardInterrupt as ever.
    """

    def __init__(self) -> None:
        self.asked_to_stop: signal.Signals | None = None
        self.asked_again = False
        self._asked_at = 0.0
        self._pipe: tuple[socket.socket, socket.socket] | None = None
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> "Signals":
        self._pipe = socket.socketpair()
        for end in self._pipe:
            end.setblocking(False)
            self._restore.callback(end.close)
        former = signal.set_wakeup_fd(self._pipe[1].fileno(), warn_on_full_buffer=False)
        self._restore.callback(signal.set_wakeup_fd, former)
        for number in (*STOP, signal.SIGCHLD):
            # Under nohup, hanging up is to be survived.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._restore.callback(signal.signal, number, signal.signal(number, _woken))
        return self

    def __exit__(self, *_: object) -> None:
        self._restore.close()
        self._pipe = None

    def wait(self, seconds: float | None) -> None:
        """Until a signal arrives or that much time has passed; None for no limit."""
        if self._pipe is None:
            time.sleep(UNTOLD if seconds is None else min(seconds, UNTOLD))
            return
        reading = self._pipe[0]
        if select.select([reading], [], [], seconds)[0]:
            for number in reading.recv(4096):
                if number in STOP:
                    self._stop(signal.Signals(number))

    def _stop(self, number: signal.Signals) -> None:
        if self.asked_to_stop is None:
            self.asked_to_stop, self._asked_at = number, time.monotonic()
        elif time.monotonic() - self._asked_at > ECHO:
            self.asked_again = True


def _woken(number: int, frame: FrameType | None) -> None:
    """A handler has to be there, or Python would write nothing to the wake-up descriptor."""

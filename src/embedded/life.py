"""The life of a part: its process, whether it is ready, how it ended and when it begins again."""

import os
import signal
import subprocess
import time

from embedded.part import Part
from embedded.process import EmbeddedError, kill_tree, last_lines, reap, size_of, spawn

READY_WITHIN = 30.0
SETTLED_AFTER = 0.5
FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
HEALTHY_AFTER = 30.0
FORCED_FOR = 0.5


class Life:
    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.is_up = False
        self.was_ever_up = False
        self.cause = ""
        """How its last process ended: "exit code 1", "SIGKILL"."""
        self._began = 0.0
        self._up_since: float | None = None
        self._delay = FIRST_DELAY
        self._due: float | None = None
        self._log_start = 0
        self._stop_began = 0.0
        self._forced_at: float | None = None

    def begin(self) -> None:
        part = self.part
        self._due, self.is_up, self._began = None, False, time.monotonic()
        self._log_start = size_of(part.log) if part.log else 0
        try:
            self.process = spawn(
                part.argv,
                env=part.env,
                cwd=part.cwd,
                account=part.account,
                log=part.log,
                death_signal=part.death_signal,
                keep_fds=part.keep_fds,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(f"{part.name} cannot be started: {error}.") from error

    def becomes_ready(self) -> bool:
        """Whether it has become so just now. A one-shot is ready when it is over."""
        if self.is_up or self.part.once:
            return False
        if self.part.ready is None:
            self.is_up = self._age() >= SETTLED_AFTER
        else:
            self.is_up = self.part.ready()
        if self.is_up:
            self.was_ever_up, self._up_since = True, time.monotonic()
        return self.is_up

    @property
    def is_late(self) -> bool:
        return not (self.is_up or self.part.once) and self._age() > READY_WITHIN

    def has_ended(self) -> bool:
        """Whether no process is there (any more), nor anything it left behind."""
        if self.process is None:
            return True
        status = reap(self.process)
        if status is None:
            return False
        self.process = None
        self.cause = f"exit code {status}" if status >= 0 else _signal_name(-status)
        self.is_up = self.part.once and status == 0
        if self.part.sweep:
            self.part.sweep()
        return True

    def schedule(self) -> float:
        """Let it begin again, after a delay that doubles until it has had a healthy life."""
        now = time.monotonic()
        if self._up_since is not None and now - self._up_since >= HEALTHY_AFTER:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        self._due, self._up_since = now + delay, None
        return delay

    @property
    def is_due(self) -> bool:
        return self._due is not None and time.monotonic() >= self._due

    @property
    def pause(self) -> float | None:
        """Seconds until it wants to be looked at, if no signal comes before."""
        if self._due is not None:
            return max(self._due - time.monotonic(), 0.0)
        if self.process is None or self.is_up or self.part.once:
            return None
        # Often at first, for a server is ready in no time; seldom when something is amiss.
        return min(0.02 + self._age() / 10, 0.5)

    def begin_stop(self) -> None:
        self._due, self._stop_began, self._forced_at = None, time.monotonic(), None
        self._send(self.part.stop_signal)

    def press(self, by: float) -> None:
        """To be called now and then after begin_stop, until it has ended; at `by` it is killed."""
        now = time.monotonic()
        if self._forced_at is None:
            polite_until = min(self._stop_began + self.part.grace, by - self._takes_force)
            if now >= polite_until:
                self._forced_at = now
                if self._takes_force:
                    self._send(self.part.force_signal)
        # All at once: what descends from a process is not to be found when that is dead.
        if self._forced_at is not None and now >= self._forced_at + self._takes_force:
            self.kill()

    def kill(self) -> None:
        if self.process is not None:
            kill_tree(self.process)

    @property
    def stops_within(self) -> float:
        return self.part.grace + self._takes_force

    @property
    def _takes_force(self) -> float:
        return 0.0 if self.part.force_signal == signal.SIGKILL else FORCED_FOR

    def obituary(self, what: str) -> str:
        """A sentence about the part, and the end of what it has written since it began."""
        sentence = f"{self.part.name} {what}."
        return sentence + last_lines(self.part.log, self._log_start) if self.part.log else sentence

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _send(self, number: signal.Signals) -> None:
        # Safe, for a process that nobody has reaped keeps its number. (Popen would reap it.)
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

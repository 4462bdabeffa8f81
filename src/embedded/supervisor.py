"""Keeps the parts of a program running, and stops all of them within five seconds."""

import signal
import time
from collections.abc import Callable, Iterable

from embedded.life import Life
from embedded.part import Part
from embedded.process import EmbeddedError
from embedded.signals import Signals

STOP_WITHIN = 5.0
# Kept of that for the kernel to clear away what was killed.
LAST_MOMENT = 0.4
PRESS_EVERY = 0.05


class Supervisor:
    """Belongs to the main thread, which alone lasts as long as the process (see `spawn`)."""

    def __init__(self, parts: Iterable[Part], say: Callable[[str], None] = lambda _: None) -> None:
        """`say` gets a line for whatever a person at the terminal would want to know."""
        self._lives = [Life(part) for part in parts]
        self._say = say
        self._signals = Signals()
        self._starting = False

    def run(self, on_ready: Callable[[], None] = lambda: None) -> signal.Signals:
        """Start all, call `on_ready`, and keep them running until a signal, which is returned.

        While `on_ready` runs nobody is watching: for what takes long, let it `launch` a part.
        Raises EmbeddedError, with all stopped, when a part does not start.
        """
        with self._signals:
            try:
                self.start()
                if self._signals.asked_to_stop is None:
                    on_ready()
                while self._signals.asked_to_stop is None:
                    self._turn()
                    self._signals.wait(self._pause())
                self._say("stopping")
            finally:
                self.stop()
        return self._signals.asked_to_stop

    def start(self) -> None:
        """Start all parts, in order, and return when they are ready. The caller has to stop()."""
        self._starting = True
        for order in self._orders():
            level = [life for life in self._lives if life.part.order == order]
            for life in level:
                life.begin()
            while not all(life.is_up for life in level):
                self._signals.wait(self._pause())
                if self._signals.asked_to_stop is not None:
                    return
                self._turn()
        self._starting = False

    def launch(self, part: Part) -> None:
        """Start one more part, now. When it ends badly it is said, and nothing else stops."""
        life = Life(part)
        self._lives.append(life)
        self._attempt(life)

    def stop(self) -> None:
        """Stop all parts, in reverse order; what does not heed its signals is killed."""
        end = time.monotonic() + STOP_WITHIN - LAST_MOMENT
        for order in reversed(self._orders()):
            level = [life for life in self._lives if life.part.order == order]
            for life in level:
                life.begin_stop()
            self._see_end_of(level, end - self._needed_below(order), end + LAST_MOMENT)

    def _see_end_of(self, level: list[Life], by: float, give_up: float) -> None:
        while running := [life for life in level if not life.has_ended()]:
            for life in self._lives if self._signals.asked_again else ():
                life.kill()
            for life in running:
                life.press(by)
            if time.monotonic() > give_up:
                self._say(f"{running[0].part.name} does not end, although it was killed")
                return
            self._signals.wait(PRESS_EVERY)

    def _needed_below(self, order: int) -> float:
        """Seconds for those that stop later: the servers need time for a clean end."""
        needed: dict[int, float] = {}
        for life in self._lives:
            if life.process and (level := life.part.order) < order:
                needed[level] = max(needed.get(level, 0.0), life.stops_within)
        return sum(needed.values())

    def _turn(self) -> None:
        """See what has changed since the last time, and do what is due."""
        for life in list(self._lives):
            if life.process is None:
                if life.is_due:
                    self._attempt(life)
            elif life.has_ended():
                self._take_end(life)
            else:
                self._look_at(life)

    def _look_at(self, life: Life) -> None:
        try:
            if life.becomes_ready():
                self._say(f"{life.part.name} ready")
            elif self._starting and life.is_late:
                raise EmbeddedError(life.obituary("is not ready after 30 seconds"))
        except EmbeddedError as error:
            if self._starting:
                raise
            # It did start once, so give it another life.
            self._say(str(error))
            life.kill()

    def _take_end(self, life: Life) -> None:
        if life.is_up:
            self._say(f"{life.part.name} done")
        elif self._starting and not life.was_ever_up:
            raise EmbeddedError(life.obituary(f"ended with {life.cause} before it was ready"))
        elif life.part.once:
            self._say(f"{life.part.name} ended with {life.cause}")
        else:
            delay = life.schedule()
            self._say(f"{life.part.name} ended with {life.cause}, starts again in {delay:g} s")

    def _attempt(self, life: Life) -> None:
        try:
            life.begin()
        except EmbeddedError as error:
            self._say(str(error))
            if not life.part.once:
                life.schedule()

    def _pause(self) -> float | None:
        return min((life.pause for life in self._lives if life.pause is not None), default=None)

    def _orders(self) -> list[int]:
        return sorted({life.part.order for life in self._lives})

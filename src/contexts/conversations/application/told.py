"""What frames have told of an answer, and which of them a listener may be told next."""

from collections.abc import Sequence
from typing import assert_never

from contexts.conversations.application.content import Part, TextPart
from contexts.conversations.application.frames import (
    ATTEMPT_FRAMES,
    Delta,
    Ended,
    Frame,
    FrameEvent,
    Snapshot,
    Started,
    ToolCalled,
    ToolReturned,
)
from contexts.conversations.application.queries import RunShown


class Told:
    """The answer as whoever got these frames has it: its parts, and the calls still at work."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._pieces: list[str] = []
        self._calls: dict[str, ToolCalled] = {}

    @property
    def parts(self) -> tuple[Part, ...]:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return (*self._parts, *map(TextPart, self._pieces))

    @property
    def calls(self) -> tuple[ToolCalled, ...]:
        return tuple(self._calls.values())

    def take_in(self, event: FrameEvent) -> None:
        match event:
            case Started():
                self._replace((), ())
            case Delta(text):
                self._pieces.append(text)
            case ToolCalled():
                self._calls[event.id] = event
            case ToolReturned(part):
                self._calls.pop(part.id, None)
                self._parts = [*self.parts, part]
                self._pieces.clear()
            case Snapshot(parts, calls):
                self._replace(parts, calls)
            case Ended(run):
                # One whose owner was erased has no answer, and what was told is as good as gone.
                self._replace(run.answer.parts if run.answer else (), ())
            case _:
                assert_never(event)

    def _replace(self, parts: Sequence[Part], calls: Sequence[ToolCalled]) -> None:
        self._parts, self._pieces = list(parts), []
        if self._parts and isinstance(last := self._parts[-1], TextPart):
            # What is said next follows it.
            self._parts.pop()
            self._pieces = [last.text]
        self._calls = {call.id: call for call in calls}


class Gapless:
    """Lets through what follows without a gap on what was told up to a sequence.

    Behind a gap it lets nothing through but a frame that needs nothing before it.
    """

    def __init__(self, after: int) -> None:
        self.last = after
        self.waiting = False
        """Whether something is missing that was sent."""

    def take(self, frame: Frame) -> Sequence[Frame]:
        """The frames to pass on: this one, or none, or with it one that closes the gap before."""
        if frame.sequence <= self.last:
            return ()
        match frame.event:
            case Ended(run):
                told = closing(run, self.last, sequence=frame.sequence)
            case Started() | Snapshot():
                told = (frame,)
            case _ if frame.sequence == self.last + 1:
                told = (frame,)
            case _:
                self.waiting = True
                return ()
        self.last, self.waiting = frame.sequence, False
        return told


def end_for(run: RunShown, last: int) -> int:
    """The sequence with which a run ends for somebody who was told up to `last`.

    One that nothing was sent of ends with 1: 0 is where everybody begins. Where two workers were
    at it at once, he may have been told of a later attempt than the one that came to count: for
    him it ends with the highest sequence of that attempt.
    """
    end = max(run.sequence, 1)
    return end if last <= end else (last // ATTEMPT_FRAMES + 1) * ATTEMPT_FRAMES - 1


def closing(run: RunShown, last: int, *, sequence: int | None = None) -> tuple[Frame, ...]:
    """The frames that end a stream which was told up to `last`, out of what the log has."""
    end = end_for(run, last) if sequence is None else sequence
    ended = Frame(end, Ended(run))
    if run.answer is None or last == end - 1 != 0:
        return (ended,)
    return Frame(end - 1, Snapshot(run.answer.parts)), ended

"""What happens, and what we then do."""

from collections.abc import Iterator
from uuid import UUID

from contexts.conversations.application.ports import Budgets, Frames
from shared.application.bus import Command
from shared.domain.personal import SubjectErased


class ForgetOwner(Command[None], frozen=True):
    """Drop what is kept of somebody outside of the log: the frames of his runs, what he used."""

    owner: UUID


def on_subject_erased(event: SubjectErased) -> Iterator[ForgetOwner]:
    """Whenever somebody was erased, nothing stays behind."""
    yield ForgetOwner(event.subject_id)


class Forgetting:
    def __init__(self, frames: Frames, budgets: Budgets) -> None:
        self._frames = frames
        self._budgets = budgets

    async def forget(self, command: ForgetOwner) -> None:
        await self._frames.forget(command.owner)
        await self._budgets.forget(command.owner)

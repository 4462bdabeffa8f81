"""Who works on what: one worker at a time, for as long as it lives."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID


class Claims(Protocol):
    """In the tenant of the current context."""

    def claim(self, work: str, id: UUID) -> AbstractAsyncContextManager[bool]:
        """Whether we have it; another has it else."""

    async def is_held(self, work: str, id: UUID) -> bool:
        """Whether anybody has it."""

"""A message as the log keeps it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.domain.personal import Sealed

Author = Literal["user", "assistant"]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the tree of its conversation: `content` is sealed, everything else is not.

    What follows nothing has no parent. `complete` is false for an answer that broke off.
    """

    id: UUID
    parent_id: UUID | None
    author: Author
    content: Sealed
    written_at: datetime
    complete: bool = True

"""How a list by criteria is asked for, whatever it is a list of."""

from typing import Generic, TypeVar

import msgspec

from shared.application.bus import Query
from shared.application.criteria import EVERYTHING, Criteria, canonical
from shared.application.pages import Count, PageRequest, Sort, Stretch

T = TypeVar("T")


class ListQuery(Query[Stretch[T]], Generic[T], frozen=True, kw_only=True):
    """Some rows: those of a page, or, where there is a `cursor`, as many behind it.

    `fields` are those that come back of each row, as a mapping then; None: all, as a T.
    """

    criteria: Criteria = EVERYTHING
    sort: Sort
    page: PageRequest = PageRequest()
    cursor: str | None = None
    count: Count = "exact"
    fields: tuple[str, ...] | None = None

    @property
    def key(self) -> bytes:
        """The same for requests of one tenant that have the same answer, however they are put."""
        return msgspec.msgpack.encode(
            (self.list_key, self.page, self.cursor, self.count, self.fields)
        )

    @property
    def list_key(self) -> bytes:
        """The same for all parts of one list."""
        return msgspec.msgpack.encode((canonical(self.criteria), self.sort))

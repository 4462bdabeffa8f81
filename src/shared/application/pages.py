"""How a list is asked for, and how one page of it comes back."""

from collections.abc import Sequence
from typing import Generic, Literal, Self, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

Count: TypeAlias = Literal["exact", "estimated", "none"]
"""How far to go to say how many rows there are. Counting many takes longer than finding a few."""

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000


class Sort(msgspec.Struct, frozen=True):
    """By which field, and which way. Equal values are put in order by a unique key."""

    by: str
    direction: Literal["asc", "desc"] = "asc"


class PageRequest(msgspec.Struct, frozen=True):
    """Which page, counted from 1, of how many rows each."""

    page: int = 1
    size: int = DEFAULT_PAGE_SIZE

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page, and how many there are. A page behind the last one is empty."""

    page: int
    page_size: int
    total_rows: int
    total_pages: int
    data: Sequence[T]

    @classmethod
    def of(cls, data: Sequence[T], request: PageRequest, total_rows: int) -> Self:
        return cls(
            page=request.page,
            page_size=request.size,
            total_rows=total_rows,
            total_pages=-(-total_rows // request.size),
            data=data,
        )


class Total(msgspec.Struct, frozen=True):
    """How many rows a list has, or about how many; None where nobody counted."""

    rows: int | None = None
    exact: bool | None = None


class Stretch(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """Some rows of a list, found by the number of their page or by a cursor.

    `next_cursor` leads to the rows behind these and `previous_cursor` to those before them; each is
    None where there are none. `page` is None where a cursor was given. The totals are None where
    nobody counted.
    """

    page: int | None
    page_size: int
    total_rows: int | None
    total_pages: int | None
    total_rows_exact: bool | None
    next_cursor: str | None
    previous_cursor: str | None
    data: Sequence[T]

    @classmethod
    def of(
        cls,
        data: Sequence[T],
        *,
        page: int | None,
        size: int,
        total: Total,
        next_cursor: str | None,
        previous_cursor: str | None,
    ) -> Self:
        return cls(
            page=page,
            page_size=size,
            total_rows=total.rows,
            total_pages=None if total.rows is None else -(-total.rows // size),
            total_rows_exact=total.exact,
            next_cursor=next_cursor,
            previous_cursor=previous_cursor,
            data=data,
        )


class EncodedPage(msgspec.Struct, frozen=True):
    """A page as it is sent, with its entity tag (strong, and quoted as in the header).

    `stale`: it was right a while ago, and nobody could say in time whether it still is.
    """

    body: bytes
    etag: str
    stale: bool = False

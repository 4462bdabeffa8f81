"""How a list is asked for, and how one page of it comes back."""

from collections.abc import Sequence
from typing import Generic, Literal, Self, TypeVar

import msgspec

T = TypeVar("T")

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

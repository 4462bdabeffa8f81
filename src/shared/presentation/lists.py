"""How lists are asked for over HTTP: pages, sorting, and criteria in the query string."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

from litestar import Request
from litestar.params import QueryParameter

from shared.application.criteria import MAX_COMPARISONS, Comparison, Fields
from shared.application.pages import MAX_PAGE, MAX_PAGE_SIZE, PageRequest
from shared.domain.errors import Invalid

PageNumber: TypeAlias = Annotated[
    int, QueryParameter(description="Which page, from 1", ge=1, le=MAX_PAGE)
]
PageSize: TypeAlias = Annotated[
    int, QueryParameter(description="Rows of a page", ge=1, le=MAX_PAGE_SIZE)
]
SortDirection: TypeAlias = Annotated[str, QueryParameter(description="asc or desc")]

_COMPARISON = re.compile(r"(\w+)\[(\w+)\]")


def page_request(page: int, page_size: int) -> PageRequest:
    return PageRequest(page, page_size)


def comparisons(
    request: Request[Any, Any, Any], fields: Fields, *, named: Iterable[str]
) -> list[Comparison]:
    """The comparisons written as `field[operator]=value`.

    Raise Invalid for any parameter that is neither that nor one of the `named` ones: a misspelt
    filter must not answer with everything.
    """
    found = []
    for name, value in request.query_params.multi_items():
        if match := _COMPARISON.fullmatch(name):
            found.append(fields.comparison(match[1], match[2], value))
        elif name not in named:
            raise Invalid(
                f"{name}: unknown parameter; known are {', '.join(named)} "
                f"and field[operator] with the fields {', '.join(fields.names)}"
            )
    if len(found) > MAX_COMPARISONS:
        raise Invalid(f"more than {MAX_COMPARISONS} comparisons")
    return found

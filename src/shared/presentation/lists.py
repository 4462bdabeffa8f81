"""How lists are asked for over HTTP: pages, sorting, and criteria in the query string."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter

from shared.application.criteria import MAX_COMPARISONS, Comparison, Fields
from shared.application.pages import MAX_PAGE, MAX_PAGE_SIZE
from shared.domain.errors import Invalid

PageNumber: TypeAlias = Annotated[
    int, QueryParameter(description="Which page, from 1", ge=1, le=MAX_PAGE)
]
PageSize: TypeAlias = Annotated[
    int, QueryParameter(description="Rows of a page", ge=1, le=MAX_PAGE_SIZE)
]
SortDirection: TypeAlias = Annotated[str, QueryParameter(description="asc or desc")]

PAGE_PARAMETERS = ("page", "pageSize")

MAX_QUERY = 8 * 1024
"""Bytes of a query string; what is longer is no question a person or a program asks."""

_COMPARISON = re.compile(r"(\w+)\[(\w+)\]")


def refuse_long_query(request: Request[Any, Any, Any]) -> None:
    """Raise what becomes 414, before anything of the query is read."""
    if (length := len(request.scope["query_string"])) > MAX_QUERY:
        raise HTTPException(
            status_code=HTTPStatus.REQUEST_URI_TOO_LONG,
            detail=f"the query string has {length} bytes; at most {MAX_QUERY} are read",
        )


def given_once(request: Request[Any, Any, Any], *named: str) -> None:
    """Raise Invalid when one of the parameters is repeated: which of its values is meant?"""
    for name in named:
        if len(request.query_params.getall(name, [])) > 1:
            raise Invalid(f"{name}: given more than once; give it once")


def only(request: Request[Any, Any, Any], *named: str) -> None:
    """Raise Invalid for any other parameter, and for one that is repeated."""
    for name in request.query_params:
        if name not in named:
            raise Invalid(f"{_shown(name)}: unknown parameter; known are {', '.join(named)}")
    given_once(request, *named)


def comparisons(
    request: Request[Any, Any, Any], fields: Fields, *, named: Sequence[str]
) -> list[Comparison]:
    """The comparisons written as `field[operator]=value`.

    Several of one field all have to hold. Raise Invalid for any parameter that is neither that nor
    one of the `named` ones (a misspelt filter must not answer with everything), and for a named one
    that is repeated.
    """
    given_once(request, *named)
    found = []
    for name, value in request.query_params.multi_items():
        if match := _COMPARISON.fullmatch(name):
            found.append(fields.comparison(match[1], match[2], value))
        elif name not in named:
            raise Invalid(
                f"{_shown(name)}: unknown parameter; known are {', '.join(named)} "
                f"and field[operator] with the fields {', '.join(fields.names)}"
            )
    if len(found) > MAX_COMPARISONS:
        raise Invalid(f"more than {MAX_COMPARISONS} comparisons")
    return found


def _shown(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:80]}..."

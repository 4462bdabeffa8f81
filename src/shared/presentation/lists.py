"""How lists are asked for over HTTP: pages, sorting, and criteria in the query string."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, TypeAlias, get_args
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.params import QueryParameter

from shared.application.criteria import MAX_COMPARISONS, Comparison, Criteria, Fields
from shared.application.cursors import MAX_CURSOR
from shared.application.pages import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE,
    MAX_PAGE_SIZE,
    Count,
    PageRequest,
    Sort,
)
from shared.domain.errors import Invalid

PageNumber: TypeAlias = Annotated[
    int, QueryParameter(description="Which page, from 1", ge=1, le=MAX_PAGE)
]
PageSize: TypeAlias = Annotated[
    int, QueryParameter(description="Rows of a page", ge=1, le=MAX_PAGE_SIZE)
]
_FIELDS = "Only these fields, whole, with commas between them"
FieldNames: TypeAlias = Annotated[str | None, QueryParameter(description=_FIELDS)]

PAGE_PARAMETERS = ("page", "pageSize")

MAX_QUERY = 8 * 1024
"""Bytes of a query string; what is longer is no question a person or a program asks."""

_COMPARISON = re.compile(r"(\w+)\[(\w+)\]")


class Asked(NamedTuple):
    named: dict[str, str]
    comparisons: list[Comparison]


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


def read_query(query_string: bytes, *, known: Collection[str], fields: Fields) -> Asked:
    """Read a query string into the parameters that are `known` by name, each at most once, and the
    comparisons written as `field[operator]=value`, which all have to hold.

    Raise Invalid for any other parameter: a misspelt filter must not answer with everything.
    """
    named: dict[str, str] = {}
    found = []
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if name in named:
            raise Invalid(f"{name}: given more than once; give it once")
        if name in known:
            named[name] = value
        elif match := _COMPARISON.fullmatch(name):
            found.append(fields.comparison(match[1], match[2], value))
        else:
            raise Invalid(
                f"{_shown(name)}: unknown parameter; known are {', '.join(known)} "
                f"and field[operator] with the fields {', '.join(fields.names)}"
            )
    if len(found) > MAX_COMPARISONS:
        raise Invalid(f"more than {MAX_COMPARISONS} comparisons")
    return Asked(named, found)


class ListAsked(msgspec.Struct, frozen=True):
    """What a list was asked by: `named` are the parameters that only this list has; the others are
    as every list by criteria has them."""

    named: dict[str, str]
    criteria: list[Criteria]
    sort: Sort
    page: PageRequest
    cursor: str | None
    count: Count
    fields: tuple[str, ...] | None


def list_asked(
    query_string: bytes,
    *,
    own: Collection[str] = (),
    fields: Fields,
    kind: type[msgspec.Struct],
    sort: Sort,
) -> ListAsked:
    """Read the query string of a list of `kind` whose `own` parameters are these, besides those
    that every list by criteria takes; `sort` is how it is sorted when nobody says.

    Raise Invalid with what is wrong and what is allowed instead.
    """
    known = (*own, *(parameter.name for parameter in list_parameters(fields)))
    named, comparisons = read_query(query_string, known=known, fields=fields)
    criteria: list[Criteria] = [*comparisons]
    if "filter" in named:
        criteria.append(fields.tree(_json("filter", named["filter"])))
    return ListAsked(
        named,
        criteria,
        _sort(named, fields, sort),
        page_asked(named),
        named.get("cursor"),
        count_asked(named),
        fields_asked(named.get("fields"), kind),
    )


def _sort(named: Mapping[str, str], fields: Fields, sort: Sort) -> Sort:
    """The direction that a list has of itself is not that of any other order."""
    if "sortBy" in named:
        return fields.sort(named["sortBy"], named.get("sortDir", "asc"))
    return fields.sort(sort.by, named.get("sortDir", sort.direction))


def page_asked(named: Mapping[str, str]) -> PageRequest:
    """Which page, or, beside a cursor, how many rows."""
    if "cursor" in named and "page" in named:
        raise Invalid("page: a cursor says where to go on; give either a page or a cursor")
    return PageRequest(
        _whole("page", named.get("page", "1"), MAX_PAGE),
        _whole("pageSize", named.get("pageSize", str(DEFAULT_PAGE_SIZE)), MAX_PAGE_SIZE),
    )


def count_asked(named: Mapping[str, str]) -> Count:
    """Pages have always had a total; whoever goes on by cursor has seen it or does not need it."""
    match named.get("count", "none" if "cursor" in named else "exact"):
        case "exact" | "estimated" | "none" as count:
            return count
        case other:
            raise Invalid(f"count: {_shown(other)!r} is none of exact, estimated, none")


def fields_asked(raw: str | None, kind: type[msgspec.Struct]) -> tuple[str, ...] | None:
    """Which fields of that kind should come back, in the order in which it has them."""
    if raw is None:
        return None
    known = kind.__struct_fields__
    asked = {name.strip() for name in raw.split(",")} - {""}
    if not asked:
        raise Invalid("fields: give the name of one field or of several, with commas between them")
    for name in sorted(asked):
        if name not in known:
            raise Invalid(f"fields: unknown field {_shown(name)!r}; known are {', '.join(known)}")
    return tuple(name for name in known if name in asked)


def part_of(shown: msgspec.Struct, fields: Sequence[str] | None) -> Any:
    """These fields of it only; None: it as it is."""
    return shown if fields is None else {name: getattr(shown, name) for name in fields}


def _json(parameter: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(f"{parameter}: not JSON: {error}") from None
    except RecursionError:
        raise Invalid(f"{parameter}: nested too deep") from None


def _whole(parameter: str, raw: str, most: int) -> int:
    try:
        return int(msgspec.convert(raw, Annotated[int, msgspec.Meta(ge=1, le=most)], strict=False))
    except msgspec.ValidationError as error:
        raise Invalid(f"{parameter}: {error}") from None


def described(name: str, description: str, schema: Schema) -> Parameter:
    """A parameter of the query, for OpenAPI."""
    return Parameter(name=name, param_in="query", description=description, schema=schema)


def list_operation(fields: Fields) -> type[Operation]:
    """How a list by criteria is described for OpenAPI: the query string is read by us and not by
    the framework."""

    @dataclass
    class ListOperation(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*list_parameters(fields)]

    return ListOperation


def list_parameters(fields: Fields) -> list[Parameter]:
    """What every list by criteria takes, for OpenAPI."""
    text, whole = OpenAPIType.STRING, OpenAPIType.INTEGER
    return [
        described(
            "filter",
            'A tree of criteria in JSON: {"and": [...]}, {"or": [...]}, {"not": {...}}, '
            '{"field": "title", "op": "contains", "value": "jazz"}. '
            "A single comparison may also be written as a parameter of its own, such as "
            "`title[contains]=jazz`.",
            Schema(type=text),
        ),
        described(
            "sortBy",
            "Field to sort by; unknown values come last, equal ones are sorted by id",
            Schema(type=text, enum=fields.sortable),
        ),
        described("sortDir", "Which way", Schema(type=text, enum=["asc", "desc"], default="asc")),
        described(
            "page",
            "Which page, from 1. The further back, the longer it takes: to read all of a long "
            "list, follow the cursors.",
            Schema(type=whole, minimum=1, maximum=MAX_PAGE, default=1),
        ),
        described(
            "pageSize",
            "Rows of a page, or behind a cursor",
            Schema(type=whole, minimum=1, maximum=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE),
        ),
        described(
            "cursor",
            "`nextCursor` or `previousCursor` of an answer: go on from there, in the same list. It "
            "holds with the same criteria and sorting only; any other is refused as "
            "`invalid_cursor`, and the list has to be started again. Not together with `page`.",
            Schema(type=text, max_length=MAX_CURSOR),
        ),
        described(
            "count",
            "Whether to say how many rows the whole list has: exact (the default for a page); "
            "estimated, which is quick however many there are, and exact for few (`totalRowsExact` "
            "says which); or none (the default with a cursor)",
            Schema(type=text, enum=list(get_args(Count))),
        ),
        described("fields", _FIELDS, Schema(type=text)),
    ]


def _shown(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:80]}..."

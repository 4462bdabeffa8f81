"""How a list of events is asked for: a query string, read into what it asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from contexts.events.application.queries import (
    EVENT_FIELDS,
    EventListed,
    ListEvents,
    ListEventsEncoded,
)
from shared.application.criteria import Comparison, Criteria, all_of
from shared.application.pages import Sort
from shared.domain.errors import Invalid
from shared.presentation.lists import described, list_asked, list_parameters

_OPERATORS = {"q": "contains", "available": "eq", "provider": "in", "status": "in"}

_TEXT = Schema(type=OpenAPIType.STRING)
_NUMBER = Schema(type=OpenAPIType.NUMBER)

PARAMETERS: list[Parameter] = [
    described("starts_at", "Starts at or after this time (RFC 3339)", _TEXT),
    described("ends_at", "Ends at or before this time (RFC 3339)", _TEXT),
    described(
        "match",
        "`overlapping`: a part of it lies in the range of starts_at and ends_at; `contained`: all",
        Schema(type=OpenAPIType.STRING, enum=["contained", "overlapping"], default="contained"),
    ),
    described("q", "Words that words of the title begin with", _TEXT),
    described("min_price", "Has tickets for at least this much", _NUMBER),
    described("max_price", "Has tickets for at most this much", _NUMBER),
    described(
        "available", "true: tickets can be had; false: none", Schema(type=OpenAPIType.BOOLEAN)
    ),
    described("provider", "Of this provider; several with commas", _TEXT),
    described("status", "listed, delisted or cancelled; several with commas", _TEXT),
    *list_parameters(EVENT_FIELDS),
]
_OWN = ("starts_at", "ends_at", "match", "q", "min_price", "max_price", *_OPERATORS)


@dataclass
class ListOperation(Operation):
    """The query string is read by us and not by the framework, so we also say what may be in it."""

    def __post_init__(self) -> None:
        self.parameters = [*PARAMETERS]


@lru_cache(maxsize=1_024)
def asked(query_string: bytes) -> ListEvents:
    """Raise Invalid with what is wrong and what is allowed instead."""
    read = list_asked(
        query_string, own=_OWN, fields=EVENT_FIELDS, kind=EventListed, sort=Sort("starts_at")
    )
    named = read.named
    return ListEvents(
        criteria=all_of(*_range(named), *_prices(named), *_named(named), *read.criteria),
        sort=read.sort,
        page=read.page,
        cursor=read.cursor,
        count=read.count,
        fields=read.fields,
    )


@lru_cache(maxsize=1_024)
def asked_encoded(query_string: bytes) -> ListEventsEncoded:
    """Raise Invalid likewise."""
    query = asked(query_string)
    return ListEventsEncoded(query, query.key)


def _range(named: Mapping[str, str]) -> list[Criteria]:
    """`contained`: starts and ends within the range; `overlapping`: a part of it does."""
    match named.get("match", "contained"):
        case "contained":
            first, last = "starts_at", "ends_at"
        case "overlapping":
            first, last = "ends_at", "starts_at"
        case other:
            raise Invalid(f"match: {other[:80]!r} is neither 'contained' nor 'overlapping'")
    return _compared(named, starts_at=(first, "gte"), ends_at=(last, "lte"))


def _prices(named: Mapping[str, str]) -> list[Criteria]:
    """Someone with so much to spend: the dearest ticket reaches the minimum, the cheapest stays
    within the maximum."""
    return _compared(named, min_price=("max_price", "gte"), max_price=("min_price", "lte"))


def _named(named: Mapping[str, str]) -> list[Criteria]:
    return _compared(named, **{name: (name, operator) for name, operator in _OPERATORS.items()})


def _compared(named: Mapping[str, str], **meant: tuple[str, str]) -> list[Criteria]:
    """For each parameter that is there, the comparison it means."""
    found: list[Comparison] = [
        EVENT_FIELDS.comparison(*comparison, named[parameter], parameter=parameter)
        for parameter, comparison in meant.items()
        if parameter in named
    ]
    return [*found]

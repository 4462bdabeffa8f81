"""What may be asked about events and providers, and the shape of each answer."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from contexts.events.domain.offer import SellMode, Zone
from contexts.events.domain.provider_run import RunReport
from shared.application.bus import Query
from shared.application.criteria import EQUALITY, NULLABLE_ORDER, ORDER, Field, Fields
from shared.application.lists import ListQuery
from shared.application.pages import EncodedPage, Page, PageRequest, Sort

Status = Literal["listed", "delisted", "cancelled"]


class EventListed(msgspec.Struct, frozen=True, kw_only=True):
    """An event as lists show it.

    `starts_at` and `ends_at` are instants (UTC), the `local_` ones the venue's wall time.
    `min_price` and `max_price` span all zones, the `available_` ones those with `places` left.
    """

    id: UUID
    title: str
    status: Status
    available: bool
    starts_at: datetime
    ends_at: datetime | None
    local_starts_at: datetime
    local_ends_at: datetime | None
    timezone: str
    min_price: Decimal | None
    max_price: Decimal | None
    available_min_price: Decimal | None
    available_max_price: Decimal | None
    places: int
    sold_out: bool
    sell_mode: SellMode
    sell_from: datetime | None
    sell_to: datetime | None
    provider: str | None
    organizer: str | None
    version: int
    updated_at: datetime


class EventShown(EventListed, frozen=True, kw_only=True):
    """An event with all that is known of it. Only what was `ever_online` is offered."""

    zones: tuple[Zone, ...]
    base_id: str | None = None
    plan_id: str | None = None
    cancellation_reason: str | None = None
    ever_online: bool


EVENT_FIELDS = Fields(
    Field("starts_at", datetime, ORDER, "starts_at", sortable=True),
    Field("ends_at", datetime, ORDER, "over_at", sortable=True),
    Field("title", str, (*EQUALITY, "contains"), "title", sortable=True, sorted_by=200),
    Field("q", str, ("contains",), "words"),
    Field("min_price", Decimal, NULLABLE_ORDER, "min_price", sortable=True),
    Field("max_price", Decimal, NULLABLE_ORDER, "max_price", sortable=True),
    Field("available_min_price", Decimal, NULLABLE_ORDER, "available_min_price", sortable=True),
    Field("available_max_price", Decimal, NULLABLE_ORDER, "available_max_price", sortable=True),
    Field("available", bool, ("eq", "ne"), "available"),
    Field("sold_out", bool, ("eq", "ne"), "sold_out"),
    Field("provider", str, (*EQUALITY, "is_null"), "provider", sortable=True),
    Field("organizer", str, (*EQUALITY, "is_null"), "organizer"),
    Field(
        "status",
        str,
        EQUALITY,
        "status",
        sortable=True,
        choices=("listed", "delisted", "cancelled"),
    ),
    Field("updated_at", datetime, ORDER, "updated_at", sortable=True),
)
"""`ends_at` of an event without a known end is compared by its start."""

CRITERIA_FIELDS = Fields(
    *(EVENT_FIELDS[name] for name in EVENT_FIELDS.names),
    Field("local_starts_at", datetime, ORDER, "local_starts_at"),
    Field("local_ends_at", datetime, ORDER, "local_ends_at"),
)
"""What criteria made in here may speak of as well: wall times, which a query string, read as
instants, can't state."""


class ListEvents(ListQuery[EventListed | Mapping[str, Any]], frozen=True, kw_only=True):
    """Events on offer, by criteria. Only with `fields` the rows are mappings."""

    sort: Sort = Sort("starts_at")


class ListEventsEncoded(Query[EncodedPage], frozen=True):
    """The same as it is sent, which may have been made for another who asked for the same.

    `key` is that of the list; whoever asks often works it out once.
    """

    list: ListEvents
    key: bytes


class EventFound(msgspec.Struct, frozen=True):
    """What `GET /search` tells of an event. Prices span all zones."""

    id: UUID
    title: str
    local_starts_at: datetime
    local_ends_at: datetime | None
    min_price: Decimal | None
    max_price: Decimal | None


class SearchEvents(Query[list[EventFound]], frozen=True):
    """Every event on offer that lies within the range, both ends included."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


class GetEvent(Query[EventShown], frozen=True):
    """As it is now, or as the catalogue showed it at the instant `as_of`."""

    event_id: UUID
    as_of: datetime | None = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """One event of the log as it is shown: what happened, when it was recorded, and why."""

    version: int
    position: int
    type: str
    recorded_at: datetime
    data: dict[str, Any]
    actor: str | None
    correlation_id: str | None
    causation_id: str | None


class GetHistory(Query[Page[HistoryEntry]], frozen=True):
    event_id: UUID
    page: PageRequest = PageRequest()


class ProviderListed(msgspec.Struct, frozen=True, kw_only=True):
    """A provider and how its feed is doing.

    The circuit is `open` after several failures in a row: the feed is then left alone until
    `due_at`, but for runs that are asked for.
    """

    name: str
    url: str | None
    format: str
    timezone: str
    interval: float
    circuit: Literal["closed", "open"]
    failures: int
    last_outcome: Literal["completed", "unchanged", "failed"] | None
    last_run_id: UUID | None
    last_checked_at: datetime | None
    running_run_id: UUID | None
    due_at: datetime | None


class ListProviders(Query[list[ProviderListed]], frozen=True):
    pass


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a feed. `report` is there when it has ended, `reason` when it failed."""

    id: UUID
    provider: str
    status: Literal["requested", "completed", "failed"]
    requested_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str | None = None
    report: RunReport | None = None


class ListRuns(Query[Page[RunShown]], frozen=True):
    """The recorded runs of a provider, the newest first."""

    provider: str
    page: PageRequest = PageRequest()


class GetRun(Query[RunShown], frozen=True):
    provider: str
    run_id: UUID

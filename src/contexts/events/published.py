"""What other contexts may know of events: the catalogue as a table that may be read, and a way to
find what is on offer.

The view `events.catalogue` has these columns for as long as they stand here, whatever else it has.
Who reads it restricts it to a tenant, and to what was ever online.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from shared.application.bus import Query

CATALOGUE = "events.catalogue"
"""Its name in PostgreSQL, and that of the projection that fills it."""

OFFERED = "ever_online"
"""The condition under which a row is on offer."""


class PublishedColumn(NamedTuple):
    """A column by the name it is published under; `source` is what it is called in the view.

    `kind` is `measure` for what can be added up or averaged.
    """

    name: str
    source: str
    type: Literal["text", "integer", "decimal", "boolean", "timestamp"]
    kind: Literal["dimension", "measure", "time", "identifier"]
    synonyms: tuple[str, ...] = ()


COLUMNS = (
    PublishedColumn("title", "title", "text", "dimension", ("name", "show")),
    PublishedColumn("status", "status", "text", "dimension", ("state",)),
    PublishedColumn("available", "available", "boolean", "dimension", ("bookable",)),
    PublishedColumn(
        "starts_at", "local_starts_at", "timestamp", "time", ("start", "date", "begins")
    ),
    PublishedColumn("ends_at", "local_ends_at", "timestamp", "time", ("end",)),
    PublishedColumn("min_price", "min_price", "decimal", "measure", ("price", "cheapest price")),
    PublishedColumn("max_price", "max_price", "decimal", "measure", ("dearest price",)),
    PublishedColumn("places", "places", "integer", "measure", ("seats", "capacity", "tickets")),
    PublishedColumn("sold_out", "sold_out", "boolean", "dimension"),
    PublishedColumn("sell_mode", "sell_mode", "text", "dimension"),
    PublishedColumn("provider", "provider", "text", "dimension", ("source",)),
    PublishedColumn("organizer", "organizer", "text", "dimension", ("organiser", "promoter")),
    PublishedColumn("timezone", "timezone", "text", "dimension", ("time zone",)),
)
"""Times are the venue's wall time; prices span all zones; places are those that are left."""


class OfferFound(msgspec.Struct, frozen=True, kw_only=True):
    """An event on offer. Times are the venue's wall time, in `timezone`. `min_price` and
    `max_price` span all zones, the `available_` ones those with `places` left."""

    id: UUID
    title: str
    local_starts_at: datetime
    local_ends_at: datetime | None
    timezone: str
    min_price: Decimal | None
    max_price: Decimal | None
    available_min_price: Decimal | None
    available_max_price: Decimal | None
    places: int
    organizer: str | None
    provider: str | None


class OffersFound(msgspec.Struct, frozen=True):
    """The first of `total` events by their start."""

    total: int
    offers: tuple[OfferFound, ...]


class FindOffers(Query[OffersFound], frozen=True, kw_only=True):
    """Events on offer that somebody could go to.

    Each of the `words` begins a word of the title; a plural finds the singular too. The event
    starts at `starts_from` or later and at `starts_to` or earlier, both as the venue's clock shows
    it, without an offset. From a whole day on (at 00:00), what began before and is on that day
    counts too, such as an exhibition; from a time of a day on, only what starts then.
    What is over is left out, unless the range has passed itself (by UTC).
    The cheapest place costs at most `max_price` and the dearest at least `min_price`; where
    `available_only`, there are places left, and only those count.

    Raise Invalid for what makes no sense.
    """

    words: str | None = None
    starts_from: datetime | None = None
    starts_to: datetime | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    available_only: bool = True
    limit: int = 20

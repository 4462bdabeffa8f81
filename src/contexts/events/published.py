"""What other contexts may know of events: the catalogue as a table that may be read.

The view `events.catalogue` has these columns for as long as they stand here, whatever else it has.
Who reads it restricts it to a tenant, and to what was ever online.
"""

from typing import Literal, NamedTuple

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
    PublishedColumn("available", "available", "boolean", "dimension", ("on sale", "bookable")),
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

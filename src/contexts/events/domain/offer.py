"""What is offered at an event: when it takes place, which zones it sells, and how it is sold."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

SellMode = Literal["online", "offline"]


class Schedule(msgspec.Struct, frozen=True):
    """When an event takes place, as its venue's clock shows it.

    `starts_at` and `ends_at` are wall times without an offset; `timezone` is an IANA name.
    A wall time that a clock change repeats means its first occurrence (PEP 495, fold=0).
    """

    starts_at: datetime
    ends_at: datetime | None
    timezone: str

    @property
    def starts_at_utc(self) -> datetime:
        return _instant(self.starts_at, self.timezone)

    @property
    def ends_at_utc(self) -> datetime | None:
        return None if self.ends_at is None else _instant(self.ends_at, self.timezone)


class Zone(msgspec.Struct, frozen=True):
    """A part of the venue with one price. `zone_id` may repeat inside one event.

    `capacity` is the number of places still on sale; 0 means sold out.
    """

    zone_id: str
    name: str
    price: Decimal
    capacity: int
    numbered: bool = False


class Sale(msgspec.Struct, frozen=True):
    """How and when tickets are sold. The window is in wall time; None where it is not known."""

    mode: SellMode
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    sold_out: bool = False


class Offer(msgspec.Struct, frozen=True):
    """Everything that is offered at an event, as it is stated."""

    title: str
    schedule: Schedule
    zones: tuple[Zone, ...]
    sale: Sale
    organizer: str | None = None


class PriceRange(msgspec.Struct, frozen=True):
    min: Decimal | None
    max: Decimal | None


def price_range(zones: Iterable[Zone]) -> PriceRange:
    """The cheapest and the dearest of these zones; None twice where there is none."""
    prices = [zone.price for zone in zones]
    return PriceRange(min(prices, default=None), max(prices, default=None))


def _instant(wall_time: datetime, timezone: str) -> datetime:
    return wall_time.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def is_text(text: str, *, lines: bool = False) -> bool:
    """Whether this can be shown, and stored, as it is; with `lines` it may have several."""
    if lines:
        text = text.translate({ord(space): " " for space in "\t\r\n"})
    return len(text) <= MAX_TEXT and not _CONTROL.search(text)


def _decimals(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


MAX_TEXT = 1_000
MAX_PRICE = Decimal(10) ** 9
MAX_DECIMALS = 4
MAX_CAPACITY = 10**9
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def implausibility(offer: Offer) -> str | None:
    """Why this can't be meant, naming the field; None when it can.

    The bounds are generous: they keep out what no venue has ever sold and no database can hold.
    """
    texts = [("title", offer.title), ("organizer", offer.organizer or "")]
    texts += [("zones", text) for zone in offer.zones for text in (zone.zone_id, zone.name)]
    for field, text in texts:
        if not is_text(text):
            return f"{field}: not a text of at most {MAX_TEXT} printable characters"
    if not offer.title.strip():
        return "title: an event needs a name"
    schedule, sale = offer.schedule, offer.sale
    for time in (schedule.starts_at, schedule.ends_at, sale.opens_at, sale.closes_at):
        if time is not None and not 1900 <= time.year <= 2200:
            return f"{time.isoformat()} is not a time between 1900 and 2200"
    if schedule.ends_at_utc is not None and schedule.ends_at_utc < schedule.starts_at_utc:
        return "ends_at: an event can't end before it starts"
    for zone in offer.zones:
        price = zone.price
        if not price.is_finite() or not 0 <= price < MAX_PRICE or _decimals(price) > MAX_DECIMALS:
            return f"zone {zone.zone_id}: {str(price)[:40]} is not a price"
        if not 0 <= zone.capacity < MAX_CAPACITY:
            return f"zone {zone.zone_id}: {zone.capacity} is not a number of places"
    return None

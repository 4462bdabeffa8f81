"""Reads events of schema.org written in JSON-LD, as websites publish them.

A feed is one event, an array of them, `{"@graph": [...]}` or an ItemList; whatever else stands in
it (places, organizations) is passed over. How schema.org's words become ours:

* Times are the venue's wall time, as written; an offset only tells how far that is from UTC.
* An offer is a zone. Where an offer does not tell how many places are left it has one if it is on
  sale, the least that must be true, and none if it is sold out.
* An event is sold online if one of its offers is, that is, unless they are all bound to a box
  office (InStoreOnly). `eventAttendanceMode` tells how it is attended, not how it is sold.
* A cancelled event stays in the feed, for people still look it up, but nothing of it is on sale:
  it is offline, sold out, and no zone has a place left.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from contexts.events.application.ports import FeedFailed, Plan
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import Quarantined
from contexts.events.infrastructure.feeds import fields
from contexts.events.infrastructure.feeds.fields import Unreadable, read
from contexts.events.infrastructure.feeds.json_ld_nodes import (
    Node,
    first,
    identity,
    nodes,
    several,
    string,
    types,
    word,
)
from contexts.events.infrastructure.feeds.json_stream import elements

_SOLD_OUT = {"SoldOut", "OutOfStock", "Discontinued"}
_AT_THE_DOOR = {"InStoreOnly", "OfflineOnly"}


def parse_json_ld_feed(path: Path) -> Iterator[Plan | Quarantined]:
    """Yield the events of the feed at `path`; see FeedParser for what it raises.

    Of an event that occurs twice the first readable one counts, the others are set aside.
    """
    seen: set[tuple[str, str]] = set()
    nothing = True
    try:
        for element in elements(path, ("@graph", "itemListElement")):
            for node in _events(element):
                nothing = False
                try:
                    plan = _plan(node)
                    if (identity := (plan.base_id, plan.plan_id)) in seen:
                        raise Unreadable("occurs twice in this feed")
                except Unreadable as fault:
                    yield Quarantined(str(fault), *map(fields.identity, _ids(node)))
                else:
                    seen.add(identity)
                    yield plan
    except OSError as error:
        raise FeedFailed(f"the feed cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise FeedFailed("the feed is nested too deeply") from error
    if nothing:
        raise FeedFailed("the feed is well-formed but has no events in it")


def _events(element: Any) -> Iterator[Node]:
    """The events that an element of the feed is or lists."""
    for node in nodes(element):
        kinds = types(node)
        if any(kind.endswith("Event") or kind == "Festival" for kind in kinds):
            yield node
        elif "ListItem" in kinds:
            yield from _events(node.get("item"))
        elif "ItemList" in kinds:
            yield from _events(node.get("itemListElement"))


def _ids(node: Node) -> tuple[str | None, str | None]:
    """The id of what an event is a part of (a tour, a season), else its own; and its own."""
    own = identity(node)
    return identity(node.get("superEvent")) or own, own


def _plan(node: Node) -> Plan:
    base_id, plan_id = _ids(node)
    starts_at = read("startDate", string(node.get("startDate")), fields.venue_time)
    ends_at = None
    if (ends := string(node.get("endDate"))) is not None:
        ends_at = read("endDate", ends, partial(fields.venue_time, day_ends=True))
        if ends_at < starts_at:
            raise Unreadable("endDate lies before startDate")
    cancelled = word(node.get("eventStatus")) == "EventCancelled"
    offers = list(_offers(node))
    if len(offers) > fields.MAX_ZONES:
        raise Unreadable(f"has more than {fields.MAX_ZONES} offers")
    online = any(word(offer.get("availability")) not in _AT_THE_DOOR for offer in offers)
    sell_from, sell_to = fields.sale_window(
        min(_moments(offers, "availabilityStarts", "validFrom"), default=None),
        max(_moments(offers, "availabilityEnds", "validThrough"), default=None),
    )
    return Plan(
        base_id=read("superEvent", base_id, fields.required),
        plan_id=read("@id", plan_id, fields.required),
        title=read("name", string(node.get("name")), fields.required),
        starts_at=starts_at,
        ends_at=ends_at,
        sell_mode="online" if online and not cancelled else "offline",
        sell_from=sell_from,
        sell_to=sell_to,
        sold_out=cancelled or (bool(offers) and all(map(_is_sold_out, offers))),
        organizer=_organizer(node),
        zones=tuple(_zone(offer, index, cancelled) for index, offer in enumerate(offers)),
    )


def _organizer(node: Node) -> str | None:
    for organizer in several(node.get("organizer")):
        named = first(organizer, "name") if isinstance(organizer, dict) else string(organizer)
        if named:
            return read("organizer", named, fields.text) or None
    return None


def _offers(node: Node) -> Iterator[Node]:
    """Single offers; an AggregateOffer that lists none is its cheapest and its dearest."""
    for offer in nodes(node.get("offers")):
        if "AggregateOffer" not in types(offer):
            yield offer
        elif offer.get("offers"):
            yield from nodes(offer["offers"])
        else:
            low, high = first(offer, "lowPrice", "price"), first(offer, "highPrice")
            yield {**offer, "price": low or high}
            if low and high and low != high:
                yield {**offer, "price": high}


def _zone(offer: Node, index: int, cancelled: bool) -> Zone:
    zone_id = first(offer, "@id", "sku", "identifier") or str(index)
    of = f"offer {fields.shown(zone_id)}: "
    price = first(offer, "price") or next(
        (first(each, "price") for each in nodes(offer.get("priceSpecification"))), None
    )
    capacity = 1
    if cancelled or _is_sold_out(offer):
        capacity = 0
    elif (places := string(offer.get("inventoryLevel"))) is not None:
        capacity = read(f"{of}inventoryLevel", places, fields.capacity)
    return Zone(
        zone_id=read(f"{of}@id", zone_id, fields.required),
        name=read(f"{of}name", string(offer.get("name")), fields.text),
        price=read(f"{of}price", price, fields.price),
        capacity=capacity,
    )


def _is_sold_out(offer: Node) -> bool:
    return word(offer.get("availability")) in _SOLD_OUT


def _moments(offers: list[Node], *names: str) -> Iterator[datetime]:
    """What can be read of the offers' sale windows; the rest is as good as not stated."""
    for offer in offers:
        if (stated := first(offer, *names)) is not None:
            with suppress(Unreadable):
                yield fields.venue_time(stated)

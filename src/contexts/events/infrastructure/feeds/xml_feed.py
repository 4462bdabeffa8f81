"""Reads the XML feed of a ticketing system in its three vocabularies, a plan at a time.

The feed is pushed through libxml2 in chunks. After each chunk everything but the path to the
element that is still open is dropped, so that memory depends on the largest plan, never on the
feed, whatever it is made of.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

import msgspec
from lxml import etree

from contexts.events.application.ports import FeedFailed, Plan
from contexts.events.domain.offer import Zone
from contexts.events.domain.provider_run import Quarantined
from contexts.events.infrastructure.feeds import fields
from contexts.events.infrastructure.feeds.fields import Remembered, Unreadable
from contexts.events.infrastructure.feeds.xml_prologue import CHUNK, SAFELY, root_of

_T = TypeVar("_T")


_IDS = Remembered(fields.required)
_LABELS = Remembered(fields.text)
_PRICES = Remembered(fields.price)
_CAPACITIES = Remembered(fields.capacity)
_FLAGS = Remembered(fields.flag)


class _Vocabulary(msgspec.Struct, frozen=True):
    """What the elements and attributes are called. Of several names the first present counts."""

    base: str
    base_id: str
    item: str
    item_id: str
    starts: tuple[str, ...]
    ends: str
    prices: tuple[str, ...]


# 2019 and 2021-2024 share their root; only their items tell them apart.
_EVENTS = _Vocabulary(
    base="base_event",
    base_id="base_event_id",
    item="event",
    item_id="event_id",
    starts=("event_start_date", "event_date"),
    ends="event_end_date",
    prices=("price", "max_price"),
)
_PLANS = _Vocabulary(
    base="base_plan",
    base_id="base_plan_id",
    item="plan",
    item_id="plan_id",
    starts=("plan_start_date",),
    ends="plan_end_date",
    prices=("price",),
)
_BY_ROOT = {"eventList": _EVENTS, "planList": _PLANS}


def parse_xml_feed(path: Path) -> Iterator[Plan | Quarantined]:
    """Yield the plans of the feed at `path`; see FeedParser for what it raises.

    Of a plan that occurs twice the first readable one counts, the others are set aside.
    """
    try:
        root = root_of(path, tuple(_BY_ROOT))
        words = _BY_ROOT[root]
        seen: set[tuple[str, str]] = set()
        nothing = True
        for item, whole in _items(path, root, words.item):
            nothing = False
            try:
                plan = _plan(item, words, whole)
                if (identity := (plan.base_id, plan.plan_id)) in seen:
                    raise Unreadable("occurs twice in this feed")
            except Unreadable as fault:
                yield Quarantined(str(fault), *_ids(item, words))
            else:
                seen.add(identity)
                yield plan
    except etree.XMLSyntaxError as error:
        raise FeedFailed(f"the feed is not well-formed XML: {error.msg}") from error
    except OSError as error:
        raise FeedFailed(f"the feed cannot be read: {error.strerror}") from error
    if nothing:
        raise FeedFailed("the feed is well-formed but has no plans in it")


def _items(path: Path, root_tag: str, tag: str) -> Iterator[tuple[etree._Element, bool]]:
    """Each item once it is complete, and whether all of its zones are still there."""
    parser = etree.XMLPullParser(events=("start", "end"), tag=(root_tag, tag), **SAFELY)
    events = parser.read_events()
    root: etree._Element | None = None
    cut: etree._Element | None = None
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            parser.feed(chunk)
            for event, element in cast(Iterator[tuple[str, etree._Element]], events):
                if root is None:
                    root = element
                elif event == "end" and element.tag == tag:
                    yield element, element is not cut
            if root is not None and (emptied := _drop_what_is_read(root, tag)) is not None:
                cut = emptied
    parser.close()


def _drop_what_is_read(root: etree._Element, tag: str) -> etree._Element | None:
    """Empty the tree but for the path to its last element, and the zones of an open item.

    An item that already has more zones than any may have loses them too, and is returned.
    """
    cut, node = None, root
    while len(node):
        if node.tag != tag:
            del node[:-1]
        elif len(node) > fields.MAX_ZONES:
            cut = node
            del node[:-1]
        node = node[-1]
    return cut


def _plan(item: etree._Element, words: _Vocabulary, whole: bool) -> Plan:
    base = item.getparent()
    if base is None or base.tag != words.base:
        raise Unreadable(f"stands outside a {words.base}")
    if not whole or len(item) > fields.MAX_ZONES:
        raise Unreadable(f"has more than {fields.MAX_ZONES} zones")
    starts = _present(item, words.starts)
    starts_at = _read(item, starts, fields.wall_time)
    ends_at = None
    if item.get(words.ends) is not None:
        ends_at = _read(item, words.ends, fields.wall_time)
        if ends_at < starts_at:
            raise Unreadable(f"{words.ends} lies before {starts}")
    sell_from, sell_to = fields.sale_window(_perhaps(item, "sell_from"), _perhaps(item, "sell_to"))
    return Plan(
        base_id=_read(base, words.base_id, fields.required),
        plan_id=_read(item, words.item_id, fields.required),
        title=_read(base, "title", fields.required),
        starts_at=starts_at,
        ends_at=ends_at,
        sell_mode=_read(base, "sell_mode", fields.sell_mode),
        sell_from=sell_from,
        sell_to=sell_to,
        sold_out=_read(item, "sold_out", fields.flag),
        organizer=_read(base, "organizer_company_id", fields.text) or None,
        zones=_zones(item, words),
    )


def _zones(item: etree._Element, words: _Vocabulary) -> tuple[Zone, ...]:
    first = item.find("zone")
    if first is None:
        return ()
    price = _present(first, words.prices)
    # Nine tenths of a feed are zones, hence no call of ours for each and each of its fields.
    try:
        return tuple(
            [
                Zone(
                    _IDS[child.get("zone_id")],
                    _LABELS[child.get("name")],
                    _PRICES[child.get(price)],
                    _CAPACITIES[child.get("capacity")],
                    _FLAGS[child.get("numbered")],
                )
                for child in item.iterchildren("zone")
            ]
        )
    except Unreadable:
        # Read once more, slowly, to say which zone and which of its fields.
        for child in item.iterchildren("zone"):
            zone_id = child.get("zone_id")
            of = f"zone {fields.shown(zone_id)}: "
            fields.read("zone_id", zone_id, fields.required)
            fields.read(f"{of}name", child.get("name"), fields.text)
            fields.read(f"{of}{price}", child.get(price), fields.price)
            fields.read(f"{of}capacity", child.get("capacity"), fields.capacity)
            fields.read(f"{of}numbered", child.get("numbered"), fields.flag)
        raise


def _read(element: etree._Element, name: str, as_: Callable[[str | None], _T]) -> _T:
    return fields.read(name, element.get(name), as_)


def _perhaps(item: etree._Element, name: str) -> datetime | None:
    """A moment whose absence or nonsense costs nothing but itself."""
    try:
        return fields.wall_time(item.get(name))
    except Unreadable:
        return None


def _present(element: etree._Element, names: tuple[str, ...]) -> str:
    return next((name for name in names if element.get(name) is not None), names[0])


def _ids(item: etree._Element, words: _Vocabulary) -> tuple[str | None, str | None]:
    base = item.getparent()
    base_id = None if base is None else base.get(words.base_id)
    return fields.identity(base_id), fields.identity(item.get(words.item_id))

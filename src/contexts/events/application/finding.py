"""Finds what somebody could go to: wishes in everyday words, put as criteria of the list of events.

Wishes speak of the venue's wall time ("on Saturday evening"), while the list is kept by instants:
both are asked for, the instants a little wider, so that the index narrows and the clock decides.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from contexts.events.application.ports import Clock
from contexts.events.application.queries import EventListed, ListEvents
from contexts.events.domain.offer import MAX_PRICE
from contexts.events.published import FindOffers, OfferFound, OffersFound
from shared.application.bus import Bus
from shared.application.criteria import Comparison, Criteria, Or, all_of
from shared.application.pages import PageRequest
from shared.domain.errors import Invalid

MOST = 20
"""Events that come back at once."""

MAX_WORDS = 200
"""Characters."""

EAST, WEST = timedelta(hours=14), timedelta(hours=12)
"""The furthest that clocks are ahead of UTC, and behind it."""


STILL_ON = timedelta(hours=12)
"""What began before a day is on that day if it goes on until noon at least: an exhibition is, and
not what went on past midnight."""


async def find_offers(query: FindOffers, bus: Bus, clock: Clock) -> OffersFound:
    _must_make_sense(query)
    if query.words is not None and not _WORD.search(query.words):
        return OffersFound(0, ())
    found = await bus(
        ListEvents(criteria=all_of(*_criteria(query, clock())), page=PageRequest(size=query.limit))
    )
    offers = tuple(_offer(event) for event in found.data if isinstance(event, EventListed))
    return OffersFound(found.total_rows or 0, offers)


def _must_make_sense(query: FindOffers) -> None:
    if not 1 <= query.limit <= MOST:
        raise Invalid(f"limit: give a number from 1 to {MOST}")
    if len(query.words or "") > MAX_WORDS:
        raise Invalid(f"words: give at most {MAX_WORDS} characters, such as 'jazz piano'")
    times = (("starts_from", query.starts_from), ("starts_to", query.starts_to))
    for name, at in times:
        if at is not None and (at.tzinfo is not None or not 1900 <= at.year <= 2200):
            raise Invalid(
                f"{name}: give the time as the venue's clock shows it, without an offset, between "
                "1900 and 2200"
            )
    if query.starts_from and query.starts_to and query.starts_from > query.starts_to:
        raise Invalid("starts_from: is later than starts_to")
    prices = (("min_price", query.min_price), ("max_price", query.max_price))
    for name, price in prices:
        if price is not None and not (price.is_finite() and 0 <= price <= MAX_PRICE):
            raise Invalid(f"{name}: give an amount such as 30 or 12.50")
    least, most = query.min_price, query.max_price
    if least is not None and most is not None and least > most:
        raise Invalid("min_price: is more than max_price")


def _criteria(query: FindOffers, now: datetime) -> Iterator[Criteria]:
    yield Comparison("status", "ne", "cancelled")
    if query.available_only:
        yield Comparison("available", "eq", True)
    for word in _WORD.findall(query.words or ""):
        yield Or(tuple(Comparison("q", "contains", form) for form in _forms(word.casefold())))
    yield from _times(query, now)
    span = "available_" if query.available_only else ""
    if query.min_price is not None:
        yield Comparison(f"{span}max_price", "gte", query.min_price)
    if query.max_price is not None:
        yield Comparison(f"{span}min_price", "lte", query.max_price)


def _times(query: FindOffers, now: datetime) -> Iterator[Criteria]:
    first, last = query.starts_from, query.starts_to
    if first is not None and first.time() == time.min:
        running = Comparison("local_ends_at", "gte", first + STILL_ON)
        yield Or((Comparison("local_starts_at", "gte", first), running))
        yield Comparison("ends_at", "gte", first.replace(tzinfo=UTC) - EAST)
    elif first is not None:
        yield Comparison("local_starts_at", "gte", first)
        yield Comparison("starts_at", "gte", first.replace(tzinfo=UTC) - EAST)
    if last is not None:
        yield Comparison("local_starts_at", "lte", last)
        yield Comparison("starts_at", "lte", last.replace(tzinfo=UTC) + WEST)
    if last is None or last.replace(tzinfo=UTC) >= now:
        yield Comparison("ends_at", "gte", now)


def _forms(word: str) -> tuple[str, ...]:
    """A word, and the singular if it is an English plural; the list finds what begins with either.

    Where an s ends other words as well (chess, circus, tennis, blues) it stays.
    """
    if len(word) < 5 or word.endswith(("ss", "us", "is", "ues")) or not word.endswith("s"):
        return (word,)
    if word.endswith("ies"):
        return word, f"{word.removesuffix('ies')}y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word, word.removesuffix("es")
    return word, word.removesuffix("s")


_WORD = re.compile(r"[^\W_]+")


def _offer(event: EventListed) -> OfferFound:
    return OfferFound(**{name: getattr(event, name) for name in OfferFound.__struct_fields__})

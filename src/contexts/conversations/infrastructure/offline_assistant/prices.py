"""What it may cost: "under 30 euros", "20-40 €", "30 or less", "free", "the cheapest"."""

import re
from decimal import Decimal
from typing import Literal

import msgspec

from contexts.conversations.infrastructure.offline_assistant.message import Reading, whole

Order = Literal["start", "cheapest", "dearest"]

_SIGN = r"(?:€|\$|£|eur|euros?|usd|dollars?|bucks|gbp|pounds?|quid)"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_WITH_SIGN = rf"(?:{_SIGN} {_NUMBER}|{_NUMBER} {_SIGN})"
_ANY = rf"(?:{_SIGN} {_NUMBER}|{_NUMBER}(?: {_SIGN})?)"
_EACH = r"(?: (?:each|per (?:person|ticket|head|seat)|a (?:ticket|head|seat|person)))?"
_UNDER = (
    r"(?:(?:that )?(?:costs?|costing) )?(?:for )?(?:under|below|less than|cheaper than|lower than|"
    r"up to|at most|at the most|no more than|not more than|not over|max(?:imum)?(?: of)?|within"
    r"|< ?=?|(?:my )?budget (?:is|of)|with(?: a)? budget of|not exceeding|a maximum of)"
)
_OVER = (
    r"(?:(?:that )?(?:costs?|costing) )?(?:for )?(?:over|above|more than|at least|no less than"
    r"|min(?:imum)?(?: of)?|> ?=?|starting at|not under|dearer than|a minimum of)"
)
_NOT_A_PRICE = r"(?! (?:days?|weeks?|months?|years?|hours?|people|persons?|tickets|seats|places))"
_BETWEEN = (
    whole(rf"(?:(?:for )?(?:between|from) )?(?P<low>{_WITH_SIGN}) (?:and|to|-) (?P<high>{_ANY})"),
    whole(rf"(?:(?:for )?(?:between|from) )?(?P<low>{_ANY}) (?:and|to|-) (?P<high>{_WITH_SIGN})"),
)
_BETWEEN_BARE = whole(rf"between (?P<low>{_ANY}) (?:and|to|-) (?P<high>{_ANY}){_NOT_A_PRICE}")
_LESS = r"(?:or|and) (?:less|under|cheaper|below|lower|fewer)|max(?:imum)?|tops|at (?:the )?most"
_MORE = r"(?:or|and) (?:more|above|over|up|higher|dearer)|minimum|\+"
_TRAILING = (
    whole(rf"(?:for )?(?P<high>{_ANY}){_EACH} (?:{_LESS})"),
    whole(rf"(?:for )?(?P<low>{_ANY}){_EACH} (?:{_MORE})"),
)
_AROUND = whole(rf"(?:for )?(?:around|about|roughly|approximately) (?P<around>{_WITH_SIGN}){_EACH}")
_SIGNED = (
    whole(rf"{_UNDER} (?P<high>{_WITH_SIGN}){_EACH}"),
    whole(rf"(?:{_OVER}|from) (?P<low>{_WITH_SIGN}){_EACH}(?: on| up)?"),
)
_BARE = (
    whole(rf"{_UNDER} (?P<high>{_NUMBER}){_EACH}{_NOT_A_PRICE}"),
    whole(rf"{_OVER} (?P<low>{_NUMBER}){_EACH}{_NOT_A_PRICE}"),
)
_ALONE = whole(rf"(?:for |at |to |than )?(?P<high>{_WITH_SIGN}){_EACH}")
_FREE = whole(
    r"(?:for )?(?:free(?: of charge)?(?! (?:seats?|places?|spots?))|nothing to pay|no charge|gratis"
    r"|free (?:entry|admission|entrance)|without paying)"
)
_CHEAPEST = whole(
    r"(?:(?:the )?(?:cheapest|least expensive|most affordable|lowest prices?d?|best prices?)"
    r"|(?:sort(?:ed)?|order(?:ed)?) by (?:the )?prices?|by price|cheap|inexpensive|affordable"
    r"|low cost|cheapest first|not (?:too |so |very )?expensive)(?: ones?)?(?: first)?"
)
_DEAREST = whole(
    r"(?:the )?(?:most expensive|dearest|priciest|costliest|highest prices?d?)(?: ones?)?"
)


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds, both included, in the currency of the catalogue, which tells none. `around` is an
    amount that a quarter less or more may be meant by."""

    low: Decimal | None = None
    high: Decimal | None = None
    around: Decimal | None = None


def signed_prices(reading: Reading) -> Prices | None:
    """Amounts with a currency: they can be nothing else, so they are taken before all dates."""
    trailing = _TRAILING if reading.find(_ALONE) is not None else ()
    for pattern in (*_BETWEEN, *trailing, *_SIGNED):
        if found := _found(reading, pattern):
            return found
    if (match := reading.find(_AROUND)) is not None:
        around = _amount(match["around"])
        reading.take(match)
        quarter = around / 4
        return Prices(low=around - quarter, high=around + quarter, around=around)
    if (found := _found(reading, _ALONE)) is not None:
        return found
    if (match := reading.find(_FREE)) is not None:
        reading.take(match)
        return Prices(high=Decimal(0))
    return None


def bare_prices(reading: Reading) -> Prices | None:
    """Amounts by their words alone, of what no date took."""
    for pattern in (_BETWEEN_BARE, *_TRAILING, *_BARE):
        if found := _found(reading, pattern):
            return found
    return None


def order_of(reading: Reading) -> Order:
    for order, pattern in _ORDERS:
        if (match := reading.find(pattern)) is not None:
            reading.take(match)
            return order
    return "start"


_ORDERS: tuple[tuple[Order, re.Pattern[str]], ...] = (
    ("cheapest", _CHEAPEST),
    ("dearest", _DEAREST),
)


def _found(reading: Reading, pattern: re.Pattern[str]) -> Prices | None:
    if (match := reading.find(pattern)) is None:
        return None
    said = match.groupdict()
    low, high = (None if said.get(end) is None else _amount(said[end]) for end in ("low", "high"))
    reading.take(match)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Prices(low=low, high=high)


def _amount(said: str) -> Decimal:
    """Of "1,200", "12,50" and "12.5"."""
    found = re.search(_NUMBER, said)
    assert found is not None
    digits = found[0]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    return Decimal(digits.replace(",", ".").rstrip("."))

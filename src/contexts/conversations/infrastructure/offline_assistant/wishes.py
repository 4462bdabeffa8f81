"""What a message can want."""

from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from contexts.conversations.infrastructure.offline_assistant.prices import Order

CATALOGUE = "events"
"""The dataset that the catalogue is."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Look for events. `start` and `end` are dates, both included, or times, in ISO 8601 on the
    clock of each venue. `notes` are sentences on what was assumed, or could not be asked for."""

    words: str = ""
    start: str | None = None
    end: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    available_only: bool | None = None
    limit: int | None = None
    order: Order = "start"
    notes: tuple[str, ...] = ()
    counted: bool = False
    """Only their number was asked for."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of the tool, but for the limit."""
        wanted = {
            "words": self.words or None,
            "from": self.start,
            "to": self.end,
            "min_price": plain(self.low),
            "max_price": plain(self.high),
            "available_only": self.available_only,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    @classmethod
    def again(cls, arguments: dict[str, Any]) -> "Search":
        """The search that a call of the tool was for. A model may have made it, and written
        numbers as texts; the tool has checked them."""
        low, high, available = (
            arguments.get(name) for name in ("min_price", "max_price", "available_only")
        )
        return cls(
            words=str(arguments.get("words") or ""),
            start=_time(arguments.get("from")),
            end=_time(arguments.get("to")),
            low=_decimal(low),
            high=_decimal(high),
            available_only=None if available is None else str(available).lower() == "true",
        )


class More(msgspec.Struct, frozen=True):
    """The events after those that were shown."""


class Detail(msgspec.Struct, frozen=True):
    """One of the events that were shown: the first is 0, the last -1. What is none of them stands
    for one of which it is not clear which it is."""

    index: int


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Put a question to the data. `alone`: it can be understood without the one before. `fallback`
    is the search that it may be as well. `written` are the words as they were, where the question
    was made of them; it is asked so when it is not understood. `of_business`: no word is of the
    catalogue."""

    question: str
    dataset: str | None = None
    new_topic: bool = False
    alone: bool = False
    written: str | None = None
    fallback: Search | None = None
    of_business: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        wanted: dict[str, Any] = {"question": self.question}
        if self.dataset is not None:
            wanted["dataset"] = self.dataset
        if self.new_topic:
            wanted["new_topic"] = True
        return wanted


class Describe(msgspec.Struct, frozen=True):
    """What a dataset holds. `perhaps`: it may be no dataset at all."""

    dataset: str
    perhaps: bool = False


Topic = Literal["greeting", "thanks", "goodbye", "who", "well", "fine", "help", "datasets"]


class Talk(msgspec.Struct, frozen=True):
    about: Topic


Limit = Literal["act", "write", "translate", "language", "knowledge", "instructions", "unclear"]


class Cannot(msgspec.Struct, frozen=True):
    """What is beyond rules, or beyond this program."""

    what: Limit | Literal["long", "advice"]


Wish: TypeAlias = Search | More | Detail | Ask | Describe | Talk | Cannot


def plain(price: Decimal | None) -> int | float | None:
    """As a number of JSON; its shortest digits are those of the decimal."""
    if price is None:
        return None
    return int(price) if price == price.to_integral_value() else float(price)


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


def _time(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None

"""What a single field of a feed may hold, whatever its format.

Each function raises Unreadable with words that follow the field's name in a sentence:
"event_start_date" + "'2021-09-31T20:00:00' is not a date".
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from contexts.events.domain.offer import SellMode

MAX_TEXT = 1_000
"""Characters in a title, a name or an id."""

MAX_ZONES = 10_000
"""Zones in one plan; no venue has as many, a broken export may."""

_WORTH_KEEPING = 200
"""Characters of a text that repeats; longer ones would make what is remembered heavy."""

_T = TypeVar("_T")

_UNKEEPABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,6}|,[0-9]{1,2})?")
_CAPACITY = re.compile(r"[0-9]{1,9}")
_WALL_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?", re.ASCII)
_OFFSET = re.compile(r"\s?(?:[Zz]|[+-]\d\d(?::?\d\d)?)$", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_YEARS = range(1900, 9999)
"""9999 stands for "never" in many exports, and its last hours have no instant in UTC."""


class Unreadable(Exception):
    """A field does not hold what it should."""


def read(name: str, raw: str | None, as_: Callable[[str | None], _T]) -> _T:
    """Read a field, and name it when it cannot be read."""
    try:
        return as_(raw)
    except Unreadable as fault:
        raise Unreadable(f"{name} {fault}") from None


class Remembered(dict[str | None, _T], Generic[_T]):
    """What each text was read as: `prices["20.00"]` reads it once and finds it from then on.

    The fields of zones come in millions and repeat. A subscript that finds costs a third of a
    call; `functools.lru_cache` lies between the two.
    """

    def __init__(self, read: Callable[[str | None], _T], *, at_most: int = 16_384) -> None:
        self._read = read
        self._at_most = at_most

    def __missing__(self, raw: str | None) -> _T:
        value = self._read(raw)
        if len(self) >= self._at_most:
            self.clear()
        if raw is None or len(raw) <= _WORTH_KEEPING:
            self[raw] = value
        return value


def text(raw: str | None) -> str:
    """What is left of a label without what PostgreSQL or UTF-8 cannot hold; may be empty."""
    if not raw:
        return ""
    kept = _UNKEEPABLE.sub(" ", raw).strip()
    if len(kept) > MAX_TEXT:
        raise Unreadable(f"has {len(kept)} characters, {MAX_TEXT} are allowed")
    return kept


def required(raw: str | None) -> str:
    """A label that may not be empty."""
    if kept := text(raw):
        return kept
    raise Unreadable("is missing" if raw is None else "is empty")


def price(raw: str | None) -> Decimal:
    """A price as it is written, with a point or a decimal comma; nothing is rounded.

    "1,234" is refused: it may be a thousand and more, or little above one.
    """
    written = _present(raw)
    if not _PRICE.fullmatch(written):
        raise Unreadable(f"{shown(raw)} is not a price")
    return Decimal(written.replace(",", "."))


def capacity(raw: str | None) -> int:
    """Places still on sale."""
    written = _present(raw)
    if not _CAPACITY.fullmatch(written):
        raise Unreadable(f"{shown(raw)} is not a number of places")
    return int(written)


def flag(raw: str | None) -> bool:
    """A yes or no; absent means no."""
    if raw is None:
        return False
    try:
        return _FLAGS[raw.strip().lower()]
    except KeyError:
        raise Unreadable(f"{shown(raw)} is neither true nor false") from None


def sell_mode(raw: str | None) -> SellMode:
    match _present(raw).lower():
        case "online":
            return "online"
        case "offline":
            return "offline"
        case _:
            raise Unreadable(f"{shown(raw)} is neither 'online' nor 'offline'")


def wall_time(raw: str | None) -> datetime:
    """A local date and time, without an offset; feeds of ticketing systems never have one."""
    written = _present(raw)
    if _OFFSET.search(written) and _WALL_TIME.fullmatch(_OFFSET.sub("", written)):
        raise Unreadable(f"{shown(raw)} has an offset, where feeds use local times")
    found = _WALL_TIME.fullmatch(written)
    if not found or not found[2]:
        raise Unreadable(f"{shown(raw)} is not a date")
    return _moment(raw, written)


def venue_time(raw: str | None, *, day_ends: bool = False) -> datetime:
    """A date or date and time of schema.org, as the venue's clock shows it.

    An offset is dropped: schema.org writes the local time and, beside it, how far that is from
    UTC. `Z` is refused, for it tells the instant but not what the clock on the wall shows. A date
    alone means its first second, or its last where `day_ends`.
    """
    written = _present(raw)
    if written[-1:] in ("Z", "z"):
        raise Unreadable(f"{shown(raw)} is in UTC, which does not tell the local time")
    found = _WALL_TIME.fullmatch(written)
    if not found:
        written = _OFFSET.sub("", written)
        found = _WALL_TIME.fullmatch(written)
    if not found or (found[2] is None and written != _present(raw)):
        raise Unreadable(f"{shown(raw)} is not a date")
    if found[2] is None:
        written += "T23:59:59" if day_ends else "T00:00:00"
    return _moment(raw, written)


def sale_window(
    opens: datetime | None, closes: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """A window that closes before it opens is no window."""
    if opens and closes and closes < opens:
        return None, None
    return opens, closes


def shown(raw: object) -> str:
    """A value as a reason quotes it: on one line, and short whatever the feed holds."""
    quoted = repr(raw[:61] if isinstance(raw, str) else raw)
    return quoted if len(quoted) <= 80 else f"{quoted[:79]}…"


def identity(raw: str | None) -> str | None:
    """An id as `required` reads it; None when it would refuse it."""
    try:
        return required(raw)
    except Unreadable:
        return None


def _present(raw: str | None) -> str:
    if raw is None:
        raise Unreadable("is missing")
    return raw.strip()


def _moment(raw: str | None, written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Unreadable(f"{shown(raw)} is not a date") from None
    if moment.year not in _YEARS:
        raise Unreadable(f"{shown(raw)} lies outside {_YEARS[0]}-{_YEARS[-1]}")
    return moment

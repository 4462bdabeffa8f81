"""Whom the events context calls: providers, whatever format they speak, and their state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import msgspec

from contexts.events.domain.offer import SellMode, Zone
from contexts.events.domain.provider_run import Quarantined

Clock: TypeAlias = Callable[[], datetime]
"""Tells the instant it is."""

Format = Literal["auto", "xml", "json-ld"]


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider as it is set up.

    Its feed is fetched every `interval` seconds, when it has a `url`. Times in it are of `timezone`
    (IANA). When more than `max_shrink` of its listed events (0 to 1) are missing at once, they are
    delisted only after a second run has agreed.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    url: str | None = None
    format: Format = "auto"
    timezone: str = "Europe/Madrid"
    interval: Annotated[float, msgspec.Meta(ge=1)] = 300.0
    max_shrink: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5

    def __repr__(self) -> str:
        """Without the URL, which may hold a key."""
        return f"Provider({self.name!r})"


class Plan(msgspec.Struct, frozen=True):
    """One plan as a provider states it. Times are wall times of the provider's zone."""

    base_id: str
    plan_id: str
    title: str
    starts_at: datetime
    ends_at: datetime | None
    sell_mode: SellMode
    sell_from: datetime | None
    sell_to: datetime | None
    sold_out: bool
    organizer: str | None
    zones: tuple[Zone, ...]


class FeedFailed(Exception):
    """A feed could not be fetched or read; the message says why, for people.

    `retry_after` is what the provider asked for, in seconds.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class FeedParser(Protocol):
    """Reads one format."""

    def __call__(self, path: Path) -> Iterator[Plan | Quarantined]:
        """Yield each plan of the feed kept at `path`, holding one at a time.

        Raise FeedFailed when it is not a feed of this format, is not well formed, or ends early.
        """


class Validators(msgspec.Struct, frozen=True):
    """What a provider gave us to ask "has it changed?" with (RFC 9110, section 13)."""

    etag: str | None = None
    last_modified: str | None = None


class Fetched(msgspec.Struct, frozen=True):
    """A feed as it was received, complete, kept in a file that its context manager removes.

    `path` is None when the provider answered that nothing has changed (304).
    """

    path: Path | None
    validators: Validators
    bytes: int


class FeedSource(Protocol):
    """Gets a feed from where it is kept."""

    def fetch(self, url: str, known: Validators) -> AbstractAsyncContextManager[Fetched]:
        """Raise FeedFailed when it cannot be had whole within the limits."""


class Outcome(msgspec.Struct, frozen=True):
    """What the last look at a provider's feed came to, for the next one to compare with.

    `quarantine` is a digest of the plans that were set aside; `failures` counts failed runs in a
    row; `retry_after` is in seconds.
    """

    state: Literal["completed", "unchanged", "failed"]
    run_id: UUID
    quarantine: str = ""
    withheld: int = 0
    validators: Validators = Validators()
    failures: int = 0
    retry_after: float | None = None


class Feeds(Protocol):
    """What is remembered of each feed between two runs."""

    async def claim(self, provider: str, run_id: UUID) -> bool:
        """Claim the feed for this run, or renew its claim; False while another run has it."""

    async def last(self, provider: str) -> Outcome | None: ...

    async def end(self, provider: Provider, outcome: Outcome) -> None:
        """Remember the outcome, give the feed free, and set when it is due again."""


class Listed(Protocol):
    """Which events of a provider the catalogue shows as listed."""

    async def __call__(self, provider: str) -> Sequence[UUID]: ...


class RunQueue(Protocol):
    """The way to the workers that fetch feeds."""

    async def put(self, provider: str, run_id: UUID) -> None: ...


Providers: TypeAlias = Mapping[str, Provider]
Parsers: TypeAlias = Mapping[Format, FeedParser]


def public_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

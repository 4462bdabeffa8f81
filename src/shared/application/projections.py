"""How far each projection has come, and what holds it."""

from datetime import datetime

import msgspec

from shared.application.bus import Query


class ProjectionListed(msgspec.Struct, frozen=True, kw_only=True):
    """`lag_events` counts the events of its types that it has not taken in (at most 100,000 are
    counted); `lag_seconds` is the age of the oldest of them."""

    name: str
    position: int
    lag_events: int
    lag_seconds: float
    updated_at: datetime | None
    error: str | None
    failed_at: datetime | None


class FenceHolder(msgspec.Struct, frozen=True):
    """An appender that holds the mark: its backend, what it runs, and for how many seconds."""

    pid: int
    application_name: str | None
    state: str | None
    query: str | None
    seconds: float | None


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """The log and those that follow it.

    `last_position` is the last that was drawn, `high_water_mark` how far the log may be read; what
    lies between is held by `held_by`.
    """

    last_position: int
    high_water_mark: int
    held_by: list[FenceHolder]
    projections: list[ProjectionListed]


class ListProjections(Query[Following], frozen=True):
    pass

"""How far each projection has come, what holds it, and how it is built anew."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.application.bus import Command, Query
from shared.domain.errors import NotFound, Refused


class UnknownProjection(NotFound):
    code = "unknown_projection"


class CannotRebuild(Refused):
    """Says what stands in the way, and what to do about it."""

    code = "cannot_rebuild"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at before an instance is read from, and what was found."""

    name: str
    passed: bool
    found: str


class InstanceListed(msgspec.Struct, frozen=True, kw_only=True):
    """One build of a projection.

    `building` catches up with the log and is switched to by itself; `built` has caught up but a
    check failed; `active` is read; `kept` was read before, and is kept current for going back.
    `events_per_second` and `seconds_left` are told while it is building; positions are counted.
    """

    instance: int
    state: Literal["building", "built", "active", "kept"]
    definition: str
    shards: int
    position: int
    parked: int
    started_at: datetime
    switched_at: datetime | None
    events_per_second: float | None = None
    seconds_left: float | None = None
    checks: list[Check] = []


class ProjectionListed(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a projection, its active instance, and the other instances there are.

    `lag_events` counts the events of its types that it has not taken in (at most 100,000 are
    counted); `lag_seconds` is the age of the oldest of them. `parked` are the events that it could
    not take in, and those that wait behind them. It is `outdated` when another version of the
    program built it: this one does not move it on.
    """

    name: str
    position: int
    lag_events: int
    lag_seconds: float
    updated_at: datetime | None
    error: str | None
    failed_at: datetime | None
    parked: int
    outdated: bool
    instances: list[InstanceListed]


class FenceHolder(msgspec.Struct, frozen=True):
    """An appender that holds the mark: its backend, what it runs, and for how many seconds."""

    pid: int
    application_name: str | None
    state: str | None
    query: str | None
    seconds: float | None
    since: datetime | None


class QueueListed(msgspec.Struct, frozen=True):
    """A queue of the broker: messages that wait, that wait for their time, and that were given
    up."""

    name: str
    waiting: int
    delayed: int
    dead: int


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """The log and those that follow it.

    `last_position` is the last that was drawn, `high_water_mark` how far the log may be read; what
    lies between is held by `held_by`. `queues` is null when the broker does not answer.
    """

    last_position: int
    high_water_mark: int
    held_by: list[FenceHolder]
    projections: list[ProjectionListed]
    queues: list[QueueListed] | None


class ListProjections(Query[Following], frozen=True):
    pass


class GetProjection(Query[ProjectionListed], frozen=True):
    name: str


class RebuildProjection(Command[int], frozen=True):
    """Build a new instance beside the active one; the workers do it, and switch to it when it has
    caught up and passes every check. Its number."""

    name: str


class SwitchProjection(Command[int], frozen=True):
    """Read from another instance that is there from now on; the active one is kept. Its number.

    Without an instance: the one that was active before. `anyway` takes it though a check fails.
    """

    name: str
    instance: int | None = None
    anyway: bool = False


class DropInstance(Command[None], frozen=True):
    """Forget an instance that is not read."""

    name: str
    instance: int

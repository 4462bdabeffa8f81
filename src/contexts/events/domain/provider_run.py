"""One reading of a provider's feed: what it brought, or why it failed."""

from datetime import datetime
from typing import Self, assert_never
from uuid import UUID

import msgspec

from shared.domain.aggregate import Aggregate, DomainEvent
from shared.domain.errors import Refused

QUARANTINE_SHOWN = 100
"""How many quarantined plans a run names; all of them are counted."""


class Quarantined(msgspec.Struct, frozen=True):
    """A plan that could not be read: its ids as far as they are known, and why."""

    reason: str
    base_id: str | None = None
    plan_id: str | None = None

    @property
    def ref(self) -> str:
        return f"{self.base_id or '?'}:{self.plan_id or '?'}"


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found and did.

    Of `plans` in the feed some were `announced` (new), `changed`, `unchanged` or quarantined.
    `delisted` events are no longer in the feed; `withheld` ones neither, but so many at once that a
    second run has to agree. `events` counts what was appended to the log for all that.
    """

    source: str
    started_at: datetime
    finished_at: datetime
    bytes: int = 0
    plans: int = 0
    announced: int = 0
    changed: int = 0
    unchanged: int = 0
    delisted: int = 0
    withheld: int = 0
    quarantined: int = 0
    quarantine: tuple[Quarantined, ...] = ()
    events: int = 0


class RunRequested(DomainEvent, tag="events.run_requested"):
    run_id: UUID
    provider: str
    requested_at: datetime


class RunCompleted(DomainEvent, tag="events.run_completed"):
    provider: str
    report: RunReport


class RunFailed(DomainEvent, tag="events.run_failed"):
    """The feed changed nothing: what was known before it still stands."""

    provider: str
    reason: str
    report: RunReport


RunChange = RunRequested | RunCompleted | RunFailed


class AlreadyEnded(Refused):
    code = "events.run_already_ended"


class ProviderRun(Aggregate[RunChange]):
    stream = "provider_run"
    events = RunChange

    ended = False

    @classmethod
    def request(cls, id: UUID, provider: str, *, now: datetime) -> Self:
        run = cls(id)
        run.record(RunRequested(run_id=id, provider=provider, requested_at=now))
        return run

    def complete(self, provider: str, report: RunReport) -> None:
        self._must_be_open()
        self.record(RunCompleted(provider=provider, report=report))

    def fail(self, provider: str, reason: str, report: RunReport) -> None:
        self._must_be_open()
        self.record(RunFailed(provider=provider, reason=reason, report=report))

    def apply(self, event: RunChange) -> None:
        match event:
            case RunRequested():
                pass
            case RunCompleted() | RunFailed():
                self.ended = True
            case _:
                assert_never(event)

    def _must_be_open(self) -> None:
        if self.ended:
            raise AlreadyEnded(f"run {self.id} has ended")

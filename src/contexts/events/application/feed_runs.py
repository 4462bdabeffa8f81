"""How a provider's feed becomes events: fetch, read, take in what is new, delist, record.

A feed is read to its end before anything of it is taken in, so that one that breaks off changes
nothing. What is unchanged costs a digest and no event; what is changed waits in a file, so that
memory stays flat whatever the size of the feed. A run enters the log when it was asked for or when
it has something to tell; one that found all as it was leaves no event behind.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from contexts.events.application.ports import (
    Clock,
    FeedFailed,
    Feeds,
    FeedSource,
    Listed,
    Outcome,
    Parsers,
    Plan,
    Provider,
    Providers,
    RunQueue,
    Validators,
)
from contexts.events.application.reading import BATCH, Reading, Spool, batches
from contexts.events.application.taking_in import DelistEvents, TakeInPlans, fingerprint, offer_of
from contexts.events.domain.event import Event
from contexts.events.domain.offer import implausibility
from contexts.events.domain.provider_run import ProviderRun, Quarantined, RunReport
from shared.application.bus import Bus, Command
from shared.application.repository import Repository
from shared.domain.errors import NotFound

logger = logging.getLogger(__name__)


class RequestRun(Command[UUID], frozen=True):
    """Ask for a provider's feed to be read now; the id of the run that will do it."""

    provider: str


async def request_run(
    command: RequestRun, runs: Repository[ProviderRun], providers: Providers, clock: Clock
) -> UUID:
    provider = providers.get(command.provider)
    if provider is None or provider.url is None:
        raise UnknownProvider(f"no provider {command.provider!r} with a url is set up")
    run = ProviderRun.request(uuid7(), provider.name, now=clock())
    await runs.save(run)
    return run.id


class QueueRun(Command[None], frozen=True):
    """Hand a run over to the workers that fetch feeds. Asked twice, it is run once."""

    provider: str
    run_id: UUID


async def queue_run(command: QueueRun, queue: RunQueue) -> None:
    await queue.put(command.provider, command.run_id)


class RunFeed(Command[RunReport], frozen=True):
    """Read a provider's feed now. `source` is a URL or path to read instead of the usual one.

    Raise FeedFailed, after having recorded why, when nothing could be had of it.
    """

    provider: Provider
    run_id: UUID | None = None
    source: str | None = None


class UnknownProvider(NotFound):
    code = "events.unknown_provider"


class FeedBusy(FeedFailed):
    """Another run of the same feed has not ended yet."""


class FeedRuns:
    """Runs feeds, one run at a time for each provider."""

    def __init__(
        self,
        *,
        bus: Bus,
        runs: Repository[ProviderRun],
        events: Repository[Event],
        feeds: Feeds,
        listed: Listed,
        sources: FeedSource,
        parsers: Parsers,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._runs = runs
        self._events = events
        self._feeds = feeds
        self._listed = listed
        self._sources = sources
        self._parsers = parsers
        self._clock = clock

    async def run(self, command: RunFeed) -> RunReport:
        provider = command.provider
        source = command.source or provider.url
        if source is None:
            raise FeedFailed(f"provider {provider.name!r} has no url to fetch")
        run_id = command.run_id or uuid7()
        if not await self._feeds.claim(provider.name, run_id):
            raise FeedBusy(f"another run of provider {provider.name!r} has not ended yet")
        last = await self._feeds.last(provider.name)
        reading = Reading(provider, source, run_id, last, started_at=self._clock())
        try:
            outcome = await self._read(reading, conditional=command.source is None)
        except FeedFailed as failure:
            await self._fail(reading, failure)
            raise
        except BaseException as error:
            logger.exception("run broke off", extra={"provider": provider.name})
            await asyncio.shield(self._fail(reading, FeedFailed(f"broke off: {error!r}")))
            raise
        await self._record(reading, outcome)
        await self._feeds.end(provider, outcome)
        return reading.report(self._clock())

    async def _read(self, reading: Reading, *, conditional: bool) -> Outcome:
        last = reading.last
        known = last.validators if last and conditional else Validators()
        async with self._sources.fetch(reading.source, known) as fetched:
            reading.bytes = fetched.bytes
            if fetched.path is None:
                assert last is not None
                return msgspec.structs.replace(
                    last, state="unchanged", run_id=reading.run_id, failures=0, retry_after=None
                )
            plans = self._parsers[reading.provider.format](fetched.path)
            with Spool() as changed:
                async with aclosing(batches(plans)) as parsed:
                    async for batch in parsed:
                        await self._sift(reading, batch, changed)
                if reading.plans == 0:
                    raise FeedFailed("the feed is well formed but holds not one plan")
                await self._take_in(reading, changed)
        await self._delist(reading)
        return Outcome(
            state="completed" if reading.events or reading.withheld else "unchanged",
            run_id=reading.run_id,
            quarantine=reading.quarantine_digest(),
            withheld=reading.withheld,
            # A feed that has yet to be confirmed is asked for in full the next time.
            validators=fetched.validators if conditional and not reading.withheld else Validators(),
        )

    async def _sift(
        self, reading: Reading, batch: Sequence[Plan | Quarantined], changed: Spool
    ) -> None:
        """Count what is in the batch, and keep what is not known just so already."""
        await self._renew_claim(reading)
        plans = {}
        for item in batch:
            reading.plans += 1
            if isinstance(item, Quarantined):
                reading.set_aside(item)
            else:
                plans[reading.see(item.base_id, item.plan_id)] = item
        known, timezone = await self._events.fingerprints(plans), reading.provider.timezone
        for id, plan in plans.items():
            if known.get(id) == fingerprint(plan, timezone):
                reading.unchanged += 1
            elif reason := implausibility(offer_of(plan, timezone)):
                reading.set_aside(Quarantined(reason, plan.base_id, plan.plan_id))
            else:
                changed.add(plan)
        _tell_progress(reading)

    async def _take_in(self, reading: Reading, changed: Spool) -> None:
        for plans in changed.batches(BATCH):
            await self._renew_claim(reading)
            done = await self._bus(
                TakeInPlans(reading.provider.name, reading.provider.timezone, plans)
            )
            reading.announced += done.announced
            reading.changed += done.changed
            reading.unchanged += len(plans) - done.announced - done.changed
            reading.events += done.events
            _tell_progress(reading)

    async def _delist(self, reading: Reading) -> None:
        listed = await self._listed(reading.provider.name)
        missing = [id for id in listed if id not in reading.seen]
        shrunk = len(missing) > reading.provider.max_shrink * len(listed)
        if shrunk and not (reading.last and reading.last.withheld):
            reading.withheld = len(missing)
            return
        for start in range(0, len(missing), BATCH):
            ids = tuple(missing[start : start + BATCH])
            count = await self._bus(DelistEvents(ids, reading.run_id))
            reading.delisted += count
            reading.events += count

    async def _renew_claim(self, reading: Reading) -> None:
        if not await self._feeds.claim(reading.provider.name, reading.run_id):
            raise FeedFailed("the run took so long that another one has begun")

    async def _record(self, reading: Reading, outcome: Outcome) -> None:
        """Record the run if it was asked for, or if it has anything to tell."""
        run = await self._run(reading.run_id)
        if run.ended:
            return
        last = reading.last
        news = (
            last is None
            or last.state == "failed"
            or reading.events
            or reading.withheld
            or outcome.quarantine != last.quarantine
        )
        if run.version or news:
            run.complete(reading.provider.name, reading.report(self._clock()))
            await self._runs.save(run)

    async def _fail(self, reading: Reading, failure: FeedFailed) -> None:
        last = reading.last or Outcome(state="failed", run_id=reading.run_id)
        # A source that somebody named by hand tells nothing of the feed's own.
        own = reading.source == reading.provider.url
        run = await self._run(reading.run_id)
        if not run.ended:
            run.fail(reading.provider.name, str(failure), reading.report(self._clock()))
            await self._runs.save(run)
        await self._feeds.end(
            reading.provider,
            msgspec.structs.replace(
                last,
                state="failed",
                run_id=reading.run_id,
                failures=last.failures + 1 if own else last.failures,
                retry_after=failure.retry_after,
            ),
        )

    async def _run(self, run_id: UUID) -> ProviderRun:
        found = await self._runs.get_many([run_id])
        return found.get(run_id) or ProviderRun(run_id)


def _tell_progress(reading: Reading) -> None:
    """For whoever watches, such as the command line."""
    logger.debug("progress", extra={"plans": reading.plans, "events": reading.events})

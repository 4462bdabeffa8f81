"""One reading of a feed: what it has seen so far, and the plans that wait to be taken in."""

import asyncio
import hashlib
import struct
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import IO
from uuid import UUID

import msgspec

from contexts.events.application.ports import Outcome, Plan, Provider, public_url
from contexts.events.domain.event import PlanRef
from contexts.events.domain.provider_run import QUARANTINE_SHOWN, Quarantined, RunReport

BATCH = 200
"""Plans that are compared, and taken in, at a time."""


class Reading:
    """What one run has seen and done so far."""

    def __init__(
        self,
        provider: Provider,
        source: str,
        run_id: UUID,
        last: Outcome | None,
        *,
        started_at: datetime,
    ) -> None:
        self.provider = provider
        self.source = source
        self.run_id = run_id
        self.last = last
        self.started_at = started_at
        self.seen: set[UUID] = set()
        self.bytes = self.plans = self.unchanged = self.announced = self.changed = 0
        self.delisted = self.withheld = self.events = self.quarantined = 0
        self.quarantine: list[Quarantined] = []
        self._digest = hashlib.blake2b(digest_size=16)

    def see(self, base_id: str, plan_id: str) -> UUID:
        id = PlanRef(self.provider.name, base_id, plan_id).event_id
        self.seen.add(id)
        return id

    def set_aside(self, item: Quarantined) -> None:
        """A plan that can't be read is in the feed all the same: it has not left it."""
        if item.base_id is not None and item.plan_id is not None:
            self.see(item.base_id, item.plan_id)
        self.quarantined += 1
        self._digest.update(msgspec.json.encode(item))
        if len(self.quarantine) < QUARANTINE_SHOWN:
            self.quarantine.append(item)

    def quarantine_digest(self) -> str:
        return self._digest.hexdigest() if self.quarantined else ""

    def report(self, now: datetime) -> RunReport:
        return RunReport(
            source=public_url(self.source),
            started_at=self.started_at,
            finished_at=now,
            bytes=self.bytes,
            plans=self.plans,
            announced=self.announced,
            changed=self.changed,
            unchanged=self.unchanged,
            delisted=self.delisted,
            withheld=self.withheld,
            quarantined=self.quarantined,
            quarantine=tuple(self.quarantine),
            events=self.events,
        )


class Spool:
    """Plans on their way from the feed into the log, kept in a file."""

    def __enter__(self) -> "Spool":
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="marquee-plans-")
        self._encode = msgspec.msgpack.Encoder().encode
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, plan: Plan) -> None:
        data = self._encode(plan)
        self._file.write(struct.pack("<I", len(data)) + data)

    def batches(self, size: int) -> Iterator[tuple[Plan, ...]]:
        self._file.seek(0)
        plans = self._plans()
        while batch := tuple(islice(plans, size)):
            yield batch

    def _plans(self) -> Iterator[Plan]:
        decode = msgspec.msgpack.Decoder(Plan).decode
        while head := self._file.read(4):
            yield decode(self._file.read(struct.unpack("<I", head)[0]))


async def batches(
    plans: Iterator[Plan | Quarantined],
) -> AsyncGenerator[Sequence[Plan | Quarantined]]:
    """Parse beside the event loop, so that others of this process go on meanwhile.

    Always in the same thread, which parses nothing else: what a libxml2 parser makes belongs to the
    thread it was begun in, and two threads in it at once crash the process.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser") as thread:
        while batch := await loop.run_in_executor(thread, lambda: list(islice(plans, BATCH))):
            yield batch

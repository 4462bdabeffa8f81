"""Golden queries as regression tests: the same question has to come to the same rows again."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from contexts.analytics.application.agreement import agree
from contexts.analytics.application.keeping import Golden, History
from contexts.analytics.application.ports import (
    Clock,
    Declined,
    PlannerFailed,
    QueryFaulted,
    QueryRefused,
)
from contexts.analytics.application.relations import Current, Relations
from contexts.analytics.application.running import Running
from contexts.analytics.application.understanding import Understanding
from contexts.analytics.domain.answer import Result
from shared.application.bus import Query
from shared.domain.errors import DomainError

Verdict = Literal["same", "differs", "fails", "stale"]


class Check(msgspec.Struct, frozen=True):
    """`same`: the planners still come to the rows of the golden query. `stale`: it speaks of the
    day it was asked on, so that nothing can be said. `reason` tells what is otherwise."""

    question_id: UUID
    question: str
    dataset: str
    verdict: Verdict
    reason: str = ""


class VerifyGolden(Query[list[Check]], frozen=True):
    """Plan every golden question anew, without looking at what was found right, and compare."""


class Verifying:
    def __init__(
        self,
        history: History,
        relations: Relations,
        understanding: Understanding,
        running: Running,
        clock: Clock,
    ) -> None:
        self._history = history
        self._relations = relations
        self._understanding = understanding
        self._running = running
        self._clock = clock

    async def verify(self, query: VerifyGolden) -> list[Check]:
        return [await self._check(golden) for golden in await self._history.all_golden()]

    async def _check(self, golden: Golden) -> Check:
        if golden.relative and golden.asked_on != self._clock().date():
            return _told(golden, "stale", f"it was asked on {golden.asked_on:%Y-%m-%d}")
        try:
            current = await self._relations.of(golden.dataset)
            expected = await self._expected(golden, current)
            made = await self._understanding.plan(
                golden.question,
                [current],
                now=self._clock(),
                before=None,
                which="auto",
                by_heart=False,
            )
            if isinstance(made, Declined):
                return _told(golden, "fails", f"it is {made.outcome} now: {made.reason}")
            today = self._clock().date()
            got = (await self._running.run(made.planned.spec, current, today)).ran.result
        except (PlannerFailed, QueryRefused, QueryFaulted, DomainError) as error:
            return _told(golden, "fails", str(error))
        if agree(expected, got):
            return _told(golden, "same")
        return _told(
            golden, "differs", f"{len(got.rows)} rows now, {len(expected.rows)} were right"
        )

    async def _expected(self, golden: Golden, current: Current) -> Result:
        """The rows that were found right; on other data, those that the same query has there."""
        run = await self._running.run(golden.spec, current, self._clock().date())
        if golden.dataset_version != current.version:
            return run.ran.result
        rows: Sequence[tuple[object, ...]] = golden.rows
        return msgspec.structs.replace(run.ran.result, rows=tuple(rows))


def _told(golden: Golden, verdict: Verdict, reason: str = "") -> Check:
    return Check(golden.question_id, golden.question, golden.dataset, verdict, reason)

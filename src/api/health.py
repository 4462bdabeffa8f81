"""Whether this process lives, whether it can serve, and what it counts."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from api.unattended import unattended
from bootstrap import Application
from shared.application.projections import Following, ListProjections
from shared.presentation.problems import other_answer

LAG_EVENTS = Gauge("marquee_projection_lag_events", "Events not taken in yet", ["projection"])
LAG_SECONDS = Gauge("marquee_projection_lag_seconds", "Age of the oldest of them", ["projection"])
FAILING = Gauge("marquee_projection_failing", "1 while a projection is failing", ["projection"])
PARKED = Gauge("marquee_projection_parked", "Events that could not be taken in", ["projection"])
OUTDATED = Gauge("marquee_projection_outdated", "1 until it has been built anew", ["projection"])
WAITING = Gauge("marquee_queue_waiting", "Messages that nobody has taken yet", ["queue"])
DEAD = Gauge("marquee_queue_dead", "Messages that were given up", ["queue"])
UNATTENDED = Gauge("marquee_work_unattended", "Asked for, and no worker is at it", ["kind"])
MARK = Gauge("marquee_high_water_mark", "Position up to which the log may be read")

PATIENCE = 2.0
"""Seconds for each check; what takes longer counts as down."""


class Health(msgspec.Struct, frozen=True):
    """Each check says "ok" or what is wrong. `degraded` serves, and wants to be looked at."""

    status: str
    checks: dict[str, str]


class HealthController(Controller):
    tags = ("Operations",)

    @get("/health/live", sync_to_thread=False)
    def live(self) -> Health:
        """This process runs."""
        return Health("ok", {})

    @get(
        "/health/ready",
        responses={503: other_answer(Health, "A check says what is wrong")},
    )
    async def ready(
        self, application: NamedDependency[SkipValidation[Application]]
    ) -> Response[Health]:
        """The database and the broker answer, and the projections keep up; else 503.

        Parked events, and messages, questions and uploads that no worker is at, are told and do not
        make it fail: everything else goes on.
        """
        limit = application.settings().ready_lag_seconds
        following, database = await _check(application.bus()(ListProjections()))
        _, broker = await _check(application.redis().ping())
        checks = {"database": database, "broker": broker}
        checks["projections"] = _keeping_up(following, limit) if following else "unknown"
        well = all(check == "ok" for check in checks.values())
        checks["parked"] = _parked(following) if following else "unknown"
        left, looked = await _check(unattended(application)) if following else (None, "unknown")
        checks["work"] = looked if left is None else _unattended(left)
        fine = all(check == "ok" for check in checks.values())
        status = "unavailable" if not well else "ok" if fine else "degraded"
        return Response(Health(status, checks), status_code=200 if well else 503)

    @get("/metrics", include_in_schema=False)
    async def metrics(
        self, application: NamedDependency[SkipValidation[Application]]
    ) -> Response[bytes]:
        """What this process counts, and the lag of every projection, for Prometheus."""
        following, _ = await _check(application.bus()(ListProjections()))
        if following is not None:
            MARK.set(following.high_water_mark)
            for each in following.projections:
                LAG_EVENTS.labels(each.name).set(each.lag_events)
                LAG_SECONDS.labels(each.name).set(each.lag_seconds)
                FAILING.labels(each.name).set(each.error is not None)
                PARKED.labels(each.name).set(each.parked)
                OUTDATED.labels(each.name).set(each.outdated)
            for queue in following.queues or ():
                WAITING.labels(queue.name).set(queue.waiting)
                DEAD.labels(queue.name).set(queue.dead)
            left, _ = await _check(unattended(application))
            for kind, count in (left or {}).items():
                UNATTENDED.labels(kind).set(count)
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


async def _check(asked: Awaitable[Any]) -> tuple[Any, str]:
    try:
        return await asyncio.wait_for(asked, PATIENCE), "ok"
    except TimeoutError:
        return None, f"no answer within {PATIENCE:g} s"
    except Exception as error:
        return None, type(error).__name__


def _keeping_up(following: Following, limit: float) -> str:
    wrong = []
    for each in following.projections:
        if each.error is not None:
            wrong.append(f"{each.name} is failing")
        elif each.outdated:
            wrong.append(f"{each.name} has yet to be built anew for this version")
        elif each.lag_seconds > limit:
            wrong.append(f"{each.name} is {each.lag_seconds:.0f} s behind")
    return "; ".join(wrong) or "ok"


def _parked(following: Following) -> str:
    parked = [f"{each.name} has {each.parked}" for each in following.projections if each.parked]
    return "; ".join(parked) or "ok"


def _unattended(left: Mapping[str, int]) -> str:
    waiting = [f"{count} {kind}" for kind, count in left.items() if count]
    return f"no worker is at {' and '.join(waiting)}" if waiting else "ok"

"""How far each projection has come and what holds it, read from the checkpoints and the log."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from psycopg.rows import class_row, dict_row
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.application.projections import (
    Check,
    FenceHolder,
    Following,
    GetProjection,
    InstanceListed,
    ListProjections,
    ProjectionListed,
    QueueListed,
    UnknownProjection,
)
from shared.infrastructure.broker import queue_lengths
from shared.infrastructure.event_store.high_water_mark import HighWaterMark, stored_mark
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.runner import BUILT, Runner
from shared.infrastructure.projections.subscriptions import Connection

_INSTANCES = """
select i.projection, i.instance, i.state, i.definition, i.shards, i.started_at, i.switched_at,
       i.report::text, min(c.position) as position, max(c.updated_at) as updated_at,
       string_agg(c.error, '; ') as error, max(c.failed_at) as failed_at,
       extract(epoch from clock_timestamp() - i.started_at)::float8 as seconds,
       (select count(*) from event_store.parked_events p where p.projection = i.projection
           and p.instance = i.instance and p.discarded_at is null) as parked
from event_store.instances i join event_store.checkpoints c using (projection, instance)
where i.state <> 'dropped' and i.projection = any(%s)
group by i.projection, i.instance
order by i.projection, i.state <> 'active', i.instance desc
"""

_LAG = """
select s.name, behind.events, coalesce(behind.seconds, 0)
from json_to_recordset(%s::json) as s(name text, position bigint, types text[])
cross join lateral (
    select count(*) as events,
           extract(epoch from clock_timestamp() - min(recorded_at))::float8 as seconds
    from (
        select recorded_at from event_store.events e
        where e.position > s.position and e.type = any(s.types)
        order by e.position limit 100000
    ) ahead
) behind
"""


class ProjectionStatus:
    def __init__(
        self, pool: Pool, mark: HighWaterMark, runner: Runner, redis: Redis, namespace: str
    ) -> None:
        """`namespace` is the one that the broker keeps its queues under."""
        self._pool = pool
        self._mark = mark
        self._runner = runner
        self._redis = redis
        self._namespace = namespace

    async def list_projections(self, query: ListProjections) -> Following:
        async with self._pool.connection() as connection:
            # A process that has only just begun to look knows less than those that follow.
            mark = max(await self._mark.advance(connection), await stored_mark(connection))
            async with connection.cursor(row_factory=class_row(FenceHolder)) as holders:
                await holders.execute(
                    "select pid, application_name, state, query, seconds, xact_start as since"
                    " from event_store.fence_holders order by seconds desc nulls last"
                )
                held_by = await holders.fetchall()
            listed = await self._projections(connection, list(self._runner.types), mark)
        return Following(
            last_position=max(self._mark.drawn, mark),
            high_water_mark=mark,
            held_by=held_by,
            projections=listed,
            queues=await self._queues(),
        )

    async def get(self, query: GetProjection) -> ProjectionListed:
        if query.name not in self._runner.types:
            known = ", ".join(self._runner.types)
            raise UnknownProjection(f"no projection {query.name!r}; known are {known}")
        async with self._pool.connection() as connection:
            mark = max(await self._mark.advance(connection), await stored_mark(connection))
            return (await self._projections(connection, [query.name], mark))[0]

    async def _projections(
        self, connection: Connection, names: list[str], mark: int
    ) -> list[ProjectionListed]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_INSTANCES, (names,))
            instances: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
            for row in await cursor.fetchall():
                instances[row["projection"]].append(row)
        lags = await self._lags(connection, instances)
        return [
            self._listed(name, instances[name], *lags[name], mark) for name in sorted(instances)
        ]

    async def _lags(
        self, connection: Connection, instances: Mapping[str, Sequence[dict[str, Any]]]
    ) -> dict[str, tuple[int, float]]:
        asked = [
            {
                "name": name,
                "position": rows[0]["position"] if rows else 0,
                "types": self._runner.types[name],
            }
            for name, rows in instances.items()
        ]
        cursor = await connection.execute(_LAG, (msgspec.json.encode(asked).decode(),))
        return {name: (events, seconds) for name, events, seconds in await cursor.fetchall()}

    def _listed(
        self,
        name: str,
        rows: Sequence[dict[str, Any]],
        lag_events: int,
        lag_seconds: float,
        mark: int,
    ) -> ProjectionListed:
        active = rows[0] if rows else {}
        definition = self._runner.subscriptions[name].definition
        return ProjectionListed(
            name=name,
            position=active.get("position", 0),
            lag_events=lag_events,
            lag_seconds=lag_seconds,
            updated_at=active.get("updated_at"),
            error=active.get("error"),
            failed_at=active.get("failed_at"),
            parked=active.get("parked", 0),
            outdated=bool(active) and active["definition"] != definition,
            instances=[_instance(row, mark) for row in rows],
        )

    async def _queues(self) -> list[QueueListed] | None:
        try:
            return await queue_lengths(self._redis, self._namespace)
        except RedisError:
            return None


def _instance(row: dict[str, Any], mark: int) -> InstanceListed:
    rate = row["position"] / row["seconds"] if row["state"] in BUILT and row["seconds"] else None
    return InstanceListed(
        instance=row["instance"],
        state=row["state"],
        definition=row["definition"],
        shards=row["shards"],
        position=row["position"],
        parked=row["parked"],
        started_at=row["started_at"],
        switched_at=row["switched_at"],
        events_per_second=rate,
        seconds_left=(mark - row["position"]) / rate if rate else None,
        checks=msgspec.json.decode(row["report"], type=list[Check]) if row["report"] else [],
    )

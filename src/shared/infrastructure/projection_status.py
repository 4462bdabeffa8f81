"""How far each projection has come, read from the checkpoints and the log."""

import msgspec
from psycopg.rows import class_row

from shared.application.projections import (
    FenceHolder,
    Following,
    ListProjections,
    ProjectionListed,
)
from shared.infrastructure.high_water_mark import HighWaterMark, stored_mark
from shared.infrastructure.postgres import Pool
from shared.infrastructure.runner import Runner

_LAG = """
select s.name, coalesce(c.position, 0) as position, c.updated_at, c.error, c.failed_at,
       behind.events as lag_events, coalesce(behind.seconds, 0) as lag_seconds
from json_to_recordset(%s::json) as s(name text, types text[])
left join event_store.checkpoints c on c.projection = s.name
cross join lateral (
    select count(*) as events,
           extract(epoch from clock_timestamp() - min(recorded_at))::float8 as seconds
    from (
        select recorded_at from event_store.events e
        where e.position > coalesce(c.position, 0) and e.type = any(s.types)
        order by e.position limit 100000
    ) ahead
) behind
order by s.name
"""


class ProjectionStatus:
    def __init__(self, pool: Pool, mark: HighWaterMark, runner: Runner) -> None:
        self._pool = pool
        self._mark = mark
        self._runner = runner

    async def list_projections(self, query: ListProjections) -> Following:
        subscriptions = [
            {"name": name, "types": types} for name, types in self._runner.types.items()
        ]
        async with self._pool.connection() as connection:
            # A process that has only just begun to look knows less than those that follow.
            mark = max(await self._mark.advance(connection), await stored_mark(connection))
            async with connection.cursor(row_factory=class_row(FenceHolder)) as holders:
                await holders.execute(
                    "select pid, application_name, state, query, seconds"
                    " from event_store.fence_holders order by seconds desc nulls last"
                )
                held_by = await holders.fetchall()
            async with connection.cursor(row_factory=class_row(ProjectionListed)) as projections:
                await projections.execute(_LAG, (msgspec.json.encode(subscriptions).decode(),))
                listed = await projections.fetchall()
        return Following(
            last_position=max(self._mark.drawn, mark),
            high_water_mark=mark,
            held_by=held_by,
            projections=listed,
        )

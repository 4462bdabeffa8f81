"""Whether the log and what was made of it are sound: looked at from one end to the other."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from shared.application.codec import Codec
from shared.application.projections import Check
from shared.infrastructure.event_store.high_water_mark import HighWaterMark, stored_mark
from shared.infrastructure.event_store.log_reading import COLUMNS, stored_event
from shared.infrastructure.postgres import Pool, however_long_it_takes
from shared.infrastructure.projections.rebuilds import Rebuilds
from shared.infrastructure.projections.runner import Runner
from shared.infrastructure.projections.subscriptions import Connection, ReadModel

_SHOWN = 10
_BATCH = 5_000

_BROKEN_STREAMS = """
select tenant, stream, version from (
    select tenant, stream, version, position, row_number() over stream as number,
           lag(position) over stream as before
    from event_store.events
    window stream as (partition by tenant, stream order by version)
) e
where number <> version or before >= position
limit 10
"""

_STRAY_CHECKPOINTS = """
select i.projection, i.instance, coalesce(max(c.position), 0), count(c.shard), i.shards
from event_store.instances i left join event_store.checkpoints c using (projection, instance)
where i.state <> 'dropped'
group by i.projection, i.instance
having count(c.shard) <> i.shards or max(c.position) > %s
"""


class Verification:
    def __init__(
        self, pool: Pool, mark: HighWaterMark, codec: Codec, runner: Runner, rebuilds: Rebuilds
    ) -> None:
        self._pool = pool
        self._mark = mark
        self._codec = codec
        self._runner = runner
        self._rebuilds = rebuilds

    async def run(self) -> AsyncIterator[Check]:
        """One check after the other. It reads all of the log, beside everything else that goes on;
        a read model stands still for the moment in which a sample of it is compared."""
        async with self._pool.connection() as connection:
            await connection.execute("set statement_timeout = 0")
            try:
                with however_long_it_takes(connection):
                    yield await self._streams(connection)
                    yield await self._types(connection)
                    yield await self._payloads(connection)
                    yield await self._checkpoints(connection)
            finally:
                await connection.execute("reset statement_timeout")
        for name, subscription in self._runner.subscriptions.items():
            if isinstance(subscription, ReadModel):
                found = await self._rebuilds.prove_active(subscription)
                yield Check(f"{name} is as the log makes it", found.passed, found.found)

    async def _streams(self, connection: Connection) -> Check:
        cursor = await connection.execute(_BROKEN_STREAMS)
        broken = [f"{stream}@{version}" for _, stream, version in await cursor.fetchall()]
        return _check("versions count 1, 2, 3 in the order of the log in every stream", broken)

    async def _types(self, connection: Connection) -> Check:
        cursor = await connection.execute("select distinct type from event_store.events")
        found = {row[0] for row in await cursor.fetchall()}
        return _check("every type is known", sorted(found - self._codec.tags))

    async def _payloads(self, connection: Connection) -> Check:
        after, broken, count = 0, list[str](), 0
        while True:
            cursor = await connection.execute(
                f"select {COLUMNS} from event_store.events"  # noqa: S608 (a constant)
                " where position > %s and type = any(%s) order by position limit %s",
                (after, sorted(self._codec.tags), _BATCH),
            )
            rows = await cursor.fetchall()
            if not rows:
                break
            after, count = rows[-1][0], count + len(rows)
            broken += [fault for fault in map(self._fault, rows) if fault]
        return _check("every event of a known type can be decoded", broken, f"{count:,} events")

    def _fault(self, row: tuple[Any, ...]) -> str | None:
        try:
            self._codec.recorded(stored_event(row))
        except Exception as error:
            return f"{row[2]}@{row[3]}: {error}"
        return None

    async def _checkpoints(self, connection: Connection) -> Check:
        mark = max(await self._mark.advance(connection), await stored_mark(connection))
        cursor = await connection.execute(_STRAY_CHECKPOINTS, (max(mark, self._mark.drawn),))
        stray = [
            f"instance {instance} of {name}: {rows} of {shards} shards, position {position}"
            for name, instance, position, rows, shards in await cursor.fetchall()
        ]
        return _check("no checkpoint is ahead of the log or missing", stray)


def _check(name: str, broken: Sequence[str], fine: str = "ok") -> Check:
    more = f" and {len(broken) - _SHOWN:,} more" if len(broken) > _SHOWN else ""
    return Check(name, not broken, ("; ".join(broken[:_SHOWN]) + more) or fine)

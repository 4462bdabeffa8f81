"""Which streams have ended, so that they can be put away."""

from collections.abc import Sequence
from datetime import timedelta

from shared.application.context import current_context
from shared.infrastructure.postgres import Pool, however_long_it_takes

# What comes last in a stream has nothing after it; the newest streams are at the end of the log.
_ENDED = """
select e.stream from event_store.events_live e
where e.tenant = %s and e.type = any(%s) and starts_with(e.stream, %s)
  and e.recorded_at < clock_timestamp() - %s::interval
  and not exists (
      select from event_store.events_live n
      where n.tenant = e.tenant and n.stream = e.stream and n.version = e.version + 1
  )
order by e.position
"""


async def ended_streams(
    pool: Pool, kind: str, endings: Sequence[str], older_than: timedelta
) -> list[str]:
    """The live streams `<kind>-...` whose last event is one of these types and is older than that.

    This reads through all of the live log, for as long as it takes.
    """
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set local statement_timeout = 0")
        with however_long_it_takes(connection):
            cursor = await connection.execute(
                _ENDED, (current_context().tenant, list(endings), f"{kind}-", older_than)
            )
        return [stream for (stream,) in await cursor.fetchall()]

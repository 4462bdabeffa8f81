"""What is parked: shown, taken in after all, or discarded for good."""

from typing import Any

import msgspec
from psycopg.rows import class_row, dict_row

from shared.application.context import current_context
from shared.application.pages import Page
from shared.application.parked_events import (
    CannotReplay,
    DiscardParkedEvent,
    GetParkedEvent,
    ListParkedEvents,
    ParkedEvent,
    Replayed,
    ReplayParkedEvent,
    UnknownParkedEvent,
)
from shared.domain.errors import Invalid
from shared.infrastructure.event_store.log_reading import COLUMNS_OF_E, stored_event
from shared.infrastructure.postgres import Pool
from shared.infrastructure.projections.instances import instances_of
from shared.infrastructure.projections.parking import described
from shared.infrastructure.projections.runner import BROKEN, PASSING, Runner
from shared.infrastructure.projections.subscriptions import Connection, Shard

_SHOWN = (
    "id, projection, instance, tenant, stream, version, position, type, error, attempts,"
    " parked_at, tried_at, discarded_at, discarded_by, reason"
)
LOCK_TIMEOUT = "5s"
"""How long a projection that is at work is waited for."""

MAX_REASON = 1_000


class ParkedEvents:
    def __init__(self, pool: Pool, runner: Runner) -> None:
        self._pool = pool
        self._runner = runner

    async def list_parked(self, query: ListParkedEvents) -> Page[ParkedEvent]:
        asked = {
            "projection": query.projection,
            "discarded": query.discarded,
            "limit": query.page.size,
            "offset": query.page.offset,
        }
        condition = (
            "(%(projection)s::text is null or projection = %(projection)s)"
            " and (discarded_at is not null) = %(discarded)s"
        )
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"select count(*) from event_store.parked_events where {condition}",  # noqa: S608
                asked,
            )
            total = (await cursor.fetchone() or (0,))[0]
            async with connection.cursor(row_factory=class_row(ParkedEvent)) as parked:
                await parked.execute(
                    f"select {_SHOWN} from event_store.parked_events where {condition}"  # noqa: S608
                    " order by id limit %(limit)s offset %(offset)s",
                    asked,
                )
                return Page.of(await parked.fetchall(), query.page, total)

    async def get(self, query: GetParkedEvent) -> ParkedEvent:
        """With what the log holds of it."""
        async with self._pool.connection() as connection:
            found = await self._found(connection, query.id)
            cursor = await connection.execute(
                "select data::text from event_store.events"
                " where tenant = %s and stream = %s and version = %s",
                (found["tenant"], found["stream"], found["version"]),
            )
            row = await cursor.fetchone()
        data = msgspec.json.decode(row[0]) if row else None
        del found["shard"]
        return ParkedEvent(**found, data=data)

    async def replay(self, command: ReplayParkedEvent) -> Replayed:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            found = await self._found(connection, command.id)
            if found["discarded_at"] is not None:
                raise CannotReplay(f"parked event {command.id} was discarded")
            name = found["projection"]
            shard = await self._shard(connection, found)
            # Nobody moves the checkpoint meanwhile.
            await connection.execute(
                "select from event_store.checkpoints"
                " where projection = %s and instance = %s and shard = %s for update",
                (name, shard.instance, shard.number),
            )
            result = await self._replay_stream(connection, name, shard, found)
            if result.replayed:
                await connection.execute(
                    "update event_store.checkpoints set"
                    " generation = event_store.next_generation(generation)"
                    " where projection = %s and instance = %s and shard = %s",
                    (name, shard.instance, shard.number),
                )
            return result

    async def discard(self, command: DiscardParkedEvent) -> None:
        reason = command.reason.strip()
        if not reason or len(reason) > MAX_REASON or "\x00" in reason:
            raise Invalid(f"reason: say why, in at most {MAX_REASON} characters")
        async with self._pool.connection() as connection:
            await self._found(connection, command.id)
            cursor = await connection.execute(
                "update event_store.parked_events set discarded_at = clock_timestamp(),"
                " discarded_by = %s, reason = %s where id = %s and discarded_at is null",
                (current_context().actor, reason, command.id),
            )
            if cursor.rowcount == 0:
                raise CannotReplay(f"parked event {command.id} was discarded already")

    async def _found(self, connection: Connection, id: int) -> dict[str, Any]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(
                f"select {_SHOWN}, shard from event_store.parked_events where id = %s",  # noqa: S608
                (id,),
            )
            found = await cursor.fetchone()
        if found is None:
            raise UnknownParkedEvent(f"no event is parked under {id}; it may have been replayed")
        return found

    async def _shard(self, connection: Connection, found: dict[str, Any]) -> Shard:
        name = found["projection"]
        subscription = self._runner.subscriptions.get(name)
        for instance in await instances_of(connection, name):
            ours = subscription is not None and instance.definition == subscription.definition
            if ours and instance.number == found["instance"]:
                return Shard(instance.number, found["shard"], instance.shards)
        raise CannotReplay(
            f"instance {found['instance']} of {name} was built by another version of the program;"
            " only that version can take the event in"
        )

    async def _replay_stream(
        self, connection: Connection, name: str, shard: Shard, found: dict[str, Any]
    ) -> Replayed:
        subscription = self._runner.subscriptions[name]
        stream = (found["tenant"], found["stream"])
        cursor = await connection.execute(
            f"select p.id, {COLUMNS_OF_E}"  # noqa: S608 (a constant)
            " from event_store.parked_events p"
            " join event_store.events e using (tenant, stream, version)"
            " where p.projection = %s and p.instance = %s and p.tenant = %s and p.stream = %s"
            " and p.discarded_at is null order by p.position",
            (name, shard.instance, *stream),
        )
        rows = await cursor.fetchall()
        for replayed, (id, *row) in enumerate(rows):
            try:
                async with connection.transaction():
                    await subscription.replay(
                        self._runner.codec.recorded(stored_event(tuple(row))),
                        shard=shard,
                        connection=connection,
                    )
                    await connection.execute(
                        "delete from event_store.parked_events where id = %s", (id,)
                    )
            except (*PASSING, *BROKEN):
                raise
            except Exception as error:
                await connection.execute(
                    "update event_store.parked_events set attempts = attempts + 1, error = %s,"
                    " tried_at = clock_timestamp() where id = %s",
                    (described(error), id),
                )
                return Replayed(replayed, len(rows) - replayed, described(error))
        return Replayed(len(rows), 0)

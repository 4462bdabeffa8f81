"""Builds read models anew beside those that are read, proves them, and switches in one transaction.

The old instance stays, and is kept current, so that going back is a switch like any other.
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from shared.application.projections import (
    CannotRebuild,
    Check,
    DropInstance,
    RebuildProjection,
    SwitchProjection,
    UnknownProjection,
)
from shared.infrastructure.event_store.high_water_mark import HighWaterMark
from shared.infrastructure.postgres import Pool, however_long_it_takes
from shared.infrastructure.projections.instances import Instance, add_instance, instances_of
from shared.infrastructure.projections.proofs import as_the_log_makes_it, prove
from shared.infrastructure.projections.runner import BUILT, PASSING, BatchFailed, Runner
from shared.infrastructure.projections.subscriptions import Connection, ReadModel

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = "2s"
"""How long a switch waits for those who read and those who project; then it is tried later."""

CLOSE = 5_000
"""Positions that an instance may be behind when a switch begins; the rest is taken in within it."""


class NotCloseYet(Exception):
    """The instance has to catch up first."""


class Rebuilds:
    def __init__(self, pool: Pool, mark: HighWaterMark, runner: Runner) -> None:
        self._pool = pool
        self._mark = mark
        self._runner = runner

    async def start(self, command: RebuildProjection) -> int:
        read_model = self._read_model(command.name)
        async with self._pool.connection() as connection, connection.transaction():
            for instance in await instances_of(connection, command.name):
                if instance.state in BUILT:
                    raise CannotRebuild(
                        f"instance {instance.number} of {command.name} is {instance.state}: "
                        "switch to it or drop it first"
                    )
            made = await add_instance(connection, read_model, "building")
        if made is None:
            raise CannotRebuild(f"{command.name} is being built anew already")
        logger.info("rebuild begun", extra={"projection": command.name, "instance": made.number})
        return made.number

    async def start_changed(self) -> None:
        """Build what this program makes otherwise than what is there, unless it was here before: a
        process of an older version that starts late does not turn things back."""
        for name, subscription in self._runner.subscriptions.items():
            if not isinstance(subscription, ReadModel):
                continue
            async with self._pool.connection() as connection, connection.transaction():
                cursor = await connection.execute(
                    "select bool_or(definition = %s) from event_store.instances"
                    " where projection = %s",
                    (subscription.definition, name),
                )
                row = await cursor.fetchone()
                if row is not None and row[0] is False:
                    made = await add_instance(connection, subscription, "building")
                    if made is not None:
                        logger.info("definition changed, rebuild begun", extra={"projection": name})

    async def go_on(self) -> None:
        """Bring what is being built up to the log, and switch to what has caught up. Raise what
        stopped one of them, once the others have had their turn."""
        stopped: Exception | None = None
        for subscription in self._runner.subscriptions.values():
            if isinstance(subscription, ReadModel):
                try:
                    await self._go_on_with(subscription)
                except Exception as error:
                    stopped = error
        if stopped is not None:
            raise stopped

    async def _go_on_with(self, read_model: ReadModel) -> None:
        await self._runner.catch_up(read_model.name, states=BUILT)
        await self._index(read_model)
        try:
            await self._switch(read_model, None, anyway=False)
        except (NotCloseYet, BatchFailed, psycopg.errors.LockNotAvailable) as reason:
            about = {"projection": read_model.name, "reason": repr(reason)}
            logger.info("not switched yet", extra=about)

    async def switch(self, command: SwitchProjection) -> int:
        read_model = self._read_model(command.name)
        number = command.instance or await self._before(command.name)
        try:
            checks = await self._switch(read_model, number, anyway=command.anyway)
        except (NotCloseYet, BatchFailed) as reason:
            raise CannotRebuild(f"not switched to instance {number}: {reason}") from reason
        except psycopg.errors.LockNotAvailable:
            raise CannotRebuild(f"{command.name} was busy for {LOCK_TIMEOUT}: try again") from None
        failed = [f"{each.name}: {each.found}" for each in checks if not each.passed]
        if failed and not command.anyway:
            raise CannotRebuild(f"instance {number} was not switched to: {'; '.join(failed)}")
        return number

    async def drop(self, command: DropInstance) -> None:
        read_model = self._read_model(command.name)
        async with self._pool.connection() as connection, connection.transaction():
            await self._drop(connection, read_model, command.instance)

    async def _index(self, read_model: ReadModel) -> None:
        """Once it is full; those who read are not touched, and what comes meanwhile is small."""
        async with self._pool.connection() as connection:
            for instance in await instances_of(connection, read_model.name):
                if instance.state != "building" or not self._is_ours(read_model, instance):
                    continue
                async with connection.transaction():
                    reached = await self._stopped(connection, read_model, [instance])
                    last, _ = reached[instance.number]
                    if await self._mark.advance(connection) - last <= CLOSE:
                        await connection.execute("set local statement_timeout = 0")
                        with however_long_it_takes(connection):
                            await read_model.index(instance.number, connection)

    async def prove_active(self, read_model: ReadModel) -> Check:
        """Whether what is read is what the log makes, as far as it has come."""
        async with self._pool.connection() as connection, connection.transaction():
            instances = await instances_of(connection, read_model.name)
            active = next(each for each in instances if each.state == "active")
            if not self._is_ours(read_model, active):
                return Check("definition", False, "it has yet to be built anew for this version")
            await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            reached = await self._stopped(connection, read_model, [active])
            _, mark = reached[active.number]
            await self._bring_up(connection, read_model, active, mark)
            return await as_the_log_makes_it(
                connection, self._runner.codec, read_model, active, upto=mark
            )

    async def _drop(self, connection: Connection, read_model: ReadModel, number: int) -> None:
        instance = await self._instance(connection, read_model.name, number)
        if instance.state == "active":
            raise CannotRebuild(f"instance {number} of {read_model.name} is the one that is read")
        about = (read_model.name, number)
        # The checkpoints go first: a runner in the middle of a batch is waited for.
        await connection.execute(
            "delete from event_store.checkpoints where projection = %s and instance = %s", about
        )
        await connection.execute(
            "delete from event_store.parked_events"
            " where projection = %s and instance = %s and discarded_at is null",
            about,
        )
        await read_model.drop(number, connection)
        await connection.execute(
            "update event_store.instances set state = 'dropped'"
            " where projection = %s and instance = %s",
            about,
        )
        logger.info("dropped", extra={"projection": read_model.name, "instance": number})

    async def _switch(
        self, read_model: ReadModel, number: int | None, *, anyway: bool
    ) -> Sequence[Check]:
        """Read from an instance from now on; without a number, from one that is being built, if
        there is one. Nothing happens unless every check is passed, or it is wanted anyway."""
        name = read_model.name
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            instances = await self._locked(connection, name)
            old = next(each for each in instances if each.state == "active")
            if number is None:
                building = [each for each in instances if each.state == "building"]
                building = [each for each in building if self._is_ours(read_model, each)]
                if not building:
                    return ()
                new = building[0]
            else:
                new = await self._instance(connection, name, number)
            if new.state == "active":
                return ()
            checks = await self._brought_up_and_proved(connection, read_model, old, new)
            well = anyway or all(check.passed for check in checks)
            await connection.execute(
                "update event_store.instances set report = %s,"
                " state = case when state = 'building' then 'built' else state end"
                " where projection = %s and instance = %s",
                (msgspec.json.encode(checks).decode(), name, new.number),
            )
            if well:
                await self._make_active(connection, read_model, old, new)
        if well:
            logger.info("switched", extra={"projection": name, "instance": new.number})
            await self._drop_older(read_model, keep=old.number)
        else:
            logger.error("not switched", extra={"projection": name, "instance": new.number})
        return checks

    async def _brought_up_and_proved(
        self,
        connection: Connection,
        read_model: ReadModel,
        old: Instance,
        new: Instance,
    ) -> list[Check]:
        """Both at one position, so that they can be compared and nobody is shown an older state."""
        if not self._is_ours(read_model, new):
            found = "another version of the program built it, and has to be running to move it on"
            return [Check("definition", False, found)]
        reached = await self._stopped(connection, read_model, [old, new])
        # This process may know less of the log than the one that has brought them here.
        mark = max(await self._mark.advance(connection), *(first for _, first in reached.values()))
        both = [each for each in (new, old) if self._is_ours(read_model, each)]
        for instance in both:
            if (behind := mark - reached[instance.number][0]) > CLOSE:
                raise NotCloseYet(
                    f"instance {instance.number} is {behind:,} positions behind the log"
                )
        for instance in both:
            await self._bring_up(connection, read_model, instance, mark)
        if new.state == "kept":
            # It was read before: going back does not wait, and asks nothing.
            return []
        return await prove(connection, self._runner.codec, read_model, old, new, upto=mark)

    async def _stopped(
        self, connection: Connection, read_model: ReadModel, instances: Sequence[Instance]
    ) -> dict[int, tuple[int, int]]:
        """How far the last and the first shard of each have come; until the end of the transaction
        nobody else moves them on."""
        cursor = await connection.execute(
            "select instance, min(position), max(position) from (select instance, position"
            " from event_store.checkpoints where projection = %s and instance = any(%s)"
            " order by instance, shard for update) as stopped group by instance",
            (read_model.name, [instance.number for instance in instances]),
        )
        return {instance: (last, first) for instance, last, first in await cursor.fetchall()}

    async def _bring_up(
        self, connection: Connection, read_model: ReadModel, instance: Instance, mark: int
    ) -> None:
        for shard in instance.all_shards():
            more = True
            while more:
                step = await self._runner.take_in(
                    read_model, shard, connection, upto=mark, limit=read_model.batch_size
                )
                more = step.more

    async def _make_active(
        self, connection: Connection, read_model: ReadModel, old: Instance, new: Instance
    ) -> None:
        await read_model.serve(new.number, connection)
        for instance, state in ((old, "kept"), (new, "active")):
            await connection.execute(
                "update event_store.instances set state = %s, switched_at = clock_timestamp()"
                " where projection = %s and instance = %s",
                (state, read_model.name, instance.number),
            )

    async def _drop_older(self, read_model: ReadModel, *, keep: int) -> None:
        """One way back is kept. What can't be dropped now is dropped after the next rebuild."""
        async with self._pool.connection() as connection:
            for instance in await instances_of(connection, read_model.name):
                if instance.state == "kept" and instance.number != keep:
                    try:
                        async with connection.transaction():
                            await self._drop(connection, read_model, instance.number)
                    except PASSING as error:
                        logger.warning("not dropped", extra={"error": repr(error)})

    async def _locked(self, connection: Connection, name: str) -> Sequence[Instance]:
        await connection.execute(
            "select from event_store.instances where projection = %s and state <> 'dropped'"
            " order by instance for update",
            (name,),
        )
        return await instances_of(connection, name)

    async def _before(self, name: str) -> int:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select instance from event_store.instances where projection = %s"
                " and state = 'kept' order by switched_at desc limit 1",
                (name,),
            )
            row: Any = await cursor.fetchone()
        if row is None:
            raise CannotRebuild(f"{name} has no instance that was active before")
        return int(row[0])

    async def _instance(self, connection: Connection, name: str, number: int) -> Instance:
        for instance in await instances_of(connection, name):
            if instance.number == number:
                return instance
        raise UnknownProjection(f"{name} has no instance {number}")

    def _read_model(self, name: str) -> ReadModel:
        subscription = self._runner.subscriptions.get(name)
        if subscription is None:
            known = ", ".join(self._runner.subscriptions)
            raise UnknownProjection(f"no projection {name!r}; known are {known}")
        if not isinstance(subscription, ReadModel):
            raise CannotRebuild(f"{name} sends commands: what it sent must not be sent again")
        return subscription

    @staticmethod
    def _is_ours(read_model: ReadModel, instance: Instance) -> bool:
        return instance.definition == read_model.definition

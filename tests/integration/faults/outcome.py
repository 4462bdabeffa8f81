"""What has to be so after a fault: nothing lost, nothing twice, read models as built afresh."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from bootstrap import Application
from faults.worker_group import FOLLOWING, PATIENCE, READ_MODELS, RedisTally
from shared.application.projections import RebuildProjection


async def nothing_is_lost_or_doubled(application: Application) -> None:
    """To be called when everything has come to the end of the log and nobody works any more."""
    in_the_log = await pairs(
        application, "select stream, count(*) from event_store.events group by stream"
    )
    assert await pairs(application, "select stream, events from tally") == in_the_log
    assert await _redis_tally(application) == in_the_log
    kept = await read_models(application)
    await _build_afresh(application)
    afresh = await read_models(application)
    assert {name: len(rows) for name, rows in kept.items()} == {
        name: len(rows) for name, rows in afresh.items()
    }
    assert kept == afresh


async def all_at_the_end(application: Application) -> None:
    """Wait until everything that follows the log has come to its end, without an error."""
    last, reached = -1, dict[str, int]()
    try:
        async with asyncio.timeout(PATIENCE):
            while reached != dict.fromkeys(FOLLOWING, last):
                await asyncio.sleep(0.05)
                assert await errors(application) == []
                # What was answered with an error may be appended all the same, a moment later.
                last = await last_position(application)
                reached = await _checkpoints(application)
    except TimeoutError:
        holders = await pairs(application, "select pid, query from event_store.fence_holders")
        raise TimeoutError(f"{reached}, and not {last}, inside the fence: {holders}") from None


async def errors(application: Application) -> list[str]:
    return list(
        await pairs(
            application,
            "select projection || ': ' || error, 1 from event_store.checkpoints"
            " where error is not null union all"
            " select projection || ': ' || type || ' is parked', 1 from event_store.parked_events",
        )
    )


async def last_position(application: Application) -> int:
    (position,) = (
        await pairs(application, "select last_value, 1 from event_store.position")
    ).keys()
    return int(position)


async def pairs(application: Application, query: str) -> dict[Any, Any]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(query.encode())
        return dict(await cursor.fetchall())


async def read_models(application: Application) -> dict[str, dict[Any, Any]]:
    """All that the read models hold: each row, and each card, by its key."""
    held: dict[str, dict[Any, Any]] = {}
    async with application.pool().connection() as connection:
        for table in ("catalogue", "provider_runs"):
            cursor = await connection.execute(
                f"select tenant, id, to_jsonb(t) from events.{table} t"  # noqa: S608 (constants)
            )
            held[table] = {(tenant, id): row for tenant, id, row in await cursor.fetchall()}
    prefix = application.events.cards().prefix
    cards: Any = await application.redis().hgetall(f"{prefix}:of:default")
    held["cards"] = {UUID(bytes=id): msgspec.msgpack.decode(card) for id, card in cards.items()}
    return held


async def _checkpoints(application: Application) -> dict[str, int]:
    """How far the last of the instances of each has come."""
    return await pairs(
        application,
        "select projection, min(position) from event_store.checkpoints group by projection",
    )


async def _redis_tally(application: Application) -> dict[str, int]:
    await application.active().look(application.pool())
    prefix = RedisTally(application.redis(), application.log(), application.active()).prefix
    found: Any = await application.redis().hgetall(f"{prefix}:events")
    return {stream.decode(): int(events) for stream, events in found.items()}


async def _build_afresh(application: Application) -> None:
    for name in READ_MODELS:
        await application.bus()(RebuildProjection(name))
    await application.rebuilds().go_on()
    await application.active().look(application.pool())
    for name in READ_MODELS:
        active = application.active()[name]
        assert active == await _newest(application, name), f"{name} was not switched"


async def _newest(application: Application, name: str) -> int:
    newest = await pairs(
        application,
        "select projection, max(instance) from event_store.instances group by projection",
    )
    return int(newest[name])

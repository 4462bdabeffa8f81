"""What is told of the log and of those that follow it is so."""

from datetime import datetime

import psycopg

from bootstrap import Application, running
from contexts.events.application.commands import AnnounceEvent
from contexts.events.domain.event import EventCancelled
from settings import Settings
from shared.application.projections import Following, ListProjections, ProjectionListed
from shared.domain.aggregate import tag_of
from tallies import append_slowly

ANNOUNCE = AnnounceEvent(title="Jazz", starts_at=datetime(2100, 7, 3, 21), timezone="UTC")


async def test_the_lag_tells_of_the_events_that_a_projection_wants_and_has_not_taken_in(
    application: Application,
) -> None:
    changed = await application.bus()(ANNOUNCE)
    await application.runner().catch_up("events.catalogue")
    await _cancelled_an_hour_ago(application, f"event-{changed.id}")
    await application.bus()(ANNOUNCE)
    shown = await _projections(application)
    assert list(shown) == sorted(application.runner().types)
    catalogue = shown["events.catalogue"]
    assert (catalogue.position, catalogue.lag_events) == (1, 2)
    assert 3_600 <= catalogue.lag_seconds < 3_660
    assert (shown["events.cards"].position, shown["events.cards"].lag_events) == (0, 3)
    assert (shown["reactions"].lag_events, shown["reactions"].lag_seconds) == (0, 0)
    await application.runner().catch_up("events.catalogue")
    catalogue = (await _projections(application))["events.catalogue"]
    assert (catalogue.position, catalogue.lag_events, catalogue.lag_seconds) == (3, 0, 0)


async def test_whoever_holds_the_mark_is_named(application: Application, database: str) -> None:
    await application.bus()(ANNOUNCE)
    assert (await _list(application)).held_by == []
    async with await psycopg.AsyncConnection.connect(database, application_name="slow") as slow:
        await append_slowly(slow, "slow")
        await application.bus()(ANNOUNCE)
        following = await _list(application)
        (holder,) = following.held_by
        assert (holder.pid, holder.application_name) == (slow.info.backend_pid, "slow")
        assert holder.state == "idle in transaction"
        assert holder.query is not None
        assert "event_store.append" in holder.query
        assert holder.seconds is not None
        assert holder.seconds > 0
        assert (following.high_water_mark, following.last_position) == (1, 3)
        await slow.commit()
    following = await _list(application)
    assert (following.held_by, following.high_water_mark) == ([], 3)


async def test_the_mark_is_known_to_a_process_that_has_only_just_begun_to_look(
    application: Application, settings: Settings, database: str
) -> None:
    await application.bus()(ANNOUNCE)
    await application.runner().catch_up("events.catalogue")
    async with await psycopg.AsyncConnection.connect(database) as slow:
        await append_slowly(slow, "slow")
        async with running(settings, "marquee-later") as later:
            assert (await _list(later)).high_water_mark == 1


async def _list(application: Application) -> Following:
    return await application.bus()(ListProjections())


async def _projections(application: Application) -> dict[str, ProjectionListed]:
    return {each.name: each for each in (await _list(application)).projections}


async def _cancelled_an_hour_ago(application: Application, stream: str) -> None:
    async with application.pool().connection() as connection:
        await connection.execute(
            "insert into event_store.events (stream, version, type, data, metadata, recorded_at)"
            " values (%s, 2, %s, %s, '{}', clock_timestamp() - interval '1 hour')",
            (stream, tag_of(EventCancelled), '{"type": "events.event_cancelled", "reason": "-"}'),
        )

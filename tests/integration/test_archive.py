"""Streams that have ended are put away, and nobody who reads the log notices."""

import asyncio
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import click
import psycopg
import pytest
from click.testing import CliRunner
from psycopg import AsyncConnection
from rich.console import Console

import shared.infrastructure.event_store.postgres_event_store as module
from bootstrap import Application
from cli import archive
from cli.main import cli
from contexts.events.application.commands import AnnounceEvent, CancelEvent, Changed
from contexts.events.domain.provider_run import RunCompleted, RunFailed, RunReport, RunRequested
from contracts.event_store import happened
from shared.application.event_store import Append, StreamArchived
from shared.domain.errors import NotFound

TYPES = ["test.happened"]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REPORT = RunReport(source="file", started_at=NOW, finished_at=NOW)
ANNOUNCE = AnnounceEvent("Jazz", datetime(2100, 1, 1, 20), "UTC")


async def test_a_follower_sees_every_event_once_while_it_moves(application: Application) -> None:
    store = application.store()
    streams = [f"a-{n}" for n in range(120)]
    await store.append([Append(stream, 0, happened("one", "two")) for stream in streams])
    done = asyncio.Event()
    seen = 0

    async def follow() -> None:
        nonlocal seen
        while not done.is_set():
            log = await store.follow(0, types=TYPES, limit=1_000)
            assert [event.position for event in log.events] == list(range(1, 241))
            found = await store.read(streams)
            assert sum(map(len, found.values())) == 240
            seen += 1

    follower = asyncio.create_task(follow())
    for first in range(0, 120, 3):
        assert await store.archive(streams[first : first + 3]) == 6
    done.set()
    await follower
    assert seen > 0
    assert await _parts(application) == {"events_archive"}


async def test_what_is_just_being_appended_is_waited_for_and_moves_along(
    application: Application, database: str
) -> None:
    """Else the stream would be in both places, and the next append would not know."""
    store = application.store()
    await store.append([Append("a-1", 0, happened("one"))])
    async with await AsyncConnection.connect(database) as late:
        await _append_by_hand(late, "a-1", 1)
        moving = asyncio.create_task(store.archive(["a-1"]))
        await _until_somebody_waits(application)
        await late.commit()
        assert await moving == 2
    with pytest.raises(StreamArchived):
        await store.append([Append("a-1", 2, happened("three"))])
    assert await _parts(application) == {"events_archive"}


async def test_an_append_that_comes_during_the_move_is_refused_after_it(
    application: Application, database: str
) -> None:
    store = application.store()
    await store.append([Append("a-1", 0, happened("one"))])
    async with await AsyncConnection.connect(database) as mover:
        await mover.execute("select event_store.archive('default', array['a-1'])")
        late = [
            asyncio.create_task(store.append([Append("a-1", 1, happened("two"))])),
            asyncio.create_task(store.append([Append("a-1", 0, happened("new"))])),
        ]
        await _until_somebody_waits(application)
        await mover.commit()
    refusals = await asyncio.gather(*late, return_exceptions=True)
    assert [type(refusal) for refusal in refusals] == [StreamArchived, StreamArchived]
    assert await _parts(application) == {"events_archive"}


async def test_who_appends_for_long_is_not_waited_for_so_that_others_may_go_on(
    application: Application, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARCHIVING_ATTEMPTS", 2)
    store = application.store()
    await store.append([Append("a-1", 0, happened("one"))])
    async with await AsyncConnection.connect(database) as slow:
        await _append_by_hand(slow, "a-slow", 0)
        moving = asyncio.create_task(store.archive(["a-1"]))
        await _until_somebody_waits(application)
        await store.append([Append("a-2", 0, happened("one"))])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await moving
    assert await store.archive(["a-1"]) == 1


async def test_the_streams_of_a_kind_that_ended_long_ago_are_chosen(
    application: Application,
) -> None:
    ended = [await _run(application, RunCompleted(provider="acme", report=REPORT))]
    ended.append(await _run(application, RunFailed(provider="acme", reason="-", report=REPORT)))
    await _make_older(application, timedelta(days=100))
    await _run(application, None)
    await _make_older(application, timedelta(days=100))
    young = await _run(application, RunCompleted(provider="acme", report=REPORT))
    cancelled = await _cancelled(application)
    assert await _archive(application, kind="provider_run", dry_run=True) == [
        *ended,
        "streams to move: 2",
    ]
    assert await _parts(application, ended[0]) != {"events_archive"}
    assert await _archive(application, kind="provider_run") == ["streams moved: 2, events: 4"]
    assert await _archive(application, kind="provider_run") == ["streams moved: 0, events: 0"]
    assert await _archive(application, kind="provider_run", older_than=timedelta()) == [
        "streams moved: 1, events: 2"
    ]
    for stream in (*ended, young):
        assert await _parts(application, stream) == {"events_archive"}
    assert await _parts(application, f"event-{cancelled}") != {"events_archive"}
    assert await _archive(application, kind="event", older_than=timedelta()) == [
        "streams moved: 1, events: 2"
    ]


async def test_a_named_stream_must_be_closed(application: Application) -> None:
    cancelled = await _cancelled(application)
    announced: Changed = await application.bus()(ANNOUNCE)
    streams = [f"event-{cancelled}", f"event-{announced.id}"]
    with pytest.raises(archive.StillOpen, match=r"its last event is events\.event_announced"):
        await _archive(application, *streams)
    with pytest.raises(NotFound, match="the log has no stream 'event-none'"):
        await _archive(application, streams[0], "event-none")
    assert await _parts(application, streams[0]) != {"events_archive"}
    assert await _archive(application, streams[0]) == ["streams moved: 1, events: 2"]
    assert await _parts(application, streams[0]) == {"events_archive"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the streams, or say of which --kind they are"),
        (["a-1", "--kind", "event"], "name the streams, or say of which --kind they are"),
        (["--kind", "ticket"], "--kind: known are event, provider_run"),
        (["--kind", "event", "--older-than", "90"], "'90' is not an age such as 12h, 90d or 4w"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_opened(
    arguments: list[str], said: str
) -> None:
    result = CliRunner().invoke(cli, ["archive", *arguments])
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_an_age_is_a_number_and_a_unit() -> None:
    assert archive.age("30m") == timedelta(minutes=30)
    assert archive.age("12h") == timedelta(hours=12)
    assert archive.age("90d") == timedelta(days=90)
    assert archive.age("4w") == timedelta(weeks=4)
    for wrong in ("", "d", "-1d", "1.5d", "1y", "9999999d"):
        with pytest.raises(click.UsageError):
            archive.age(wrong)


async def _archive(
    application: Application,
    *streams: str,
    kind: str | None = None,
    older_than: timedelta = timedelta(days=90),
    dry_run: bool = False,
) -> list[str]:
    text = StringIO()
    await archive.run(
        application,
        Console(file=text, width=200),
        streams,
        kind=kind,
        older_than=older_than,
        dry_run=dry_run,
    )
    return text.getvalue().splitlines()


async def _run(application: Application, ending: RunCompleted | RunFailed | None) -> str:
    """A run that came to this end, or to none; its stream."""
    id = uuid4()
    events: list[Any] = [RunRequested(run_id=id, provider="acme", requested_at=NOW)]
    events += [ending] if ending else []
    encoded = [application.codec().encode(event) for event in events]
    await application.store().append([Append(f"provider_run-{id}", 0, encoded)])
    return f"provider_run-{id}"


async def _cancelled(application: Application) -> UUID:
    announced: Changed = await application.bus()(ANNOUNCE)
    await application.bus()(CancelEvent(announced.id, "the piano is out of tune"))
    return announced.id


async def _make_older(application: Application, age: timedelta) -> None:
    """As if everything had been recorded that much earlier."""
    async with application.pool().connection() as connection, connection.transaction():
        await connection.execute("select set_config('event_store.archiving', 'yes', true)")
        await connection.execute(
            "update event_store.events set recorded_at = recorded_at - %s", (age,)
        )


async def _parts(application: Application, stream: str | None = None) -> set[str]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(
            "select distinct tableoid::regclass::text from event_store.events"
            " where %(stream)s::text is null or stream = %(stream)s",
            {"stream": stream},
        )
        return {name.removeprefix("event_store.") for (name,) in await cursor.fetchall()}


async def _until_somebody_waits(application: Application) -> None:
    """For the fence."""
    async with asyncio.timeout(60):
        while True:
            async with application.pool().connection() as connection:
                cursor = await connection.execute(
                    "select from pg_locks where locktype = 'advisory' and classid = 77001"
                    " and objid = 1 and not granted and database ="
                    " (select oid from pg_database where datname = current_database())"
                )
                if await cursor.fetchall():
                    return
            await asyncio.sleep(0.005)


async def _append_by_hand(connection: AsyncConnection[Any], stream: str, expected: int) -> None:
    await connection.execute(
        "select event_store.append_to_stream('default', %s, %s, '{}', array['test.happened'],"
        ' array[\'{"name": "by hand"}\'])',
        (stream, expected),
    )

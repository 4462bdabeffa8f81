"""A command that is sent again under its key is done once, whatever happens in between."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from httpx2 import AsyncClient
from psycopg import AsyncConnection

import bootstrap
from bootstrap import Application
from conftest import caught_up
from keys import KEY_VARIABLE
from listings import Client, database_down, serving, serving_here
from servers import Urls
from settings import Settings
from shared.infrastructure.event_store.idempotency_keys import sweep

JAZZ = {"title": "Jazz", "starts_at": "2100-07-31T21:00:00", "timezone": "UTC"}
STORM = {"reason": "storm"}
KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[AsyncClient]:
    async with serving_here(settings) as client:
        yield client


async def test_the_same_command_under_the_same_key_is_done_once_and_answered_alike(
    client: Client, application: Application
) -> None:
    first = await client.post("/events", json=JAZZ, headers=KEY)
    again = await client.post("/events", json=JAZZ, headers=KEY)
    assert (first.status_code, first.headers["log-position"]) == (201, "1")
    assert {"etag", "location", "content-type", "log-position"} <= set(first.headers)
    assert _seen(again) == _seen(first)
    assert await _events(application) == 1
    await caught_up(application)
    assert (await client.get("/events")).json()["totalRows"] == 1


async def test_another_key_is_another_command(client: Client, application: Application) -> None:
    locations = set()
    for key in ("a", "b", '"b"'):
        response = await client.post("/events", json=JAZZ, headers={"idempotency-key": key})
        locations.add(response.headers["location"])
    assert len(locations) == await _events(application) == 3


async def test_another_command_under_the_same_key_is_refused(
    client: Client, application: Application
) -> None:
    first = await client.post("/events", json=JAZZ, headers=KEY)
    path = first.headers["location"]
    others = [
        ("/events", {"json": {**JAZZ, "title": "Blues"}}),
        ("/events?dry=1", {"json": JAZZ}),
        (f"{path}/cancellation", {"json": JAZZ}),
        ("/events", {"json": JAZZ, "headers": {"if-match": '"1"'}}),
        ("/events", {"content": msgspec.json.encode(JAZZ), "headers": {"content-type": "text/x"}}),
    ]
    for url, asked in others:
        headers = {**KEY, **asked.pop("headers", {})}
        response = await client.post(url, headers=headers, **asked)
        assert response.status_code == 422, url
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == "about:blank#idempotency_key_reused"
    assert await _events(application) == 1


async def test_a_refusal_is_repeated_even_when_it_would_be_granted_by_now(
    client: Client, application: Application
) -> None:
    path = (await client.post("/events", json=JAZZ)).headers["location"]
    await client.post(f"{path}/cancellation", json=STORM)
    refused = await client.post(f"{path}/cancellation", json=STORM, headers=KEY)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"event {path.rpartition('/')[2]} is cancelled",
    )
    assert refused.headers["log-position"] == "2"
    again = await client.post(f"{path}/cancellation", json=STORM, headers=KEY)
    assert _seen(again) == _seen(refused)
    invalid = {"idempotency-key": "invalid"}
    wrong = await client.post("/events", json={"title": 7}, headers=invalid)
    assert wrong.status_code == 400
    assert _seen(await client.post("/events", json={"title": 7}, headers=invalid)) == _seen(wrong)
    assert await _events(application) == 2


async def test_a_stale_version_is_repeated_too(client: Client, application: Application) -> None:
    path = (await client.post("/events", json=JAZZ)).headers["location"]
    asked: Any = {"json": STORM, "headers": {**KEY, "if-match": '"7"'}}
    stale = await client.post(f"{path}/cancellation", **asked)
    assert stale.status_code == 412
    assert _seen(await client.post(f"{path}/cancellation", **asked)) == _seen(stale)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "\x7f", "x" * 256])
async def test_a_key_is_1_to_255_visible_characters(
    client: Client, application: Application, key: str
) -> None:
    headers = [(b"idempotency-key", key.encode())]
    response = await client.post("/events", json=JAZZ, headers=headers)
    assert (response.status_code, response.json()["type"]) == (400, "about:blank#invalid")
    assert await _events(application) == 0
    longest = await client.post("/events", json=JAZZ, headers={"idempotency-key": "~" * 255})
    assert longest.status_code == 201


async def test_two_keys_are_none(client: Client, application: Application) -> None:
    headers = [("idempotency-key", "a"), ("idempotency-key", "b")]
    response = await client.post("/events", json=JAZZ, headers=headers)
    assert (response.status_code, await _events(application)) == (400, 0)


async def test_a_query_has_no_need_of_a_key(client: Client, application: Application) -> None:
    path = (await client.post("/events", json=JAZZ)).headers["location"]
    assert (await client.get(path, headers={"idempotency-key": "not a key"})).status_code == 200
    assert await _kept(application) == 0


async def test_too_large_a_body_is_refused_with_or_without_a_key(
    settings: Settings, application: Application
) -> None:
    async with serving(msgspec.structs.replace(settings, max_body_bytes=1_000)) as client:
        for size in (1_001, 5_000_000):
            response = await client.post("/events", content=b" " * size, headers=KEY)
            assert response.status_code == 413
        assert (await client.post("/events", json=JAZZ, headers=KEY)).status_code == 201
    assert await _kept(application) == 1


async def test_what_has_no_route_is_not_kept(client: Client, application: Application) -> None:
    assert (await client.post("/nowhere", json=JAZZ, headers=KEY)).status_code == 404
    assert await _kept(application) == 0
    assert (await client.post("/events", json=JAZZ, headers=KEY)).status_code == 201


async def test_keys_of_one_tenant_or_caller_are_not_those_of_another(
    client: Client, application: Application
) -> None:
    await client.post("/events", json=JAZZ, headers=KEY)
    for change in ("tenant = 'other'", "tenant = 'default', principal = 'other'"):
        await _sql(application, f"update event_store.idempotency_keys set {change}")  # noqa: S608
        response = await client.post("/events", json=JAZZ, headers=KEY)
        assert response.status_code == 201
        await _sql(
            application,
            "delete from event_store.idempotency_keys"
            " where tenant = 'default' and principal = 'anonymous'",
        )
    assert await _events(application) == 3


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_one_in_flight_is_not_begun_again(
    here: AsyncClient, settings: Settings, application: Application, elsewhere: bool
) -> None:
    """In the same process, and in another one."""
    async with serving_here(settings) as other:
        asked = other if elsewhere else here
        async with _held(application) as until_stuck:
            first = asyncio.create_task(here.post("/events", json=JAZZ, headers=KEY))
            await until_stuck()
            for body in (JAZZ, {**JAZZ, "title": "Blues"}):
                second = await asked.post("/events", json=body, headers=KEY)
                assert (second.status_code, second.headers["retry-after"]) == (409, "1")
                assert second.json()["type"] == "about:blank#idempotency_key_in_flight"
        done = await first
        assert done.status_code == 201
        assert _seen(await asked.post("/events", json=JAZZ, headers=KEY)) == _seen(done)
    assert await _events(application) == 1


async def test_of_many_at_once_one_is_done(
    here: AsyncClient, settings: Settings, application: Application
) -> None:
    async with serving_here(settings) as other:
        for n in range(10):
            headers = {"idempotency-key": f"key-{n}"}
            answers = await asyncio.gather(
                *(each.post("/events", json=JAZZ, headers=headers) for each in [here, other] * 4)
            )
            done = [_seen(answer) for answer in answers if answer.status_code == 201]
            assert {answer.status_code for answer in answers} <= {201, 409}
            assert done
            assert all(each == done[0] for each in done)
            assert await _events(application) == n + 1


async def test_when_the_claims_are_lost_the_table_still_lets_only_one_be_done(
    here: AsyncClient, settings: Settings, application: Application
) -> None:
    """The session that held them is cut, and another process believes that nobody is at work."""
    async with serving_here(settings) as other:
        async with _held(application) as until_stuck:
            first = asyncio.create_task(here.post("/events", json=JAZZ, headers=KEY))
            await until_stuck()
            await _sql(
                application,
                "select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory'"
                " and objsubid = 1 and granted and objid <> 4242 and database ="
                " (select oid from pg_database where datname = current_database())",
            )
            second = asyncio.create_task(other.post("/events", json=JAZZ, headers=KEY))
            await until_stuck(2)
        answers = await asyncio.gather(first, second)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert _seen(answers[0]) == _seen(answers[1])
    assert await _events(application) == 1


async def test_whoever_goes_away_has_their_command_done_all_the_same(
    here: AsyncClient, application: Application
) -> None:
    async with _held(application) as until_stuck:
        first = asyncio.create_task(here.post("/events", json=JAZZ, headers=KEY))
        await until_stuck()
        first.cancel()
        await asyncio.wait([first])
    async with asyncio.timeout(60):
        while (again := await here.post("/events", json=JAZZ, headers=KEY)).status_code == 409:
            await asyncio.sleep(0.01)
    assert (again.status_code, again.headers["log-position"]) == (201, "1")
    assert await _events(application) == 1


async def test_a_conflict_inside_is_decided_again(
    here: AsyncClient, application: Application, database: str
) -> None:
    """The transaction stays of use: the command is refused by what the other writer did."""
    path = (await here.post("/events", json=JAZZ)).headers["location"]
    stream = f"event-{path.rpartition('/')[2]}"
    async with await AsyncConnection.connect(database) as other:
        await other.execute(
            "select event_store.append_to_stream('default', %s, 1, '{}',"
            " array['events.event_renamed'],"
            ' array[\'{"type": "events.event_renamed", "title": "Blues"}\'])',
            (stream,),
        )
        late = asyncio.create_task(here.post(f"{path}/cancellation", json=STORM, headers=KEY))
        await _until_waiting(application, "transactionid")
        await other.commit()
    cancelled = await late
    assert (cancelled.status_code, cancelled.headers["etag"]) == (200, '"3"')
    again = await here.post(f"{path}/cancellation", json=STORM, headers=KEY)
    assert _seen(again) == _seen(cancelled)


async def test_what_ends_in_an_error_of_ours_leaves_nothing(
    client: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contexts.events.presentation import http

    with monkeypatch.context() as patched:
        patched.setattr(http, "etag", _fail)
        failed = await client.post("/events", json=JAZZ, headers=KEY)
    assert failed.status_code == 500
    assert "log-position" not in failed.headers
    assert (await _events(application), await _kept(application)) == (0, 0)
    done = await client.post("/events", json=JAZZ, headers=KEY)
    assert done.status_code == 201
    assert await _events(application) == 1


async def test_without_a_database_nothing_happens_and_it_may_be_tried_again(
    settings: Settings, servers: Urls, database: str
) -> None:
    hasty = msgspec.structs.replace(settings, connect_seconds=2, log_level="critical")
    async with serving(hasty) as client:
        with database_down(servers.database, database):
            response = await client.post("/events", json=JAZZ, headers=KEY)
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) > 0
        async with asyncio.timeout(60):
            # Once the pool has noticed that it is back.
            while response.status_code == 503:
                response = await client.post("/events", json=JAZZ, headers=KEY)
        assert (response.status_code, response.headers["log-position"]) == (201, "1")


async def test_workers_are_woken_after_the_commit_and_only_then(
    client: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    commit = AsyncConnection.commit

    async def committing(connection: AsyncConnection[Any]) -> None:
        await commit(connection)
        calls.append("committed")

    def wake(self: Any, position: int, types: frozenset[str]) -> None:
        calls.append(f"woken for {position}")

    monkeypatch.setattr(AsyncConnection, "commit", committing)
    monkeypatch.setattr("shared.infrastructure.wakeups.Wakeups.__call__", wake)
    await client.post("/events", json=JAZZ, headers=KEY)
    assert "woken for 1" in calls
    assert calls.index("woken for 1") > calls.index("committed")


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_kill_9_leaves_all_of_it_or_nothing(
    settings: Settings, application: Application, tmp_path: Path, moment: str
) -> None:
    """Of a process that serves: right before the commit, and between it and the answer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, moment),
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if "MARQUEE" not in name},
            "PYTHONPATH": str(Path(bootstrap.__file__).parent),
            **KEY_VARIABLE,
            "DATABASE_URL": settings.database(),
            "REDIS_URL": settings.redis(),
            "MARQUEE_LOG_LEVEL": "error",
        },
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(60):
        said, errors = await process.communicate()
    assert (process.returncode, said) == (-signal.SIGKILL, b""), errors.decode()
    there = moment == "after"
    async with asyncio.timeout(60):
        while await _locks(application):
            await asyncio.sleep(0.01)
    assert (await _events(application), await _kept(application)) == (there, there)
    async with serving(settings) as client:
        again = await client.post("/events", json=JAZZ, headers=KEY)
        assert (again.status_code, again.headers["etag"]) == (201, '"1"')
        shown = await client.get(again.headers["location"])
        assert shown.json()["title"] == "Jazz"
        assert await _events(application) == 1
        assert _seen(await client.post("/events", json=JAZZ, headers=KEY)) == _seen(again)


KILLED = f"""
import asyncio, os, signal, sys
from litestar.testing import AsyncTestClient
from psycopg import AsyncConnection
from api.app import create_app
from shared.infrastructure.event_store.transaction import Transaction

commit = Transaction.commit

async def killed(self):
    if sys.argv[1] == "after":
        await commit(self)
    os.kill(os.getpid(), signal.SIGKILL)

Transaction.commit = killed

async def main():
    async with AsyncTestClient(create_app()) as client:
        response = await client.post("/events", json={JAZZ!r}, headers={KEY!r})
        print(response.status_code)

asyncio.run(main())
"""


async def test_an_answer_that_has_expired_is_forgotten(
    settings: Settings, application: Application
) -> None:
    async with serving(settings) as client:
        for n in range(5):
            await client.post("/events", json=JAZZ, headers={"idempotency-key": f"key-{n}"})
        (hours,) = (
            await _sql(
                application,
                "select distinct expires_at - created_at from event_store.idempotency_keys",
            )
        )[0]
        assert abs(hours - timedelta(hours=settings.idempotency_hours)) < timedelta(minutes=1)
        await _sql(
            application,
            "update event_store.idempotency_keys set expires_at = clock_timestamp()"
            " where key in ('key-1', 'key-2', 'key-3')",
        )
        # Also before it is swept; what it is done as now is kept in its place.
        anew = await client.post("/events", json=JAZZ, headers={"idempotency-key": "key-1"})
        assert anew.headers["log-position"] == "6"
        again = await client.post("/events", json=JAZZ, headers={"idempotency-key": "key-1"})
        assert _seen(again) == _seen(anew)
    assert await sweep(application.pool()) == 2
    assert await sweep(application.pool()) == 0
    keys = await _sql(application, "select key from event_store.idempotency_keys order by 1")
    assert keys == [("key-0",), ("key-1",), ("key-4",)]


async def test_many_are_swept_in_portions(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.infrastructure.event_store.idempotency_keys.SWEPT_AT_ONCE", 10)
    await _sql(
        application,
        "insert into event_store.idempotency_keys"
        " select 'default', 'me', n::text, '', null, 200, '[]', '', null, now(), now()"
        " from generate_series(1, 35) n",
    )
    assert await sweep(application.pool()) == 35


async def test_a_pool_of_one_connection_is_enough(settings: Settings) -> None:
    async with serving_here(msgspec.structs.replace(settings, database_connections=1)) as here:
        answers = await asyncio.gather(
            *(
                here.post("/events", json=JAZZ, headers={"idempotency-key": f"key-{n}"})
                for n in range(8)
            )
        )
    assert [answer.status_code for answer in answers] == [201] * 8


def _seen(response: Any) -> tuple[int, Mapping[str, str], bytes]:
    """What its sender sees of an answer, but for the name of the conversation."""
    headers = {n: v for n, v in response.headers.items() if n != "x-correlation-id"}
    return response.status_code, headers, response.content


def _fail(*_: object) -> None:
    raise RuntimeError("as if it were broken")


class _held:
    """Appends wait inside their transaction until the end of the block."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __aenter__(self) -> Any:
        await _sql(
            self._application,
            "create function wait_for_test() returns trigger language plpgsql"
            " set lock_timeout = 0 as $$ begin"
            " perform pg_advisory_xact_lock_shared(4242); return new; end $$",
        )
        await _sql(
            self._application,
            "create trigger wait_for_test before insert on event_store.events"
            " for each row execute function wait_for_test()",
        )
        url = self._application.settings().database()
        self._holder = await AsyncConnection.connect(url, autocommit=True)
        await self._holder.execute("select pg_advisory_lock(4242)")

        async def until_stuck(count: int = 1) -> None:
            await _until_waiting(self._application, "advisory", count)

        return until_stuck

    async def __aexit__(self, *_: object) -> None:
        await self._holder.close()


async def _until_waiting(application: Application, kind: str, count: int = 1) -> None:
    async with asyncio.timeout(60):
        while True:
            waiting = await _sql(
                application,
                "select l.pid from pg_locks l join pg_stat_activity a using (pid)"
                " where not l.granted and l.locktype = %s and a.datname = current_database()",
                kind,
            )
            if len(waiting) >= count:
                return
            await asyncio.sleep(0.01)


async def _locks(application: Application) -> int:
    found = await _sql(
        application,
        "select count(*) from pg_locks where locktype = 'advisory' and database ="
        " (select oid from pg_database where datname = current_database())",
    )
    return int(found[0][0])


async def _events(application: Application) -> int:
    return int((await _sql(application, "select count(*) from event_store.events"))[0][0])


async def _kept(application: Application) -> int:
    found = await _sql(application, "select count(*) from event_store.idempotency_keys")
    return int(found[0][0])


async def _sql(application: Application, statement: str, *values: object) -> list[Any]:
    async with application.pool().connection() as connection:
        cursor = await connection.execute(statement.encode(), values or None)
        return await cursor.fetchall() if cursor.description else []


async def test_the_description_says_how_long_a_key_is_good_for(settings: Settings) -> None:
    async with serving(msgspec.structs.replace(settings, idempotency_hours=36)) as client:
        described = (await client.get("/schema/openapi.json")).json()["info"]["description"]
    assert "within 36 hours" in described
    assert "Log-Position" in described

"""The embedded servers: what they keep, what they refuse, and that they never stay behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded import EmbeddedError, Servers, Supervisor, place, programs, running
from embedded.process import every_pid, is_alive

AT_ONCE = Retry(NoBackoff(), 0)


@pytest.fixture
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "home"


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Not tmp_path, which is closed when we are root, whose servers run as somebody else."""
    with tempfile.TemporaryDirectory(prefix="marquee-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A home that has been used before, and by the test before: making one takes a second."""
    with open_folder() as folder:
        with Servers(folder / "home", durable=False):
            pass
        yield folder / "home"


def eventually(condition: Callable[[], bool], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=30) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def answers(url: str) -> bool:
    try:
        return ask(url, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def pings(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, retry=AT_ONCE) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def processes_in(home: Path) -> list[int]:
    """Those that hold the home's lock, as every process of its servers does, or name it."""
    return [pid for pid in every_pid() if pid != os.getpid() and is_alive(pid) and uses(pid, home)]


def uses(pid: int, home: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        open_files = [os.readlink(fd) for fd in (process / "fd").iterdir()]
        return str(home / "lock") in open_files or bytes(home) in (process / "cmdline").read_bytes()
    except OSError:
        return False  # It has just ended, or is another user's.


def test_the_servers_answer_keep_their_data_and_stop(home: Path) -> None:
    with Servers(home) as servers:
        first = (servers.database_url, servers.redis_url)
        ask(servers.database_url, "CREATE TABLE kept AS SELECT 'ÀÉ' AS word")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "yes")

    assert processes_in(home) == []
    assert not answers(first[0])

    with Servers(home) as servers:
        assert (servers.database_url, servers.redis_url) == first
        assert ask(servers.database_url, "SELECT lower(word) FROM kept") == [("àé",)]
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"yes"


def test_a_home_has_one_process_that_runs_its_servers_and_others_find_it(home: Path) -> None:
    assert running(home) is None
    with Servers(home, durable=False) as servers:
        found = running(home)
        assert found is not None
        assert (found.database_url, found.redis_url) == (servers.database_url, servers.redis_url)
        with pytest.raises(EmbeddedError, match=f"already in use by process {os.getpid()}"):
            Servers(home).start()
        assert answers(servers.database_url)
    assert running(home) is None


def test_the_addresses_are_secret(home: Path) -> None:
    with Servers(home, durable=False) as servers:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(servers.database_url.replace("postgres:", "postgres:x", 1))
        port = int(servers.redis_url.rpartition(":")[2].removesuffix("/0"))
        with (
            redis.Redis(port=port, retry=AT_ONCE) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
        secret = ask(servers.database_url, "SHOW port")[0][0]
        for file in home.rglob("*.json"):
            assert file.stat().st_mode & 0o077 == 0
    assert str(secret) in servers.database_url


def test_one_server_alone(home: Path) -> None:
    with Servers(home, durable=False, postgres=False) as servers:
        assert pings(servers.redis_url)
        with pytest.raises(EmbeddedError):
            _ = servers.database_url


def test_another_port_is_chosen_when_it_is_taken(home: Path) -> None:
    with Servers(home, durable=False, valkey=False) as servers:
        former = int(servers.database_url.rpartition(":")[2].removesuffix("/postgres"))
    with (
        socket.create_server(("127.0.0.1", former)),
        Servers(home, durable=False, valkey=False) as servers,
    ):
        assert f":{former}/" not in servers.database_url
        assert answers(servers.database_url)


@pytest.mark.parametrize(
    ("lost", "instead", "message"),
    [
        ("postgres/PG_VERSION", "\0?", "is of PostgreSQL"),
        ("postgres/PG_VERSION", None, "is no PostgreSQL cluster"),
        ("postgres/global/pg_control", None, "postgres ended.*\n.*could not find"),
        ("postgres/base", None, "the server says:.*does not exist"),
        ("postgres.json", "{}", "postgres.json is damaged"),
        ("postgres.json", None, "password is missing"),
        ("postgres.json", '{"port": 25432, "password": "?"}', "password authentication failed"),
    ],
)
def test_a_broken_cluster_is_named(
    made: Path, lost: str, instead: str | None, message: str
) -> None:
    kept = (made / lost).rename(made / "kept")
    if instead is not None:
        (made / lost).write_text(instead)

    with pytest.raises(EmbeddedError, match=message):
        Servers(made, valkey=False).start()

    assert processes_in(made) == []
    (made / lost).unlink(missing_ok=True)
    kept.rename(made / lost)


def test_a_broken_append_only_file_is_named(home: Path) -> None:
    with (
        Servers(home, postgres=False) as servers,
        redis.Redis.from_url(servers.redis_url) as client,
    ):
        client.set("kept", "yes")
    log = next((home / "valkey/appendonlydir").glob("*.incr.aof"))
    log.write_bytes(b"nonsense\r\n" * 10 + log.read_bytes())

    with pytest.raises(EmbeddedError, match=r"(?s)valkey ended with.*Bad file format"):
        Servers(home, postgres=False).start()
    assert processes_in(home) == []


def test_a_cluster_half_made_is_made_anew(home: Path) -> None:
    (home / "postgres.making" / "base").mkdir(parents=True)
    with Servers(home, durable=False, valkey=False) as servers:
        assert answers(servers.database_url)


def test_a_home_that_cannot_be_is_named(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        Servers(home).start()
    with pytest.raises(EmbeddedError, match="cannot be used"):
        Servers(home / "below").start()


def test_a_closed_home_and_closed_programs_serve_root_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(mode=0o700)
    elsewhere = home.with_name("open")
    monkeypatch.setattr(place, "OPEN_FOLDER", elsewhere)
    monkeypatch.setattr(programs, "can_reach", lambda account, path: False)
    for _ in range(2):
        with Servers(home, durable=False) as servers:
            where = ask(servers.database_url, "SHOW data_directory")[0][0]
            assert pings(servers.redis_url)
    assert home.stat().st_mode & 0o777 == 0o700
    as_root = os.geteuid() == 0
    assert Path(str(where)).is_relative_to(elsewhere if as_root else home)


# A program of both servers and a part whose forked worker has a session of its own.
PROGRAM = """
import json, os, sys
from pathlib import Path
from embedded import Part, Servers, Supervisor, die_with_parent

home = Path(sys.argv[1])
WORKER = '''
import os, pathlib, sys, time
from embedded import die_with_parent
up, parent = pathlib.Path(sys.argv[1]), os.getpid()
if not os.fork():
    os.setsid()
    die_with_parent(parent)
    up.write_text(str(os.getpid()))
time.sleep(60)
'''
up = home / "worker-is-up"
up.unlink(missing_ok=True)
with Servers(home).prepared() as parts:
    worker = Part(
        name="worker", argv=[sys.executable, "-c", WORKER, str(up)], ready=up.exists, order=1
    )
    say = lambda line: print(line, flush=True)
    Supervisor([*parts, worker], say).run(on_ready=lambda: say("all ready"))
"""


@pytest.fixture
def program(made: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(made)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for(process, "all ready")
        yield process
        process.kill()
    assert eventually(lambda: processes_in(made) == [])


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout
    assert any(said.startswith(line) for said in process.stdout), f"never said {line!r}"


def test_nothing_survives_the_death_of_the_supervisor(
    made: Path, program: "subprocess.Popen[str]"
) -> None:
    urls = running(made)
    assert urls is not None
    assert urls.database_url is not None
    with contextlib.closing(psycopg.connect(urls.database_url, autocommit=True)) as busy:
        # A backend that works looks up only when it is told to.
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")
        assert len(processes_in(made)) > 10

        program.kill()
        program.wait()

        assert eventually(lambda: processes_in(made) == [])
    assert running(made) is None
    with Servers(made, valkey=False) as servers:
        assert servers.database_url == urls.database_url


def test_a_new_start_waits_for_the_servers_of_a_killed_one(
    made: Path, program: "subprocess.Popen[str]"
) -> None:
    program.kill()
    program.wait()
    with Servers(made) as servers:
        assert answers(servers.database_url)
        assert pings(servers.redis_url)


def test_a_server_that_is_killed_comes_back_under_the_same_address(
    made: Path, program: "subprocess.Popen[str]"
) -> None:
    urls = running(made)
    assert urls is not None
    assert urls.database_url is not None
    assert urls.redis_url is not None
    ask(urls.database_url, "CREATE TABLE kept AS SELECT 1 AS one")
    with contextlib.closing(psycopg.connect(urls.database_url, autocommit=True)) as busy:
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")
        os.kill(int((made / "postgres/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        wait_for(program, "postgres ended with SIGKILL, starts again in 0.5 s")
        wait_for(program, "postgres ready")
    assert ask(urls.database_url, "SELECT one FROM kept") == [(1,)]

    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("kept", "yes")
        server = client.info("server")["process_id"]
        client.execute_command("WAITAOF", 1, 0, 1000)
    os.kill(server, signal.SIGKILL)
    wait_for(program, "valkey ended with SIGKILL")
    wait_for(program, "valkey ready")
    with redis.Redis.from_url(urls.redis_url) as client:
        assert client.get("kept") == b"yes"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_complete_and_quick(
    made: Path, program: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    began = time.monotonic()
    program.send_signal(number)
    assert program.wait(timeout=60) == 0
    assert time.monotonic() - began < 15
    assert processes_in(made) == []


def test_servers_that_do_not_start_leave_the_home_free(made: Path) -> None:
    with Servers(made, durable=False).prepared() as parts:
        supervisor = Supervisor(parts)
        with pytest.raises(EmbeddedError, match="refused"):
            supervisor.run(on_ready=refuse)
        assert processes_in(made) == []
    with Servers(made, durable=False) as servers:
        assert answers(servers.database_url)


def refuse() -> None:
    raise EmbeddedError("refused")

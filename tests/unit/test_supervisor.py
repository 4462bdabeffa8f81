"""The supervisor's rules, on processes that do nothing but live and die."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded import EmbeddedError, Part, Supervisor, life
from embedded.process import is_alive


def shell(name: str, script: str, **more: object) -> Part:
    return Part(name=name, argv=["/bin/sh", "-c", script], **more)  # type: ignore[arg-type]


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def eventually(condition: Callable[[], bool], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return condition()


def test_parts_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    diary, said = tmp_path / "diary", list[str]()

    def part(name: str, order: int) -> Part:
        script = (
            f"trap 'echo {name} stops >>{diary}; exit' TERM; echo {name} starts >>{diary}; "
            f"touch {tmp_path}/{name}; while :; do sleep 0.01; done"
        )
        return shell(name, script, order=order, ready=(tmp_path / name).exists)

    once = shell("migrate", f"echo migrate >>{diary}", once=True, order=1)
    parts = [part("api", 2), once, part("server", 0)]

    assert Supervisor(parts, said.append).run(on_ready=stop) == signal.SIGTERM

    assert diary.read_text().splitlines() == [
        *("server starts", "migrate", "api starts", "api stops", "server stops"),
    ]
    assert said == ["server ready", "migrate done", "api ready", "stopping"]


def test_a_part_that_does_not_start_stops_all_and_shows_what_it_wrote(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    server = shell("server", f"echo $$ >{pids}; sleep 60", ready=pids.exists)
    broken = shell("api", "echo no such table; exit 3", order=1, log=tmp_path / "api.log")

    with pytest.raises(
        EmbeddedError, match=r"api ended with exit code 3 before.*\n  no such table"
    ):
        Supervisor([server, broken]).run()

    assert not is_alive(int(pids.read_text()))


def test_a_one_shot_that_fails_is_a_failed_start() -> None:
    with pytest.raises(EmbeddedError, match="migrate ended with exit code 1"):
        Supervisor([shell("migrate", "exit 1", once=True)]).run()


def test_a_command_that_is_not_there_is_a_failed_start() -> None:
    with pytest.raises(EmbeddedError, match="api cannot be started"):
        Supervisor([Part(name="api", argv=["/no/such/program"])]).run()


def test_a_part_that_is_not_ready_in_time_is_a_failed_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(life, "READY_WITHIN", 0.1)
    with pytest.raises(EmbeddedError, match="api is not ready after"):
        Supervisor([shell("api", "sleep 60", ready=lambda: False)]).run()


def test_a_part_that_dies_is_started_again_later_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "FIRST_DELAY", 0.01)
    up, said = tmp_path / "up", list[str]()
    script = f"touch {up}; while [ -e {up} ]; do sleep 0.01; done; exit 3"

    def say(line: str) -> None:
        said.append(line)
        up.unlink(missing_ok=True)
        if len(said) == 6:
            stop()

    Supervisor([shell("worker", script, ready=up.exists)], say).run()

    ended = "worker ended with exit code 3, starts again in"
    assert said == [
        *("worker ready", f"{ended} 0.01 s", "worker ready", f"{ended} 0.02 s"),
        *("worker ready", f"{ended} 0.04 s", "stopping"),
    ]


def test_a_launched_one_shot_may_fail_without_stopping_the_others() -> None:
    said = list[str]()

    def say(line: str) -> None:
        said.append(line)
        if "ingest" in line:
            stop()

    supervisor = Supervisor([shell("api", "sleep 60")], say)
    supervisor.run(lambda: supervisor.launch(shell("ingest", "kill -USR1 $$", once=True)))

    assert said == ["api ready", "ingest ended with SIGUSR1", "stopping"]


def test_what_ignores_its_signals_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    # One that will not go, with a child in a session of its own that will not go either.
    stubborn = (
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: pathlib.Path(os.environ['PIDS']).write_text(f'{os.getpid()} {child}')\n"
        "else: os.setsid()\n"
        "time.sleep(60)\n"
    )
    env = {"PIDS": str(pids)}
    part = Part(name="api", argv=[sys.executable, "-c", stubborn], env=env, ready=pids.exists)
    supervisor = Supervisor([part])
    supervisor.start()
    eventually(lambda: len(pids.read_text().split()) == 2)

    began = time.monotonic()
    supervisor.stop()

    assert time.monotonic() - began < 15
    assert eventually(lambda: not any(is_alive(int(pid)) for pid in pids.read_text().split()))


def test_a_second_ctrl_c_kills_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.supervisor.STOP_WITHIN", 60.0)
    up = tmp_path / "up"
    part = shell(
        "api", f"trap '' TERM; touch {up}; sleep 60 & wait; wait", ready=up.exists, grace=50
    )
    began = 0.0

    def stop_twice() -> None:
        nonlocal began
        began = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
        again = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    Supervisor([part]).run(stop_twice)

    assert 0.4 < time.monotonic() - began < 30

"""`marquee up` as a person runs it: from nothing to an answer, the story of the README, the end."""

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2
import psutil
import pytest

import documented

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTED = "http://127.0.0.1:8000"
PATIENCE = 60.0

_get = partial(httpx2.get, timeout=PATIENCE)
_post = partial(httpx2.post, timeout=PATIENCE)


class Up(NamedTuple):
    process: "subprocess.Popen[str]"
    home: Path
    address: str
    environment: dict[str, str]

    def marquee(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=self.environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        started = start(Path(folder) / "home", _free_port())
        try:
            eventually(lambda: _said(started, "sample data done"))
            yield started
        finally:
            started.process.send_signal(signal.SIGTERM)
            started.process.wait(PATIENCE)


def start(home: Path, port: int) -> Up:
    settings = {"MARQUEE_HOME": str(home), "PORT": str(port), "COLUMNS": "200"}
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MARQUEE_", "DATABASE_", "REDIS_"))
    }
    environment = {**kept, **settings}
    home.parent.mkdir(exist_ok=True)
    with (home.parent / "out.log").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"],
            env=environment,
            cwd=home.parent,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Up(process, home, f"http://127.0.0.1:{port}", environment)


def test_the_first_query_answers_with_the_sample(up: Up) -> None:
    found = _get(f"{up.address}/search").json()
    assert len(found["data"]["events"]) > 100
    assert found["error"] is None


def test_it_says_each_part_as_it_comes_up_then_the_address(up: Up) -> None:
    said = _output(up)
    parts = ("postgres", "valkey", "migrations", "projections", "feeds", "analytics", "api")
    places = [said.index(f"\n{part} ") for part in parts]
    assert max(places) < said.index(f"Marquee is at {up.address}")


def test_the_story_of_the_readme_is_true(up: Up) -> None:
    search, listed, announced, repriced, history, late, found, asked, *talk = _story(up)
    assert search.status_code == 200
    assert search.json()["data"]["events"]
    rows = listed.json()["data"]
    assert len(rows) == 3
    assert all(row["available"] and row["min_price"] <= 30 for row in rows)
    assert announced.status_code == 201
    assert announced.headers["etag"] == '"1"'
    assert repriced.status_code == 200
    assert repriced.headers["etag"] == '"2"'
    types = [entry["type"] for entry in history.json()["data"]]
    assert types == ["events.event_announced", "events.event_zones_changed"]
    assert late.status_code == 201
    assert found.json()["data"] == [{"title": "Late Set", "starts_at": "2027-05-03T21:30:00Z"}]
    assert [set(row) for row in asked.json()["result"]] == [{"show", "sum_total"}] * 3
    first, second = (answer.json()["response"] for answer in talk)
    assert "July 2026" in first
    assert "June 2026" in second
    assert "like the question before it" in second


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to run them with")
def test_what_is_said_of_conversations_is_true(up: Up, tmp_path: Path) -> None:
    wanted = documented.examples((ROOT / "docs" / "conversations.md").read_text("utf-8"))
    printed = documented.run(wanted, tmp_path, documented=DOCUMENTED, address=up.address)
    for example, came in zip(wanted, printed, strict=True):
        if example.answer is not None:
            assert documented.fits(example.answer, came), (example, came)
    assert sum(example.answer is not None for example in wanted) > 12


def test_the_feeds_of_three_days_end_as_they_should(up: Up, tmp_path: Path) -> None:
    """The second day drops a base and adds one that was never online, on an impossible date."""
    for day in (1, 2, 3):
        (tmp_path / f"{day}.xml").write_text(_feed(day), "utf-8")
        done = up.marquee("ingest", str(tmp_path / f"{day}.xml"), "--provider", "acme")
        assert done.returncode == 0, done.stderr
    assert "quarantined 9:9: event_start_date '2021-09-31T20:00:00' is not a date" in done.stdout

    events = _search(up, starts_at="2021-01-01T00:00:00Z", ends_at="2022-01-01T00:00:00Z")
    assert {event["title"]: (event["end_time"], event["min_price"]) for event in events} == {
        "Stays": ("21:30:00", 15.0),
        "Leaves": ("22:00:00", 55.0),
    }

    before = _last_position(up)
    again = up.marquee("ingest", str(tmp_path / "3.xml"), "--provider", "acme")
    assert again.returncode == 0
    assert _last_position(up) == before
    runs = _get(f"{up.address}/providers/acme/runs").json()
    assert [run["report"]["delisted"] for run in runs["data"]] == [0, 1, 0]


def test_a_feed_that_is_none_fails_with_one_line(up: Up, tmp_path: Path) -> None:
    (tmp_path / "page.xml").write_text("<!DOCTYPE html><html></html>")
    done = up.marquee("ingest", str(tmp_path / "page.xml"), "--provider", "acme")
    assert done.returncode == 1
    assert done.stderr == "marquee: the feed is an HTML page\n"
    (last, *_) = _get(f"{up.address}/providers/acme/runs").json()["data"]
    assert (last["status"], last["reason"]) == ("failed", "the feed is an HTML page")


def test_projections_are_listed(up: Up) -> None:
    listed = up.marquee("projections").stdout
    assert re.search(r"events\.catalogue .* 0 .* ok", listed)
    assert "high-water mark" in listed


def test_a_file_is_loaded_and_asked_from_the_command_line(up: Up, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("city;fare\nNieve;10,50\nHalvora;4,25\nNieve;1,00\n")
    loaded = up.marquee("datasets", "load", str(tmp_path / "trips.csv"))
    assert "3 rows" in loaded.stdout, loaded.stderr
    assert re.search(r"fare +decimal +measure", loaded.stdout)
    assert re.search(r"trips +loaded +version 1", up.marquee("datasets").stdout)
    asked = up.marquee("ask", "total fare by city", "--dataset", "trips", "--sql")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "11.5" in asked.stdout
    assert "SELECT" in asked.stdout
    declined = up.marquee("ask", "average wingspan by city", "--dataset", "trips")
    assert declined.returncode == 1
    assert "wingspan" in declined.stdout
    assert "no golden query yet" in up.marquee("questions", "verify").stdout


def test_the_history_of_an_event_is_shown(up: Up) -> None:
    id = _get(f"{up.address}/events?pageSize=1").json()["data"][0]["id"]
    shown = up.marquee("events", id)
    assert "events.event_announced" in shown.stdout
    missing = up.marquee("events", "event-nowhere")
    assert (missing.returncode, "no stream" in missing.stderr) == (1, True)


def test_the_doctor_finds_all_well_and_tells_no_secret(up: Up) -> None:
    found = up.marquee("doctor")
    assert found.returncode == 0, found.stdout
    assert "PostgreSQL 18" in found.stdout
    urls = json.loads((up.home / "servers.json").read_text())
    for url in (urls["database_url"], urls["redis_url"]):
        assert re.search(r":([^:@]+)@", url)[1] not in found.stdout  # type: ignore[index]


def test_the_keys_of_a_home_are_made_at_its_first_start_for_us_alone(up: Up) -> None:
    file = up.home / "key_encryption_keys"
    assert file.stat().st_mode & 0o777 == 0o600
    id, _, key = file.read_text().strip().partition(":")
    listed = up.marquee("keys", "list")
    assert re.fullmatch(rf"{id} +\d+\n", listed.stdout), listed.stderr
    for said in (_output(up), up.marquee("doctor").stdout):
        assert key not in said


def test_a_second_start_in_the_same_folder_is_one_clear_line(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        env={**up.environment, "PORT": str(_free_port())},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert second.returncode == 1
    assert "is already in use by process" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_clear_line(up: Up, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        env={**up.environment, "MARQUEE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert second.returncode == 1
    port = up.environment["PORT"]
    assert second.stderr.startswith(f"marquee: port {port} on 127.0.0.1 can't be had")
    assert len(second.stderr.splitlines()) == 1


def test_an_unknown_setting_is_one_clear_line(up: Up) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        env={**up.environment, "MARQUEE_PROT": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("marquee: MARQUEE_PROT: unknown setting")


@pytest.mark.parametrize("part", ["worker", "api"])
def test_a_part_that_is_killed_comes_back(up: Up, part: str) -> None:
    victims = _processes(up, part)
    assert victims
    for victim in victims:
        victim.kill()
    eventually(lambda: {p.pid for p in _processes(up, part)}.isdisjoint(v.pid for v in victims))
    eventually(lambda: _ready(up))
    body = {"title": f"After {part}", "starts_at": "2028-01-01T20:00:00", "timezone": "UTC"}
    assert _post(f"{up.address}/events", json=body).status_code == 201
    eventually(lambda: _get(f"{up.address}/events?q=after+{part}").json()["totalRows"] == 1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_stays_behind(how: signal.Signals) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        started = start(Path(folder) / "home", _free_port())
        eventually(lambda: _ready(started))
        family = psutil.Process(started.process.pid).children(recursive=True)
        assert len(family) > 5
        began = time.monotonic()
        started.process.send_signal(how)
        code = started.process.wait(PATIENCE)
        _gone, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert not alive
        if how is not signal.SIGKILL:
            assert time.monotonic() - began < 15
            assert code == 0


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


def _ready(up: Up) -> bool:
    if up.process.poll() is not None:
        raise AssertionError(_output(up))
    try:
        return _get(f"{up.address}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


def _said(up: Up, line: str) -> bool:
    assert up.process.poll() is None, _output(up)
    return line in _output(up)


def _output(up: Up) -> str:
    return "\n" + (up.home.parent / "out.log").read_text()


def _processes(up: Up, command: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(up.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if child.cmdline()[1:4] == ["-m", "cli", command]:
                found.append(child)
    return found


def _story(up: Up) -> list[httpx2.Response]:
    """Run the README's requests as curl would."""
    blocks = re.findall(r"```sh\n(curl .*?)```", README.read_text("utf-8"), re.DOTALL)
    answers: list[httpx2.Response] = []
    id = position = ""
    for block in blocks:
        words = shlex.split(block.replace("$ID", id).replace("$POSITION", position))[1:]
        url = next(word for word in words if word.startswith(DOCUMENTED))
        pairs = list(itertools.pairwise(words))
        headers = dict(value.split(": ", 1) for flag, value in pairs if flag == "-H")
        data = next((value for flag, value in pairs if flag == "-d"), None)
        answer = httpx2.request(
            "GET" if data is None else "POST",
            url.replace(DOCUMENTED, up.address),
            headers=headers,
            content=data,
            timeout=PATIENCE,
        )
        assert answer.is_success, (block, answer.text)
        answers.append(answer)
        if answer.status_code == 201:
            id, position = answer.json()["id"], answer.headers["log-position"]
    return answers


def _search(up: Up, **query: str) -> list[dict[str, object]]:
    answer = _get(f"{up.address}/search", params=query).json()
    events: list[dict[str, object]] = answer["data"]["events"]
    return events


def _last_position(up: Up) -> int:
    position: int = _get(f"{up.address}/projections").json()["last_position"]
    return position


def _feed(day: int) -> str:
    ends = {1: "22:00:00", 2: "21:20:00", 3: "21:30:00"}[day]
    bases = [_base("1", "online", "Stays", "2021-06-30", ends, "15.00")]
    if day == 1:
        bases.append(_base("2", "online", "Leaves", "2021-06-29", "22:00:00", "55.00"))
        bases.append(_base("3", "offline", "Never online", "2021-06-29", "22:00:00", "1.00"))
    else:
        bases.append(_base("3", "offline", "Never online", "2021-06-29", "22:00:00", "1.00"))
        bases.append(_base("9", "offline", "Impossible", "2021-09-31", "22:00:00", "1.00"))
    return f"<eventList><output>{''.join(bases)}</output></eventList>"


def _base(id: str, mode: str, title: str, day: str, ends: str, price: str) -> str:
    return (
        f'<base_event base_event_id="{id}" sell_mode="{mode}" title="{title}">'
        f'<event event_start_date="{day}T20:00:00" event_end_date="{day}T{ends}" event_id="{id}"'
        ' sell_from="2020-01-01T00:00:00" sell_to="2021-01-01T00:00:00" sold_out="false">'
        f'<zone zone_id="1" capacity="3" price="{price}" name="Stalls" numbered="false"/>'
        "</event></base_event>"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

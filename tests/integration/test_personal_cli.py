"""What an operator does about keys and people on the command line, and what stops a start."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

import bootstrap
from bootstrap import Application
from cli.home_key import kept_keys, make_keys
from keys import KEYS
from settings import Settings, SettingsError
from shared.application.encryption_keys import new_key, read_keys

PATIENCE = 60.0
VARIABLE = "MARQUEE_KEY_ENCRYPTION_KEYS"
ID = KEYS.partition(":")[0]

Done: TypeAlias = subprocess.CompletedProcess[str]
Run: TypeAlias = Callable[..., Done]


@pytest.fixture
def marquee(settings: Settings, tmp_path: Path) -> Run:
    def run(*arguments: str, answer: str = "", **changes: str) -> Done:
        kept = {name: value for name, value in os.environ.items() if "MARQUEE" not in name}
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=tmp_path,
            env={
                **kept,
                "PYTHONPATH": str(Path(bootstrap.__file__).parent),
                "DATABASE_URL": settings.database(),
                "REDIS_URL": settings.redis(),
                "MARQUEE_BROKER_NAMESPACE": settings.broker_namespace,
                VARIABLE: KEYS,
                "COLUMNS": "200",
                **changes,
            },
            input=answer,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return run


async def test_a_person_is_erased_when_the_answer_is_yes(
    marquee: Run, application: Application
) -> None:
    vault = application.vault()
    ann = await vault.subject("ann")
    (box,) = await vault.seal(ann, b"hello")
    asked = marquee("erase", "ann", answer="n\n")
    assert asked.returncode != 0
    assert "for good?" in asked.stdout
    assert await vault.find("ann") == ann
    done = marquee("erase", "ann", "--wait", "0", answer="y\n")
    assert f"{ann} is erased, at position" in done.stdout, done.stderr
    fresh = type(vault)(application.pool(), application.key_ring())
    assert await fresh.open(box) == (None,)
    unknown = marquee("erase", "ann", "--yes")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "marquee: nothing is kept of anybody by that id or name\n"


async def test_an_erasure_waits_for_what_was_made_of_the_log(
    marquee: Run, application: Application
) -> None:
    """No worker runs here; who follows erasures is told of by name, until it has caught up."""
    ann = await application.vault().subject("ann")
    followers = [
        name
        for name, types in application.runner().types.items()
        if "personal.subject_erased" in types
    ]
    first = marquee("erase", str(ann), "--yes", "--wait", "0.1")
    assert first.returncode == (1 if followers else 0), first.stderr
    for name in followers:
        assert f"has not forgotten yet: {name}" in first.stdout
        await application.runner().catch_up(name)
    again = marquee("erase", str(ann), "--yes", "--wait", "30")
    assert again.returncode == 0, again.stdout
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]
    assert again.stdout.splitlines()[-1] == "what was made of the log has forgotten as well"


async def test_a_key_is_changed_step_by_step_and_none_may_be_left_out(
    marquee: Run, application: Application
) -> None:
    for n in range(3):
        await application.vault().subject(f"caller {n}")
    made = marquee("keys", "new").stdout.strip()
    (id,) = read_keys(made)
    both = {VARIABLE: f"{made},{KEYS}"}
    assert _listed(marquee("keys", "list", **both)) == {id: "0", ID: "3"}
    early = marquee("keys", "list", **{VARIABLE: made})
    assert (early.returncode, early.stdout) == (1, "")
    assert early.stderr.startswith(f"marquee: {VARIABLE}: lacks the key '{ID}', in which ")
    assert len(early.stderr.splitlines()) == 1
    assert marquee("keys", "rotate", **both).stdout == f"wrapped anew in {id}: 3\n"
    assert _listed(marquee("keys", "list", **{VARIABLE: made})) == {id: "3"}


@pytest.mark.parametrize("command", ["api", "worker", "projections"])
async def test_a_key_that_is_missing_stops_the_start_with_one_line(
    marquee: Run, application: Application, command: str
) -> None:
    await application.vault().subject("ann")
    for keys, said in (
        (new_key(), f"{VARIABLE}: lacks the key '{ID}', in which keys of people are wrapped"),
        (f"{ID}:{'A' * 43}", f"{VARIABLE}: the key '{ID}' is not the one of that id"),
        ("", f"{VARIABLE}: is not set; expected something like the line that `marquee keys new`"),
    ):
        stopped = marquee(command, **{VARIABLE: keys})
        assert stopped.returncode == 1
        assert said in stopped.stderr
        assert stopped.stderr.startswith("marquee: ")
        assert len(stopped.stderr.splitlines()) == 1


def test_with_a_database_of_ones_own_no_key_is_made_up(marquee: Run, tmp_path: Path) -> None:
    stopped = marquee("up", **{VARIABLE: "", "MARQUEE_HOME": str(tmp_path / "home"), "PORT": "1"})
    assert stopped.returncode == 1
    assert stopped.stderr.startswith(f"marquee: {VARIABLE}: is not set")
    assert not (tmp_path / "home").exists()


def test_the_key_of_a_home_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    assert kept_keys(tmp_path) is None
    made = make_keys(tmp_path)
    assert len(read_keys(made)) == 1
    assert make_keys(tmp_path) == kept_keys(tmp_path) == made
    (file,) = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("key_encryption_keys", 0o600)


def test_the_key_of_a_home_is_made_though_an_earlier_start_was_killed_over_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "key_encryption_keys.draft").write_text("k:ha")
    assert kept_keys(tmp_path) is None
    assert make_keys(tmp_path) == kept_keys(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"s3cret", b"\xff\xfe", b"k:s3cret,"])
def test_a_damaged_key_of_a_home_is_told_and_never_replaced(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "key_encryption_keys"
    file.write_bytes(damage)
    with pytest.raises(SettingsError) as raised:
        make_keys(tmp_path)
    assert str(raised.value).startswith(f"{file}: ")
    assert "s3cret" not in str(raised.value)
    assert file.read_bytes() == damage


def _listed(done: Done) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    pairs = [line.split() for line in done.stdout.splitlines()]
    return {id: count for id, count in pairs}

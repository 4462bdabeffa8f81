"""`make compose-up` makes a key for what people write, once, and never loses one."""

import os
import subprocess
from pathlib import Path

import pytest

import settings as configuration

MAKEFILE = Path(__file__).parents[2] / "Makefile"
VARIABLE = "MARQUEE_KEY_ENCRYPTION_KEYS"


def make(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value for name, value in os.environ.items() if name not in (VARIABLE, "MAKEFLAGS")
    }
    return subprocess.run(
        ["make", "-f", str(MAKEFILE), "COMPOSE=true", *arguments, "compose-up"],
        cwd=folder,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_key_that_the_program_takes_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    assert make(tmp_path).returncode == 0
    file = tmp_path / ".env"
    text = file.read_text()
    name, _, value = text.strip().partition("=")
    assert name == VARIABLE
    loaded = configuration.load({VARIABLE: value}, tmp_path / "no.toml")
    assert len(loaded.encryption_keys()) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert value not in make(tmp_path).stdout
    assert file.read_text() == text


@pytest.mark.parametrize(
    "before", ["PORT=9000\n", "PORT=9000", f"#{VARIABLE}=k:x\n", f"{VARIABLE}=\n"]
)
def test_what_env_holds_already_stays(tmp_path: Path, before: str) -> None:
    (tmp_path / ".env").write_text(before)
    make(tmp_path)
    text = (tmp_path / ".env").read_text()
    assert text.startswith(before)
    assert text.removeprefix(before).strip().startswith(f"{VARIABLE}=k")


@pytest.mark.parametrize(
    "line", [f"{VARIABLE}=k:x", f"export {VARIABLE}=k:x", f' {VARIABLE}="k:x"']
)
def test_a_key_that_is_there_is_used(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    make(tmp_path)
    assert (tmp_path / ".env").read_text() == f"{line}\n"


def test_a_key_of_the_environment_is_used(tmp_path: Path) -> None:
    make(tmp_path, **{VARIABLE: "k:x"})
    assert not (tmp_path / ".env").exists()


def test_without_a_key_nothing_is_started(tmp_path: Path) -> None:
    done = make(tmp_path, "PYTHON=false")
    assert done.returncode != 0
    assert "Started" not in done.stdout
    assert not (tmp_path / ".env").exists()

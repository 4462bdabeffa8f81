"""What must not be published is found, and what may be is left in peace."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


# What is looked for is put together here, or these tests would be found themselves.
def dotted(*parts: str) -> str:
    return ".".join(parts)


def slashed(*parts: str) -> str:
    return "/" + "/".join(parts)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "check_public.py"))


def test_a_registry_host_is_found_with_its_file_and_line(script: dict[str, Any]) -> None:
    host = dotted("files", "pythonhosted", "org")
    text = f"# fine\nurl = https://{host}/packages/x.whl\n"
    assert script["check"]([("a.toml", text)]) == [
        f"a.toml:2: the host of a package registry: {host.removeprefix('files.')}"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://" + dotted("pypi", "org") + "/simple",
        "registry=https://" + dotted("registry", "npmjs", "org"),
        "deb http://" + dotted("deb", "debian", "org") + "/debian stable main",
        'HOME = "' + slashed("home", "ada", "src") + '"',
        "cd " + slashed("root", "project"),
        "file://" + slashed("Users", "ada", "wheels"),
        "C:" + "\\Users\\ada",
        "OPENAI_API_KEY=" + "sk-" + "x" * 32,
        "-----BEGIN " + "PRIVATE KEY-----",
    ],
)
def test_what_ties_to_a_registry_a_machine_or_a_person_is_found(
    script: dict[str, Any], text: str
) -> None:
    assert len(script["check"]([("a.txt", text)])) == 1


def test_a_secret_is_reported_without_being_repeated(script: dict[str, Any]) -> None:
    secret = "sk-" + "abc123" * 6
    (remark,) = script["check"]([("a.txt", f"key = {secret}")])
    assert secret[:8] not in remark


@pytest.mark.parametrize(
    "text",
    [
        "GET /users/7/home/page",
        "see docs/home/index.md",
        "https://example.org/work/of/art",
        "COPY --from=build /opt/marquee /opt/marquee",
        "the task-force-of-the-committee-on-names",
        "https://docs.python.org/3/",
    ],
)
def test_ordinary_text_is_left_in_peace(script: dict[str, Any], text: str) -> None:
    assert script["check"]([("a.txt", text)]) == []


@pytest.mark.parametrize("name", ["uv.lock", "web/pylock.toml", ".env", "web/node_modules/a/b.js"])
def test_a_file_of_one_machine_must_not_be_tracked(script: dict[str, Any], name: str) -> None:
    assert script["check"]([(name, "")]) == [f"{name}: must not be tracked"]


@pytest.mark.parametrize("name", [".env.example", "requirements/run.lock", "src/env.py"])
def test_a_file_of_everybody_may_be_tracked(script: dict[str, Any], name: str) -> None:
    assert script["check"]([(name, "")]) == []


def test_only_what_git_tracks_is_read(script: dict[str, Any], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name in ("tracked.txt", "untracked.txt", "deleted.txt"):
        (tmp_path / name).write_text(slashed("home", "ada", "x"))
    (tmp_path / "picture.bin").write_bytes(b"\0" + slashed("home", "ada", "x").encode())
    (tmp_path / "link.txt").symlink_to(slashed("home", "ada", "y"))
    staged = ["tracked.txt", "deleted.txt", "picture.bin", "link.txt"]
    subprocess.run(["git", "-C", str(tmp_path), "add", *staged], check=True)
    (tmp_path / "deleted.txt").unlink()

    found = script["check"](script["tracked"](tmp_path))

    assert [remark.split(":")[0] for remark in found] == ["link.txt", "tracked.txt"]


def test_the_check_passes_on_its_own_sources(script: dict[str, Any]) -> None:
    own = [Path(__file__), ROOT / "scripts" / "check_public.py"]
    assert script["check"]([(path.name, path.read_text()) for path in own]) == []

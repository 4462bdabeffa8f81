"""Refuses what must not be published: hosts of package registries, paths of one machine, secrets.

Only what git tracks is read, staged files too. A lock that names an index ties everybody to it; a
path of one machine works on no other. No pattern here matches this file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CONTENTS = {
    "the host of a package registry": re.compile(
        r"(?i)pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|yarnpkg[.]com"
        r"|(?:deb|security|snapshot|archive|ports)[.](?:debian[.]org|ubuntu[.]com)"
    ),
    "a path of one machine": re.compile(
        r"(?:(?<![\w./-])|file://)/(?:home|Users|root|work|workspaces?|mnt|media)/[\w.]"
        r"|\b[A-Za-z]:\\+Users\\"
    ),
    "a secret": re.compile(
        r"\bsk-[\w-]{24,}|\bgh[pousr]_\w{30,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
    ),
}

# Files that cannot be tracked without one of the above, or that belong to one machine.
NAMES = re.compile(
    r"(?:^|/)(?:uv[.]lock|pylock(?:[.][^/]+)?[.]toml|[.]env)$"
    r"|(?:^|/)(?:[.]venv|[.]marquee|node_modules)/"
)


def remarks(name: str, text: str) -> Iterator[str]:
    """What is wrong with one file, each as `name:line: what`."""
    if NAMES.search(name):
        yield f"{name}: must not be tracked"
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in CONTENTS.items():
            # Of a secret not a letter is repeated: this ends up in a public build log.
            if found := pattern.search(line):
                shown = "" if what == "a secret" else f": {found[0]}"
                yield f"{name}:{number}: {what}{shown}"


def tracked(root: Path) -> Iterator[tuple[str, str]]:
    """Every tracked file that is there, with its text; a link counts as the path it holds."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        path = root / name
        if path.is_symlink():
            yield name, str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
            yield name, "" if b"\0" in content else content.decode(errors="replace")


def check(files: Iterable[tuple[str, str]]) -> list[str]:
    return [remark for name, text in files for remark in remarks(name, text)]


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        sys.stderr.write("check_public: no git repository here, so nothing is tracked\n")
        return 0
    found = check(tracked(root))
    sys.stderr.writelines(f"{remark}\n" for remark in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

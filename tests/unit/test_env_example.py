"""`.env.example` and docker-compose know every setting that there is."""

import re
from pathlib import Path

import msgspec
import pytest

from settings import Settings, load

ROOT = Path(__file__).parents[2]
LINES = dict(
    re.findall(r"^#([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
)
OF_COMPOSE = {"POSTGRES_PASSWORD", "POSTGRES_IMAGE", "REDIS_IMAGE", "PYTHON_IMAGE"}
EXAMPLES = {
    *("DATABASE_URL", "REDIS_URL"),
    *("MARQUEE_PROVIDERS", "MARQUEE_LLM_FALLBACKS", "MARQUEE_LLM_PRICES"),
}
"""They show what could stand there; without them there is nothing."""

FIELDS = msgspec.structs.fields(Settings)
PLAIN = ("database_url", "redis_url", "port", "llm_base_url", "llm_model", "llm_api_key")


def variable(name: str) -> str:
    return name.upper() if name in PLAIN else f"MARQUEE_{name.upper()}"


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(LINES) - OF_COMPOSE == {variable(field.name) for field in FIELDS}


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    shown = {name: text for name, text in LINES.items() if name not in OF_COMPOSE | EXAMPLES}
    assert load(shown, tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_could_stand_there_would_be_understood(name: str, tmp_path: Path) -> None:
    text = LINES[name].strip("'")
    assert load({name: text}, tmp_path / "none.toml") != Settings()


def test_containers_are_given_every_setting_but_the_folder_of_a_home() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    named = {variable(field.name) for field in FIELDS} - {"MARQUEE_HOME"}
    assert {each for each in named if not re.search(rf"\b{each}\b", compose)} == set()

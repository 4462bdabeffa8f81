"""Where settings come from, which wins, and what stops the start."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

import settings as configuration
from contexts.events.application.ports import Provider
from settings import Settings, SettingsError, without_password
from shared.application.language_model import ModelServer

DATABASE = "postgresql://marquee:s3cret@db:5432/marquee"
REDIS = "redis://:s3cret@cache:6379/0"
SERVERS = {"DATABASE_URL": DATABASE, "REDIS_URL": REDIS}


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "marquee.toml"
        file.write_text(text, "utf-8")
        return file

    return write


def load(environment: dict[str, str] | None = None, file: Path | None = None) -> Settings:
    return configuration.load(environment or {}, file or Path("/nowhere/marquee.toml"))


def refusal(environment: dict[str, str] | None = None, file: Path | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        load(environment, file)
    said = str(raised.value)
    assert "\n" not in said
    assert "s3cret" not in said
    return said


def test_everything_but_the_servers_has_a_default() -> None:
    assert load() == Settings()
    loaded = load(SERVERS)
    assert (loaded.database(), loaded.redis(), loaded.port) == (DATABASE, REDIS, 8000)


@pytest.mark.parametrize(("variable", "ask"), [("DATABASE_URL", 0), ("REDIS_URL", 1)])
def test_a_server_that_is_needed_and_not_set_is_asked_for_by_its_variable(
    variable: str, ask: int
) -> None:
    loaded = load({name: url for name, url in SERVERS.items() if name != variable})
    with pytest.raises(SettingsError, match=f"{variable}: is not set; expected something like"):
        (loaded.database, loaded.redis)[ask]()


def test_variables_are_read_by_the_type_of_their_setting() -> None:
    loaded = load(
        {
            "PORT": "9000",
            "MARQUEE_HOST": "0.0.0.0",
            "MARQUEE_TICK_SECONDS": "0.25",
            "MARQUEE_LOG_LEVEL": "debug",
            "MARQUEE_MAX_BODY_BYTES": "1000",
        }
    )
    assert (loaded.port, loaded.host, loaded.tick_seconds) == (9000, "0.0.0.0", 0.25)
    assert (loaded.log_level, loaded.max_body_bytes) == ("debug", 1000)


def test_the_file_is_read_by_the_names_of_the_settings(toml: Callable[[str], Path]) -> None:
    file = toml(f'database_url = "{DATABASE}"\nport = 9000\ntick_seconds = 2\n')
    loaded = load({}, file)
    assert (loaded.database_url, loaded.port, loaded.tick_seconds) == (DATABASE, 9000, 2.0)


def test_a_variable_wins_over_the_file_unless_it_is_empty(toml: Callable[[str], Path]) -> None:
    file = toml('port = 9000\nlog_level = "error"\n')
    loaded = load({"PORT": "9001", "MARQUEE_LOG_LEVEL": ""}, file)
    assert (loaded.port, loaded.log_level) == (9001, "error")


def test_the_file_may_lie_elsewhere_but_then_it_has_to_be_there(
    toml: Callable[[str], Path], tmp_path: Path
) -> None:
    file = toml("port = 9000\n")
    assert configuration.load({"MARQUEE_CONFIG": str(file)}).port == 9000
    with pytest.raises(SettingsError, match="MARQUEE_CONFIG: there is no file"):
        configuration.load({"MARQUEE_CONFIG": str(tmp_path / "gone.toml")})


def test_a_file_that_is_no_toml_is_refused(toml: Callable[[str], Path], tmp_path: Path) -> None:
    assert refusal({}, toml("port = ")).startswith(f"{tmp_path / 'marquee.toml'}: ")
    assert refusal({}, tmp_path).startswith(f"{tmp_path}: ")


def test_unknown_settings_are_refused_with_those_that_are_known(
    toml: Callable[[str], Path],
) -> None:
    said = refusal({"MARQUEE_PROT": "1"})
    assert said.startswith("MARQUEE_PROT: unknown setting; known are DATABASE_URL, LLM_API_KEY, ")
    assert refusal({"MARQUEE_PORT": "1"}).startswith("MARQUEE_PORT: unknown setting")
    assert refusal({"MARQUEE_DATABASE_URL": DATABASE}).startswith("MARQUEE_DATABASE_URL: unknown")
    assert refusal({"MARQUEE_LLM_MODEL": "m"}).startswith("MARQUEE_LLM_MODEL: unknown setting")
    assert "unknown setting 'prot'; known are database_url, " in refusal({}, toml("prot = 1"))
    assert load({"HOME": "/root", "MARQUEE_CONFIG": "", "MARQUEE_TEST_SERVERS": "x"}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PORT", "http", "PORT: Expected `int`, got `str`"),
        ("PORT", "0", "PORT: Expected `int` >= 1"),
        ("PORT", "65536", "PORT: Expected `int` <= 65535"),
        ("MARQUEE_METRICS_PORT", "-1", "MARQUEE_METRICS_PORT: Expected `int` >= 0"),
        ("MARQUEE_LOG_LEVEL", "loud", "MARQUEE_LOG_LEVEL: Invalid enum value 'loud'"),
        ("MARQUEE_TICK_SECONDS", "0", "MARQUEE_TICK_SECONDS: Expected `float` > 0.0"),
        ("MARQUEE_TICK_SECONDS", "nan", "MARQUEE_TICK_SECONDS: Expected `float`"),
        ("MARQUEE_TICK_SECONDS", "inf", "MARQUEE_TICK_SECONDS: Expected `float` <= "),
        ("MARQUEE_DATABASE_CONNECTIONS", "1.5", "MARQUEE_DATABASE_CONNECTIONS: Expected `int`"),
        ("DATABASE_URL", "s3cret", "DATABASE_URL: expected a URL that begins with postgresql://"),
        ("MARQUEE_CURSOR_SECRET", "s3cret", "Expected `str` of length >= 16"),
        ("DATABASE_URL", "mysql://u:s3cret@h/d", "expected a URL that begins with postgresql://"),
        ("DATABASE_URL", "host=h password=s3cret", "DATABASE_URL: expected a URL"),
        ("REDIS_URL", "http://:s3cret@h", "REDIS_URL: expected a URL that begins with redis://"),
        ("REDIS_URL", "redis:s3cret", "REDIS_URL: expected a URL that begins with redis://"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_variable(
    variable: str, value: str, said: str
) -> None:
    assert said in refusal({variable: value})


def test_a_value_in_the_file_is_not_guessed_at(toml: Callable[[str], Path]) -> None:
    file = toml("tick_seconds = true\n")
    assert refusal({}, file) == f"tick_seconds in {file}: Expected `float`, got `bool`"


PROVIDER = '{"url": "https://u:s3cret@feeds.example.com/a.xml?key=s3cret", "interval": 60}'


def test_providers_are_set_up_alike_in_the_file_and_in_the_environment(
    toml: Callable[[str], Path],
) -> None:
    file = toml(
        "[providers.acme]\n"
        'url = "https://u:s3cret@feeds.example.com/a.xml?key=s3cret"\ninterval = 60\n'
    )
    url = "https://u:s3cret@feeds.example.com/a.xml?key=s3cret"
    expected = {"acme": Provider("acme", url, interval=60.0)}
    assert load({}, file).providers == expected
    assert load({"MARQUEE_PROVIDERS": f'{{"acme": {PROVIDER}}}'}).providers == expected
    assert load({"MARQUEE_PROVIDERS": "{}"}, file).providers == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "MARQUEE_PROVIDERS: not JSON"),
        ("[]", "MARQUEE_PROVIDERS: expected a table for each provider, by name"),
        ('{"acme": 1}', "MARQUEE_PROVIDERS: expected a table for each provider, by name"),
        ('{"a b": {}}', "provider 'a b': name: Expected `str` matching regex"),
        ('{"acme": {"Url": "s3cret"}}', "unknown field `Url`"),
        ('{"acme": {"interval": 0.5}}', "provider 'acme': interval: Expected `float` >= 1.0"),
        ('{"acme": {"format": "csv"}}', "provider 'acme': format: Invalid enum value 'csv'"),
        ('{"acme": {"max_shrink": 2}}', "provider 'acme': max_shrink: Expected `float` <= 1.0"),
        ('{"acme": {"timezone": "Mars"}}', "provider 'acme': 'Mars' is not an IANA time zone"),
        ('{"acme": {"url": "http://[s3cret"}}', "provider 'acme': url: "),
    ],
)
def test_a_provider_that_makes_no_sense_is_refused_by_its_name(text: str, said: str) -> None:
    assert said in refusal({"MARQUEE_PROVIDERS": text})


def test_secrets_are_never_shown() -> None:
    loaded = load({**SERVERS, "MARQUEE_PROVIDERS": f'{{"acme": {PROVIDER}}}'})
    forms = [repr(loaded), str(loaded), f"{loaded}", pretty_repr(loaded), str(loaded.shown())]
    for form in forms:
        assert "s3cret" not in form
        assert "postgresql://marquee:***@db:5432/marquee" in form
        assert "https://feeds.example.com/a.xml" in form
    assert load(SERVERS).shown().keys() == set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, None),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("postgresql://u:p@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:p@s/s@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=p&x=1", "postgresql://h/d?user=u&password=***&x=1"),
        ("redis://:p@h:6379/0", "redis://:***@h:6379/0"),
        ("redis://h?PASSWORD=p", "redis://h?PASSWORD=***"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
    ],
)
def test_a_url_is_shown_without_its_password_also_when_it_is_broken(
    url: str | None, shown: str | None
) -> None:
    assert without_password(url) == shown


def test_the_secret_of_cursors_is_not_shown() -> None:
    loaded = load({"MARQUEE_CURSOR_SECRET": "s3cret-s3cret-s3cret"})
    assert loaded.cursor_secret == "s3cret-s3cret-s3cret"
    assert loaded.shown()["cursor_secret"] == "***"
    assert load().shown()["cursor_secret"] is None
    for form in (repr(loaded), pretty_repr(loaded)):
        assert "s3cret" not in form


MODEL = {
    "LLM_MODEL": "small",
    "LLM_BASE_URL": "https://u:s3cret@models.example.com/v1",
    "LLM_API_KEY": "s3cret",
}
FALLBACK = '{"model": "other", "base_url": "http://u:s3cret@10.0.0.1/v1", "api_key": "s3cret"}'


def test_models_are_set_up_alike_in_the_file_and_in_the_environment(
    toml: Callable[[str], Path],
) -> None:
    file = toml(
        'llm_model = "small"\nllm_base_url = "https://u:s3cret@models.example.com/v1"\n'
        'llm_api_key = "s3cret"\n[llm_prices]\nsmall = [0.5, 2]\n[[llm_fallbacks]]\n'
        'model = "other"\nbase_url = "http://u:s3cret@10.0.0.1/v1"\napi_key = "s3cret"\n'
    )
    variables = {
        **MODEL,
        "MARQUEE_LLM_FALLBACKS": f"[{FALLBACK}]",
        "MARQUEE_LLM_PRICES": '{"small": [0.5, 2]}',
    }
    for loaded in (load({}, file), load(variables)):
        assert loaded.llm_prices == {"small": (0.5, 2.0)}
        assert loaded.model_servers() == (
            ModelServer(model="small", base_url=MODEL["LLM_BASE_URL"], api_key="s3cret"),
            ModelServer(model="other", base_url="http://u:s3cret@10.0.0.1/v1", api_key="s3cret"),
        )


def test_without_a_model_there_is_none_to_ask() -> None:
    assert load().model_servers() == ()


@pytest.mark.parametrize("alone", ["LLM_BASE_URL", "LLM_API_KEY"])
def test_a_model_is_found_by_its_server_or_by_a_key_of_openai(alone: str) -> None:
    (server,) = load({"LLM_MODEL": "small", alone: MODEL[alone]}).model_servers()
    assert (server.base_url or server.api_key) == MODEL[alone]
    assert f"LLM_MODEL: is not set, but {alone} is" in refusal({alone: MODEL[alone]})


def test_a_model_that_nobody_could_find_stops_the_start() -> None:
    assert "neither LLM_BASE_URL nor" in refusal({"LLM_MODEL": "small"})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LLM_BASE_URL", "s3cret", "LLM_BASE_URL: expected a URL that begins with https://"),
        ("LLM_API_KEY", "s3cret\n", "LLM_API_KEY: Expected `str` matching regex"),
        ("MARQUEE_LLM_RETRIES", "-1", "MARQUEE_LLM_RETRIES: Expected `int` >= 0"),
        ("MARQUEE_LLM_CONCURRENCY", "0", "MARQUEE_LLM_CONCURRENCY: Expected `int` >= 1"),
        ("MARQUEE_LLM_PRICES", "{", "MARQUEE_LLM_PRICES: not JSON"),
        ("MARQUEE_LLM_PRICES", '{"small": [1]}', "Expected `array` of length 2"),
        ("MARQUEE_LLM_PRICES", '{"small": [1, -1]}', "Expected `float` >= 0.0"),
        ("MARQUEE_LLM_FALLBACKS", "{}", "MARQUEE_LLM_FALLBACKS: Expected `array`"),
        ("MARQUEE_LLM_FALLBACKS", '[{"key": "s3cret"}]', "[0]: Object contains unknown field"),
        ("MARQUEE_LLM_FALLBACKS", '[{"model": 1}]', "[0].model: Expected `str`, got `int`"),
        ("MARQUEE_LLM_FALLBACKS", '[{"model": "m"}]', "llm_fallbacks: 'm' needs a base_url"),
        (
            "MARQUEE_LLM_FALLBACKS",
            '[{"model": "m", "base_url": "s3cret"}]',
            "llm_fallbacks: 'm': base_url: expected a URL that begins with https://",
        ),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(variable: str, value: str, said: str) -> None:
    assert said in refusal({**MODEL, variable: value})


def test_keys_of_models_are_not_shown() -> None:
    loaded = load({**MODEL, "MARQUEE_LLM_FALLBACKS": f"[{FALLBACK}]"})
    forms = (repr(loaded), pretty_repr(loaded), repr(loaded.model_servers()))
    for form in (*forms, str(loaded.shown()), pretty_repr(loaded.model_servers())):
        assert "s3cret" not in form
    shown = loaded.shown()
    assert shown["llm_api_key"] == "***"
    assert shown["llm_base_url"] == "https://u:***@models.example.com/v1"
    (other,) = shown["llm_fallbacks"]
    assert other == {"model": "other", "base_url": "http://u:***@10.0.0.1/v1", "api_key": "***"}
    assert load().shown()["llm_api_key"] is None


FIRST_KEY, SECOND_KEY = f"a:{'s3cret-' * 6}A", f"b-2_:{'B' * 43}"


def test_key_encryption_keys_are_read_by_id_in_their_order(toml: Callable[[str], Path]) -> None:
    both = f"{FIRST_KEY}, {SECOND_KEY}="
    for loaded in (
        load({"MARQUEE_KEY_ENCRYPTION_KEYS": both}),
        load({}, toml(f'key_encryption_keys = "{both}"\n')),
    ):
        keys = loaded.encryption_keys()
        assert list(keys) == ["a", "b-2_"]
        assert {len(key) for key in keys.values()} == {32}
        assert loaded.shown()["key_encryption_keys"] == "***"
        for form in (repr(loaded), pretty_repr(loaded), str(loaded.shown())):
            assert "s3cret" not in form


def test_without_a_key_it_is_said_how_to_make_one() -> None:
    assert load().shown()["key_encryption_keys"] is None
    with pytest.raises(SettingsError) as raised:
        load().encryption_keys()
    assert str(raised.value) == (
        "MARQUEE_KEY_ENCRYPTION_KEYS: is not set; expected something like the line that "
        "`marquee keys new` prints"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("s3cret", "expected ID:KEY"),
        (",", "expected ID:KEY"),
        (f"{FIRST_KEY},", "expected ID:KEY"),
        (f"{FIRST_KEY}A", "expected ID:KEY"),
        (FIRST_KEY[:-1], "expected ID:KEY"),
        (FIRST_KEY.replace("-", "+"), "expected ID:KEY"),
        (FIRST_KEY[1:], "expected ID:KEY"),
        (f"{'i' * 33}{FIRST_KEY[1:]}", "expected ID:KEY"),
        (f"ä{FIRST_KEY}", "expected ID:KEY"),
        (f"{FIRST_KEY},{FIRST_KEY}", "two keys go by the id 'a'"),
    ],
)
def test_key_encryption_keys_that_make_no_sense_are_refused_and_not_told(
    value: str, said: str
) -> None:
    assert refusal({"MARQUEE_KEY_ENCRYPTION_KEYS": value}).startswith(
        f"MARQUEE_KEY_ENCRYPTION_KEYS: {said}"
    )

"""Every setting there is: from the environment, then from marquee.toml, then the default here."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from contexts.events.application.ports import Provider, public_url
from shared.application.encryption_keys import read_keys
from shared.application.language_model import ApiKey, ModelServer
from shared.domain.timezones import is_timezone

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Dollars = Annotated[float, msgspec.Meta(ge=0, le=1e6)]

_PLAIN = ("database_url", "redis_url", "port", "llm_base_url", "llm_model", "llm_api_key")
"""Settings whose variable has no prefix, as everybody expects of them."""

_SCHEMES = {
    "database_url": ("postgresql", "postgres"),
    "redis_url": ("redis", "rediss"),
    "llm_base_url": ("https", "http"),
}
_TABLES = {"llm_fallbacks", "llm_prices"}
"""Settings that are JSON in the environment; so are the providers."""

_OTHERS = ("MARQUEE_CONFIG", "MARQUEE_TEST_SERVERS")
"""Variables that are read elsewhere: the path of marquee.toml, and what the tests run on."""

_USER_PASSWORD = re.compile(r"(://[^:@/?]*:).*@", re.DOTALL)
_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&#]*", re.IGNORECASE)


class SettingsError(Exception):
    """Names the setting, what is wrong with it and what is expected, in one line."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is set by the variable MARQUEE_NAME; database_url, redis_url and port by theirs.

    Times are in seconds, sizes in bytes.
    """

    database_url: str | None = None
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: Port = 8000
    home: str = ".marquee"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Where a worker serves its metrics; 0: nowhere."""
    broker_namespace: str = "marquee"
    database_connections: Count = 10
    connect_seconds: Positive = 5.0
    statement_seconds: Positive = 15.0
    cursor_secret: Annotated[str, msgspec.Meta(min_length=16, max_length=1_000)] | None = None
    """What the cursors of lists are signed with; None: something that only this log has."""
    key_encryption_keys: str | None = None
    """`id:key`, with commas between: the first wraps the keys of people, and all unwrap them."""
    tick_seconds: Positive = 1.0
    """How often workers look for events and feeds that nobody told them of."""
    ready_lag_seconds: Positive = 30.0
    """A projection further behind than this makes /health/ready fail."""
    min_position_seconds: Positive = 2.0
    """How long a query waits for the position that it is to reach (Min-Log-Position)."""
    max_body_bytes: Count = 1_000_000
    idempotency_hours: Positive = 24.0
    """How long the answer to a command is kept for whoever sends it again."""
    feed_connect_seconds: Positive = 5.0
    feed_read_seconds: Positive = 20.0
    feed_total_seconds: Positive = 300.0
    feed_max_bytes: Count = 2_000_000_000
    upload_max_bytes: Count = 10_000_000_000
    question_seconds: Positive = 60.0
    """How long a question may take, with all that is tried for it."""
    query_seconds: Positive = 10.0
    query_rows: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    """Rows of an answer; where there are more it says so."""
    query_cost: Positive = 20_000_000.0
    """A query that PostgreSQL expects to cost more than this is not run."""
    confirm_below: Annotated[float, msgspec.Meta(ge=0, le=1.1)] = 0.85
    """A model is asked as well where the offline planner is less sure than this (0 to 1)."""
    providers: dict[str, Provider] = {}
    llm_base_url: str | None = None
    """Of any server that speaks OpenAI's chat completions; None: of OpenAI."""
    llm_model: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    llm_api_key: ApiKey | None = None
    llm_fallbacks: tuple[ModelServer, ...] = ()
    """Models that are asked when those before them can't answer."""
    llm_timeout_seconds: Positive = 60.0
    """How long one request to models may take, with all that is tried for it."""
    llm_connect_seconds: Positive = 5.0
    llm_retries: Annotated[int, msgspec.Meta(ge=0, le=20)] = 3
    llm_max_retry_after_seconds: Positive = 20.0
    """A model that wants to be left alone for longer than this is not waited for."""
    llm_concurrency: Count = 8
    """Calls of one model at once, over all processes."""
    llm_requests_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Calls of one model in a minute, over all processes; 0: any number."""
    llm_cache_seconds: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 86_400.0
    """How long replies are kept to questions that always have the same one; 0: they are not."""
    llm_prices: dict[str, tuple[Dollars, Dollars]] = {}
    """By model, US dollars for a million tokens read, and written."""
    llm_max_output_tokens: Count = 2_000
    llm_context_tokens: Annotated[int, msgspec.Meta(ge=4_000)] = 16_000
    """What a model is told at most in one call of a conversation, its reply included."""
    messages_per_day: Annotated[int, msgspec.Meta(ge=0)] = 500
    """Messages that each caller may have answered in a day (UTC); 0: any number."""
    tokens_per_day: Annotated[int, msgspec.Meta(ge=0)] = 200_000
    """Tokens of models that this may take; 0: any number."""
    chat_seconds: Positive = 120.0
    """How long `POST /chat/message` waits for the answer."""
    run_seconds: Positive = 300.0
    """How long the answer to a message may take, with all that is tried for it."""
    runs_at_once: Count = 200
    """Messages that a worker answers side by side."""
    llm_titles: bool = True
    """Whether a model names conversations that nobody named."""
    llm_rephrase: bool = True
    """Whether a model may say the analysis of an answer in its words; the numbers stay ours."""

    def database(self) -> str:
        return _needed("DATABASE_URL", self.database_url, "postgresql://user:password@host/name")

    def redis(self) -> str:
        return _needed("REDIS_URL", self.redis_url, "redis://host:6379/0")

    def encryption_keys(self) -> dict[str, bytes]:
        """The key encryption keys by id, the one that wraps first."""
        example = "the line that `marquee keys new` prints"
        return read_keys(
            _needed(_variable("key_encryption_keys"), self.key_encryption_keys, example)
        )

    def model_servers(self) -> tuple[ModelServer, ...]:
        """In the order in which they are asked; none where no model is set up."""
        if self.llm_model is None:
            return self.llm_fallbacks
        first = ModelServer(
            model=self.llm_model, base_url=self.llm_base_url, api_key=self.llm_api_key
        )
        return (first, *self.llm_fallbacks)

    def shown(self) -> dict[str, Any]:
        """Everything but the secrets."""
        values = msgspec.to_builtins(self)
        for name in _SCHEMES:
            values[name] = without_password(values[name])
        for name in ("cursor_secret", "key_encryption_keys", "llm_api_key"):
            values[name] = values[name] and "***"
        for server in values["llm_fallbacks"]:
            server["base_url"] = without_password(server["base_url"])
            server["api_key"] = server["api_key"] and "***"
        for name, provider in self.providers.items():
            values["providers"][name]["url"] = provider.url and public_url(provider.url)
        return dict(values)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self.shown().items())


def load(environment: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Read the settings; raise SettingsError for the first that is unknown or makes no sense."""
    environment = os.environ if environment is None else environment
    if file is None and (named := environment.get("MARQUEE_CONFIG")):
        file = Path(named)
        if not file.exists():
            raise SettingsError(f"MARQUEE_CONFIG: there is no file {named!r}")
    file = file or Path("marquee.toml")
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    found: dict[str, tuple[str, Any]] = {}
    for name, value in _file(file).items():
        if name not in fields:
            raise SettingsError(f"{file}: unknown setting {name!r}; known are {', '.join(fields)}")
        found[name] = (f"{name} in {file}", value)
    variables = {_variable(name): name for name in fields}
    for variable, text in environment.items():
        if variable in variables and text != "":
            found[variables[variable]] = (variable, text)
        elif variable.startswith("MARQUEE_") and variable not in (*variables, *_OTHERS):
            raise SettingsError(
                f"{variable}: unknown setting; known are {', '.join(sorted(variables))}"
            )
    loaded = Settings(**{n: _value(fields[n].type, *each, n) for n, each in found.items()})
    _must_fit_together(loaded)
    return loaded


def without_password(url: str | None) -> str | None:
    """The URL as it may be shown, also when it is broken."""
    if url is None:
        return None
    return _PASSWORD.sub(r"\1***", _USER_PASSWORD.sub(r"\1***@", url))


def _file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None


def _value(kind: Any, source: str, value: Any, name: str) -> Any:
    if name == "providers":
        return _providers(source, value)
    if name in _TABLES:
        value = _decoded(source, value)
    try:
        value = msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {_said(error)}") from None
    if name in _SCHEMES and not value.startswith(tuple(f"{each}://" for each in _SCHEMES[name])):
        raise SettingsError(f"{source}: expected a URL that begins with {_SCHEMES[name][0]}://")
    if name == "key_encryption_keys":
        _must_be_keys(source, value)
    return value


def _must_be_keys(source: str, value: str) -> None:
    try:
        read_keys(value)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from None


def _providers(source: str, value: Any) -> dict[str, Provider]:
    value = _decoded(source, value)
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise SettingsError(f"{source}: expected a table for each provider, by name")
    providers = {}
    for name, table in value.items():
        where = f"{source}, provider {name!r}"
        try:
            provider = msgspec.convert({**table, "name": name}, Provider)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {_said(error)}") from None
        if not is_timezone(provider.timezone):
            raise SettingsError(f"{where}: {provider.timezone!r} is not an IANA time zone")
        try:
            public_url(provider.url or "")
        except ValueError as error:
            raise SettingsError(f"{where}: url: {error}") from None
        providers[name] = provider
    return providers


def _decoded(source: str, value: Any) -> Any:
    """What is JSON in the environment, and as it is in the file."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{source}: not JSON: {error}") from None


def _must_fit_together(loaded: Settings) -> None:
    """Raise SettingsError for models that can't be asked with what is known of them."""
    if loaded.llm_model is None:
        for name in ("llm_base_url", "llm_api_key"):
            if getattr(loaded, name) is not None:
                raise SettingsError(f"LLM_MODEL: is not set, but {name.upper()} is; name a model")
    elif loaded.llm_base_url is None and loaded.llm_api_key is None:
        raise SettingsError(
            "LLM_MODEL: is set, but neither LLM_BASE_URL nor, for a model of OpenAI, LLM_API_KEY"
        )
    for server in loaded.llm_fallbacks:
        if server.base_url is None and server.api_key is None:
            raise SettingsError(
                f"llm_fallbacks: {server.model!r} needs a base_url or, with OpenAI, an api_key"
            )
        if server.base_url is not None and not server.base_url.startswith(("https://", "http://")):
            raise SettingsError(
                f"llm_fallbacks: {server.model!r}: base_url: expected a URL that begins with https://"
            )


def _said(error: msgspec.ValidationError) -> str:
    """What is wrong, with the field where it is one of several, and never with the value."""
    what, _, where = str(error).partition(" - at `$")
    where = where.strip("`").removeprefix(".")
    return f"{where}: {what}" if where else what


def _variable(name: str) -> str:
    return name.upper() if name in _PLAIN else f"MARQUEE_{name.upper()}"


def _needed(variable: str, value: str | None, example: str) -> str:
    if value is None:
        raise SettingsError(f"{variable}: is not set; expected something like {example}")
    return value

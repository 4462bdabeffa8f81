"""Where the servers are, and the keys to what they hold: as set, or those of `marquee up` here."""

from pathlib import Path

import msgspec

from cli.home_key import kept_keys
from embedded import running
from settings import Settings, SettingsError


def with_servers(settings: Settings) -> Settings:
    """The settings with both URLs; raise SettingsError when there is nothing to connect to.

    The keys of a home belong to its PostgreSQL, and are used for no other.
    """
    if settings.database_url and settings.redis_url:
        return settings
    found = running(Path(settings.home))
    if found is None:
        raise SettingsError(
            f"nothing is running in {settings.home}: start it with `make run`, "
            "or set DATABASE_URL and REDIS_URL"
        )
    keys = settings.key_encryption_keys
    if keys is None and settings.database_url is None:
        keys = kept_keys(Path(settings.home))
    return msgspec.structs.replace(
        settings,
        key_encryption_keys=keys,
        database_url=settings.database_url or found.database_url,
        redis_url=settings.redis_url or found.redis_url,
    )

"""Where the servers are: as set, or those that `marquee up` is running in this folder."""

from pathlib import Path

import msgspec

from embedded import running
from settings import Settings, SettingsError


def with_servers(settings: Settings) -> Settings:
    """The settings with both URLs; raise SettingsError when there is nothing to connect to."""
    if settings.database_url and settings.redis_url:
        return settings
    found = running(Path(settings.home))
    if found is None:
        raise SettingsError(
            f"nothing is running in {settings.home}: start it with `make run`, "
            "or set DATABASE_URL and REDIS_URL"
        )
    return msgspec.structs.replace(
        settings,
        database_url=settings.database_url or found.database_url,
        redis_url=settings.redis_url or found.redis_url,
    )

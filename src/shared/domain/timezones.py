"""Time zones by their names in the IANA database."""

from functools import cache
from zoneinfo import available_timezones


def is_timezone(name: str) -> bool:
    """Whether the IANA database knows a zone by this name."""
    return name in _timezones()


@cache
def _timezones() -> frozenset[str]:
    """Asked of the disk once: it takes tens of milliseconds."""
    return frozenset(available_timezones())
